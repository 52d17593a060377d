"""Whatever is wrong with the input of inference: one clear line, a non-zero exit, nothing half-written."""

import gzip

import nibabel as nib
import numpy as np
import pytest
import torch

CONFIG = "inference.yaml"


@pytest.fixture
def refused(run_bundle, tmp_path):
    """Run inference, expect one line with all these words and no output; returns the line."""

    def run(*arguments, words, config=CONFIG):
        error, _ = run_bundle(config, *arguments, "--output_dir", tmp_path / "out")
        assert isinstance(error, str), f"exit code {error}"
        assert "\n" not in error
        for word in words:
            assert word in error
        assert not (tmp_path / "out").exists()
        return error

    return run


def test_missing_file(refused, tmp_path):
    refused("--input", tmp_path / "nothing.nii.gz", words=["nothing.nii.gz"])


def test_no_input(refused):
    refused(words=["--input"])


def test_truncated_file(refused, write_nifti):
    path = write_nifti()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("--input", path, words=["scan.nii.gz", "truncated"])


def test_truncated_voxels_of_an_uncompressed_file(refused, write_nifti):
    path = write_nifti("scan.nii")
    path.write_bytes(path.read_bytes()[:2000])
    refused("--input", path, words=["scan.nii", "truncated"])


@pytest.mark.parametrize("content", [b"", b"hello", gzip.compress(b"hello" * 200, mtime=0)])
def test_not_a_nifti(refused, write_nifti, content):
    path = write_nifti()
    path.write_bytes(content)
    refused("--input", path, words=["scan.nii.gz"])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_not_finite(refused, write_nifti, value):
    volume = np.random.default_rng(0).random((20, 20, 20)).astype(np.float32)
    volume[3, 4, 5] = value
    refused("--input", write_nifti(array=volume), words=["scan.nii.gz", "NaN or infinite"])


def test_constant_image(refused, write_nifti):
    refused("--input", write_nifti(array=np.ones((20, 20, 20), np.float32)), words=["scan.nii.gz", "constant"])


def test_four_axes(refused, write_nifti):
    volume = np.random.default_rng(0).random((20, 20, 20, 3)).astype(np.float32)
    refused("--input", write_nifti(array=volume), words=["scan.nii.gz", "4-D"])


def test_small_slices(refused, write_nifti):
    path = write_nifti(shape=(15, 20, 30))  # x, y, z: axial and coronal slices are 15 wide
    refused("--input", path, "--plane", "coronal", words=["scan.nii.gz", "15", "16", "sagittal"])


def test_empty_folder(refused, tmp_path):
    (tmp_path / "empty").mkdir()
    refused("--input", tmp_path / "empty", words=["empty"])


def test_folder_without_volumes(refused, tmp_path):
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("hello")
    refused("--input", tmp_path / "texts", words=["texts"])


def test_two_volumes_of_one_name(refused, write_nifti):
    write_nifti("a.nii")
    refused("--input", write_nifti("a.nii.gz").parent, words=["'a'", "rename"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--pattern", "gausian1d"], ["gausian1d", "gaussian1d, "]),
        (["--rate", "0"], ["rate", "(0, 1]"]),
        (["--rate", "1.5"], ["rate", "1.5"]),
        (["--rate", "-0.1"], ["rate", "-0.1"]),
        (["--rate", "much"], ["rate", "much"]),
        (["--rate", "[0.1,0.5]"], ["rate", "[0.1, 0.5]"]),
        (["--pattern", "[gaussian1d,random]"], ["pattern", "random"]),
        (["--ratte", "0.1"], ["--ratte", "rate?"]),
        (["--network_def#widht", "3"], ["widht"]),
        (["--plane", "corona"], ["corona", "coronal"]),
        (["--size", "[8,8]"], ["size", "16"]),
        (["--size", "256"], ["size", "256"]),
        (["--axis", "0"], ["axis", "-2"]),
        (["--seed", "-1"], ["seed"]),
        (["--batch_size", "0"], ["batch_size"]),
        (["--track", "raw"], ["track", "simulated"]),
        (["--track", "simulated", "--snr", "0"], ["snr"]),
        (["--overwrite", "perhaps"], ["overwrite"]),
        (["--phase", "p.nii.gz"], ["p.nii.gz", "--phase"]),
        (["--weights", "none.pt"], ["none.pt"]),
        (["--rate", "$print(1)"], ["$"]),
        (["--device", "cuda:99"], ["device", "cuda:99"]),
        (["--amp", "perhaps"], ["amp", "auto"]),
        (["--self_ensemble", "3"], ["self_ensemble", "8"]),
    ],
)
def test_options(refused, write_nifti, options, words):
    refused("--input", write_nifti(), *options, words=words)


@pytest.mark.parametrize(
    "options",
    [["--retrospective", "true"], ["--axes", "h,w"], ["--virtual_coils", 4], ["--noise_std", 0],
     ["--pattern", "radial", "--axis", -2],
     ["--track", "simulated", "--hermitian", "true"], ["--mask", "m.npy", "--pattern", "random"]],
)  # fmt: skip
def test_options_without_effect_on_images(refused, write_nifti, options):
    refused("--input", write_nifti(), *options, words=[options[-2], "no effect"])


@pytest.mark.parametrize(
    "options", [["--rate", 0.1], ["--plane", "axial"], ["--coils", 4], ["--track", "replica"], ["--snr", 5]]
)
def test_options_without_effect_on_raw_kspace(refused, tmp_path, options):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "k.npy", rng.normal(size=(32, 24)) + 1j * rng.normal(size=(32, 24)))
    arguments = ["--input", tmp_path / "k.npy", "--axes", "h,w", *options]
    refused(*arguments, words=[options[0], "no effect"])


def test_output_dir_is_a_file(run_bundle, write_nifti, tmp_path):
    (tmp_path / "taken").write_text("")
    error, _ = run_bundle(CONFIG, "--input", write_nifti(), "--output_dir", tmp_path / "taken")
    assert "taken" in error


def test_results_among_the_input(run_bundle, write_nifti):
    write_nifti("a.nii.gz")
    folder = write_nifti("b.nii.gz").parent
    error, _ = run_bundle(CONFIG, "--input", folder, "--output_dir", folder)
    assert "--output_dir" in error
    assert sorted(file.name for file in folder.iterdir()) == ["a.nii.gz", "b.nii.gz"]


@pytest.mark.parametrize("content", ["text", "other network", "no state dict", "half"])
def test_weights(refused, write_nifti, bundle, tmp_path, content):
    path = tmp_path / "weights.pt"
    if content == "text":
        path.write_text("hello")
    elif content == "half":
        path.write_bytes((bundle / "models" / "model.pt").read_bytes()[:3000])
    else:
        torch.save(torch.nn.Linear(2, 2).state_dict() if content == "other network" else [1, 2], path)
    refused("--input", write_nifti(), "--weights", path, words=["weights.pt"])


@pytest.fixture
def complex_file(write_nifti):
    """20 x 24 x 18 voxels; coronal slices are 18 high and 20 wide."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(20, 24, 18)) + 1j * rng.normal(size=(20, 24, 18))
    return write_nifti("zf.nii.gz", image.astype(np.complex64), affine=np.eye(4))


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.ones((20, 18)), ["20 x 18", "18 x 20"]),
        (np.ones(18), ["18 lines", "20 lines"]),
        (np.ones((18, 24, 20)), ["does not fit", "20 x 24 x 18"]),
        (np.zeros((18, 20)), ["empty"]),
        (np.full((18, 20), np.nan), ["finite"]),
        (np.ones((2, 2, 2, 2)), ["shape (2, 2, 2, 2)"]),
        (np.ones((20, 24, 18)) * (np.arange(24) > 0)[:, None], ["1 of 24 slices"]),
    ],
)
def test_masks(refused, complex_file, mask, words):
    path = complex_file.parent / "mask.npy"
    np.save(path, mask)
    refused("--input", complex_file, "--mask", path, words=["mask.npy", *words])


@pytest.mark.parametrize("name", ["none.npy", "text.npy", "mask.txt", "text.nii.gz"])
def test_mask_files(refused, complex_file, name):
    path = complex_file.parent / name
    if name != "none.npy":
        path.write_text("hello")
    refused("--input", complex_file, "--mask", path, words=[name])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--size", "[16,16]"], ["--size", "--mask"]),
        (["--save_error_map", "true"], ["--save_error_map", "--mask"]),
        (["--track", "simulated"], ["track", "raw"]),
        (["--noise_std", "-1"], ["noise_std", "-1"]),
        (["--noise_std", "much"], ["noise_std", "much"]),
        (["--noise_std", "true"], ["noise_std"]),
        (["--phase", "nothing.nii.gz"], ["nothing.nii.gz"]),
    ],
)
def test_options_with_a_mask(refused, complex_file, options, words):
    path = complex_file.parent / "mask.npy"
    np.save(path, np.ones(20))
    refused("--input", complex_file, "--mask", path, *options, words=words)


@pytest.mark.parametrize(
    ("phase", "affine", "words"),
    [
        (np.zeros((20, 24, 17)), np.eye(4), ["24, 17"]),
        (np.full((20, 24, 18), 4096.0), np.eye(4), ["radians"]),
        (np.zeros((20, 24, 18)), np.diag([2.0, 1, 1, 1]), ["another grid"]),
    ],
)
def test_phases(refused, complex_file, write_nifti, phase, affine, words):
    mask = complex_file.parent / "mask.npy"
    np.save(mask, np.ones(20))
    magnitude = write_nifti("m.nii.gz", np.abs(np.asarray(nib.load(complex_file).dataobj)), affine=np.eye(4))
    path = write_nifti("p.nii.gz", phase.astype(np.float32), affine=affine)
    refused("--input", magnitude, "--mask", mask, "--phase", path, words=["p.nii.gz", *words])


def test_complex_image_without_mask(refused, complex_file):
    refused("--input", complex_file, words=["zf.nii.gz", "complex"])


def test_phase_of_a_complex_image(refused, complex_file, write_nifti):
    np.save(complex_file.parent / "mask.npy", np.ones(20))
    phase = write_nifti("p.nii.gz", np.zeros((20, 24, 18), np.float32), affine=np.eye(4))
    arguments = ["--input", complex_file, "--mask", complex_file.parent / "mask.npy", "--phase", phase]
    refused(*arguments, words=["complex already"])
