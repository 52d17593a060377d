"""MONAI's verbs that check and export a bundle's network: what is exported gives the same at several sizes."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser

from monai_gan_recon.measurement import KData, pack
from monai_gan_recon.networks import UnrolledGenerator, load_weights
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION, bundle_path

SHAPES = {
    RECONSTRUCTION: [(1, 4, 48, 64), (2, 4, 33, 50), (1, 4, 16, 16)],
    SEGMENTATION: [(1, 4, 32, 3, 48), (1, 4, 48, 5, 32), (2, 4, 64, 4, 16)],
}
"""Sizes of the network's input; the first is given to the exporter."""

COILS = [(2, 6, 40, 33), (1, 8, 48, 64), (1, 8, 33, 50), (1, 20, 24, 24)]
"""Sizes of the input of the reconstruction with sensitivities: of 1, 2, 2 and 8 coils."""

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
    if name == RECONSTRUCTION:
        return measurement(SHAPES[name][number], lines=number % 2 == 0)
    return torch.rand(SHAPES[name][number], generator=torch.Generator().manual_seed(number))


def measurement(shape, lines=True):
    """A noisy measurement of a random object, by columns or points: the input of a reconstruction."""
    batch, channels, height, width = shape
    generator = torch.Generator().manual_seed(channels)
    image = torch.randn(batch, height, width, dtype=torch.complex64, generator=generator)
    maps = None
    if channels > 4:
        maps = torch.randn(batch, (channels - 4) // 2, height, width, dtype=torch.complex64, generator=generator)
        maps = maps / torch.linalg.vector_norm(maps, dim=1, keepdim=True)
    mask = torch.rand(batch, 1, 1 if lines else height, width, generator=generator) < 0.4
    mask = (mask | (torch.arange(width) == width // 2)).expand(batch, 1, height, width)
    kspace = torch.zeros(batch, max(1, (channels - 4) // 2), height, width, dtype=torch.complex64)
    clean = KData(kspace, mask, maps).operator.forward(image)
    noise = 0.05 * torch.randn(clean.shape, dtype=torch.complex64, generator=generator)
    return pack(KData((clean + noise) * mask, mask, maps, noise_std=0.05 / 2**0.5))


def relative_error(found, expected):
    return float(torch.linalg.vector_norm(torch.as_tensor(found) - expected) / torch.linalg.vector_norm(expected))


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
@pytest.mark.parametrize("name", [SEGMENTATION])
def test_onnx_of_any_size_agrees(verb, name, network, tmp_path):
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


@pytest.mark.parametrize("name", [RECONSTRUCTION])
@pytest.mark.parametrize("lines", [True, False])
def test_one_scripted_model_takes_any_number_of_coils(verb, name, network, tmp_path, lines):
    weights = bundle_path(name) / "models" / "model.pt"
    verb("ckpt_export", "--filepath", tmp_path / "model.ts", "--ckpt_file", weights)
    exported = torch.jit.load(tmp_path / "model.ts").eval()
    for shape in (*SHAPES[name], *COILS):
        x = measurement(shape, lines)
        with torch.inference_mode():
            assert relative_error(exported(x), network(x)) < 1e-5, shape


@pytest.mark.parametrize("name", [RECONSTRUCTION])
@pytest.mark.parametrize("channels", [6, 8])
def test_a_traced_model_takes_its_number_of_coils(verb, name, network, tmp_path, channels):
    weights = bundle_path(name) / "models" / "model.pt"
    verb("ckpt_export", "--filepath", tmp_path / "model.ts", "--ckpt_file", weights,
         "--use_trace", True, "--input_shape", f"[1,{channels},48,64]")  # fmt: skip
    exported = torch.jit.load(tmp_path / "model.ts").eval()
    for number, (batch, height, width) in enumerate([(1, 48, 64), (2, 33, 50), (1, 16, 24)]):
        x = measurement((batch, channels, height, width), lines=number % 2 == 0)
        with torch.inference_mode():
            assert relative_error(exported(x), network(x)) < 1e-4, x.shape


@pytest.mark.parametrize("name", [RECONSTRUCTION])
@pytest.mark.parametrize("lines", [True, False])
def test_the_route_of_real_numbers_that_is_exported_agrees(network, monkeypatch, lines):
    for shape in (*SHAPES[RECONSTRUCTION], *COILS):
        x = measurement(shape, lines)
        with torch.inference_mode(), monkeypatch.context() as patch:
            expected = network(x)
            patch.setattr("torch.compiler.is_exporting", lambda: True)
            assert relative_error(network(x), expected) < 1e-4, shape


ALONE = """
import sys
import torch
network = torch.jit.load(sys.argv[1])
torch.save(network(torch.load(sys.argv[2], weights_only=True)), sys.argv[3])
assert not {"monai", "monai_gan_recon"} & set(sys.modules)
"""


@pytest.mark.parametrize("name", [RECONSTRUCTION])
def test_a_torchscript_file_reconstructs_by_pytorch_alone(verb, name, network, tmp_path):
    weights = bundle_path(name) / "models" / "model.pt"
    verb("ckpt_export", "--filepath", tmp_path / "model.ts", "--ckpt_file", weights)
    x = measurement((1, 8, 48, 64))
    torch.save(x, tmp_path / "in.pt")
    files = [tmp_path / file for file in ("model.ts", "in.pt", "out.pt")]
    subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", ALONE, *files], check=True, cwd=tmp_path, timeout=120)
    with torch.inference_mode():
        assert relative_error(torch.load(tmp_path / "out.pt", weights_only=True), network(x)) < 1e-5


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", [RECONSTRUCTION])
@pytest.mark.parametrize("channels", [4, 8])
def test_onnx_of_fixed_size_agrees(verb, name, network, tmp_path, channels):
    weights = bundle_path(name) / "models" / "model.pt"
    check_onnx(verb, weights, network, tmp_path, channels)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", [RECONSTRUCTION])
@pytest.mark.parametrize("channels", [4, pytest.param(8, marks=pytest.mark.slow)])
def test_onnx_of_a_small_network_agrees(verb, name, tmp_path, channels):
    torch.manual_seed(0)
    configured = yaml.safe_load((bundle_path(name) / "configs" / "inference.yaml").read_text())["network_def"]
    kept = {key: configured[key] for key in ("stem", "exact_iterations", "least_std")}
    network = UnrolledGenerator([1], 2, noise_layers=[1], **kept)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    torch.save(network.state_dict(), tmp_path / "small.pt")
    small = {"layers": "[1]", "width": 2, "cascades": 1, "cg_iterations": 5, "noise_layers": "[1]"}
    options = [word for key, value in small.items() for word in (f"--network_def#{key}", value)]
    check_onnx(verb, tmp_path / "small.pt", network.eval(), tmp_path, channels, *options)


def check_onnx(verb, weights, network, tmp_path, channels, *options):
    import onnxruntime

    verb("onnx_export", "--filepath", tmp_path / "model.onnx", "--ckpt_file", weights, *options,
         "--input_shape", f"[1,{channels},48,64]", "--converter_kwargs", "{'input_names':['image']}")  # fmt: skip
    exported = onnxruntime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for lines in (True, False):
        x = measurement((1, channels, 48, 64), lines)
        (found,) = exported.run(None, {"image": x.numpy()})
        with torch.inference_mode():
            assert relative_error(found, network(x)) < 1e-3
