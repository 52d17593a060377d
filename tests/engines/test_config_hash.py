"""Hashes tell networks apart that print alike but for one option."""

import json

import pytest
import torch

from benchmarks.systems import UNet
from monai_gan_recon.engines.config_hash import config_hash, training_identity
from monai_gan_recon.networks import UnrolledGenerator


def generator(**options):
    return UnrolledGenerator(layers=(1, 1), width=4, stem="pixel_unshuffle", **options)


@pytest.mark.parametrize(
    ("default", "other"),
    [(generator(), generator(cg_iterations=0)), (UNet(4), UNet(4, residual=True))],
)
def test_options_without_weights_count(default, other):
    assert config_hash({}, default) != config_hash({}, other)


def test_identity_of_a_training_is_its_content_not_its_place(tmp_path):
    def files(name, person="a", value=0.0):
        folder = tmp_path / name
        folder.mkdir()
        manifest = {"training": [{"image": "a.nii.gz", "person": person}]}
        (folder / "mine.json").write_text(json.dumps(manifest))
        torch.save({"weight": torch.full((2,), value)}, folder / "start.pt")
        return folder / "mine.json", generator(), folder / "start.pt"

    first = training_identity(*files("one"), {"rate": 0.1, "pattern": "gaussian1d"})
    assert first == training_identity(*files("moved"), {"rate": 0.1, "pattern": "gaussian1d"})
    data, network, start = files("person", person="b")
    options = {"rate": 0.1, "pattern": "gaussian1d"}
    others = {
        "data": training_identity(data, network, start, options),
        "starting weights": training_identity(*files("weights", value=1.0), options),
        "rate": training_identity(*files("options"), options | {"rate": 0.2}),
    }
    for differing, other in others.items():
        assert [name for name in first if first[name] != other[name]] == [differing]
    without = training_identity(tmp_path / "one" / "mine.json", network, None, options)
    assert set(first) - set(without) == {"starting weights"}
