"""A head with skull through ``monai-gan-recon segment``, with the shipped weights: brain first, then tissues."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Spacing

from monai_gan_recon import cli
from monai_gan_recon.data import load_manifest
from monai_gan_recon.io import load_volume
from monai_gan_recon.simulation import RandHead


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """An average brain in voxels of 1.8 mm (MNI152 is larger than people are), a T1 head around it, its mask."""
    folder = tmp_path_factory.mktemp("heads")
    (entry,) = load_manifest("embedded").section("testing")
    average = Spacing((2.0, 2.0, 2.0))(load_volume(entry["image"]))
    smaller = torch.diag(torch.tensor([0.9, 0.9, 0.9, 1])).double()
    brain = MetaTensor(average.as_tensor(), affine=smaller @ average.affine)
    head, mask = RandHead(("t1",), faults=0).set_random_state(2)(brain)
    names = {"brain": brain * 100, "head": head * 1000, "truth": mask.float()}
    for name, volume in names.items():
        nib.save(nib.Nifti1Image(volume[0].numpy(), volume.affine.numpy()), folder / f"{name}.nii.gz")
    return {name: folder / f"{name}.nii.gz" for name in names}


def segment(file, out, *options):
    return cli.main(["segment", str(file), str(out), "--method", "mixture", "--no-report", *options])


def volumes(file):
    image = nib.load(file)
    counts = np.bincount(np.asarray(image.dataobj).ravel().astype(int), minlength=4)[1:]
    return counts * np.prod(image.header.get_zooms()) / 1000


def caution(record):
    """What a result's record says to be careful about."""
    return set(json.loads(record.read_text()).get("caution", {}))


@pytest.mark.slow
def test_tissues_of_a_head_are_those_of_its_brain(files, tmp_path):
    assert segment(files["brain"], tmp_path) == 0
    assert segment(files["head"], tmp_path, "--save_brain_mask") == 0
    assert caution(tmp_path / "brain_tissues.json") == set()
    assert caution(tmp_path / "head_tissues.json") == {"Skull"}
    brain, head = (volumes(tmp_path / f"{name}_tissues.nii.gz") for name in ("brain", "head"))
    assert head.sum() == pytest.approx(brain.sum(), rel=0.3)
    assert head[1:] == pytest.approx(brain[1:], rel=0.3)  # gray and white matter
    mask = np.asarray(nib.load(tmp_path / "head_brain_mask.nii.gz").dataobj)
    labels = np.asarray(nib.load(tmp_path / "head_tissues.nii.gz").dataobj)
    truth = np.asarray(nib.load(files["truth"]).dataobj) > 0
    assert mask.dtype == np.uint8
    assert 2 * (truth & (mask > 0)).sum() / (truth.sum() + mask.sum()) > 0.9
    assert not (labels[mask == 0] > 0).any()


@pytest.mark.slow
def test_a_head_taken_for_a_brain_is_told_to_be_implausible(files, tmp_path):
    assert segment(files["head"], tmp_path, "--brain_extraction", "false") == 0
    assert caution(tmp_path / "head_tissues.json") == {"Volume"}


def test_a_head_whose_brain_is_not_to_be_believed_is_refused_in_a_line(files, tmp_path, capsys):
    image = nib.load(files["head"])
    affine = image.affine.copy()
    affine[:3, 2] /= 6  # a header that says 0.3 mm
    flat = tmp_path / "flat.nii.gz"
    nib.save(nib.Nifti1Image(np.asarray(image.dataobj), affine), flat)
    assert segment(flat, tmp_path / "out") == 1
    said = capsys.readouterr()
    assert "--brain_extraction" in said.out + said.err
    assert not list((tmp_path / "out").glob("*.nii.gz"))
