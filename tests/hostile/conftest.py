"""Commands in forked copies of one warm process, and the small data they are given."""

import hashlib
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel as nib
import numpy as np
import pytest

from monai_gan_recon.io import RawScan, write_ismrmrd
from monai_gan_recon.resources import bundle_path

ROOT = Path(__file__).parents[2]


class Warm:
    """The process of ``warm.py``."""

    def __init__(self, folder):
        nowhere = {"MONAI_GAN_RECON_DATA": "nowhere"}  # what is not refused fails soon
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"} | nowhere
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("warm.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder,
        )  # fmt: skip
        self.folder, self.number = folder, itertools.count()

    def run(self, module, *words, **job):
        """What ``python -m MODULE WORDS`` does in an empty folder (see ``warm.py``)."""
        folder = self.folder / f"run{next(self.number)}"
        job |= {
            "module": module,
            "words": [str(word) for word in words],
            "folder": str(job.get("folder", folder)),
        }
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return SimpleNamespace(**json.loads(self.process.stdout.readline()))

    def command(self, *words, **job):
        """``monai-gan-recon WORDS``."""
        return self.run("monai_gan_recon", *words, **job)

    def bundle(self, bundle, config, *words, **job):
        """MONAI's own verb on a shipped bundle."""
        file = bundle_path(bundle) / "configs" / config
        return self.run("monai.bundle", "run", "--config_file", file, "--logging_file", "False", *words, **job)


@pytest.fixture(scope="session")
def warm(tmp_path_factory):
    process = Warm(tmp_path_factory.mktemp("runs"))
    yield process
    process.process.communicate(timeout=60)  # closes both pipes


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A folder: scan.nii.gz (32, 32, 24), labels.nii.gz, raw.h5, set/ of five people with labels and mine.json."""
    folder = tmp_path_factory.mktemp("small")
    make_small(folder)
    return folder


def make_small(folder):
    x, y, z = np.meshgrid(*(np.linspace(-1, 1, n) for n in (32, 32, 24)), indexing="ij")
    radius = x**2 + y**2 + z**2
    labels = ((radius < 0.8).astype(np.uint8) + (radius < 0.5) + (radius < 0.25)).astype(np.uint8)
    head = np.array([0, 80, 150, 230], np.float32)[labels]
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    head += np.where(labels > 0, np.random.default_rng(0).normal(0, 6, head.shape), 0).astype(np.float32)
    nib.save(nib.Nifti1Image(head, affine), folder / "scan.nii.gz")
    nib.save(nib.Nifti1Image(labels, affine), folder / "labels.nii.gz")
    rng = np.random.default_rng(1)
    write_ismrmrd(RawScan((rng.normal(size=(2, 3, 32, 24)) + 1j).astype(np.complex64)), folder / "raw.h5")
    np.save(folder / "mask.npy", np.arange(32) % 2 == 0)
    (folder / "set").mkdir()
    entries = []
    for person in range(5):
        image = nib.Nifti1Image(np.roll(head, person, 0) + person, affine)
        nib.save(image, folder / "set" / f"{person}.nii.gz")
        nib.save(nib.Nifti1Image(np.roll(labels, person, 0), affine), folder / "set" / f"{person}_seg.nii.gz")
        entry = {"image": f"{person}.nii.gz", "person": f"p{person}", "label": f"{person}_seg.nii.gz"}
        for key, file in (("sha256", entry["image"]), ("label_sha256", entry["label"])):
            entry[key] = hashlib.sha256((folder / "set" / file).read_bytes()).hexdigest()
        entries.append(entry)
    content = {"name": "mine", "title": "Mine", "licence": "CC0", "source": "a test", "root": ""}
    content |= {"training": entries[:2], "validation": entries[2:3], "testing": entries[3:]}
    (folder / "set" / "mine.json").write_text(json.dumps(content))
