"""Volumes through the evaluator: batches, channels, results on the original grid."""

import json

import nibabel as nib
import numpy as np
import pytest
import torch
from monai.transforms import Compose, Invertd
from monai_gan_recon.kspace import fft2c, from_channels

from monai_gan_recon.engines.config_hash import config_hash
from monai_gan_recon.engines.evaluator import VolumeReconstructionEvaluator, slice_inferer
from monai_gan_recon.engines.inference import (
    VolumeDataset,
    input_entries,
    volume_loader,
)
from monai_gan_recon.engines.volume_writer import VolumeWriter, residuals
from monai_gan_recon.io import LoadVolumed
from monai_gan_recon.networks import ResNetGenerator
from monai_gan_recon.transforms import ScaleMinMaxd, SlicesOfPlaned, Undersampled

AFFINE = np.array([[0, -1.1, 0, 3], [-0.9, 0, 0, 4], [0, 0, 1.3, 5], [0, 0, 0, 1.0]])


class Recorder:
    """Handler that keeps the outputs."""

    def __init__(self):
        self.outputs = []

    def attach(self, engine):
        from ignite.engine import Events

        engine.add_event_handler(
            Events.ITERATION_COMPLETED, lambda e: self.outputs.append(dict(e.state.output))
        )


@pytest.fixture
def volume_file(tmp_path):
    path = tmp_path / "in" / "a.nii.gz"
    path.parent.mkdir()
    volume = np.random.default_rng(0).random((26, 17, 31)).astype(np.float32) * 500 + 3
    nib.save(nib.Nifti1Image(volume, AFFINE), path)
    return path


def generator(channels=3):
    torch.manual_seed(0)
    network = ResNetGenerator(
        channels, layers=(1, 1), width=4, stem="pixel_unshuffle", cascades=2 if channels == 3 else 1
    )
    for refine in network.refine:
        torch.nn.init.normal_(refine.head[0].weight, std=0.02)
    return network


def chain(**kwargs):
    return Compose(
        [
            LoadVolumed("image"),
            ScaleMinMaxd("image"),
            SlicesOfPlaned("image", plane="axial"),
            Undersampled("image", rate=0.4, **kwargs),
        ]
    )


def reconstruct(path, network, batch_size=4, handlers=(), transform=None, **kwargs):
    recorder = Recorder()
    transform = transform or chain(channels=network.in_channels, **kwargs)
    loader = volume_loader(VolumeDataset(input_entries(path), transform))
    inferer = slice_inferer(batch_size, progress=False)
    VolumeReconstructionEvaluator(
        "cpu", loader, network, inferer, amp=False, val_handlers=[recorder, *handlers]
    ).run()
    return recorder.outputs


@pytest.mark.parametrize("channels", [1, 3])
def test_slices_in_batches_are_slices_alone(volume_file, channels):
    network = generator(channels)
    (output,) = reconstruct(volume_file, network, batch_size=4)
    item = chain(channels=channels)({"image": str(volume_file), "case": "a"})
    estimate = network.complex_estimate if channels == 3 else network
    with torch.no_grad():
        alone = [estimate(item["input"].as_tensor()[:, i][None])[0] for i in range(31)]
    assert output["pred"].shape == (1, 2 if channels == 3 else 1, 31, 26, 17)
    torch.testing.assert_close(output["pred"][0], torch.stack(alone, dim=1), rtol=1e-4, atol=1e-5)


def test_output_is_what_reports_read(volume_file):
    (output,) = reconstruct(volume_file, generator())
    size = tuple(output["label"].shape[-3:])
    shapes = {key: tuple(output[key].shape) for key in ("label", "pred", "zero_filled", "mask")}
    assert shapes == {
        "label": (1, 1, *size),
        "pred": (1, 2, *size),
        "zero_filled": (1, 2, *size),
        "mask": (1, 1, *size),
    }
    assert output["case"] == output["person"] == "a"
    assert output["seconds"] > 0
    assert float(output["label"].min()) == 0
    assert float(output["label"].max()) == pytest.approx(1)
    assert not output["pred"].requires_grad


def test_measured_samples_are_kept(volume_file):
    (output,) = reconstruct(volume_file, generator(), hermitian=False)
    pred, zero_filled = (from_channels(output[key][0].movedim(0, -3)) for key in ("pred", "zero_filled"))
    mask = output["mask"][0, 0]
    missing = torch.linalg.vector_norm((fft2c(pred) - fft2c(zero_filled)) * mask)
    assert float(missing / torch.linalg.vector_norm(fft2c(zero_filled) * mask)) < 1e-5
    assert float(torch.linalg.vector_norm(fft2c(pred) * (1 - mask))) > 0.1  # the network filled something in
    report = residuals(output)
    assert report["slices"] == 31
    assert report["kspace_residual_complex"]["max"] < 1e-5 < report["kspace_residual"]["mean"]


def test_same_result_each_time_and_another_for_another_seed(volume_file):
    first, second, other = (reconstruct(volume_file, generator(), seed=seed)[0]["pred"] for seed in (0, 0, 1))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_bad_volume_is_an_item_or_the_end(volume_file, tmp_path):
    entries = [{"image": str(tmp_path / "none.nii.gz"), "case": "none"}]
    with pytest.raises(SystemExit, match=r"none\.nii\.gz"):
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

    def full(self, output, image):
        if output["case"] == "a":
            raise OSError("out/a_recon.nii.gz: cannot be written (No space left on device)")
        return real(self, output, image)

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
        config_hash({"rate": 0.1, "size": None}, generator(1), weights),
    ]
    weights.write_bytes(b"2")
    others.append(config_hash({"rate": 0.1, "size": None}, generator(), weights))
    assert len({first, *others}) == 4


def test_residuals_without_phase_are_of_the_magnitude_alone(volume_file):
    (output,) = reconstruct(volume_file, generator(1))
    report = json.loads(json.dumps(residuals(output)))
    assert report["kspace_residual_complex"] is None
    assert report["kspace_residual"]["max"] > 0
