"""Description of transforms: equal for equal recipes, different for different ones."""

import importlib.util
import sys
from functools import partial

import numpy as np
import torch
from monai.transforms import Compose, Lambdad, RandFlipd, ScaleIntensityd

from monai_gan_recon.data.cache import describe


def test_recipes_built_alike_are_described_alike():
    def build():
        return Compose([ScaleIntensityd("image", 0, 1), RandFlipd(["image"], prob=0.3)])

    first, second = build(), build()
    first.set_random_state(seed=1)
    assert describe(first) == describe(second)
    assert "0x" not in describe(first)


def test_other_parameters_are_described_otherwise():
    texts = {
        describe(transform)
        for transform in (
            ScaleIntensityd("image", 0, 1),
            ScaleIntensityd("image", 0, 2),
            ScaleIntensityd("label", 0, 1),
            Compose([ScaleIntensityd("image", 0, 1)]),
            Lambdad("image", func=lambda x: x + 1),
            Lambdad("image", func=lambda x: x + 2),
        )
    }
    assert len(texts) == 6


def test_values_count_by_content():
    assert describe(np.arange(3)) == describe(np.arange(3))
    assert describe(np.arange(3)) != describe(np.arange(3) + 1)
    assert describe(torch.ones(2)) != describe(torch.zeros(2))
    assert describe({"a": 1, "b": (2, None)}) == describe({"b": (2, None), "a": 1})


def test_closures_count_by_what_they_hold():
    def adder(n):
        return lambda x: x + n

    assert describe(adder(1)) == describe(adder(1))
    assert describe(adder(1)) != describe(adder(2))
    assert describe(partial(np.add, 1)) != describe(partial(np.add, 2))
    assert describe(np.sqrt) != describe(np.exp)
    assert describe(lambda x, n=1: x + n) != describe(lambda x, n=2: x + n)


def test_a_changed_class_of_the_package_is_described_otherwise(tmp_path, monkeypatch):
    def built(name, body):
        file = tmp_path / "module.py"
        file.write_text(f"class Transform:\n    def __call__(self, x):\n        return {body}\n")
        spec = importlib.util.spec_from_file_location(name, file)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return describe(module.Transform())

    assert built("monai_gan_recon.a", "x") == built("monai_gan_recon.a", "x")
    assert built("monai_gan_recon.a", "x") != built("monai_gan_recon.a", "x + 1")
    assert built("other.a", "x") == built("other.a", "x + 1")
