"""``run inference`` of the bundle on files, as users run it."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch

from monai_gan_recon.networks import MagnitudeNetwork, ResNetGenerator

CONFIG = "inference.yaml"


def test_process_from_another_folder(run_process, write_nifti, tmp_path):
    source = write_nifti(shape=(65, 18, 71))
    done = run_process(CONFIG, "--input", source, "--rate", "1", run_id="inference")
    assert done.returncode == 0, done.stderr
    output = tmp_path / "elsewhere" / "outputs" / "inference" / "scan_recon.nii.gz"
    assert str(output.relative_to(tmp_path / "elsewhere")) in done.stdout
    assert "s per slice" in done.stdout
    assert_same_image(output, source)


def test_process_failure_is_one_line_and_a_code(run_process, tmp_path):
    done = run_process(CONFIG, "--input", tmp_path / "nothing.nii.gz", run_id="inference")
    assert done.returncode == 1
    assert "nothing.nii.gz" in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr


# slices (height x width) of an (X, Y, Z) volume in about RAS: coronal Z x X, axial Y x X, sagittal Z x Y


@pytest.mark.parametrize(
    ("shape", "plane"),
    [
        ((128, 16, 64), "coronal"),
        ((65, 71, 16), "axial"),
        ((16, 71, 65), "sagittal"),
        ((16, 1, 16), "coronal"),
    ],
)
def test_fully_sampled_gives_the_volume_back(run_bundle, write_nifti, tmp_path, shape, plane):
    source = write_nifti(shape=shape)
    error, _ = run_bundle(CONFIG, "--input", source, "--rate", "1", "--plane", plane, "--output_dir", tmp_path / "out")
    assert error is None
    assert_same_image(tmp_path / "out" / "scan_recon.nii.gz", source)


def test_files_on_request(run_bundle, write_nifti, tmp_path):
    source = write_nifti(shape=(30, 6, 40), affine=np.diag([2.0, 3.0, 1.0, 1.0]))
    switches = [
        "--report",
        "false",
        "--save_zero_filled",
        "true",
        "--save_error_map",
        "True",
        "--save_kspace_residual",
    ]
    arguments = [
        "--input",
        source,
        "--rate",
        0.3,
        "--output_dir",
        tmp_path / "out",
        *switches,
        "--hermitian",
        "false",
    ]
    assert run_bundle(CONFIG, *arguments, run_id="inference")[0] is None
    names = ["scan_error.nii.gz", "scan_kspace_residual.json", "scan_recon.json", "scan_recon.nii.gz"]
    names += ["scan_zero_filled.nii.gz"]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names
    original, recon, zero_filled, error = (
        nib.load(file).get_fdata() for file in (source, *(tmp_path / "out" / names[i] for i in (3, 4, 0)))
    )
    assert np.abs(error - np.abs(recon - original)).max() < 0.01
    assert np.abs(zero_filled - original).mean() > 1  # rate 0.3 does lose something
    residual = json.loads((tmp_path / "out" / names[1]).read_text())
    assert residual["measured_fraction"] == pytest.approx(9 / 30)
    assert residual["kspace_residual_complex"]["max"] < 1e-4 < residual["kspace_residual"]["max"]


def test_cropped_slices_come_back_at_their_size(run_bundle, write_nifti, tmp_path):
    source = write_nifti(shape=(40, 5, 30))
    arguments = ["--input", source, "--rate", 1, "--size", "[16,32]", "--output_dir", tmp_path / "out"]
    assert run_bundle(CONFIG, *arguments)[0] is None
    recon, original = nib.load(tmp_path / "out" / "scan_recon.nii.gz"), nib.load(source)
    assert recon.shape == original.shape
    inside = np.s_[4:36, :, 7:23]
    assert np.allclose(recon.get_fdata()[inside], original.get_fdata()[inside], atol=0.01)
    assert recon.get_fdata()[0, 0, 0] == pytest.approx(original.get_fdata().min(), abs=0.01)


def test_existing_results_are_replaced_only_when_told(run_bundle, write_nifti, tmp_path):
    arguments = ["--input", write_nifti(), "--output_dir", tmp_path / "out"]
    assert run_bundle(CONFIG, *arguments)[0] is None
    output = tmp_path / "out" / "scan_recon.nii.gz"
    before = output.stat().st_mtime_ns
    error, printed = run_bundle(CONFIG, *arguments)
    assert error is None
    assert "--overwrite" in printed.out
    assert output.stat().st_mtime_ns == before
    (tmp_path / "out" / "scan_report.html").unlink()  # the rest of the same is made
    assert run_bundle(CONFIG, *arguments)[0] is None
    assert (tmp_path / "out" / "scan_report.html").exists()
    before = output.stat().st_mtime_ns
    assert run_bundle(CONFIG, *arguments, "--overwrite", "true")[0] is None
    assert output.stat().st_mtime_ns > before


@pytest.mark.parametrize("other", ["options", "input", "rewritten", "half", "unknown"])
def test_results_of_another_run_are_neither_taken_nor_replaced(run_bundle, write_nifti, tmp_path, other):
    arguments = ["--input", write_nifti(), "--output_dir", tmp_path / "out", "--rate", 0.5]
    assert run_bundle(CONFIG, *arguments)[0] is None
    output = tmp_path / "out" / "scan_recon.nii.gz"
    before = output.read_bytes()
    if other == "input":
        (tmp_path / "else").mkdir()
        arguments[1] = (tmp_path / "in" / "scan.nii.gz").rename(tmp_path / "else" / "scan.nii.gz")
    elif other == "rewritten":
        write_nifti(array=np.random.default_rng(9).random((20, 20, 20)).astype(np.float32))
    elif other == "unknown":
        (tmp_path / "out" / "scan_recon.json").unlink()
    else:
        arguments[-1] = 0.3
        if other == "half":
            (tmp_path / "out" / "scan_report.html").unlink()
    assert "scan_recon" in run_bundle(CONFIG, *arguments)[0]
    assert output.read_bytes() == before
    assert run_bundle(CONFIG, *arguments, "--overwrite", "true")[0] is None
    assert (output.read_bytes() != before) == (other in ("options", "rewritten", "half"))
    record = json.loads((tmp_path / "out" / "scan_recon.json").read_text())
    assert record["protocol"]["Rate"] == arguments[-1]
    assert str(tmp_path) not in json.dumps(record)


def test_folder_goes_on_after_a_bad_volume(run_bundle, write_nifti, tmp_path):
    bad = write_nifti("a.nii.gz", np.full((20, 20, 20), 7.0, dtype=np.float32))
    write_nifti("b.nii.gz")
    write_nifti("c.nii.gz")
    error, printed = run_bundle(CONFIG, "--input", bad.parent, "--output_dir", tmp_path / "out")
    assert error == "1 of 3 volumes failed"
    assert [line for line in printed.err.splitlines() if "a.nii.gz" in line and "constant" in line]
    names = [f"{case}_{what}" for case in "bc" for what in ("preview.png", "recon.json", "recon.nii.gz", "report.html")]
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == names


def test_dataset_dir_is_another_name_of_input(run_bundle, write_nifti, tmp_path):
    folder = write_nifti().parent
    assert run_bundle(CONFIG, "--dataset_dir", folder, "--output_dir", tmp_path / "out")[0] is None
    assert (tmp_path / "out" / "scan_recon.nii.gz").exists()


def test_the_form_of_the_paper(run_bundle, bundle, write_nifti, tmp_path):
    """As docs/README.md says: systems/gan_resnet50.yaml merged after inference.yaml, here with a smaller network."""
    network = MagnitudeNetwork(ResNetGenerator(layers=(1, 1, 1, 1), width=4, stem="imagenet", norm="batch"))
    torch.save(network.state_dict(), tmp_path / "paper.pt")
    configs = [str(bundle / "configs" / name) for name in (CONFIG, "systems/gan_resnet50.yaml")]
    smaller = ["--network_def#network#layers", "[1,1,1,1]", "--network_def#network#width", 4]
    arguments = ["--config_file", str(configs), "--weights", tmp_path / "paper.pt", *smaller]
    source = write_nifti(shape=(40, 5, 36))
    error, _ = run_bundle(CONFIG, "--input", source, "--output_dir", tmp_path / "out", *arguments)
    assert error is None
    assert nib.load(tmp_path / "out" / "scan_recon.nii.gz").shape == (40, 5, 36)


def test_memory_holds_blocks_not_volumes(run_bundle, write_nifti, tmp_path, monkeypatch):
    """Slices are scanned a few at a time."""
    from monai_gan_recon.simulation import Undersample

    sizes, scan = [], Undersample.__call__

    def spy(self, slices, *arguments):
        sizes.append(slices.shape[1])
        return scan(self, slices, *arguments)

    monkeypatch.setattr(Undersample, "__call__", spy)
    options = [
        "--input",
        write_nifti(),
        "--output_dir",
        tmp_path / "out",
        "--plane",
        "coronal",
        "--batch_size",
        5,
    ]
    assert run_bundle(CONFIG, *options)[0] is None
    assert (max(sizes), sum(sizes)) == (5, 24)


def assert_same_image(result, source):
    result, source = nib.load(result), nib.load(source)
    assert result.shape == source.shape
    assert np.allclose(result.affine, source.affine, atol=1e-5)
    assert result.header.get_zooms() == pytest.approx(source.header.get_zooms(), abs=1e-5)
    assert np.abs(result.get_fdata() - source.get_fdata()).max() < 1e-4 * source.get_fdata().max()
