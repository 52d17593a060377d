import pytest
import torch

from monai_gan_recon.simulation import RandContrastCurve, RandContrastCurved

RAMP = torch.linspace(0, 1, 1021)[None, None]


@pytest.mark.parametrize("seed", range(8))
def test_a_curve_keeps_air_dark_and_the_range_and_is_linear_between_few_knots(seed):
    transform = RandContrastCurve(1.0).set_random_state(seed)
    changed = transform(RAMP)
    assert changed.shape == RAMP.shape
    assert changed.dtype == torch.float32
    assert float(changed.flatten()[0]) == 0
    assert float(changed.min()) == 0
    assert float(changed.max()) == pytest.approx(1, abs=0.01)
    bends = (changed.flatten().diff().diff().abs() > 1e-4).sum()
    assert 1 <= int(bends) <= 10


def test_equal_intensities_stay_equal_wherever_they_are():
    image = torch.randint(0, 9, (1, 32, 32), generator=torch.Generator().manual_seed(0)) / 8
    changed = RandContrastCurve(1.0).set_random_state(1)(image)
    for value in image.unique():
        assert len(changed[image == value].unique()) == 1


def test_the_same_seed_gives_the_same_curve_and_probability_is_how_often():
    first, again = (RandContrastCurve(1.0).set_random_state(3) for _ in range(2))
    assert torch.equal(first(RAMP), again(RAMP))
    seldom = RandContrastCurved("image", prob=0.25).set_random_state(0)
    changed = [not torch.equal(seldom({"image": RAMP})["image"], RAMP) for _ in range(200)]
    assert 30 < sum(changed) < 70
