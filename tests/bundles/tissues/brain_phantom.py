"""A small brain of three nested ellipsoids with known tissues, for the tests of the segmentation bundle."""

import hashlib
import json

import nibabel as nib
import numpy as np

SHAPE = (40, 44, 36)
LAS = np.diag([-1.0, 1.0, 1.0, 1.0])
BRIGHTNESS = {0: 0.0, 1: 300.0, 2: 600.0, 3: 900.0}
OBLIQUE = np.array([[-0.9, 0.13, 0.2, 40.0], [-0.15, -1.06, 0.35, 55.0], [0.12, -0.17, 1.95, -30.0], [0, 0, 0, 1]])


def tissues(shape=SHAPE, scale=1.0):
    """CSF around gray matter around white matter; as labels (X, Y, Z), uint8."""
    axes = [np.linspace(-1, 1, n) * 1.15 / scale for n in shape]
    radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(*axes, indexing="ij")))
    return np.select([radius < 0.62, radius < 0.86, radius < 1.0], [3, 2, 1], 0).astype(np.uint8)


def t1_image(labels, noise=15.0, seed=0):
    """Image in which each tissue has its brightness; exactly 0 outside."""
    image = np.vectorize(BRIGHTNESS.get)(labels) + np.random.default_rng(seed).normal(0, noise, labels.shape)
    return np.where(labels > 0, np.maximum(image, 1), 0).astype(np.float32)


def save(path, array, affine=LAS):
    """Write a NIfTI file."""
    nib.save(nib.Nifti1Image(array, affine), path)
    return path


def write_manifest(folder, **changes):
    """Three people with images and labels, one a split, and the JSON of their manifest; returns its path.

    ``changes`` replaces entries of the manifest; a function gets the labels of the testing person and returns
    (labels, affine) to write instead.
    """
    spoil = changes.pop("spoil", lambda labels: (labels, LAS))
    content = {"name": "phantoms", "title": "Phantoms", "licence": "CC0", "source": "a test", "root": ""}
    for number, section in enumerate(("training", "validation", "testing")):
        labels = tissues(scale=1 - 0.04 * number)
        save(folder / f"{section}.nii.gz", t1_image(labels, seed=number))
        if section == "testing":
            labels, affine = spoil(labels)
            save(folder / f"{section}_labels.nii.gz", labels, affine)
        else:
            save(folder / f"{section}_labels.nii.gz", labels)
        digest = hashlib.sha256((folder / f"{section}.nii.gz").read_bytes()).hexdigest()
        entry = {"image": f"{section}.nii.gz", "person": section, "sha256": digest}
        content[section] = [entry | {"label": f"{section}_labels.nii.gz"}]
    path = folder / "phantoms.json"
    path.write_text(json.dumps(content | changes))
    return path


def dice(labels, reference, label):
    """Dice of one label of two arrays."""
    a, b = np.asarray(labels) == label, np.asarray(reference) == label
    return 2 * (a & b).sum() / (a.sum() + b.sum())
