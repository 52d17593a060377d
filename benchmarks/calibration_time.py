"""Time of the calibration steps of one slice of 8 coils at 256 x 256, on one core, beside sigpy's ESPIRiT.

python benchmarks/calibration_time.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from sigpy.mri.app import EspiritCalib

from monai_gan_recon.measurement import espirit_maps, estimate_noise_std, fft2c
from monai_gan_recon.simulation.coils import biot_savart_maps

SIZE = (256, 256)


def milliseconds(step: Callable[[], object], repeats: int) -> float:
    """Processor time of one call after a first one, the least of several."""
    step()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        step()
        times.append(time.process_time() - begin)
    return 1000 * min(times)


def main() -> None:
    """Print one line a step."""
    torch.set_num_threads(1)
    y, x = (torch.linspace(-1, 1, n) for n in SIZE)
    disc = ((y[:, None] / 0.8) ** 2 + (x / 0.7) ** 2 < 1).float()
    kspace = fft2c(biot_savart_maps(SIZE, 8) * disc)
    kspace = kspace + 0.01 * torch.randn(kspace.shape, dtype=kspace.dtype)
    mask = torch.ones(1, *SIZE, dtype=torch.bool)
    steps: dict[str, tuple[Callable[[], object], int]] = {
        "espirit_maps": (lambda: espirit_maps(kspace, mask, noise_std=0.01), 5),
        "estimate_noise_std": (lambda: estimate_noise_std(kspace, mask), 20),
        "sigpy EspiritCalib": (
            lambda: EspiritCalib(kspace.numpy(), calib_width=32, kernel_width=5, crop=0.8, show_pbar=False).run(),
            1,
        ),
    }
    for name, (step, repeats) in steps.items():
        print(f"{name:20} {milliseconds(step, repeats):8.1f} ms")


if __name__ == "__main__":
    main()
