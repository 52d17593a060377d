"""Volumes through the evaluator: batches, channels, results on the original grid."""

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose, Invertd

from monai_gan_recon.data.scans import SimulatedScand
from monai_gan_recon.engines.config_hash import config_hash
from monai_gan_recon.engines.evaluator import (
    RESIDUALS,
    VolumeReconstructionEvaluator,
    measurement_residuals,
)
from monai_gan_recon.engines.inference import (
    VolumeDataset,
    common_plane,
    input_entries,
    volume_loader,
)
from monai_gan_recon.engines.volume_writer import VolumeWriter, residuals
from monai_gan_recon.io import LoadVolumed
from monai_gan_recon.measurement import magnitude
from monai_gan_recon.networks import MagnitudeNetwork, ResNetGenerator, UnrolledGenerator
from monai_gan_recon.simulation import Undersample
from monai_gan_recon.transforms import ScaleMinMaxd, SlicesOfPlaned

AFFINE = np.array([[0, -1.1, 0, 3], [-0.9, 0, 0, 4], [0, 0, 1.3, 5], [0, 0, 0, 1.0]])


class Recorder:
    """Handler that keeps the outputs."""

    def __init__(self):
        self.outputs = []

    def attach(self, engine):
        from ignite.engine import Events

        engine.add_event_handler(Events.ITERATION_COMPLETED, lambda e: self.outputs.append(dict(e.state.output)))


@pytest.fixture
def volume_file(tmp_path):
    path = tmp_path / "in" / "a.nii.gz"
    path.parent.mkdir()
    volume = np.random.default_rng(0).random((26, 17, 31)).astype(np.float32) * 500 + 3
    nib.save(nib.Nifti1Image(volume, AFFINE), path)
    return path


def generator(unrolled=True):
    torch.manual_seed(0)
    options = {"layers": (1, 1), "width": 4, "stem": "pixel_unshuffle"}
    network = (
        UnrolledGenerator(cascades=2, noise_layers=(1, 1), **options)
        if unrolled
        else MagnitudeNetwork(ResNetGenerator(**options))
    )
    for module in network.modules():
        if hasattr(module, "head"):
            torch.nn.init.normal_(module.head[0].weight, std=0.02)
    return network


def chain(**kwargs):
    return Compose(
        [
            LoadVolumed("image"),
            ScaleMinMaxd("image"),
            SlicesOfPlaned("image", plane="axial"),
            SimulatedScand("image", rate=0.4, **kwargs),
        ]
    )


def reconstruct(path, network, batch_size=4, handlers=(), transform=None, **kwargs):
    recorder = Recorder()
    loader = volume_loader(VolumeDataset(input_entries(path), transform or chain(**kwargs)))
    VolumeReconstructionEvaluator(
        "cpu", loader, network, None, batch_size, False, False, val_handlers=[recorder, *handlers]
    ).run()
    return recorder.outputs


SIMULATED = {"track": "simulated", "snr": 15.0}


@pytest.mark.parametrize("options", [{}, SIMULATED, SIMULATED | {"coils": 2}])
def test_slices_in_batches_are_slices_alone(volume_file, options):
    network = generator()
    (output,) = reconstruct(volume_file, network, batch_size=4, **options)
    scan = chain(**options)({"image": str(volume_file), "case": "a"})["scan"]
    with torch.no_grad():
        alone = torch.cat([magnitude(network(scan.block(i, i + 1)["input"])) for i in range(31)])
    assert output["pred"].shape == (1, 31, 26, 17)
    torch.testing.assert_close(output["pred"][0], alone[:, 0], rtol=1e-4, atol=1e-4)


def test_output_is_what_reports_read(volume_file):
    (output,) = reconstruct(volume_file, generator())
    assert {tuple(output[key].shape) for key in ("label", "pred", "zero_filled")} == {(1, 31, 26, 17)}
    assert {tuple(output[key].shape) for key in RESIDUALS} == {(31,)}
    assert output["case"] == output["person"] == "a"
    assert output["seconds"] > 0
    assert float(output["label"].min()) == 0
    assert float(output["label"].max()) == pytest.approx(1)
    assert output["sampled_fraction"] == pytest.approx(7 / 17)
    assert output["known_fraction"] > output["sampled_fraction"]  # by Hermitian symmetry


def test_measured_samples_are_kept_without_noise(volume_file):
    (output,) = reconstruct(volume_file, generator(), hermitian=False)
    report = residuals(output)
    assert report["slices"] == 31
    assert report["kspace_residual_complex"]["max"] < 1e-5 < report["kspace_residual"]["mean"]
    assert report["chi_squared"] is None
    assert float((output["pred"] - output["zero_filled"]).abs().max()) > 0.01  # the network filled something in


@pytest.mark.parametrize("coils", [1, 3])
def test_chi_squared_of_the_truth_is_one(coils):
    block = Undersample(rate=0.5, coils=coils, **SIMULATED)(torch.rand(1, 2, 64, 64), "a")
    found = measurement_residuals(block["target"], block)
    torch.testing.assert_close(found["chi_squared"], torch.ones(2), rtol=0.1, atol=0)
    further = measurement_residuals(0.5 * block["target"], block)
    assert bool((further["chi_squared"] > 1.3 * found["chi_squared"]).all())


def test_same_result_each_time_and_another_for_another_seed(volume_file):
    first, second, other = (reconstruct(volume_file, generator(), seed=seed)[0]["pred"] for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_bad_volume_is_an_item_or_the_end(volume_file, tmp_path):
    entries = [{"image": str(tmp_path / "none.nii.gz"), "case": "none"}]
    with pytest.raises(ValueError, match=r"none\.nii\.gz"):
        VolumeDataset(entries, chain())[0]
    item = VolumeDataset(entries, chain(), keep_going=True)[0]
    assert set(item) == {"image", "case", "error"}
    assert "\n" not in item["error"]


def test_defects_keep_their_traceback(volume_file):
    def broken(_):
        raise KeyError("a bug")

    with pytest.raises(RuntimeError) as caught:  # MONAI's
        VolumeDataset(input_entries(volume_file), broken, keep_going=True)[0]
    assert isinstance(caught.value.__cause__, KeyError)
    with pytest.raises(ValueError, match="no volume"):
        VolumeDataset([], broken)


def test_full_disk_fails_one_volume_only(volume_file, tmp_path, monkeypatch, capsys):
    other = volume_file.parent / "b.nii.gz"
    other.write_bytes(volume_file.read_bytes())
    real = VolumeWriter.write

    def full(self, output, image, files):
        if output["case"] == "a":
            raise OSError("out/a_recon.nii.gz: cannot be written (No space left on device)")
        return real(self, output, image, files)

    monkeypatch.setattr(VolumeWriter, "write", full)
    transform = chain()
    writer = VolumeWriter(tmp_path / "out", Invertd("pred", transform, "image", nearest_interp=False))
    with pytest.raises(ValueError, match="1 of 2 volumes failed"):
        reconstruct(volume_file.parent, generator(), handlers=[writer], transform=transform)
    assert "No space left" in capsys.readouterr().err
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["b_recon.nii.gz"]


def test_config_hash_changes_with_everything_that_counts(tmp_path):
    weights = tmp_path / "w"
    weights.write_bytes(b"1")
    first = config_hash({"rate": 0.1, "size": None}, generator(), weights)
    assert first == config_hash({"size": None, "rate": 0.1}, generator(), weights)
    others = [
        config_hash({"rate": 0.2, "size": None}, generator(), weights),
        config_hash({"rate": 0.1, "size": None}, generator(False), weights),
    ]
    weights.write_bytes(b"2")
    others.append(config_hash({"rate": 0.1, "size": None}, generator(), weights))
    assert len({first, *others}) == 4


def test_error_map_needs_a_reference(tmp_path):
    writer = VolumeWriter(tmp_path / "out", dict, error_map=True)
    with pytest.raises(ValueError, match="--save_error_map"):
        writer.write({"case": "a", "pred": torch.zeros(1, 2, 4, 4)}, None, writer.files("a"))
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("spacings", "plane"),
    [
        ([(1, 1, 5), (1, 1, 4)], "axial"),
        ([(4, 1, 1)], "sagittal"),
        ([(1, 1, 5), (1, 1, 1)], "coronal"),
        ([(1, 1, 5), (4, 1, 1)], "coronal"),
        ([(1, 1.3, 1.3)], "coronal"),
    ],
)
def test_volumes_of_thick_slices_are_evaluated_in_these(tmp_path, spacings, plane):
    entries = [{"image": str(tmp_path / f"{n}.nii")} for n in range(len(spacings))]
    for entry, mm in zip(entries, spacings, strict=True):
        nib.save(nib.Nifti1Image(np.ones((9, 8, 7), np.float32), np.diag([*mm, 1])), entry["image"])
    assert common_plane(entries) == plane


def test_the_error_map_of_raw_kspace_leaves_the_reference_alone(tmp_path):
    """There the reference itself is on the file's grid, and the report needs it afterwards."""
    writer = VolumeWriter(tmp_path, dict, error_map=True)
    label, pred = torch.rand(1, 2, 4, 4), torch.rand(1, 2, 4, 4)
    output = {"case": "a", "pred": pred, "label": label.clone(), "seconds": 1.0}
    files = writer.files("a")
    writer.write(output, MetaTensor(label, affine=torch.eye(4)), files)
    assert torch.equal(output["label"], label)
    np.testing.assert_allclose(nib.load(files["error"]).get_fdata(), (label - pred).abs()[0], atol=1e-6)
