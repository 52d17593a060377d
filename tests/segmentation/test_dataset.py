import shutil

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd, RandGaussianNoised, RandomizableTransform

from monai_gan_recon.segmentation.dataset import TissuePatchDataset, patch

SHAPE = (24, 28, 20)
SIZE = (16, 16, 16)


@pytest.fixture
def entries(tmp_path):
    """Two volumes whose voxels of label 1 are 5 and 7."""
    for number in (5, 7):
        (tmp_path / f"{number}.txt").write_text(str(number))
    return [{"image": str(tmp_path / f"{number}.txt"), "person": str(number)} for number in (5, 7)]


class Prepare:
    """Volume transform that counts its calls; private attributes are not part of the cache's key."""

    def __init__(self):
        self._calls = []

    def __call__(self, entry):
        self._calls.append(entry["image"])
        labels = torch.zeros(1, *SHAPE, dtype=torch.uint8)
        labels[:, 8:16, 8:16, 8:16] = 1
        with open(entry["image"]) as file:
            return {"image": labels.float() * float(file.read()), "label": labels}


def two_features(item):
    return item | {"image": torch.cat([item["image"], 2 * item["image"]])}


@pytest.fixture
def make(entries, tmp_path):
    """Data set of these volumes; a degraded copy is negative, the second feature doubled. ``calls`` counts volumes."""
    prepare = Prepare()

    def build(**options):
        named = {"copies": 1, "degradation": lambda item: item | {"image": -item["image"]}} | options
        return TissuePatchDataset(entries, prepare, two_features, tmp_path / "cache", SIZE, progress=False, **named)

    build.calls = prepare._calls
    return build


def test_patches_lie_about_tissue_and_volumes_take_turns(make):
    items = list(make(patches_per_epoch=10))
    assert [item["person"] for item in items] == ["5", "7"] * 5
    for item in items:
        assert item["image"].shape == (2, *SIZE)
        assert item["label"].shape == (1, *SIZE)
        assert (item["label"] == 1).any()
        assert torch.equal(
            item["image"], torch.tensor([1, 2])[:, None, None, None] * item["label"] * float(item["person"])
        )


def test_each_volume_has_its_turn_over_epochs(make):
    dataset = make(patches_per_epoch=1)
    assert [dataset[index]["person"] for index in range(4)] == ["5", "7", "5", "7"]


def test_degraded_fraction(make):
    def share(fraction):
        items = make(patches_per_epoch=200, degraded_fraction=fraction)
        return np.mean([bool((item["image"] < 0).any()) for item in items])

    assert share(0.0) == 0
    assert share(1.0) == 1
    assert share(0.5) == pytest.approx(0.5, abs=0.12)


def test_a_patch_depends_on_seed_epoch_and_number_alone(make):
    noise = Compose([RandGaussianNoised("image", prob=1.0), RandFlipd("image", prob=0.5, spatial_axis=0)])
    first, again = (make(patches_per_epoch=4, patch_transform=noise, seed=3) for _ in range(2))
    list(again)  # the order in which items are asked for does not matter
    for index in (0, 3, 9):
        assert torch.equal(first[index]["image"], again[index]["image"])
    assert not torch.equal(first[1]["image"], first[5]["image"])  # the same patch of another epoch
    assert not torch.equal(first[1]["image"], make(patches_per_epoch=4, patch_transform=noise)[1]["image"])


def test_volumes_are_prepared_once(make):
    make().prepare()
    make(seed=0).prepare()
    assert len(make.calls) == 2
    make(copies=2).prepare()  # one copy more
    assert len(make.calls) == 4


class Gain(RandomizableTransform):
    """Random brightness; keeps what it drew, as MONAI's random transforms do."""

    def __call__(self, item):
        self.factor = self.R.uniform(1, 2)
        return item | {"image": self.factor * item["image"]}


def test_what_a_degradation_drew_does_not_change_its_name(make, tmp_path):
    degradation = Gain()
    make(degradation=degradation, copies=2).prepare()
    files = set((tmp_path / "cache").iterdir())
    make(degradation=degradation, copies=2).prepare()
    make(degradation=Gain(), copies=2).prepare()
    assert set((tmp_path / "cache").iterdir()) == files
    assert len(make.calls) == 2


def test_what_is_drawn_for_a_copy_does_not_depend_on_where_the_file_lies(make, entries, tmp_path):
    def copies(cache):
        dataset = TissuePatchDataset(
            entries, Prepare(), two_features, cache, SIZE, degradation=Gain(), copies=2, progress=False
        )
        dataset.prepare()
        return [np.load(image) for images, *_ in dataset._volumes for image in images]

    here = copies(tmp_path / "here")
    (tmp_path / "moved").mkdir()
    for entry in entries:
        entry["image"] = shutil.move(entry["image"], tmp_path / "moved")
    there = copies(tmp_path / "there")
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))
    assert len({float(image.max()) for image in here}) == len(here)


def test_volumes_of_one_file_name_are_told_apart(tmp_path):
    for number in (5, 7):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "T1w.txt").write_text(str(number))
    entries = [{"image": str(tmp_path / f"{number}/T1w.txt")} for number in (5, 7)]
    dataset = TissuePatchDataset(
        entries, Prepare(), two_features, tmp_path / "cache", SIZE, patches_per_epoch=2, progress=False
    )
    assert len({item["case"] for item in dataset}) == len({item["person"] for item in dataset}) == 2


def test_sampler_gives_the_epochs_patches(make):
    dataset = make(patches_per_epoch=6)
    sampler = dataset.sampler()
    sampler.set_epoch(3)
    assert sorted(sampler) == list(range(12, 18))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("copies", -1),
        ("copies", 10**11),
        ("margin", 0.5),
        ("patches_per_epoch", 10**12),
        ("degraded_fraction", 2),
    ],
)
def test_wrong_numbers(make, option, value):
    with pytest.raises(ValueError, match=option):
        make(**{option: value})


def test_wrong_data(make):
    with pytest.raises(ValueError, match="degradation"):
        make(degradation=None)
    with pytest.raises(ValueError, match="empty"):
        TissuePatchDataset([], dict, dict, "cache", SIZE)


def test_patch_stays_inside_and_pads_what_is_small():
    array = np.arange(5 * 4 * 3).reshape(5, 4, 3)
    assert np.array_equal(patch(array, (0, 3, 1), (2, 2, 3)), array[:2, 2:])
    channels = np.stack([array, -array])
    assert np.array_equal(patch(channels, (0, 3, 1), (2, 2, 3)), channels[:, :2, 2:])
    padded = patch(array, (2, 2, 1), (5, 4, 6))
    assert np.array_equal(padded[:, :, 1:4], array)
    assert padded.sum() == array.sum()
