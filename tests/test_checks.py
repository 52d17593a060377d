import errno
import math
import os

import pytest
from monai.utils import instantiate

from monai_gan_recon import checks
from monai_gan_recon.errors import one_line

NO_NUMBERS = [True, None, "1", [1], {}, math.nan, math.inf, -math.inf, 1e31]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, -1, 1.0, 2.5, 10**10])
def test_counts(value):
    checks.check_counts(epochs=1, slices=10**9)
    with pytest.raises(ValueError, match="epochs"):
        checks.check_counts(slices=3, epochs=value)


def test_counts_have_bounds():
    checks.check_counts(0, 2, axis=0, other=2)
    for value in (-1, 3):
        with pytest.raises(ValueError, match="axis"):
            checks.check_counts(0, 2, axis=value)


@pytest.mark.parametrize("value", [*NO_NUMBERS, -1e-9])
def test_numbers(value):
    checks.check_numbers(weight=0, other=1e30)
    for check in (checks.check_numbers, checks.check_positive, checks.check_fractions):
        with pytest.raises(ValueError, match="weight"):
            check(weight=value)


def test_bounds_of_numbers():
    checks.check_fractions(share=0, other=1)
    with pytest.raises(ValueError, match="share"):
        checks.check_fractions(share=1.0001)
    with pytest.raises(ValueError, match="rate"):
        checks.check_positive(rate=0)


@pytest.mark.parametrize("value", [1, None, "x", [1], [2, 1], [0, 1], [1, math.nan], [True, 2], [1, 2, 3], {1: 2}])
def test_ranges(value):
    checks.check_range(snr=[3, 100], rates=(0.5, 0.5))
    with pytest.raises(ValueError, match="snr"):
        checks.check_range(snr=value)


@pytest.mark.parametrize("value", [-1, 2**63, 1e3, True, None, "0"])
def test_seeds(value):
    checks.check_seed(2**63 - 1)
    with pytest.raises(ValueError, match="seed"):
        checks.check_seed(value)


@pytest.mark.parametrize("value", [{}, {"c": 1}, None, [1], "a"])
def test_dictionaries_of_arguments(value):
    def function(a, b=1):
        return a, b

    checks.check_arguments("scan", {"a": 1}, function)
    with pytest.raises(ValueError, match="scan"):
        checks.check_arguments("scan", value, function)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 4e12 bytes"),
        RuntimeError("DefaultCPUAllocator: not enough memory"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
)
def test_a_lack_of_memory_is_one_line(error):
    assert "memory" in one_line(error)
    wrapped = RuntimeError("applying a transform")
    wrapped.__cause__ = error
    assert "memory" in one_line(wrapped)
    assert one_line(RuntimeError("a fault of ours")) is None


def test_options_that_a_library_refuses_are_one_line():
    for options, word in (({"features": [-16, 8, 8, 8, 8, 8]}, "-16"), ({"spatial_dims": 7}, "spatial_dims")):
        with pytest.raises(RuntimeError) as info:
            instantiate("monai.networks.nets.BasicUNet", "default", **{"spatial_dims": 2} | options)
        assert word in one_line(info.value)
    with pytest.raises(RuntimeError) as info:
        instantiate("monai_gan_recon.networks.ResNetCritic", "default", nothing=1)
    assert one_line(info.value) is None


def test_an_empty_path_is_not_the_current_folder():
    with pytest.raises(ValueError, match="''"):
        checks.home_expanded("")


def test_pipes_and_devices_are_no_input(tmp_path):
    os.mkfifo(tmp_path / "pipe.nii")
    for path in (tmp_path / "pipe.nii", "/dev/zero"):
        with pytest.raises(ValueError, match="pipe or a device"):
            checks.check_exists(path)
    (tmp_path / "pair.hdr").touch()
    assert checks.check_exists(tmp_path / "pair") == tmp_path / "pair"
