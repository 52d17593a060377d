"""Small MR objects, a storage peer in this process, and a job that needs no network."""

import socket
import threading
import time

import numpy as np
import pydicom
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid
from pynetdicom import AE, build_context, evt
from pynetdicom.sop_class import Verification

CONTEXTS = [build_context(MRImageStorage, ExplicitVRLittleEndian), build_context(Verification)]


def objects(count=4, series=None, size=18, values=None):
    """Parallel slices of a patient with a name."""
    series, study, frame = series or generate_uid(), generate_uid(), generate_uid()
    if values is None:
        values = np.random.default_rng(1).integers(0, 4000, (count, size, size + 2)).astype(np.uint16)
    result = []
    for index, value in enumerate(values):
        item = pydicom.Dataset()
        item.file_meta = pydicom.dataset.FileMetaDataset()
        item.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        item.SOPClassUID = item.file_meta.MediaStorageSOPClassUID = MRImageStorage
        item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        item.SeriesInstanceUID, item.StudyInstanceUID, item.FrameOfReferenceUID = series, study, frame
        item.PatientName, item.PatientID, item.Modality = "Doe^Jane", "ID-4711", "MR"
        item.PatientBirthDate, item.PatientSex, item.StudyID = "19700203", "O", "1"
        item.StudyDate, item.StudyTime, item.AccessionNumber = "20200304", "101500", ""
        item.SeriesNumber, item.InstanceNumber, item.MRAcquisitionType = 3, index + 1, "2D"
        item.ScanningSequence, item.SequenceVariant, item.ScanOptions = "SE", "NONE", ""
        item.ImageOrientationPatient = [1, 0, 0, 0, 0.8, -0.6]
        item.ImagePositionPatient = [-50, 20 + 2.4 * 0.6 * index, 7 + 2.4 * 0.8 * index]
        item.PixelSpacing, item.SliceThickness = [1.2, 0.8], 2.4
        item.Rows, item.Columns = value.shape
        item.SamplesPerPixel, item.PhotometricInterpretation = 1, "MONOCHROME2"
        item.BitsAllocated, item.BitsStored, item.HighBit, item.PixelRepresentation = 16, 12, 11, 0
        item.PixelData = value.tobytes()
        result.append(item)
    return result


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def until(condition, seconds=20.0):
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


class Archive:
    """A storage peer: what it was sent, and what it answers."""

    def __init__(self, port):
        self.port, self.received, self.status = port, [], 0x0000
        self._server = None

    def start(self, contexts=None):
        ae = AE("ARCHIVE")
        ae.supported_contexts = contexts or CONTEXTS
        self._server = ae.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_STORE, self._store)]
        )

    def stop(self):
        if self._server is not None:
            self._server.shutdown()

    def _store(self, event):
        if self.status == 0:
            dataset = event.dataset
            dataset.file_meta = event.file_meta
            self.received.append(dataset)
        return self.status


def send(port, items, aet="ARCHIVE", called="RECON", end="release", contexts=None):
    """Send objects (or bytes of one) to a node: statuses, or None if it was turned away."""
    ae = AE(aet)
    ae.requested_contexts = contexts or CONTEXTS
    association = ae.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return None
    statuses = [association.send_c_store(item).get("Status") for item in items]
    if end == "echo":
        statuses.append(association.send_c_echo().get("Status"))
    association.abort() if end == "abort" else association.release()
    return statuses


class Copy:
    """A job that makes the same series with other UIDs and names."""

    def __init__(self):
        self.failure, self.calls, self.hold = None, [], threading.Event()
        self.hold.set()

    def __call__(self, series, results):
        files = sorted(series.iterdir())
        self.calls.append(len(files))
        assert self.hold.wait(20)
        if self.failure is not None:
            raise self.failure
        uid = generate_uid()
        (results / "reconstruction").mkdir()
        for number, file in enumerate(files):
            item = pydicom.dcmread(file)
            if item.file_meta.TransferSyntaxUID.is_compressed:
                item.decompress()
            item.SeriesInstanceUID = uid
            item.SOPInstanceUID = item.file_meta.MediaStorageSOPInstanceUID = generate_uid()
            item.save_as(results / "reconstruction" / f"{number}.dcm", enforce_file_format=True)
        return []

    def stop(self):
        self.hold.set()
