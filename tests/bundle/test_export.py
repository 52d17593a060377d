"""MONAI's verbs that check and export a bundle's network: what is exported gives the same at several sizes."""

import json

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_gan_recon.networks import load_weights
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path

SHAPES = {
    RECONSTRUCTION: [(1, 4, 64, 96), (1, 4, 80, 64), (2, 4, 48, 48)],
    SEGMENTATION: [(1, 4, 32, 3, 48), (1, 4, 48, 5, 32), (2, 4, 64, 4, 16)],
}
"""Sizes of the network's input; the first is given to the exporter."""

MULTI_COIL = {RECONSTRUCTION: [(1, 8, 64, 48), (2, 8, 48, 64)], SEGMENTATION: []}
"""Sizes with two coils' maps: more channels."""

DYNAMIC = {SEGMENTATION: {0: "batch", 2: "x", 3: "y", 4: "z"}}
"""Axes of an exported ONNX model that may have any size; none where shifts of the Fourier transform depend on it."""


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


def inputs(shape):
    """Random network input; a mask where the reconstruction has one."""
    image = torch.rand(shape, generator=torch.Generator().manual_seed(shape[-1]))
    if len(shape) == 4:
        image[:, 2] = (image[:, 2, :1] > 0.5).float()  # columns
        image[:, 3] = 0.05
    return image


def test_input_and_output_are_as_the_metadata_say(verb):
    for n in (1, 3):
        verb("verify_net_in_out", "--device", "cpu", "--n", n, "--p", 1)


@pytest.mark.parametrize(("use_trace", "coils"), [(False, 1), (True, 1), (True, 2)])
def test_torchscript_agrees(verb, name, network, tmp_path, use_trace, coils):
    """A scripted network takes any number of coils, a traced one that of the size it was traced with."""
    shapes = SHAPES[name] if coils == 1 else MULTI_COIL[name]
    if not shapes:
        pytest.skip("the network's input has no coils")
    weights = bundle_path(name) / "models" / "model.pt"
    verb("ckpt_export", "--filepath", tmp_path / "model.ts", "--ckpt_file", weights,
         "--use_trace", use_trace, "--input_shape", str(list(shapes[0])).replace(" ", ""))  # fmt: skip
    extra = {"inference.json": "", "metadata.json": ""}
    exported = torch.jit.load(tmp_path / "model.ts", _extra_files=extra).eval()
    metadata = json.loads((bundle_path(name) / "configs" / "metadata.json").read_text())
    assert json.loads(extra["metadata.json"])["version"] == metadata["version"]
    assert "network_def" in json.loads(extra["inference.json"])
    for shape in shapes if use_trace else shapes + MULTI_COIL[name]:
        with torch.inference_mode():
            expected = network(inputs(shape))
            found = exported(inputs(shape))
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # onnx.reference: exp(large)
def test_onnx_agrees(verb, name, network, tmp_path):
    from onnx.reference import ReferenceEvaluator

    weights = bundle_path(name) / "models" / "model.pt"
    dynamic = {"dynamic_axes": {"image": DYNAMIC[name]}} if name in DYNAMIC else {}
    options = str({"input_names": ["image"], **dynamic}).replace(" ", "")
    sizes = SHAPES[name] if dynamic else SHAPES[name][:1]
    shape = str([2 if dynamic else 1, *sizes[0][1:]]).replace(" ", "")
    verb("onnx_export", "--filepath", tmp_path / "model.onnx", "--ckpt_file", weights,
         "--input_shape", shape, "--converter_kwargs", options)  # fmt: skip
    exported = ReferenceEvaluator(str(tmp_path / "model.onnx"))
    for size in sizes:
        (found,) = exported.run(None, {"image": inputs(size).numpy()})
        with torch.inference_mode():
            expected = network(inputs(size)).numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())
