"""The demo's segmentation of what the demo wrote."""

import json

import nibabel as nib
import paired_phantom as phantom
import pytest

from monai_gan_recon.evaluation import demo
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_demo_segments_what_it_reconstructed(tmp_path):
    manifest = phantom.write_manifest(tmp_path, {"head": "anna"})
    weights = phantom.write_weights(tmp_path)
    out = tmp_path / "demo"
    segmentation = ("mixture", phantom.by_thresholds)
    options = {"size": [64, 64], "weights": weights, **phantom.TINY}
    text = demo.run_demo(out, bundle_path(RECONSTRUCTION), str(manifest), segmentation=segmentation, **options)
    results = json.loads((out / "segmentation" / "metrics.json").read_text())["results"]
    assert [r["rate"] for r in results] == [0.1, 0.5]
    scores = {(s["method"], s["against"]): s["dice"]["gm"] for s in results[0]["scores"]}
    assert scores["original", "labels"]["mean"] == pytest.approx(1, abs=1e-3)
    assert scores["zero_filled", "original"]["mean"] < 1
    assert "psnr" not in results[0]
    assert results[0]["sampled_fraction"] == pytest.approx(0.1, abs=0.02)
    assert (out / "segmentation" / "segmentation.png").stat().st_size > 10_000
    assert len(list((out / "segmentation").glob("people_*.csv"))) == 2
    assert str(out / "segmentation" / "segmentation.png") in text
    assert (out / "demo.png").is_file()
    written = nib.load(next(out.glob("volumes_*_10_*/head_recon.nii.gz")))
    assert written.shape == phantom.SHAPE


@pytest.mark.parametrize("with_weights", [True, False])
def test_network_where_there_are_weights_else_mixture(tmp_path, monkeypatch, with_weights):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "metadata.json").write_text("{}")
    if with_weights:
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "model.pt").write_bytes(b"1")
    calls = []

    class Segmenter:
        @classmethod
        def from_bundle(cls, folder, **options):
            calls.append((folder, options["method"]))
            return phantom.by_thresholds

    monkeypatch.setattr(demo, "TissueSegmenter", Segmenter)
    method, segmenter = demo.demo_segmenter(tmp_path)
    assert method == ("network" if with_weights else "mixture")
    assert calls == [(tmp_path, method)]
    assert segmenter is phantom.by_thresholds


def test_missing_bundle_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=str(tmp_path)):
        demo.demo_segmenter(tmp_path)
