"""BART's dimensions mean what BART says; other uses of the file are stated."""

import numpy as np
import pytest

from monai_gan_recon.io import read_raw
from tests.io.conftest import fourier, objects


@pytest.mark.parametrize("suffix", [".cfl", ".hdr", ""])
def test_either_file_or_their_common_name(write_cfl, kspace, suffix):
    path = write_cfl("k.space.cfl", kspace[0].transpose(1, 2, 0)[:, :, None]).with_suffix("")
    np.testing.assert_array_equal(read_raw(path.with_name(path.name + suffix)).kspace, kspace[:1])


def test_two_phase_encodings_are_slices_across_the_readout(write_cfl, kspace):
    scan = read_raw(write_cfl("a.cfl", kspace[0].transpose(1, 2, 0)[None]))
    np.testing.assert_array_equal(scan.kspace, kspace[:1])
    assert not scan.readout


def test_three_dimensional_kspace_is_not_taken_for_slices(write_cfl):
    image = objects(2, 20, 32, 24)
    path = write_cfl("a.cfl", fourier(image, axes=(1, 2, 3)).transpose(1, 2, 3, 0))
    with pytest.raises(ValueError, match="readout,phase1,phase2,coils"):
        read_raw(path)
    scan = read_raw(path, "readout,phase1,phase2,coils")
    np.testing.assert_allclose(scan.kspace, fourier(image).transpose(1, 0, 2, 3), atol=1e-5)


def test_header_and_data_that_disagree(write_cfl, kspace, tmp_path):
    path = write_cfl("a.cfl", kspace[0].transpose(1, 2, 0)[:, :, None])
    header = path.with_suffix(".hdr")
    header.write_text("# Dimensions\n32 25 1 4\n")
    with pytest.raises(ValueError, match=r"a\.cfl"):
        read_raw(path)
    header.write_text("# Dimensions\nthirty-two\n")
    with pytest.raises(ValueError, match=r"a\.cfl"):
        read_raw(path)
    header.write_text("# Dimensions\n\n32 24 1 4\n")
    with pytest.raises(ValueError, match="dimensions"):
        read_raw(path)
    header.unlink()
    with pytest.raises(FileNotFoundError, match=r"a\.hdr"):
        read_raw(path)


def test_sets_of_maps_are_no_scan(write_cfl, kspace):
    with pytest.raises(ValueError, match="dimension 4"):
        read_raw(write_cfl("a.cfl", kspace.transpose(2, 3, 1, 0)[:, :, None]))
