"""MONAI's verbs that check and export a bundle's network: what is exported gives the same at several sizes."""

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_gan_recon.networks import load_weights
from monai_gan_recon.resources import SEGMENTATION, bundle_path

SHAPES = {SEGMENTATION: [(1, 4, 32, 3, 48), (1, 4, 48, 5, 32), (2, 4, 64, 4, 16)]}
"""Sizes of the network's input; the first is given to the exporter."""

DYNAMIC = {SEGMENTATION: {0: "batch", 2: "x", 3: "y", 4: "z"}}
"""Axes of an exported ONNX model that may have any size."""


@pytest.fixture(params=SHAPES)
def name(request):
    return request.param


@pytest.fixture
def network(name):
    """The network of a bundle with its weights, as the library has it."""
    folder = bundle_path(name)
    parser = ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.yaml"))
    return load_weights(parser.get_parsed_content("network_def"), folder / "models" / "model.pt").eval()


@pytest.fixture
def verb(name, monai_cli, monkeypatch, tmp_path):
    """``python -m monai.bundle VERB network_def`` on a bundle, from another folder."""

    def run(command, *arguments):
        configs = bundle_path(name) / "configs"
        files = ["--meta_file", configs / "metadata.json", "--config_file", configs / "inference.yaml"]
        monkeypatch.chdir(tmp_path)
        line, _ = monai_cli(command, "network_def", *files, *arguments)
        assert line is None
        return bundle_path(name) / "models" / "model.pt"

    return run


def inputs(name, number):
    return torch.rand(SHAPES[name][number], generator=torch.Generator().manual_seed(number))


def test_input_and_output_are_as_the_metadata_say(verb):
    for n in (1, 3):
        verb("verify_net_in_out", "--device", "cpu", "--n", n, "--p", 1)


@pytest.mark.parametrize("use_trace", [False, True])
def test_torchscript_agrees(verb, name, network, tmp_path, use_trace):
    weights = bundle_path(name) / "models" / "model.pt"
    shape = str(list(SHAPES[name][0])).replace(" ", "")
    verb("ckpt_export", "--filepath", tmp_path / "model.ts", "--ckpt_file", weights,
         "--use_trace", use_trace, "--input_shape", shape)  # fmt: skip
    extra = {"inference.json": "", "metadata.json": ""}
    exported = torch.jit.load(tmp_path / "model.ts", _extra_files=extra).eval()
    metadata = json.loads((bundle_path(name) / "configs" / "metadata.json").read_text())
    assert json.loads(extra["metadata.json"])["version"] == metadata["version"]
    assert "network_def" in json.loads(extra["inference.json"])
    for number in range(len(SHAPES[name])):
        with torch.inference_mode():
            expected = network(inputs(name, number))
            torch.testing.assert_close(
                exported(inputs(name, number)), expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max())
            )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
def test_onnx_agrees(verb, name, network, tmp_path):
    from onnx.reference import ReferenceEvaluator

    weights = bundle_path(name) / "models" / "model.pt"
    options = {"input_names": ["image"], "dynamic_axes": {"image": DYNAMIC[name]}}
    shape = str([2, *SHAPES[name][0][1:]]).replace(" ", "")
    verb("onnx_export", "--filepath", tmp_path / "model.onnx", "--ckpt_file", weights,
         "--input_shape", shape, "--converter_kwargs", str(options).replace(" ", ""))  # fmt: skip
    exported = ReferenceEvaluator(str(tmp_path / "model.onnx"))
    for number in range(len(SHAPES[name])):
        (found,) = exported.run(None, {"image": inputs(name, number).numpy()})
        with torch.inference_mode():
            expected = network(inputs(name, number)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
