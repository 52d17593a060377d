"""Brain extraction: where there is a skull, what is found in simulated heads, and what is not believed."""

import dataclasses

import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Spacing

from monai_gan_recon.data import load_manifest
from monai_gan_recon.io import load_volume
from monai_gan_recon.resources import SEGMENTATION, bundle_path
from monai_gan_recon.segmentation import BrainExtraction, BrainMask, ExtractBrain, ExtractBraind
from monai_gan_recon.segmentation.brain_extraction import BrainNetwork, network_shape, resize
from monai_gan_recon.simulation import RandHead

WEIGHTS = bundle_path(SEGMENTATION) / "models" / "brain_extraction.pt"


@pytest.fixture(scope="module")
def brain():
    """An average brain, skull-stripped, in voxels of 1.8 mm: MNI152 is larger than people are."""
    (entry,) = load_manifest("embedded").section("testing")
    average = Spacing((2.0, 2.0, 2.0))(load_volume(entry["image"]))
    return MetaTensor(
        average.as_tensor(), affine=torch.diag(torch.tensor([0.9, 0.9, 0.9, 1])).double() @ average.affine
    )


@pytest.fixture(scope="module")
def head(brain):
    """A T1 head around it, and the mask."""
    return RandHead(("t1",), faults=0).set_random_state(2)(brain)


@pytest.fixture(scope="module")
def extract():
    return ExtractBrain(WEIGHTS)


@pytest.fixture(scope="module")
def found(extract, head):
    return extract(head[0])


def test_weights_are_small():
    assert WEIGHTS.stat().st_size < 2_000_000


def test_the_brain_of_a_head_is_found(found, head):
    mask, truth = found.mask.as_tensor(), head[1].as_tensor()
    assert found.skull
    found.check()
    assert float(2 * (mask & truth).sum() / (mask.sum() + truth.sum())) > 0.9
    assert found.volume_ml == pytest.approx(float(mask.sum()) * 1.8**3 / 1000, rel=1e-3)
    assert torch.equal(found.mask.affine, head[0].affine)


def test_no_skull_is_seen_around_a_stripped_brain(extract, brain):
    found = extract(brain)
    assert not found.skull
    data = ExtractBraind(weights=WEIGHTS)({"image": brain})
    assert data["brain_extraction"] is None
    assert torch.equal(data["brain_mask"], BrainMask()(brain))
    assert torch.equal(data["image"].as_tensor(), brain.as_tensor())


def test_orientation_and_unit_do_not_matter(extract, head, found):
    turned = head[0].as_tensor().permute(0, 3, 2, 1).flip(2) * 37.0
    affine = head[0].affine.numpy() @ np.array(
        [[0, 0, 1, 0], [0, -1, 0, head[0].shape[2] - 1], [1, 0, 0, 0], [0, 0, 0, 1]]
    )
    again = extract(MetaTensor(turned.contiguous(), affine=torch.from_numpy(affine)))
    back = again.mask.as_tensor().flip(2).permute(0, 3, 2, 1)
    assert (back == found.mask.as_tensor()).float().mean() > 0.9999


def test_the_mask_of_a_head_is_its_brain(head, found):
    data = ExtractBraind(weights=WEIGHTS)({"image": head[0]})
    assert torch.equal(data["brain_mask"].as_tensor(), found.mask.as_tensor())
    assert torch.equal(data["image"].as_tensor(), head[0].as_tensor())
    assert data["brain_extraction"].volume_ml == found.volume_ml


def test_false_takes_the_head_as_it_is_and_a_given_mask_is_taken(head):
    data = ExtractBraind(extraction=False)({"image": head[0]})
    assert torch.equal(data["brain_mask"].as_tensor(), BrainMask()(head[0]).as_tensor())
    given = ExtractBraind(weights=WEIGHTS)({"image": head[0], "brain_mask": head[1]})
    assert torch.equal(given["brain_mask"].as_tensor(), head[1].as_tensor())


def test_a_flat_head_is_refused(head):
    """Slices of 1.8 mm whose header says 0.3: the head would be 40 mm high."""
    affine = head[0].affine.clone()
    affine[:3, 2] /= 6
    with pytest.raises(ValueError, match="--brain_extraction"):
        ExtractBraind(extraction="true", weights=WEIGHTS)({"image": MetaTensor(head[0].as_tensor(), affine=affine)})


def test_a_body_without_brain_is_refused():
    rng = np.random.default_rng(0)
    x, y, _ = np.meshgrid(*(np.linspace(-1, 1, n) for n in (100, 70, 90)), indexing="ij")
    body = np.where(x**2 + y**2 < 0.9, 400 + 30 * rng.standard_normal(x.shape), 0).astype(np.float32)
    volume = MetaTensor(torch.from_numpy(np.abs(body))[None], affine=torch.diag(torch.tensor([4.0, 4, 4, 1])))
    with pytest.raises(ValueError, match="--brain_extraction"):
        ExtractBraind(extraction="true", weights=WEIGHTS)({"image": volume})


def test_an_image_without_magnitudes_is_refused(extract, head):
    """Shifted below 0, as intensities of CT are."""
    image, _ = head
    with pytest.raises(ValueError, match="above 0"):
        extract(image - 1000)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"volume_ml": 240.0}, "240 ml"),
        ({"volume_ml": 3100.0}, "3100 ml"),
        ({"extent_mm": (140.0, 170.0, 24.0)}, "24 mm"),
        ({"largest": 0.6}, "60%"),
        ({"certainty": 0.5}, "0.50"),
    ],
)
def test_what_cannot_be_a_brain_is_refused(change, word):
    mask = MetaTensor(torch.ones(1, 2, 2, 2, dtype=torch.bool))
    good = BrainExtraction(mask, 14.0, 1400.0, (140.0, 170.0, 130.0), 0.97, 0.999)
    good.check()
    with pytest.raises(ValueError, match=word):
        dataclasses.replace(good, **change).check()


def test_the_average_brain_has_no_skull(extract):
    """MNI152 as it is, which the demo segments; it is larger than people's brains."""
    (entry,) = load_manifest("embedded").section("testing")
    assert not extract(load_volume(entry["image"])).skull


@pytest.mark.parametrize("options", [{"extraction": "maybe"}, {"extraction": "auto"}])
def test_wrong_options_are_refused(options):
    with pytest.raises(ValueError, match="--brain_extraction"):
        ExtractBraind(**options)


def test_resampling_keeps_field_of_view_and_mean():
    values = torch.rand(30, 24, 12)
    assert network_shape(values.shape, (1.0, 3.0, 8.0)) == (10, 24, 32)
    assert network_shape((300, 256, 30), (0.7, 1.0, 5.0)) == (70, 86, 50)
    smaller = resize(values, (15, 12, 12))
    assert torch.allclose(smaller[0, 0], values[:2, :2].mean(dim=(0, 1)))
    assert float(resize(values, (60, 48, 24)).mean()) == pytest.approx(float(values.mean()), abs=0.01)


def test_network_draws_at_the_resolution_of_its_input():
    logits = BrainNetwork((8, 8, 8, 8, 8, 8))(torch.rand(1, 1, 64, 40, 36))
    assert logits.shape == (1, 1, 64, 40, 36)
