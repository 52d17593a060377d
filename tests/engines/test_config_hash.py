"""Hashes tell networks apart that print alike but for one option."""

import pytest

from benchmarks.systems import UNet
from monai_gan_recon.engines.config_hash import config_hash
from monai_gan_recon.networks import UnrolledGenerator


def generator(**options):
    return UnrolledGenerator(layers=(1, 1), width=4, stem="pixel_unshuffle", **options)


@pytest.mark.parametrize(
    ("default", "other"),
    [(generator(), generator(cg_iterations=0)), (UNet(4), UNet(4, residual=True))],
)
def test_options_without_weights_count(default, other):
    assert config_hash({}, default) != config_hash({}, other)
