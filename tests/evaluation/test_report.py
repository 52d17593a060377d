"""The report on an Ignite engine: two synthetic people, then a second rate."""

import csv
import json

import pytest
from ignite.engine import Engine

from monai_gan_recon.evaluation import ReconstructionReport
from monai_gan_recon.metrics import METRICS

PROTOCOL = {
    "track": "replica",
    "pattern": "gaussian1d",
    "rate": 0.4,
    "size": [48, 40],
    "plane": "coronal",
    "hermitian": True,
}


def evaluate(folder, volumes, **options):
    protocol = {**PROTOCOL, **options.pop("protocol", {})}
    report = ReconstructionReport(folder, "phantoms", protocol, config_hash="abc", **options)
    engine = Engine(lambda _engine, batch: batch)
    report.attach(engine)
    engine.run(volumes)
    return report


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_two_people(tmp_path, capsys, volume):
    evaluate(tmp_path, [volume("anna", 1), volume("bert", 2, slices=8)])
    stem = "phantoms_replica_gaussian1d_40_coronal_48x40"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(
        [
            *(f"slices_{stem}.csv", f"people_{stem}.csv", f"comparison_{stem}.png", "metrics.json"),
            *(f"{stem}_report.html", f"{stem}_preview.png"),
        ]
    )
    slices, people = read(tmp_path / f"slices_{stem}.csv"), read(tmp_path / f"people_{stem}.csv")
    assert len(slices) == 2 * (4 + 6)
    assert [(p["person"], p["method"], p["n_slices"]) for p in people] == [
        ("anna", "zero_filled", "4"),
        ("anna", "reconstruction", "4"),
        ("bert", "zero_filled", "6"),
        ("bert", "reconstruction", "6"),
    ]
    assert slices[0]["seconds_per_slice"] == ""

    content = json.loads((tmp_path / "metrics.json").read_text())
    zero_filled, reconstruction = content["results"]
    assert (zero_filled["method"], reconstruction["method"]) == ("zero_filled", "reconstruction")
    assert (reconstruction["n_people"], reconstruction["n_slices"]) == (2, 10)
    for name in METRICS:
        if name == "chi_squared":  # without noise there is none
            assert reconstruction[name] == {"mean": None, "ci95": None}
            continue
        means = [float(p[name]) for p in people if p["method"] == "reconstruction"]
        rows = [float(s[name]) for s in slices if (s["person"], s["method"]) == ("bert", "reconstruction")]
        assert means[1] == pytest.approx(sum(rows) / 6, rel=1e-5)
        assert reconstruction[name]["mean"] == pytest.approx(sum(means) / 2, rel=1e-5)
        assert reconstruction[name]["ci95"] == pytest.approx(
            12.706205 * abs(means[0] - means[1]) / 2, rel=1e-2, abs=1e-6
        )
    assert zero_filled["seconds_per_slice"] == {"mean": None, "ci95": None}
    assert reconstruction["sampled_fraction"] == pytest.approx(0.4)
    assert "Hermitian symmetry" in reconstruction["notes"][0]

    printed = capsys.readouterr().out
    assert f"{reconstruction['psnr']['mean']:.2f} ± " in printed


def test_rates_accumulate(tmp_path, volume):
    people = [volume("anna", 1)]
    evaluate(tmp_path, people, figures=False)
    evaluate(tmp_path, people, figures=False, protocol={"rate": 0.5})
    evaluate(tmp_path, people, figures=False)
    results = json.loads((tmp_path / "metrics.json").read_text())["results"]
    assert sorted((r["rate"], r["method"]) for r in results) == [
        (0.4, "reconstruction"),
        (0.4, "zero_filled"),
        (0.5, "reconstruction"),
        (0.5, "zero_filled"),
    ]
    assert all(r["psnr"]["ci95"] is None for r in results)
    assert len(list(tmp_path.glob("slices_*.csv"))) == 2


def test_a_second_run_of_the_engine_starts_afresh(tmp_path, volume):
    report = ReconstructionReport(tmp_path, "phantoms", PROTOCOL, figures=False)
    engine = Engine(lambda _engine, batch: batch)
    report.attach(engine)
    engine.run([volume("anna")])
    engine.run([volume("bert")])
    assert [r["n_people"] for r in json.loads(report.metrics_path.read_text())["results"]] == [1, 1]


def test_foreign_results_stop_the_run_before_its_work(tmp_path, volume):
    (tmp_path / "metrics.json").write_text("{}")
    report = ReconstructionReport(tmp_path, "phantoms", PROTOCOL)
    calls = []
    engine = Engine(lambda _engine, batch: calls.append(batch))
    report.attach(engine)
    with pytest.raises(ValueError, match="--output_dir"):
        engine.run([volume("anna")])
    assert not calls
    assert (tmp_path / "metrics.json").read_text() == "{}"


def test_nothing_evaluated_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="no volume was evaluated"):
        ReconstructionReport(tmp_path, "phantoms", PROTOCOL).finish()
    assert list(tmp_path.iterdir()) == []


def test_incomplete_protocol_is_refused_at_once(tmp_path):
    with pytest.raises(ValueError, match="lacks plane"):
        ReconstructionReport(tmp_path, "phantoms", {**PROTOCOL, "plane": None})
