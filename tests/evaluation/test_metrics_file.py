"""The file metrics.json: schema, accumulation, refusal of foreign files."""

import json
import math

import pytest

from monai_gan_recon.evaluation.metrics_file import RECONSTRUCTION, file_stem, normalise_protocol, write_csv
from monai_gan_recon.metrics import METHODS, METRICS


def entries(value=30.0, **changes):
    protocol = {
        "dataset": "phantoms",
        "track": "replica",
        "pattern": "gaussian1d",
        "rate": 0.1,
        "size": [64, 128],
        "plane": "coronal",
        **changes,
    }
    metrics = {name: {"mean": value, "ci95": None} for name in METRICS}
    counts = {"n_people": 1, "n_slices": 2}
    return [{**normalise_protocol(protocol), "method": method, **counts, **metrics} for method in METHODS]


def write(path, results, config_hash=""):
    return RECONSTRUCTION.add(path, [{**entry, "config_hash": config_hash} for entry in results])


def rates(content):
    return [(e["rate"], e["method"], e["psnr"]["mean"]) for e in content["results"]]


def test_schema(tmp_path):
    write(tmp_path / "new" / "metrics.json", entries(), config_hash="abc")
    content = json.loads((tmp_path / "new" / "metrics.json").read_text())
    assert set(content) == {"results", "conventions", "versions"}
    assert set(content["versions"]) == {"monai_gan_recon", "monai", "torch", "numpy", "python"}
    assert content["conventions"]["data_range"] == 1
    required = {
        "dataset",
        "track",
        "pattern",
        "rate",
        "size",
        "plane",
        "method",
        "n_people",
        "n_slices",
        *METRICS,
    }
    for entry in content["results"]:
        assert required <= set(entry)
        assert entry["config_hash"] == "abc"
        assert entry["size"] == [64, 128]
        assert all(set(entry[name]) == {"mean", "ci95"} for name in METRICS)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["metrics.json"]


def test_rates_accumulate_and_reruns_replace(tmp_path):
    path = tmp_path / "metrics.json"
    write(path, entries(30.0))
    write(path, entries(40.0, rate=0.5))
    write(path, entries(33.0))
    assert rates(RECONSTRUCTION.read(path)) == [
        (0.5, "zero_filled", 40.0),
        (0.5, "reconstruction", 40.0),
        (0.1, "zero_filled", 33.0),
        (0.1, "reconstruction", 33.0),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": "others"},
        {"track": "raw"},
        {"pattern": "poisson"},
        {"size": None},
        {"plane": "axial"},
        {"hermitian": False},
        {"axis": -2},
        {"min_foreground": 0.0},
        {"seed": 3},
    ],
)
def test_other_protocols_are_kept(tmp_path, change):
    path = tmp_path / "metrics.json"
    write(path, entries(30.0))
    assert len(write(path, entries(31.0, **change))["results"]) == 4
    assert file_stem(entries()[0]) != file_stem(entries(**change)[0])


def test_results_of_other_weights_are_replaced_with_a_line(tmp_path, capsys):
    path = tmp_path / "metrics.json"
    write(path, entries(30.0), config_hash="a")
    write(path, entries(31.0), config_hash="a")
    write(path, entries(31.0, rate=0.5), config_hash="b")
    assert capsys.readouterr().out == ""
    write(path, entries(32.0), config_hash="b")
    (line,) = capsys.readouterr().out.splitlines()
    assert "phantoms_replica_gaussian1d_10_coronal_64x128" in line


def test_snr_counts_on_the_simulated_track_only():
    simulated = [file_stem(entries(track="simulated", snr=snr)[0]) for snr in (10, 20)]
    replica = [file_stem(entries(track="replica", snr=snr)[0]) for snr in (10, 20)]
    assert simulated[0] != simulated[1]
    assert replica[0] == replica[1]


def test_file_names_tell_the_protocol():
    assert file_stem(entries()[0]) == "phantoms_replica_gaussian1d_10_coronal_64x128"
    assert file_stem(entries(rate=0.09375, size="whole", dataset="a b/c")[0]) == (
        "a-b-c_replica_gaussian1d_9.375_coronal_whole"
    )


def test_incomplete_protocol_is_refused():
    with pytest.raises(ValueError, match="pattern, plane"):
        normalise_protocol({"dataset": "a", "track": "replica", "rate": 0.1})


@pytest.mark.parametrize("text", ["{", "[]", '{"results": [{"method": "x"}]}', "3"])
def test_foreign_file_is_not_overwritten(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="--output_dir"):
        write(path, entries())
    assert path.read_text() == text


def test_results_by_other_conventions_are_not_mixed(tmp_path):
    path = tmp_path / "metrics.json"
    content = write(path, entries())
    content["conventions"]["data_range"] = 2
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="conventions"):
        write(path, entries())


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write(tmp_path / "metrics.json", entries(math.nan))
    assert list(tmp_path.iterdir()) == []


def test_missing_file_is_reported(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"metrics\.json"):
        RECONSTRUCTION.read(tmp_path / "metrics.json")


def test_csv_has_numbers_or_nothing(tmp_path):
    path = write_csv(tmp_path / "new" / "a.csv", ("a", "b"), [(1, math.nan), (None, 1 / 3), ("x", math.inf)])
    assert path.read_text() == "a,b\n1,\n,0.3333333\nx,inf\n"
