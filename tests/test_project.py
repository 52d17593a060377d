"""What the project's files say about each other: versions, commands, options, licences."""

import importlib.metadata
import importlib.resources
import json
import re
from pathlib import Path

import pytest
import torch
import yaml
from monai.bundle import ConfigParser

import monai_gan_recon
from monai_gan_recon.bundle.command_line import ids
from monai_gan_recon.data import load_manifest
from monai_gan_recon.engines.evaluator import measurement_residuals
from monai_gan_recon.io import load_volume
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.networks import load_weights
from monai_gan_recon.resources import available_manifests
from monai_gan_recon.simulation import Undersample
from monai_gan_recon.transforms import CropPadSlices, ScaleMinMax, SlicesOfPlane

ROOT = Path(__file__).parents[1]
BUNDLES = sorted(path.parents[1] for path in (ROOT / "bundles").glob("*/configs/metadata.json"))
CONFIGS = sorted((ROOT / "bundles").rglob("configs/**/*.yaml"))
DOCS = [ROOT / "README.md", *sorted((ROOT / "bundles").glob("*/docs/README.md"))]


def name_of(path):
    return str(path.relative_to(ROOT))


def pinned():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = (re.match(r"([\w.-]+)==([^\s;]+)", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in pins if pin}


def test_one_version_everywhere():
    version = monai_gan_recon.__version__
    assert re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(), re.M)[1] == version
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == version
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)[1] == version


def test_the_package_says_that_it_is_typed():
    assert importlib.resources.files("monai_gan_recon").joinpath("py.typed").is_file()  # the wheel has it, too


def test_every_dependency_has_a_tested_version():
    required = importlib.metadata.requires("monai-gan-recon")
    names = {re.match(r"[\w.-]+", requirement)[0].lower().replace("_", "-") for requirement in required}
    assert names - {"monai-gan-recon"} - set(pinned()) == set()


@pytest.mark.parametrize("bundle", BUNDLES, ids=name_of)
def test_bundles_name_the_tested_versions(bundle):
    metadata = json.loads((bundle / "configs" / "metadata.json").read_text())
    versions = metadata["required_packages_version"] | {
        "monai": metadata["monai_version"],
        "torch": metadata["pytorch_version"],
        "numpy": metadata["numpy_version"],
    }
    assert versions.pop("monai-gan-recon") == monai_gan_recon.__version__
    assert {name.lower(): version for name, version in versions.items()}.items() <= pinned().items()


@pytest.mark.parametrize("config_file", [f for f in CONFIGS if "run:" in f.read_text()], ids=name_of)
def test_configurations_check_the_command_line_first(config_file):
    config = ConfigParser.load_config_file(config_file)
    assert config["initialize"][0] == "$bundle.command_line()"
    assert "%run" in config.values()  # `run training`, `run inference`, `run evaluate`


@pytest.mark.parametrize("bundle", BUNDLES, ids=name_of)
def test_all_configurations_have_one_network(bundle):
    configs = [
        ConfigParser.load_config_file(bundle / "configs" / f"{name}.yaml")
        for name in ("train", "inference", "evaluate")
    ]
    networks = [config["network_def"] for config in configs]
    for network in networks:
        network.pop("denoising", None)  # an option of the inference
    assert networks[0] == networks[1] == networks[2]


@pytest.mark.parametrize("bundle", BUNDLES, ids=name_of)
def test_shipped_weights_fit_the_network(bundle):
    shipped_network(bundle)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_shipped_weights_beat_zero_filling(rate):
    network = shipped_network(ROOT / "bundles" / "brain_mri_gan_reconstruction")
    image = load_manifest("embedded").section("testing")[0]["image"]
    volume = SlicesOfPlane("coronal")(ScaleMinMax()(load_volume(image, "coronal")))
    reference = CropPadSlices([256, 256])(volume[:, [80, 105, 130, 155]])
    scan = Undersample("gaussian1d", rate)(reference, "MNI152")
    with torch.inference_mode():
        estimate = network(scan["input"])
    truth = reference.as_tensor()[0]
    psnr = [
        -10 * ((magnitude(image)[:, 0] - truth) ** 2).mean((-2, -1)).log10().mean()
        for image in (scan["zero_filled"], estimate)
    ]
    assert psnr[1] - psnr[0] >= 3
    assert measurement_residuals(estimate, scan)["kspace_residual_complex"].max() <= 1e-4


def test_commands_of_make_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    named = set(
        re.findall(r"\bmake ([a-z-]+)\b", "\n".join(re.findall(r"```bash\n.*?```|`make [^`]+`", readme(), re.S)))
    )
    assert {"demo", "test", "test-slow", "setup"} <= named
    assert named <= targets


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_documented_commands_and_options_exist(page):
    text = page.read_text()
    for command in re.findall(r"^python -m monai\.bundle run .+$", text, re.M):
        run_id, files = re.match(r"python -m monai\.bundle run (\w+) --config_file (\"\[.+?\]\"|\S+)", command).groups()
        names = re.findall(r"[$\w/]+\.yaml", files)
        config = ConfigParser.load_config_files([str(find_config(name, page)) for name in names])
        assert run_id in config
        options = set(re.findall(r"--(\w+)", command)) - {"config_file"}
        assert options - set(ids(config)) == set()
    known = {name for file in CONFIGS for name in ConfigParser.load_config_file(file)}
    table = [line for line in text.splitlines() if line.startswith("| `--")]
    assert set(re.findall(r"`--(\w+)", "\n".join(table))) - known == set()


@pytest.mark.parametrize("page", DOCS, ids=name_of)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_table_of_manifests_is_complete():
    page = (ROOT / "docs" / "data.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(available_manifests())


def readme():
    return (ROOT / "README.md").read_text()


def find_config(name, page):
    """The file of a documented path: CONFIGS/train.yaml on a bundle's page, $CONFIGS/train.yaml elsewhere."""
    bundle = page.parents[1] if page.parents[1] in BUNDLES else BUNDLES[0]
    return bundle / "configs" / name.split("/", 1)[1]


def shipped_network(bundle):
    parser = ConfigParser(ConfigParser.load_config_file(bundle / "configs" / "inference.yaml"))
    return load_weights(parser.get_parsed_content("network_def"), bundle / "models" / "model.pt").eval()
