"""The table of harm: its statistics with known truth, its scores, its scans, and the command on embedded data."""

import json
import math

import numpy as np
import pytest
import torch

from benchmarks.no_harm import run as running
from benchmarks.no_harm.__main__ import main
from benchmarks.no_harm.cells import TABLE, Cell, choose
from benchmarks.no_harm.datasets import TEST_SETS, Case
from benchmarks.no_harm.methods import Weights
from benchmarks.no_harm.perceptual import haarpsi, vif
from benchmarks.no_harm.pictures import worst_row
from benchmarks.no_harm.report import parts
from benchmarks.no_harm.scanning import scan
from benchmarks.no_harm.scores import METRICS, slice_scores
from benchmarks.no_harm.statistics import summarise, verdict
from benchmarks.no_harm.tuning import Tuned, climb, tune_denoising
from benchmarks.result_files import RESULTS, ROOT, fill
from monai_gan_recon.measurement import fft2c
from monai_gan_recon.resources import RECONSTRUCTION, bundle_path
from monai_gan_recon.simulation import biot_savart_maps

SHIPPED = bundle_path(RECONSTRUCTION) / "models" / "model.pt"


def rows_of(psnr, ssim=0.5):
    """One row a person and slice; the PSNR of each slice, by person."""
    others = dict.fromkeys(METRICS, 0.5)
    return [
        {
            "person": person,
            "case": person,
            "slice": i,
            "mask": 0,
            **others,
            "psnr_head": value,
            "ssim_head": ssim,
        }
        for person, values in psnr.items()
        for i, value in enumerate(values)
    ]


def test_statistics_of_known_truth():
    """People count alike, however many slices they have; the interval is Student's."""
    cell = summarise(
        {
            "zero_filled": rows_of({"a": [20.0], "b": [30.0, 32.0, 34.0]}),
            "total_variation": rows_of({"a": [23.0], "b": [31.0, 33.0, 35.0]}),
            "support_cg": rows_of({"a": [20.0], "b": [32.0, 32.0, 32.0]}),
            "net": rows_of({"a": [25.0], "b": [30.0, 31.0, 32.0]}, ssim=0.6),
            "net (noise estimated)": rows_of({"a": [25.0], "b": [33.0, 34.0, 35.0]}, ssim=0.4),
        }
    )
    net = cell["columns"]["net"]
    assert (cell["people"], cell["slices"], cell["best_classical"]) == (2, 4, "total_variation")
    assert net["psnr_head"]["mean"] == pytest.approx((25 + 31) / 2)
    assert net["gain"]["mean"] == pytest.approx((5 - 1) / 2)
    assert net["gain"]["ci95"] == pytest.approx(12.706 * np.std([5, -1], ddof=1) / math.sqrt(2), rel=1e-4)
    assert net["lead"]["mean"] == pytest.approx((2 - 2) / 2)
    assert (net["harmless"], net["better"]) == (0.5, 0.5)
    assert cell["columns"]["net (noise estimated)"]["harmless"] == 0  # its SSIM is lower
    assert cell["columns"]["zero_filled"]["harmless"] == 1
    found = verdict([{"name": "cell", **cell}], "net")
    assert found["harmful"] == ["cell"]
    assert (found["cells"], found["no_harm"], found["ahead"], found["least_lead"]) == (1, 0, 1, 0)


def test_the_worst_slice_is_the_one_that_loses_most():
    base = rows_of({"a": [20.0, 25.0], "b": [30.0]})
    rows = {"zero_filled": base, "net": rows_of({"a": [22.0, 26.0], "b": [29.0]})}
    assert worst_row(rows, "net") == ("net", rows["net"][2], -1.0)
    rows["net (noise estimated)"] = rows_of({"a": [22.0, 23.0], "b": [29.0]})
    assert worst_row(rows, "net")[::2] == ("net (noise estimated)", -2.0)


@pytest.mark.parametrize("start", [0, 3, 6])
def test_climbing_finds_the_maximum_and_looks_at_each_place_once(start):
    seen = []
    assert climb(lambda place: seen.append(place) or -((place - 4) ** 2), 7, start) == 4
    assert len(seen) == len(set(seen))


def test_the_share_of_the_noise_that_is_taken_out_is_the_best_of_those_tried():
    class Scan:
        reference = torch.rand(2, 1, 16, 16)
        head = torch.ones(2, 1, 16, 16, dtype=torch.bool)

    def network(scanned, estimated, share):
        assert estimated
        return scanned.reference + 0.01 + (share - 0.5) ** 2

    found = tune_denoising(network, [Scan(), Scan()])
    assert found["value"] == 0.5
    assert found["psnr"] == pytest.approx(40 + 20 * math.log10(float(Scan.reference.max())), abs=0.5)


def test_settings_are_found_once_for_each_identity(tmp_path):
    found = []
    for identity in ("one", "one", "two", "two"):
        Tuned(tmp_path / "t.json").get("cell", "method", identity, lambda: found.append(1) or {"value": len(found)})
    assert len(found) == 2
    assert Tuned(tmp_path / "t.json").settings["cell method"] == {"value": 2, "identity": "two"}


def test_perceptual_measures_are_those_of_piq():
    """Numbers of piq 0.8.0 in double precision."""
    t = torch.arange(64 * 64).reshape(1, 1, 64, 64)
    reference = (0.5 + 0.5 * torch.sin(t / 50.0) * torch.cos(t / 7.0)).double()
    image = (reference + 0.1 * torch.sin(t * 1.7)).clamp(0, 1)
    assert float(haarpsi(image, reference)) == pytest.approx(0.9162017252418331, rel=1e-5)
    assert float(vif(image, reference)) == pytest.approx(0.3465194644212469, rel=1e-4)
    assert float(haarpsi(reference, reference)) == pytest.approx(1, abs=1e-5)
    assert float(vif(reference, reference)) == pytest.approx(1, abs=1e-5)


def test_what_lies_outside_of_the_head_does_not_count_inside():
    reference = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    head = torch.zeros(2, 1, 64, 64, dtype=torch.bool)
    head[..., 8:56, 8:56] = True
    outside, inside = (reference + 0.1 * mask for mask in (~head, head))
    for image, perfect in ((outside, "head"), (reference, "frame")):
        scores = slice_scores(image, reference, head)[1]
        assert scores[f"psnr_{perfect}"] == 100
        assert scores[f"nmse_{perfect}"] == 0
        assert scores[f"haarpsi_{perfect}"] == pytest.approx(1, abs=1e-4)
        assert scores[f"vif_{perfect}"] == pytest.approx(1, abs=1e-4)
    scores = slice_scores(inside, reference, head)[0]
    assert scores["psnr_head"] == pytest.approx(20, abs=1e-3)
    assert scores["psnr_frame"] == pytest.approx(20 - 10 * math.log10((48 / 64) ** 2), abs=1e-3)


def disc(size=(64, 64)):
    y, x = (torch.linspace(-1, 1, n) for n in size)
    return 0.8 * ((y[:, None] / 0.8) ** 2 + (x / 0.7) ** 2 < 1).float()


def test_a_scan_depends_on_case_and_seed_alone():
    cell = Cell("any", "simulated", "gaussian1d", 0.3, 10.0)
    case = Case("p", "c", (3,), disc()[None, None], 0.8)
    one, again, other = (scan(case, cell, seed) for seed in (0, 0, 1))
    torch.testing.assert_close(one.data.kspace, again.data.kspace, rtol=0, atol=0)
    assert not torch.equal(one.data.mask, other.data.mask)
    assert float(torch.as_tensor(one.data.noise_std)) == pytest.approx(0.08)  # mean 0.8 at SNR 10
    noise = [float(one.block(estimated)["input"][0, 3, 0, 0]) for estimated in (False, True)]
    assert noise[0] == pytest.approx(0.08) != noise[1]
    assert noise[1] == pytest.approx(0.08, rel=0.3)


@pytest.mark.parametrize("coils", [1, 8])
def test_raw_scans_have_the_fully_sampled_image_as_reference(coils):
    image, maps = disc(), biot_savart_maps((64, 64), 6)
    noise = torch.randn(2, 6, 64, 64, 2, generator=torch.Generator().manual_seed(0))
    kspace = fft2c(maps * image).expand(2, -1, -1, -1) + 0.002 * torch.view_as_complex(noise)
    case = Case("p", "c", (0, 1), kspace)
    one, other = (scan(case, Cell("any", "raw", "gaussian1d", 0.5, None, coils), seed) for seed in (0, 1))
    torch.testing.assert_close(one.reference, other.reference)
    assert one.data.kspace.shape[1] == min(coils, 6)
    assert float(one.data.mask.float().mean()) == pytest.approx(0.5)
    assert one.reference.max() == pytest.approx(1)
    shaded = image * torch.linalg.vector_norm(maps, dim=0)
    inside = image > 0
    ratio = (one.reference[0, 0] / shaded)[inside]
    assert ratio.std() < 0.05 * ratio.mean()


def test_cells_have_names_of_their_own_and_known_test_sets():
    assert len({cell.name for cell in TABLE}) == len(TABLE)
    assert {cell.dataset for cell in TABLE} == set(TEST_SETS)
    assert {cell.dataset for cell in choose(["ulf*", "*raw-8ch*"])} >= {"ulf_FSE", "brain_8ch"}
    assert not any(cell.dataset == "embedded" for cell in choose([]))
    with pytest.raises(ValueError, match="nothing"):
        choose(["nothing*"])


@pytest.mark.parametrize("text", ["FILE", "=FILE", "zero_filled=FILE"])
def test_weights_need_a_name_of_their_own(text, tmp_path):
    file = tmp_path / "w.pt"
    file.touch()
    with pytest.raises(ValueError, match="NAME=FILE"):
        Weights.parse(text.replace("FILE", str(file)))
    with pytest.raises(FileNotFoundError, match="absent"):
        Weights.parse(f"a={tmp_path / 'absent.pt'}")


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """Two cells of the embedded brain by two methods and two kinds of weights, through the command."""
    out = tmp_path_factory.mktemp("no_harm")
    options = ["--output_dir", str(out), "--cells", "embedded*", "--slices", "1", "--methods", "support_cg"]
    main(["run", *options, "--weights", f"a={SHIPPED}"])
    return out, options


def test_cells_are_filled_and_not_filled_again(filled, monkeypatch, capsys):
    out, options = filled
    simulated, replica = (
        sorted(path.name for path in out.glob(f"cells/*{track}*/*")) for track in ("simulated", "replica")
    )
    assert simulated == ["a-estimated.json", "a.json", "support_cg.json", "zero_filled.json"]
    assert replica == ["a.json", "support_cg.json", "zero_filled.json"]  # no noise to estimate
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.json")}
    scanned = []
    real = running.scan
    monkeypatch.setattr(running, "scan", lambda *given, **named: scanned.append(given) or real(*given, **named))
    main(["run", *options, "--weights", f"a={SHIPPED}"])
    assert not scanned
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.json")} == before
    assert capsys.readouterr().out.count("finished already") == 2


def test_other_weights_of_a_name_are_not_mixed_with_the_first(filled, tmp_path):
    out, options = filled
    state = torch.load(SHIPPED, weights_only=True)
    torch.save({name: 0.9 * value for name, value in state.items()}, tmp_path / "b.pt")
    cell = choose(["embedded*replica*"])[0].name
    before = {path.name: json.loads(path.read_text()) for path in out.glob(f"cells/{cell}/*")}
    main(["run", *options[:2], "--cells", cell, *options[4:], "--weights", f"a={tmp_path / 'b.pt'}"])
    after = {path.name: json.loads(path.read_text()) for path in out.glob(f"cells/{cell}/*")}
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"a.json"}
    assert before["a.json"]["rows"] != after["a.json"]["rows"]
    main(["run", *options[:2], "--cells", cell, *options[4:], "--weights", f"a={SHIPPED}"])
    again = json.loads((out / "cells" / cell / "a.json").read_text())
    assert again["rows"] == before["a.json"]["rows"]


def test_the_report_is_of_the_rows(filled, tmp_path):
    out, options = filled
    page = tmp_path / "page.md"
    page.write_text("<!-- cells -->\n<!-- end of cells -->\n")
    more = ["--weights", f"a={SHIPPED}", "--page", str(page), "--results", str(tmp_path / "results")]
    main(["report", *options, *more])
    table = json.loads((tmp_path / "results" / "table.json").read_text())
    assert [cell["name"] for cell in table["cells"]] == [cell.name for cell in choose(["embedded*"])]
    for cell in table["cells"]:
        rows = json.loads((out / "cells" / cell["name"] / "a.json").read_text())["rows"]
        mean = sum(row["psnr_head"] for row in rows) / len(rows)  # of one person
        assert cell["columns"]["a"]["psnr_head"]["mean"] == pytest.approx(mean, rel=1e-5)
        assert cell["title"] in page.read_text()
    for name in ("no_harm_table.png", "no_harm_worst.png"):
        assert (tmp_path / "images" / name).read_bytes()[1:4] == b"PNG"


def test_the_page_is_of_the_published_table():
    table = json.loads((RESULTS / "no_harm" / "table.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "no_harm.md").read_text(encoding="utf-8")
    assert fill(page, parts(table)) == page
