"""Phantom heads with known tissues, a manifest of them, and a segmenter that needs no training."""

import json

import nibabel as nib
import numpy as np
import torch
from monai.data import MetaTensor

from monai_gan_recon.networks import UnrolledGenerator

SHAPE, SPACING = (40, 28, 44), (1.5, 2.0, 1.5)
TINY = {
    "network_def#layers": [1, 1],
    "network_def#width": 4,
    "network_def#cascades": 2,
    "network_def#cg_iterations": [5, 5],
}


def tissues(scale=1.0):
    """Nested ellipsoids: CSF outside, gray matter, white matter inside."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    radius = np.sqrt(sum(x**2 for x in axes))
    return sum((radius < scale * r).astype(np.uint8) for r in (0.9, 0.75, 0.5))


def head(labels, seed=0):
    noise = np.random.default_rng(seed).normal(0, 8, labels.shape)
    return np.where(labels > 0, 300.0 * labels + noise, 0).astype(np.float32)


def save(array, path, affine=None):
    nib.save(nib.Nifti1Image(array, np.diag([*SPACING, 1.0]) if affine is None else affine), path)


def write_manifest(folder, scans):
    """Scans of people: {"case": "person"}; returns the manifest's file."""
    entries = []
    for number, (case, person) in enumerate(scans.items()):
        labels = tissues(1 - 0.04 * number)
        save(head(labels, number), folder / f"{case}.nii.gz")
        save(labels, folder / f"{case}_labels.nii.gz")
        names = {"image": f"{case}.nii.gz", "label": f"{case}_labels.nii.gz"}
        entries.append({**names, "person": person})
    (folder / "phantoms.json").write_text(json.dumps({"name": "phantoms", "testing": entries}))
    return folder / "phantoms.json"


def write_weights(folder):
    torch.manual_seed(0)
    network = UnrolledGenerator(layers=(1, 1), width=4, stem="pixel_unshuffle", cascades=2, noise_layers=[1] * 4)
    torch.save(network.state_dict(), folder / "model.pt")
    return str(folder / "model.pt")


class ByThresholds:
    """A segmenter: CSF, gray and white matter at 300, 600 and 900; in the head's core only if that is asked for."""

    def __init__(self, core=False):
        self.core = core

    def same_scan(self, original):
        brain = original.as_tensor() > 450 if self.core else True
        return lambda image: MetaTensor(self(image).as_tensor() * brain, meta=image.meta)

    def __call__(self, image):
        plain = image.as_subclass(torch.Tensor)
        return MetaTensor(sum((plain > t).to(torch.uint8) for t in (150, 450, 750)), meta=image.meta)


by_thresholds = ByThresholds()
