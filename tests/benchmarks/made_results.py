"""Results of cells without a training."""

import numpy as np

from benchmarks.paper_tables.grid import Cell
from monai_gan_recon.metrics.conventions import METRICS, conventions


def made_result(system="ours", size="64x128", rate=0.09375, track="replica", psnr=(30.0, 31.0), **changes):
    """A finished result with the given PSNR of each person; all other metrics are 0.01."""
    cell = Cell(system, size, rate, track)
    people = {f"p{i}": {"n_slices": 10, **dict.fromkeys(METRICS, 0.01), "psnr": value} for i, value in enumerate(psnr)}
    budget = {"slice_iterations": 800, "epochs": 8, "batch_size": 4, "training_seconds": 90.0}
    content = {
        "system": system, "status": "finished", "dataset": "oasis_malc", "track": track, "pattern": "gaussian1d",
        "rate": rate, "size": list(cell.shape), "plane": "coronal", "method": "reconstruction",
        "n_people": len(psnr), "n_slices": 10 * len(psnr), **{m: {"mean": 0.01, "ci95": 0.001} for m in METRICS},
        "psnr": {"mean": float(np.mean(psnr)), "ci95": 0.5}, "config_hash": "0123456789abcdef",
        "network_hash": "fedcba9876543210", "git_commit": "a" * 40, "training_seed": 0, "slice_step": 1,
        "budget": budget | {"test_seconds": 3.0, "threads": 1}, "device": "cpu", "parameters": 1234,
        "gflop_per_slice": 5.678, "validation_psnr": [20, 25, 27, 28, 28.5, 28.6, 28.61, 28.62],
        "people": people, "conventions": conventions(), "versions": {},
    }  # fmt: skip
    return content | changes
