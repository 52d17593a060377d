"""Errors that MONAI wraps."""

import pytest
from monai.transforms import Compose, Lambdad

from monai_gan_recon.errors import with_causes


def failing(error):
    def step(_value):
        raise error

    return Compose([Lambdad(keys="image", func=lambda value: value + 1), Lambdad(keys="image", func=step)])


@pytest.mark.parametrize("error", [ValueError("constant image"), FileNotFoundError(2, "no file", "a.nii")])
def test_the_error_of_a_step_comes_out_as_it_was_raised(error):
    with pytest.raises(RuntimeError, match="applying transform"):
        failing(error)({"image": 1})
    with pytest.raises(type(error)) as caught:
        with_causes(failing(error), {"image": 1})
    assert caught.value is error


def test_other_errors_and_results_pass_through():
    with pytest.raises(RuntimeError):
        with_causes(failing(KeyError("other")), {"image": 1})
    assert with_causes(Compose([Lambdad(keys="image", func=lambda v: v + 1)]), {"image": 1})["image"] == 2
