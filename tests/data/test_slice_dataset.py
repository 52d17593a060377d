"""Training slices: orientation as MONAI has it, filtering, cache, and the same items in every run."""

import gc
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.data import DataLoader, MetaTensor
from monai.transforms import Compose, Orientationd, RandFlipd, RandGaussianNoised, RandZoomd, ScaleIntensityd

from monai_gan_recon.data import ValidationSlices, VolumeSliceDataset, check_validation
from monai_gan_recon.io import LoadVolumed
from monai_gan_recon.transforms.geometry import CropPadSlicesd
from monai_gan_recon.transforms.intensity import ScaleMinMaxd

VOLUME = Compose([LoadVolumed("image"), ScaleMinMaxd("image")])


def random_slices():
    noise = RandGaussianNoised("image", prob=1.0, std=0.1)
    flip = RandFlipd("image", prob=0.5, spatial_axis=1)
    return Compose([CropPadSlicesd("image", (16, 32)), RandZoomd("image", prob=0.5), flip, noise])


@pytest.fixture
def entries(write_nifti, volume, oblique_affine):
    first = write_nifti("a.nii.gz", volume, oblique_affine)
    second = write_nifti("b.nii.gz", volume[::-1].copy() * 3, np.diag([-1.0, 1.0, 1.0, 1.0]))
    return [{"image": str(first), "person": "p1"}, {"image": str(second), "person": "p2"}]


@pytest.mark.parametrize(("plane", "codes"), [("coronal", "AIL"), ("axial", "SPL"), ("sagittal", "RIA")])
def test_slices_are_those_of_monai_orientation(entries, plane, codes):
    dataset = VolumeSliceDataset(entries, VOLUME, planes=(plane,), min_foreground=0)
    expected = [Orientationd("image", axcodes=codes, labels=None)(VOLUME(dict(entry)))["image"][0] for entry in entries]
    assert len(dataset) == sum(len(volume) for volume in expected)
    for item, image in zip(dataset, torch.cat([v.reshape(len(v), -1) for v in expected]), strict=True):
        assert torch.equal(item["image"].flatten(), image.as_tensor())
    assert dataset[0]["image"].shape == (1, *expected[0].shape[1:])


def test_items_name_their_origin_and_are_plain(entries):
    dataset = VolumeSliceDataset(entries, VOLUME, random_slices(), planes=("axial", "sagittal"), min_foreground=0)
    item = dataset[len(dataset) - 1]
    assert (item["person"], item["case"], item["plane"], item["slice"]) == ("p2", "b", "sagittal", 19)
    assert type(item["image"]) is torch.Tensor
    assert not isinstance(item["image"], MetaTensor)
    assert item["image"].shape == (1, 16, 32)
    assert item["image"].dtype == torch.float32


def test_slices_with_little_foreground_are_left_out(write_nifti):
    values = np.zeros((20, 20, 20), dtype=np.float32)
    values[:, 5, :2] = 1.0  # 10 % of coronal slice 5
    values[:, 6, :1] = 1.0  # 5 % of coronal slice 6
    entry = {"image": str(write_nifti("f.nii", values)), "person": "p"}
    kept = [VolumeSliceDataset([entry], VOLUME, min_foreground=f) for f in (0.1, 0.05)]
    assert [[item["slice"] for item in dataset] for dataset in kept] == [[5], [5, 6]]
    with pytest.raises(ValueError, match=r"50% of them above 0\.02"):
        VolumeSliceDataset([entry], VOLUME, min_foreground=0.5)


def test_items_repeat_and_epochs_differ(entries):
    first = VolumeSliceDataset(entries, VOLUME, random_slices(), seed=5)
    second = VolumeSliceDataset(entries, VOLUME, random_slices(), seed=5)
    other = VolumeSliceDataset(entries, VOLUME, random_slices(), seed=6)
    n = len(first)
    for index in (0, n - 1, 3 * n + 2):
        _ = first[1]["image"]  # what was read before must not matter
        assert torch.equal(first[index]["image"], second[index]["image"])
        assert not torch.equal(first[index]["image"], other[index]["image"])
    assert first[2]["slice"] == first[3 * n + 2]["slice"]
    assert not torch.equal(first[2]["image"], first[3 * n + 2]["image"])


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.filterwarnings("ignore:This DataLoader will create 2 worker processes")
def test_items_do_not_depend_on_the_workers(entries, workers):
    def epoch(num_workers):
        dataset = VolumeSliceDataset(entries, VOLUME, random_slices(), seed=3, slices_per_epoch=12)
        sampler = dataset.sampler()
        sampler.set_epoch(3)
        batches = list(DataLoader(dataset, batch_size=4, sampler=sampler, num_workers=num_workers))
        assert Path(dataset._items[0][0]).exists()  # a worker's end removes nothing
        return torch.cat([batch["image"] for batch in batches]), [
            person for batch in batches for person in batch["person"]
        ]

    alone, together = epoch(0), epoch(workers)
    assert alone[0].shape == (12, 1, 16, 32)
    assert torch.equal(alone[0], together[0])
    assert alone[1] == together[1]


class CountingLoad(LoadVolumed):
    """Loader that counts its calls."""

    calls = 0

    def __call__(self, data):
        type(self).calls += 1
        return super().__call__(data)


def test_cache_is_reused_until_the_recipe_or_the_file_changes(entries, write_nifti, volume, tmp_path):
    def build(maxv=1.0):
        transform = Compose([CountingLoad("image"), ScaleIntensityd("image", maxv=maxv)])
        return VolumeSliceDataset(entries, transform, cache_dir=tmp_path / "cache", min_foreground=0)

    CountingLoad.calls = 0
    first = build()
    assert CountingLoad.calls == 2
    again = build()
    assert CountingLoad.calls == 2
    assert torch.equal(first[7]["image"], again[7]["image"])
    assert build(maxv=2.0)[7]["image"].max() > 1
    assert CountingLoad.calls == 4
    write_nifti("a.nii.gz", volume[:, :, :16])
    assert build()[7]["image"].shape != first[7]["image"].shape
    assert CountingLoad.calls == 5
    assert not [name for name in (tmp_path / "cache").iterdir() if ".part." in name.name]


def test_temporary_cache_goes_with_the_dataset(entries):
    dataset = VolumeSliceDataset(entries, VOLUME)
    folder = dataset._items[0][0].parent
    copy = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(copy[0]["image"], dataset[0]["image"])
    del copy
    gc.collect()
    assert folder.exists()
    del dataset
    gc.collect()
    assert not folder.exists()


def test_wrong_arguments(entries):
    with pytest.raises(ValueError, match="data list of the training slices is empty"):
        VolumeSliceDataset([], VOLUME)
    with pytest.raises(ValueError, match="unknown plane 'frontal'"):
        VolumeSliceDataset(entries, VOLUME, planes=("coronal", "frontal"))
    wrong = {"min_pixels": -1, "slices_per_epoch": 0, "min_foreground": 2, "seed": -1, "planes": []}
    for option, value in wrong.items():
        with pytest.raises(ValueError, match=option):
            VolumeSliceDataset(entries, VOLUME, **{option: value})
    for repeat in (0, -1, 10**12, 1.5, None, [2], True):
        with pytest.raises(ValueError, match="repeat"):
            VolumeSliceDataset([entries[0] | {"repeat": repeat}], VOLUME)
    with pytest.raises(IndexError, match="negative"):
        VolumeSliceDataset(entries, VOLUME)[-1]
    with pytest.raises(ValueError, match="must give one real volume"):
        VolumeSliceDataset(entries, lambda entry: {"image": torch.zeros(1, 20, 20, 20)})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("val_slices", 0), ("val_slices", 1.5), ("val_planes", None), ("val_planes", ["frontal"]),
        ("val_scans", None), ("val_scans", [1]), ("val_scans", [{"rate": 2}]), ("val_scans", [{"x": 1}]),
        ("val_scans", [{"centre_fraction": 2}]),
    ],
)  # fmt: skip
def test_wrong_validation_is_told_without_data(option, value):
    right = {"val_planes": ["axial"], "val_scans": [{"rate": 0.1}], "val_slices": 3}
    check_validation(*right.values())
    with pytest.raises(ValueError, match=option):
        check_validation(*(right | {option: value}).values())


def test_seeds_are_of_slice_and_epoch(entries):
    """What is drawn after the data set, such as the scan, is another one for each slice and epoch."""
    dataset = VolumeSliceDataset(entries, VOLUME, random_slices(), min_foreground=0)
    n = len(dataset)
    seeds = [dataset[i]["seed"] for i in range(3 * n)]
    assert len(set(seeds)) == 3 * n
    assert [VolumeSliceDataset(entries, VOLUME, min_foreground=0)[i]["seed"] for i in (0, n + 1)] == [
        seeds[0],
        seeds[n + 1],
    ]


def test_planes_of_thick_slices_are_left_out(entries):
    """Volumes (20, 24, 18): of 20 pixels or more, both sides, only axial slices have."""
    planes = ("coronal", "axial", "sagittal")
    shapes = {min(i["image"].shape[1:]) for i in VolumeSliceDataset(entries, VOLUME, planes=planes, min_foreground=0)}
    assert shapes == {18, 20}
    kept = VolumeSliceDataset(entries, VOLUME, planes=planes, min_foreground=0, min_pixels=19)
    assert {item["plane"] for item in kept} < set(planes)
    assert all(min(item["image"].shape[1:]) >= 19 for item in kept)


SCANS = ({"rate": 0.3}, {"rate": 0.5, "track": "simulated", "coils": 3}, {"rate": 0.5, "track": "simulated"})


def test_validation_slices_are_scanned_in_each_way_the_same_every_time(entries):
    first, again = (ValidationSlices(entries, VOLUME, ("axial",), (32, 40), SCANS, slices=5) for _ in range(2))
    assert len(first) == 15
    channels = []
    for batch in first.batches(2):
        items = [first[i] for i in batch]
        assert len({item["input"].shape for item in items}) == 1
        channels.append(items[0]["input"].shape[0])
        for i, item in zip(batch, items, strict=True):
            assert all(torch.equal(item[key], again[i][key]) for key in item)
    assert sorted(i for batch in first.batches(2) for i in batch) == list(range(15))
    assert channels == [4] * 3 + [10] * 3 + [6] * 3  # one coil, three with a phase in their maps, one with a phase
    for number, scan in enumerate(SCANS):
        item = first[5 * number]
        assert item["mask"].mean().item() == pytest.approx(scan["rate"], abs=0.02)
        magnitude = torch.linalg.vector_norm(item["target"], dim=0)
        if "coils" not in scan:
            plain = first[0]["target"]
            torch.testing.assert_close(magnitude, plain[0], rtol=0, atol=1e-5)
            assert (item["zero_filled"] - item["target"]).norm() > 0.01 * item["target"].norm()
