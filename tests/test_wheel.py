"""The built wheel in an environment that has nothing else of this project, used from another folder."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import monai_gan_recon

ROOT = Path(__file__).parents[1]
RECONSTRUCTION = "brain_mri_gan_reconstruction"
TINY = {"max_epochs": 2, "slices_per_epoch": 4, "batch_size": 2, "val_slices": 1, "size": "[64,64]", "crop": "[32,64]",
        "network_def#layers": "[1,1]", "network_def#width": 4, "network_def#noise_layers": "[1,1]",
        "critic_def#layers": "[1,1,1,1]", "critic_def#width": 8}  # fmt: skip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy of the source tree, so that nothing is left in it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in (
        "pyproject.toml",
        "setup.py",
        "README.md",
        "LICENSE",
        "monai_gan_recon",
        "bundles",
        "data_manifests",
    ):
        subprocess.run(["cp", "-r", ROOT / name, source], check=True)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--quiet",
        "-w",
        folder,
    ]
    subprocess.run([*command, source], check=True, timeout=300)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def run(wheel, tmp_path_factory):
    """A command of the clean environment, run in a folder; the libraries are those of this environment."""
    folder = tmp_path_factory.mktemp("clean") / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--quiet", wheel]
    subprocess.run(command, check=True, timeout=300)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")  # its .pth files are not read
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    def run(*words, fails=False):
        command = [folder / "bin" / words[0], *words[1:]]
        done = subprocess.run(
            [str(word) for word in command],
            cwd=elsewhere,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert (done.returncode != 0) is fails, done.stderr[-3000:]
        return done.stdout.strip()

    run.folder, run.packages = elsewhere, packages
    return run


@pytest.fixture(scope="module")
def configs(run):
    return Path(run("monai-gan-recon", "bundles", "path", RECONSTRUCTION)) / "configs"


def test_packages_weights_and_manifests_are_in_it(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names}
    assert tops == {
        "monai_gan_recon",
        f"monai_gan_recon-{monai_gan_recon.__version__}.dist-info",
    }
    wanted = [*ROOT.glob("monai_gan_recon/**/*.py"), *ROOT.glob("monai_gan_recon/**/*.html")]
    wanted += [
        ROOT / "monai_gan_recon" / file.relative_to(ROOT)
        for pattern in (
            "bundles/*/configs/**/*.*",
            "bundles/*/models/*.pt",
            "bundles/*/LICENSE",
            "data_manifests/*.json",
        )
        for file in ROOT.glob(pattern)
    ]
    assert {file.relative_to(ROOT).as_posix() for file in wanted} - names == set()
    assert not [name for name in names if "__pycache__" in name or "/outputs/" in name]


def test_the_package_is_the_wheels(run, configs):
    found = run("python", "-c", "import monai_gan_recon; print(monai_gan_recon.__file__)")
    assert Path(found).is_relative_to(run.packages)
    assert configs.is_relative_to(run.packages)
    run("python", "-c", "import data_manifests", fails=True)
    assert run("monai-gan-recon", "manifest", "check", "embedded").endswith("no problems found")


def test_reconstruct_score_and_train(run, configs):
    bundle = ["python", "-W", "ignore", "-m", "monai.bundle", "run"]
    image = run(
        "python",
        "-c",
        "from monai_gan_recon.data import load_manifest as m; print(m('embedded').testing[0]['image'])",
    )
    run(
        *bundle,
        "inference",
        "--config_file",
        configs / "inference.yaml",
        "--input",
        image,
        "--output_dir",
        "recon",
    )
    assert list((run.folder / "recon").glob("*_recon.nii.gz"))
    options = ["--rate", 0.25, "--size", "[64,64]", "--output_dir", "scores"]
    run(*bundle, "evaluate", "--config_file", configs / "evaluate.yaml", *options)
    assert json.loads((run.folder / "scores" / "metrics.json").read_text())["results"]
    options = [word for name, value in TINY.items() for word in (f"--{name}", value)]
    run(*bundle, "training", "--config_file", configs / "train.yaml", "--output_dir", "training", *options)
    assert (run.folder / "training" / "checkpoints" / "model.pt").is_file()
    rows = (run.folder / "training" / "training.csv").read_text().splitlines()
    assert len(rows) == 1 + 2


def test_segment(run):
    configs = Path(run("monai-gan-recon", "bundles", "path", "brain_mri_tissue_segmentation")) / "configs"
    image = next((run.folder / "recon").glob("*_recon.nii.gz"))
    command = ["python", "-W", "ignore", "-m", "monai.bundle", "run", "inference", "--config_file"]
    run(*command, configs / "inference.yaml", "--input", image, "--output_dir", "tissues")
    assert len(list((run.folder / "tissues").glob("*_tissues.nii.gz"))) == 1
