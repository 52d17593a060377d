"""The paired evaluation's command on phantom heads, with a tiny network and a segmenter of thresholds."""

import csv
import json

import numpy as np
import paired_phantom as phantom
import pytest

from monai_gan_recon import cli
from monai_gan_recon.evaluation.paired import run

CALLS = []


def main(arguments):
    assert cli.main(["paired", *arguments]) == 0


class Thresholds:
    """In the place of the bundle's segmenter."""

    @classmethod
    def from_bundle(cls, bundle_root, weights=None, device="cpu", method="network", **options):
        assert options in ({}, {"contrast": "t2"})
        assert (bundle_root / "configs" / "inference.yaml").is_file()
        assert method == "mixture"
        return cls()

    def same_scan(self, original):
        return self

    def __call__(self, image):
        CALLS.append(image.meta.get("filename_or_obj"))
        return phantom.by_thresholds(image)


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """Command line of an evaluation of two people, one of whom has two scans."""
    monkeypatch.setattr(run, "TissueSegmenter", Thresholds)
    CALLS.clear()
    manifest = phantom.write_manifest(tmp_path, {"a1": "anna", "a2": "anna", "b1": "bert"})
    (tmp_path / "bundle" / "configs").mkdir(parents=True)
    (tmp_path / "bundle" / "configs" / "inference.yaml").write_text("contrast: t1\n")
    (tmp_path / "bundle" / "configs" / "metadata.json").write_text("{}")
    options = ["--datalist", manifest, "--weights", phantom.write_weights(tmp_path), "--size", "null"]
    options += ["--segmentation", "mixture", "--segmentation_bundle", tmp_path / "bundle", "--figures", 0]
    for name, value in phantom.TINY.items():
        options += ["--set", f"{name}={value}"]
    return [*map(str, options), "--output_dir", str(tmp_path / "out"), "--rates"]


def people(folder, rate):
    with (folder / f"people_phantoms_replica_gaussian1d_{rate}_coronal_whole_mixture.csv").open() as file:
        return {(p["person"], p["method"], p["against"]): p for p in csv.DictReader(file)}


def test_results_of_two_people(arguments, tmp_path, capsys):
    main([*arguments, "0.1", "0.3", "--figures", "1"])
    out = tmp_path / "out"
    stems = [f"phantoms_replica_gaussian1d_{rate}_coronal_whole_mixture" for rate in (10, 30)]
    assert sorted(p.name for p in out.iterdir()) == sorted(
        [
            "metrics.json",
            *(f"{what}_{stem}" for stem in stems for what in ("figures", "scans")),
            *(f"people_{s}.csv" for s in stems),
        ]
    )
    assert [p.name for p in (out / f"figures_{stems[0]}").iterdir()] == ["a1.png"]
    assert sorted(p.name for p in (out / f"scans_{stems[1]}").iterdir()) == ["a1.json", "a2.json", "b1.json"]
    assert len(CALLS) == 3 * (1 + 2 * 2)  # the original once, two volumes a rate

    results = json.loads((out / "metrics.json").read_text())["results"]
    assert [(r["rate"], r["n_people"], r["n_scans"]) for r in results] == [(0.1, 2, 3), (0.3, 2, 3)]
    low, high = ({(s["method"], s["against"]): s["dice"] for s in result["scores"]} for result in results)
    assert len(low) == 5
    assert low["original", "labels"]["wm"]["mean"] == pytest.approx(1, abs=1e-3)  # thresholds know the truth
    assert low["zero_filled", "original"]["gm"]["mean"] < high["zero_filled", "original"]["gm"]["mean"] < 1
    rows = people(out, 10)
    assert {key[0]: p["n_scans"] for key, p in rows.items()} == {"anna": "2", "bert": "1"}
    values = [float(rows[name, "zero_filled", "labels"]["dice_gm"]) for name in ("anna", "bert")]
    assert low["zero_filled", "labels"]["gm"]["mean"] == pytest.approx(np.mean(values), rel=1e-5)
    scans = [json.loads((out / f"scans_{stems[0]}" / f"{case}.json").read_text())["rows"] for case in ("a1", "a2")]
    of_anna = [
        r["scores"]["dice"]["gm"] for s in scans for r in s if (r["method"], r["against"]) == ("zero_filled", "labels")
    ]
    assert values[0] == pytest.approx(np.mean(of_anna), rel=1e-5)
    difference = results[0]["paired_differences"][0]
    assert (difference["method"], difference["minus"]) == ("reconstruction", "zero_filled")
    expected = low["reconstruction", "original"]["gm"]["mean"] - low["zero_filled", "original"]["gm"]["mean"]
    assert difference["dice"]["gm"]["mean"] == pytest.approx(expected)
    assert "reconstruction - zero-filled" in capsys.readouterr().out


def test_it_goes_on_where_it_stopped(arguments, tmp_path, capsys):
    main([*arguments, "0.5"])
    before = (tmp_path / "out" / "metrics.json").read_text()
    CALLS.clear()
    main([*arguments, "0.5"])
    assert CALLS == []
    assert (tmp_path / "out" / "metrics.json").read_text() == before
    next((tmp_path / "out").glob("scans_*/b1.json")).unlink()
    main([*arguments, "0.5"])
    assert len(CALLS) == 3
    assert (tmp_path / "out" / "metrics.json").read_text() == before
    CALLS.clear()
    (tmp_path / "bundle" / "configs" / "inference.yaml").write_text("contrast: t2\n")
    main([*arguments, "0.5"])
    assert len(CALLS) == 3 * 3
    assert "phantoms_replica" in capsys.readouterr().out  # the result that was replaced


def test_options_of_the_segmentation_are_results_of_their_own(arguments, tmp_path):
    main([*arguments, "0.5"])
    main([*arguments, "0.5", "--segmentation_set", "contrast=t2"])
    assert len(CALLS) == 2 * 3 * 3
    results = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    assert [r["segmentation_options"] for r in results] == [{}, {"contrast": "t2"}]
    assert len(list((tmp_path / "out").glob("people_*whole_mixture*.csv"))) == 2


@pytest.fixture
def fails(capsys):
    def fails(arguments, message):
        capsys.readouterr()
        assert cli.main(["paired", *arguments, "0.5"]) == 1
        line = capsys.readouterr().err.splitlines()[-1]
        assert message in line

    return fails


@pytest.mark.parametrize(
    ("labels", "affine", "message"),
    [
        (phantom.tissues()[:-1], None, "39 x 28 x 44 voxels"),
        (phantom.tissues(), np.diag([1.5, 2.0, 2.0, 1.0]), "its affine differs"),
        (phantom.tissues() * 2, None, "has the value 4"),
        (phantom.tissues() * 0, None, "tissue"),
    ],
)
def test_labels_that_do_not_fit_end_it_before_anything_is_written(fails, arguments, tmp_path, labels, affine, message):
    phantom.save(labels, tmp_path / "b1_labels.nii.gz", affine)
    fails(arguments, message)
    fails(arguments, str(tmp_path / "b1_labels.nii.gz"))
    assert not (tmp_path / "out").exists()
    assert CALLS == []


def test_all_zero_volume(fails, arguments, tmp_path):
    phantom.save(np.zeros(phantom.SHAPE, np.float32), tmp_path / "a2.nii.gz")
    fails(arguments, f"{tmp_path / 'a2.nii.gz'}: is constant")
    assert not (tmp_path / "out").exists()


def test_empty_list(fails, arguments, tmp_path):
    (tmp_path / "phantoms.json").write_text(json.dumps({"name": "phantoms", "testing": []}))
    fails(arguments, "no testing entries")


def test_segmentation_that_fails_names_the_scan_and_keeps_what_is_finished(fails, arguments, tmp_path, monkeypatch):
    def refuse(self, image):
        if "a2" in image.meta["filename_or_obj"]:
            return phantom.by_thresholds(image)[:, 1:]
        return phantom.by_thresholds(image)

    monkeypatch.setattr(Thresholds, "__call__", refuse)
    fails(arguments, str(tmp_path / "a2.nii.gz"))
    assert [p.name for p in (tmp_path / "out").glob("scans_*/*")] == ["a1.json"]
    assert not (tmp_path / "out" / "metrics.json").exists()


def test_results_of_another_kind_stop_it_before_its_work(fails, arguments, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "metrics.json").write_text("{}")
    fails(arguments, "choose another --output_dir")
    assert CALLS == []


def test_missing_weights_of_the_segmentation(fails, arguments):
    arguments[arguments.index("mixture")] = "network"
    fails(arguments, "--segmentation mixture")


def test_people_without_reference_labels(arguments, tmp_path):
    content = json.loads((tmp_path / "phantoms.json").read_text())
    for entry in content["testing"]:
        del entry["label"]
    (tmp_path / "phantoms.json").write_text(json.dumps(content))
    main([*arguments, "0.5"])
    (result,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    assert {row["against"] for row in result["scores"]} == {"original"}
    assert len(result["paired_differences"]) == 1


def test_mixture_of_the_real_bundle(tmp_path):
    manifest = phantom.write_manifest(tmp_path, {"head": "anna"})
    options = ["--datalist", str(manifest), "--weights", phantom.write_weights(tmp_path), "--size", "null"]
    for name, value in phantom.TINY.items():
        options += ["--set", f"{name}={value}"]
    options += [
        "--segmentation",
        "mixture",
        "--device",
        "cpu",
        "--segmentation_set",
        "brain_extraction=false",
    ]
    main([*options, "--rates", "0.5", "--output_dir", str(tmp_path / "out")])
    (result,) = json.loads((tmp_path / "out" / "metrics.json").read_text())["results"]
    scores = {(s["method"], s["against"]): s["dice"] for s in result["scores"]}
    for tissue in ("csf", "gm", "wm"):
        assert scores["original", "labels"][tissue]["mean"] > 0.85
        assert 0.5 < scores["zero_filled", "original"][tissue]["mean"] < 1
    assert len(list((tmp_path / "out").glob("figures_*/head.png"))) == 1
