"""Small scans whose truth is known, and files of them that the tests write."""

import h5py
import ismrmrd
import numpy as np
import pydicom
import pytest
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid


def fourier(image, axes=(-2, -1)):
    """Centred orthonormal transform, written out here so that the readers' own is not tested with itself."""
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(image, axes=axes), axes=axes, norm="ortho"), axes=axes)


def inverse(kspace, axes=(-2, -1)):
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(kspace, axes=axes), axes=axes, norm="ortho"), axes=axes)


def objects(*shape, seed=0):
    """Complex objects inside an ellipse that fills most of the last two axes; coils have their own phase and shade."""
    rng = np.random.default_rng(seed)
    h, w = (np.linspace(-1, 1, n) for n in shape[-2:])
    ellipse = (h[:, None] / 0.7) ** 2 + (w / 0.8) ** 2 < 1
    texture = rng.uniform(0.5, 1, shape)
    shade = np.exp(1j * rng.uniform(-1, 1, shape[:-2])[..., None, None] * (1 + h[:, None] + w))
    return (ellipse * texture * shade).astype(np.complex64)


@pytest.fixture
def kspace():
    """(3, 4, 32, 24): slices, coils, readout, phase encoding."""
    return fourier(objects(3, 4, 32, 24)).astype(np.complex64)


@pytest.fixture
def write_cfl(tmp_path):
    """Writer of BART's pair of files; dimensions are BART's own."""

    def write(name, array):
        path = tmp_path / name
        dimensions = " ".join(map(str, array.shape))
        path.with_suffix(".hdr").write_text(f"# Dimensions\n{dimensions}\n")
        array.astype(np.complex64).ravel(order="F").tofile(path.with_suffix(".cfl"))
        return path.with_suffix(".cfl")

    return write


def header(encoded, recon, fov, recon_fov, centres=None, trajectory="cartesian", mode=None, partitions=1):
    """An ISMRMRD header; all sizes (x, y, z)."""
    xsd = ismrmrd.xsd

    def space(size, lengths):
        return xsd.encodingSpaceType(
            matrixSize=xsd.matrixSizeType(**dict(zip("xyz", size, strict=True))),
            fieldOfView_mm=xsd.fieldOfViewMm(**dict(zip("xyz", map(float, lengths), strict=True))),
        )

    limits = xsd.encodingLimitsType()
    if centres is not None:
        limits.kspace_encoding_step_1 = xsd.limitType(minimum=0, maximum=encoded[1] - 1, center=centres[0])
        limits.kspace_encoding_step_2 = xsd.limitType(minimum=0, maximum=partitions - 1, center=centres[1])
    parallel = mode and xsd.parallelImagingType(
        accelerationFactor=xsd.accelerationFactorType(kspace_encoding_step_1=2, kspace_encoding_step_2=1),
        calibrationMode=xsd.calibrationModeType(mode),
    )
    encoding = xsd.encodingType(
        encodedSpace=space(encoded, fov),
        reconSpace=space(recon, recon_fov),
        encodingLimits=limits,
        trajectory=xsd.trajectoryType(trajectory),
        parallelImaging=parallel or None,
    )
    return xsd.ToXML(
        xsd.ismrmrdHeader(
            experimentalConditions=xsd.experimentalConditionsType(H1resonanceFrequency_Hz=123),
            encoding=[encoding],
        )
    ).encode()


def acquisition(data, flags=(), position=(0, 0, 0), directions=None, centre=None, **idx):
    """A readout (coils, samples), as the ismrmrd package makes it."""
    acq = ismrmrd.Acquisition.from_array(np.ascontiguousarray(data, np.complex64))
    acq.center_sample = data.shape[1] // 2 if centre is None else centre
    for flag in flags:
        acq.setFlag(flag)
    acq.position[:] = position
    if directions is not None:
        acq.read_dir[:], acq.phase_dir[:], acq.slice_dir[:] = directions
    for name, value in idx.items():
        setattr(acq.idx, name, value)
    return acq


def write_mrd(path, xml, acquisitions):
    with ismrmrd.Dataset(str(path)) as dataset:
        dataset.write_xml_header(xml)
        for acq in acquisitions:
            dataset.append_acquisition(acq)
    return path


def write_fastmri(path, kspace, **items):
    with h5py.File(path, "w") as file:
        file["kspace"] = kspace
        for name, value in items.items():
            file[name] = value
    return path


@pytest.fixture
def write_series(tmp_path):
    """Writer of an oblique DICOM series: 18 rows, 20 columns, slices 2.5 mm apart, file names shuffled."""

    def write(folder="series", slices=6, skip=(), series=None, pixels=True, reverse_numbers=False, **elements):
        directory = tmp_path / folder
        directory.mkdir(exist_ok=True)
        series = series or generate_uid()
        row = np.array([0.9, 0.3, -np.sqrt(1 - 0.9)])
        column = np.cross([0.2, -0.7, 0.5], row)
        column /= np.linalg.norm(column)
        normal = np.cross(row, column)
        values = np.random.default_rng(1).integers(0, 4000, (slices, 18, 20)).astype(np.uint16)
        for index in range(slices):
            if index in skip:
                continue
            dataset = pydicom.Dataset()
            dataset.file_meta = pydicom.dataset.FileMetaDataset()
            dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
            dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = MRImageStorage
            dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            dataset.SeriesInstanceUID = series
            dataset.PatientName, dataset.PatientID, dataset.Modality = "Doe^Jane", "ID-4711", "MR"
            dataset.InstanceNumber = slices - index if reverse_numbers else index + 1
            dataset.ImageOrientationPatient = [f"{v:.12f}" for v in (*row, *column)]
            position = np.array([-50.0, 20.0, 7.0]) + 2.5 * index * normal
            dataset.ImagePositionPatient = [f"{v:.10f}" for v in position]
            dataset.PixelSpacing, dataset.SliceThickness = [1.2, 0.8], 2.5
            dataset.Rows, dataset.Columns = 18, 20
            dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = (
                16,
                12,
                11,
                0,
            )
            if pixels:
                dataset.PixelData = values[index].tobytes()
            for name, value in elements.items():
                setattr(dataset, name, value)
            name = f"{(index * 7 + 3) % 17:02d}_{series[-6:]}.dcm"
            dataset.save_as(directory / name, enforce_file_format=True)
        return directory, values

    return write


def write_enhanced(folder, path):
    """The slices of a classic series as one enhanced image, slope, intercept and place in its functional groups."""
    slices = [pydicom.dcmread(file) for file in sorted(folder.iterdir())]
    enhanced = slices[0]
    pixels = b"".join(item.PixelData for item in slices)
    enhanced.SOPClassUID = enhanced.file_meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    frames = []
    for item in slices:
        frame, position, value = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = item.ImagePositionPatient
        value.RescaleSlope, value.RescaleIntercept = (
            item.get("RescaleSlope", 1),
            item.get("RescaleIntercept", 0),
        )
        frame.PlanePositionSequence, frame.PixelValueTransformationSequence = [position], [value]
        frames.append(frame)
    shared, measures, orientation = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, measures.SliceThickness = enhanced.PixelSpacing, enhanced.SliceThickness
    orientation.ImageOrientationPatient = enhanced.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    moved = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness")
    for name in (*moved, "RescaleSlope", "RescaleIntercept"):
        enhanced.pop(name, None)
    enhanced.SharedFunctionalGroupsSequence, enhanced.PerFrameFunctionalGroupsSequence = [shared], frames
    enhanced.NumberOfFrames, enhanced.PixelData = len(slices), pixels
    enhanced.save_as(path, enforce_file_format=True)
    return path
