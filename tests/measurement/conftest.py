"""Real slices and DAGAN's patterns, where the data folder is at hand."""

import nibabel
import numpy as np
import pytest
import scipy.io
import torch


@pytest.fixture(scope="session")
def oasis_slices(data_dir):
    """Coronal slices (n, 256, 256) in [0, 1] of four people, brain a tenth of the frame or more, columns left-right."""
    slices = []
    for person in (1101, 1104, 1110, 1116):
        image = nibabel.as_closest_canonical(nibabel.load(data_dir / "oasis_malc" / f"{person}_T1w.nii.gz"))
        volume = np.asarray(image.dataobj, dtype=np.float32)
        volume = (volume - volume.min()) / (volume.max() - volume.min())
        for position in range(20, volume.shape[1], 24):
            one = volume[::-1, position, ::-1].T
            if (one > 0.05).sum() < 0.1 * 256**2:
                continue
            low = [(256 - n) // 2 for n in one.shape]
            slices.append(np.pad(one, [(a, 256 - n - a) for a, n in zip(low, one.shape, strict=True)]))
    assert len(slices) > 10
    return torch.from_numpy(np.stack(slices))


@pytest.fixture(scope="session")
def dagan_mask(data_dir):
    """Function from 10, 20, 30, 40, 50 to DAGAN's Gaussian 1-D pattern of that nominal percentage."""

    def load(percent):
        content = scipy.io.loadmat(data_dir / "masks" / f"GaussianDistribution1DMask_{percent}.mat")
        return torch.from_numpy(content["maskRS1"] > 0)

    return load
