"""Freed memory is kept, where the system's library can."""

import subprocess
import sys

import pytest
import torch

from monai_gan_recon.engines import keep_freed_memory
from monai_gan_recon.engines.runtime import autocast

FAULTS = """
import resource, torch
from monai_gan_recon.engines import keep_freed_memory
if {keep}:
    assert keep_freed_memory()
for _ in range(5):
    [torch.ones(3 << 20) for _ in range(6)]
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    [torch.ones(3 << 20) for _ in range(6)]
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc has the call")
def test_large_tensors_are_not_mapped_again():
    def faults(keep):
        code = FAULTS.format(keep=keep)
        return int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    assert faults(True) < 0.5 * faults(False)


def test_elsewhere_nothing_happens(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert keep_freed_memory() is False


@pytest.mark.parametrize(("size", "dtype"), [((256, 32), torch.float32), ((64, 64), torch.bfloat16)])
def test_narrow_images_are_computed_in_float32_on_a_cpu(size, dtype):
    with autocast(torch.zeros(1, 1, *size), bf16=True):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    with autocast(torch.zeros(1, 1, *size), bf16=False):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
