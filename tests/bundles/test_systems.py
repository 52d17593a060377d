"""Every system of the bundle and of benchmarks/systems through the real command line: trained an epoch, evaluated."""

import copy
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
import yaml
from monai.bundle import ConfigParser

from monai_gan_recon.networks import MagnitudeNetwork, load_weights

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "bundles" / "brain_mri_gan_reconstruction"
FOLDERS = (SOURCE / "configs" / "systems", ROOT / "benchmarks" / "systems" / "configs")
FILES = {file.stem: file for folder in FOLDERS for file in folder.glob("*.yaml")}
SYSTEMS = sorted(FILES)
CLASSICAL = ["cs_tv", "cs_wavelet", "support_cg", "total_variation", "zero_filled", "zero_filled_hermitian"]
LEARNED = [system for system in SYSTEMS if system not in CLASSICAL]
FAST = [
    "dagan",
    "gan_resnet50_gp",
    "monai_varnet",
    "unet_hyun",
    "unsupervised_gan",
    "zero_filled",
    "cs_tv",
    "support_cg",
    "total_variation",
]
SMALL = {
    "monai_complex_unet": {"network_def#features": [4, 4, 8, 8, 8, 4]},
    "monai_varnet": {"network_def#features": [4, 4, 8, 8, 8, 4], "network_def#cascades": 1},
}
FEW = {
    "max_epochs": 1,
    "slices_per_epoch": 4,
    "batch_size": 2,
    "val_slices": 2,
    "planes": ["coronal"],
    "val_planes": ["coronal"],
    "crop": [32, 48],
    "min_pixels": 16,
}
MAGNITUDE = ["dagan", "gan_resnet50", "gan_resnet50_gp", "ours_no_dc", "unet_dssim", "wdagan"]


def some_slow(systems):
    """One system of each kind is tested always, those like it among the slow tests."""
    return [pytest.param(s, marks=() if s in FAST else pytest.mark.slow) for s in systems]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A manifest of one person for each of training, validation and testing."""
    folder = tmp_path_factory.mktemp("people")
    for seed, person in enumerate("abc"):
        low = torch.rand(1, 1, 4, 4, 4, generator=torch.Generator().manual_seed(seed))
        smooth = torch.nn.functional.interpolate(low, size=(40, 8, 26), mode="trilinear", align_corners=True)
        volume = torch.nn.functional.pad(100 + 800 * smooth, (3, 3, 1, 1, 4, 4))[0, 0]
        nib.save(nib.Nifti1Image(volume.numpy(), np.eye(4)), folder / f"{person}.nii.gz")
    sections = ("training", "validation", "testing")
    people = {s: [{"image": f"{p}.nii.gz", "person": p}] for s, p in zip(sections, "abc", strict=True)}
    content = {"name": "small", "title": "Small", "licence": "CC0", "source": "a test", "root": ""} | people
    (folder / "small.json").write_text(json.dumps(content))
    return folder


@pytest.fixture
def run_system(run_bundle, data, tmp_path):
    """Run train.yaml or evaluate.yaml with a system merged after it: (exit line, output)."""

    def run(config, system, run_id=None, **options):
        files = [str(SOURCE / "configs" / config), str(FILES[system])]
        options = {
            "datalist": data / "small.json",
            "size": [32, 48],
            "output_dir": tmp_path / "out",
        } | options
        arguments = [p for name, value in options.items() if value is not None for p in (f"--{name}", value)]
        return run_bundle(config, "--config_file", files, *arguments, run_id=run_id)

    return run


def narrow(system):
    """Options of the system's network that make it small."""
    network = "network_def#network" if system in MAGNITUDE else "network_def"
    options = SMALL.get(system, {f"{network}#width": 4})
    return options | ({f"{network}#layers": [1, 1, 1, 1]} if "resnet50" in system else {})


@pytest.mark.parametrize("system", some_slow(LEARNED))
def test_learned_systems(run_system, data, tmp_path, system):
    options = FEW | narrow(system) | {"critic_def#width": 8, "cache_dir": data / "cache"}
    if "dagan" not in system:
        options["critic_def#layers"] = [1, 1, 1, 1]
    if "gan_resnet50" in system:
        options["n_critic"] = 1
    error, _ = run_system("train.yaml", system, run_id="training", **options)
    assert error is None
    weights = tmp_path / "out" / "checkpoints" / "model.pt"
    error, _ = run_system("evaluate.yaml", system, weights=weights, rate=0.3, figures="false", **narrow(system))
    assert error is None
    method = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"][1]
    assert method["method"] == "reconstruction"
    assert method["psnr"]["mean"] > 0


@pytest.mark.parametrize("system", some_slow(CLASSICAL))
def test_classical_systems_need_no_weights(run_system, tmp_path, system):
    options = {"network_def#iterations": 30} if "cs" in system else {}
    error, _ = run_system("evaluate.yaml", system, rate=0.3, figures="false", **options)
    assert error is None
    zero_filled, method = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    gain = method["psnr"]["mean"] - zero_filled["psnr"]["mean"]
    assert abs(gain) < 1e-3 if system == "zero_filled" else gain > 0.5


def test_a_classical_system_infers_without_weights(run_system, data, tmp_path):
    options = {"input": data / "c.nii.gz", "rate": 0.3, "datalist": None}
    error, _ = run_system("inference.yaml", "zero_filled_hermitian", **options)
    assert error is None
    assert list((tmp_path / "out").glob("*recon*.nii.gz"))


def test_classical_systems_cannot_be_trained(run_system, data):
    error, _ = run_system("train.yaml", "zero_filled", run_id="training", cache_dir=data / "cache", **FEW)
    assert "ZeroFilled" in error


def test_dagan_says_that_it_has_one_size(run_system, data):
    options = (
        FEW
        | {
            "crop": [16, 48],
            "cache_dir": data / "cache",
            "critic_def#width": 8,
        }
        | narrow("dagan")
    )
    error, _ = run_system("train.yaml", "dagan", run_id="training", **options)
    assert "one size only" in str(error)


@pytest.mark.parametrize("system", SYSTEMS)
def test_systems_hold_what_is_different_and_nothing_else(system):
    """No option repeats the value of train.yaml, and each is known to it, to evaluate.yaml, or used in the file."""
    folder = SOURCE / "configs"
    own = yaml.safe_load(FILES[system].read_text())
    base = yaml.safe_load((folder / "train.yaml").read_text())
    known = base | yaml.safe_load((folder / "evaluate.yaml").read_text())
    assert [name for name, value in own.items() if name in base and base[name] == value] == []
    strange = [name for name in own if name not in known]
    assert [name for name in strange if f"@{name}" not in json.dumps(own)] == []
    assert own["output_dir"] == f"outputs/{system}"


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_network_is_built_at_its_full_width(system):
    folder = SOURCE / "configs"
    parser = ConfigParser(ConfigParser.load_config_files([str(folder / "evaluate.yaml"), str(FILES[system])]))
    with torch.device("meta"):
        network = parser.get_parsed_content("network_def")
    parameters = sum(p.numel() for p in network.parameters())
    assert (parameters == 0) == (system in CLASSICAL)
    assert isinstance(network, MagnitudeNetwork) == (system in MAGNITUDE)


def test_the_unsupervised_batch_holds_measurements_only(data, tmp_path):
    """A reference put into the batch, of whatever content, leaves training bit-identical; there is none in it."""
    results = []
    for poison in (False, True):
        torch.manual_seed(0)
        parser = unsupervised(data, tmp_path / str(poison))
        loader = parser.get_parsed_content("train#dataloader")
        batch = next(iter(loader))
        assert list(batch) == ["input"]
        assert batch["input"].shape == (2, 4, 32, 48)
        assert (batch["input"][:, 2] == 0).any(dim=(1, 2)).all()
        if poison:
            scans = loader.collate_fn
            loader.collate_fn = lambda items, scans=scans: scans(items) | {"target": torch.full((), float("nan"))}
        torch.manual_seed(0)
        parser.get_parsed_content("train#trainer").run()
        results.append(copy.deepcopy(parser.get_parsed_content("ema").state_dict()))
        kept = torch.load(tmp_path / str(poison) / "checkpoints" / "model.pt", weights_only=True)
        assert all(torch.equal(value, results[-1][f"module.{name}"]) for name, value in kept.items())
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_slices_are_measured_once(data, tmp_path):
    """The same slice has the same samples in every epoch: else they would add up to a full image."""
    parser = unsupervised(data, tmp_path)
    dataset, scans = (parser.get_parsed_content(name) for name in ("train#dataset", "scans"))
    first, again = (scans([dataset[n], dataset[n + 1]])["input"] for n in (0, len(dataset)))
    assert torch.equal(first, again)
    assert not torch.equal(first[0, 2], first[1, 2])


def unsupervised(data, folder):
    files = [SOURCE / "configs" / name for name in ("train.yaml", "systems/unsupervised_gan.yaml", "paper_cell.yaml")]
    parser = ConfigParser(ConfigParser.load_config_files([str(file) for file in files]))
    options = FEW | narrow("unsupervised_gan") | {"critic_def#width": 8, "size": [32, 48]}
    options |= {
        "datalist": str(data / "small.json"),
        "cache_dir": str(data / "cache"),
        "output_dir": str(folder),
    }
    for name, value in options.items():
        parser[name] = value
    return parser


def test_weights_of_another_network_are_refused(tmp_path):
    from benchmarks.systems import UNet

    torch.save(UNet(4).state_dict(), tmp_path / "unet.pt")
    with pytest.raises(ValueError, match=r"unet\.pt"):
        load_weights(UNet(8), tmp_path / "unet.pt")
