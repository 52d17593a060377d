"""Compressed transfer syntaxes, written by others, read back as the uncompressed series; a decoder that is missing."""

import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from monai_gan_recon.io import load_volume

PLUGINS = {RLELossless: None, JPEGLSLossless: "jpeg_ls", JPEG2000Lossless: "openjpeg"}
"""Transfer syntaxes that pydicom's plugins write, and what they need."""

DCMTK = {
    JPEGLosslessSV1: ["dcmcjpeg", "+e1"],
    JPEGLossless: ["dcmcjpeg", "+el"],
    JPEGLSLossless: ["dcmcjpls", "+el"],
    RLELossless: ["dcmcrle"],
    DeflatedExplicitVRLittleEndian: ["dcmconv", "+td"],
    ExplicitVRBigEndian: ["dcmconv", "+tb"],
    ImplicitVRLittleEndian: ["dcmconv", "+ti"],
}
"""What writes them in dcmtk."""


@pytest.fixture(params=[False, True], ids=["unsigned", "signed"])
def series(request, write_series):
    """Folder of a series with a slope, large enough for JPEG 2000, and its volume."""
    folder, values = write_series(RescaleSlope=2, RescaleIntercept=-7)
    shift = 2000 if request.param else 0
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        pixels = np.tile(dataset.pixel_array.astype(np.int16) - shift, (2, 2))
        if request.param:
            dataset.PixelRepresentation, dataset.BitsStored, dataset.HighBit = 1, 16, 15
        dataset.Rows, dataset.Columns = pixels.shape
        dataset.PixelData = pixels.tobytes()
        dataset.save_as(file)
    return folder, np.tile(values.astype(float) - shift, (1, 2, 2)).transpose(2, 1, 0) * 2 - 7


@pytest.mark.parametrize("syntax", PLUGINS, ids=lambda syntax: syntax.keyword)
def test_what_plugins_compress_reads_the_same(series, syntax):
    if PLUGINS[syntax]:
        pytest.importorskip(PLUGINS[syntax], reason="needs pip install 'monai-gan-recon[dicom]'")
    folder, expected = series
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.compress(syntax)
        dataset.save_as(file)
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], expected)


@pytest.mark.parametrize("series", [True], ids=["signed"], indirect=True)
@pytest.mark.parametrize("syntax", DCMTK, ids=lambda syntax: syntax.keyword)
def test_what_dcmtk_writes_reads_the_same(series, syntax):
    program, *words = DCMTK[syntax]
    if shutil.which(program) is None:
        pytest.skip(f"needs {program} (Debian: dcmtk)")
    if syntax.is_compressed and not get_decoder(syntax).is_available:
        pytest.skip("needs a decoder: pip install 'monai-gan-recon[dicom]'")
    folder, expected = series
    for file in sorted(folder.iterdir()):
        subprocess.run([program, *words, file, file], check=True, timeout=60, capture_output=True)
        assert pydicom.dcmread(file, stop_before_pixels=True).file_meta.TransferSyntaxUID == syntax
    np.testing.assert_array_equal(load_volume(folder).numpy()[0], expected)


@pytest.mark.parametrize("series", [False], ids=["unsigned"], indirect=True)
def test_a_missing_decoder_is_one_line_that_names_the_extra(series, monkeypatch):
    pytest.importorskip("jpeg_ls", reason="needs pip install 'monai-gan-recon[dicom]'")
    folder, _ = series
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.compress(JPEGLSLossless)
        dataset.save_as(file)
    monkeypatch.setattr(get_decoder(JPEGLSLossless), "_available", {})
    with pytest.raises(ValueError, match=r"monai-gan-recon\[dicom\]") as info:
        load_volume(folder)
    assert "\n" not in str(info.value)
    assert str(info.value).startswith(str(folder))


@pytest.mark.parametrize("series", [False], ids=["unsigned"], indirect=True)
def test_a_compressed_slice_that_is_cut_off_is_one_line(series):
    folder, _ = series
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.compress(RLELossless)
        dataset.save_as(file)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(ValueError, match=str(folder)) as info:
        load_volume(folder)
    assert "pip" not in str(info.value)


def test_decoders_that_fail_leave_nothing_in_a_log(write_series, caplog):
    folder, _ = write_series()
    for file in folder.iterdir():
        dataset = pydicom.dcmread(file)
        dataset.file_meta.TransferSyntaxUID = RLELossless
        dataset.PixelData = encapsulate([b"junk" * 10])
        dataset["PixelData"].is_undefined_length = True
        dataset.save_as(file)
    with pytest.raises(ValueError, match="cannot be decoded"):
        load_volume(folder)
    assert not caplog.records
