"""Tables, charts and the page, from results that were made up."""

import json
import re

import numpy as np
import pytest
from made_results import made_result
from matplotlib.image import imread

from benchmarks.paper_tables.cell import SLICE_FILE
from benchmarks.paper_tables.figures import BOXES, bar_chart, comparison_figure, framed, slice_files
from benchmarks.paper_tables.grid import (
    RATES,
    RESULTS_DIR,
    SIZES,
    SYSTEMS,
    Cell,
    paper_numbers,
    parse_size,
    rate_text,
)
from benchmarks.paper_tables.results import failure, read_result, write_result
from benchmarks.paper_tables.tables import (
    cost_table,
    longer_table,
    not_run,
    protocol_table,
    result_tables,
    summary_table,
    table,
)
from monai_gan_recon.measurement import sampling_mask

TEN = tuple(np.linspace(30, 33, 10))
SPEED = {"sizes": {"64x128": {"ours": {"parameters": 1234, "gflop_per_slice": 5.678, "seconds_per_slice": 0.05}}}}


@pytest.fixture
def results():
    rising = [20, 21, 22, 23]
    made = [made_result(psnr=TEN), made_result("dagan", psnr=[p - 3 for p in TEN], validation_psnr=rising)]
    found = {Cell(r["system"], "64x128", 0.09375, "replica"): r for r in made}
    broken = Cell("wdagan", "64x128", 0.09375, "replica")
    return found | {broken: failure(broken, "killed\n(SIGKILL)", "00")}


def row(text, title):
    lines = [line for line in text.splitlines() if line.startswith(f"| {title} ")]
    assert len(lines) == 1
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_a_row_for_numbers_and_reasons_and_one_line_for_all_else(results):
    text = table(results, "64x128", 0.09375, "replica")
    rows = ["Ours: unrolled", "GAN-ResNet50 (the", "DAGAN", "WDAGAN"]
    assert len(text.splitlines()) == 2 + len(rows)
    ours, paper, dagan, broken = (row(text, title) for title in rows)
    assert ours[1:4] == ["-", "31.50 ± 0.50", "0.0100 ± 0.0010"]
    assert ours[7:] == ["-", "-", "-", "800", "+0.02"]
    assert dagan[0] == "DAGAN `dagan` ▲"
    assert dagan[1] == "n/a here"
    assert dagan[7:] == ["3.00 ± 0.00", "+1.00", "0.002", "800", "+1.00"]
    assert broken[2] == "failed: killed (SIGKILL)"
    assert paper[1:3] == ["27.8 / 0.789", "not run"]
    (line,) = not_run(results, "64x128", 0.09375, "replica")
    named = re.findall(r"`(\w+)`", line)
    assert sorted([*named, "ours", "dagan", "wdagan", "gan_resnet50"]) == sorted(SYSTEMS)


def test_all_tables_have_their_numbers_and_the_simulated_track_its_reason(results):
    one = made_result(track="simulated")
    text = result_tables({Cell("ours", "64x128", 0.09375, "simulated"): one}, "simulated")
    assert re.findall(r"### Table (\S+): (\S+), (\d+) %", text) == [
        ("I-S", "64x128", "10"), ("II-S", "64x128", "50"), ("III-S", "128x256", "10"),
        ("IV-S", "128x256", "50"), ("V-S", "256x256", "10"), ("VI-S", "256x256", "50"),
    ]  # fmt: skip
    assert one["psnr"]["mean"] == pytest.approx(float(row(text, "Ours: unrolled")[2].split()[0]))
    assert "|" not in result_tables(results, "simulated")


def test_the_papers_numbers():
    assert paper_numbers(Cell("gan_resnet50", "256x256", 0.49609375, "replica")) == "50.1 / 0.998"
    assert paper_numbers(Cell("gan_resnet50", "256x256", 0.49609375, "simulated")) == "-"
    assert paper_numbers(Cell("monai_varnet", "256x256", 0.09375, "replica")) == "-"
    assert paper_numbers(Cell("wdagan", "128x256", 0.09375, "replica")) == "n/a here"


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", SIZES)
def test_a_rate_is_named_by_the_lines_of_its_masks(size, rate):
    lines = sampling_mask("gaussian1d", parse_size(size), rate, seed=0)[0]
    percent = {0.09375: 10, 0.49609375: 50}[rate]
    assert rate_text(size, rate) == f"{percent} % ({int(lines.sum())} of {lines.numel()} lines)"


def test_cost_and_protocol(results):
    ours = row(cost_table(results, SPEED), "Ours: unrolled")
    assert ours[1:] == ["1,234", "5.7", "-", "-", "0.050", "-", "-"]
    assert row(cost_table(results, None), "DAGAN")[1:] == ["1,234", "5.7", *["-"] * 5]
    line = row(protocol_table(results), "64x128")
    assert line[1:5] == ["replica", "2", "800", "8"]
    assert line[9] == "not recorded"
    told = {cell: {**result, "bf16": cell.system == "ours"} for cell, result in results.items()}
    assert row(protocol_table(told), "64x128")[9] == "bfloat16 or float32"
    unequal = made_result("unet_dssim", budget=made_result()["budget"] | {"slice_iterations": 400})
    found = results | {Cell("unet_dssim", "64x128", 0.09375, "replica"): unequal}
    assert row(protocol_table(found), "64x128")[3] == "800 or 400"
    for number, system in enumerate(("unet_hyun", "ours_no_dc", "wdagan")):
        budget = made_result()["budget"] | {"slice_iterations": 40 + number}
        found |= {Cell(system, "64x128", 0.09375, "replica"): made_result(system, budget=budget)}
    assert row(protocol_table(found), "64x128")[3] == "40 to 800"
    simulated = {Cell("ours", "64x128", 0.09375, "simulated"): made_result(track="simulated")}
    assert row(protocol_table(found | simulated), "64x128 | simulated")[2] == "1"


def test_longer_trainings_are_compared_with_each_other_and_with_the_grids_zero_filled_images(results):
    below = made_result("zero_filled", psnr=[p - 6 for p in TEN])
    grid = {Cell("zero_filled", "64x128", 0.09375, "replica"): below}
    lines = longer_table(results, grid).splitlines()
    assert len(lines) == 2 + 2  # the failed one has no row
    ours, dagan = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:])
    assert ours[:5] == ["64x128", "10 % (12 of 128 lines)", "`ours`", "-", "31.50 ± 0.50"]
    assert ours[6:10] == ["6.00 ± 0.00", "-", "-", "-"]
    assert dagan[2] == "`dagan` ▲"
    assert dagan[6:] == ["3.00 ± 0.00", "3.00 ± 0.00", "+1.00", "0.002", "1.5", "800", "+1.00"]
    assert [cell.strip() for cell in longer_table(results, {}).splitlines()[2].split("|")][7] == "-"
    assert "|" not in longer_table({}, grid)


def test_the_summary_takes_the_longer_training(results):
    cell = Cell("ours", "64x128", 0.09375, "replica")
    grid = results | {Cell("zero_filled", "64x128", 0.09375, "replica"): made_result("zero_filled")}
    for longer, psnr in (({}, "31.50"), ({cell: made_result(psnr=[32.0, 34.0])}, "33.00")):
        lines = summary_table(longer, grid).splitlines()
        assert len(lines) == 2 + 1  # no other size and rate has both
        assert [part.strip() for part in lines[2].strip("|").split("|")] == [
            "64x128",
            "10 % (12 of 128 lines)",
            "30.50 ± 0.50 / 0.0100 ± 0.0010",
            f"{psnr} ± 0.50 / 0.0100 ± 0.0010",
            "27.8 / 0.789",
            "2",
        ]


def test_a_result_is_complete_or_refused(tmp_path):
    cell, result = Cell("ours", "64x128", 0.09375, "replica"), made_result()
    write_result(tmp_path, cell, result)
    assert read_result(tmp_path, cell) == result
    del result["people"]
    with pytest.raises(ValueError, match="people"):
        write_result(tmp_path, cell, result)
    path = tmp_path / f"{cell.name}.json"
    path.write_text(json.dumps(result))
    with pytest.raises(ValueError, match="people"):
        read_result(tmp_path, cell)
    path.write_text("[]")
    with pytest.raises(ValueError, match=cell.name):
        read_result(tmp_path, cell)


def test_committed_results_name_no_path_and_no_test_person_of_training():
    for path in RESULTS_DIR.rglob("*.json"):
        assert not re.search(r'"[^"]*(/home/|/work/|/tmp/|[A-Z]:\\\\)', path.read_text()), path.name


def test_boxes_move_with_the_centre_crop():
    for box in BOXES.values():
        assert framed(box, (256, 256)) == box
        top, left, height, width = framed(box, (64, 128))
        assert (top, left) == (box[0] - 96, box[1] - 64)
        assert (height, width) == box[2:]  # nothing is cut off at the smallest size
    assert framed((0, 0, 100, 100), (64, 128)) == (0, 0, 4, 36)


def test_figures_are_drawn_from_the_kept_slices(results, tmp_path):
    image = np.random.default_rng(0).random((64, 128), dtype=np.float32)
    for cell, result in results.items():
        if "psnr" in result:
            folder = tmp_path / "cells" / f"{cell.name}_01234567"
            folder.mkdir(parents=True)
            np.savez(folder / SLICE_FILE, reference=image, zero_filled=0.9 * image, reconstruction=0.99 * image)
    files = slice_files(results, "64x128", 0.09375, "replica", tmp_path)
    assert list(files) == ["ours", "dagan"]
    comparison_figure(files, "64x128", 0.09375, "replica", tmp_path / "slices.png")
    picture = imread(tmp_path / "slices.png")
    assert picture[..., :3].std() > 0.05
    with pytest.raises(FileNotFoundError, match="ours 64x128"):
        slice_files(results, "64x128", 0.09375, "replica", tmp_path / "elsewhere")
    assert slice_files(results, "256x256", 0.09375, "replica", tmp_path) == {}


def test_the_bar_chart(results, tmp_path):
    assert bar_chart(results, "64x128", "replica", tmp_path / "bars.png")
    assert imread(tmp_path / "bars.png").std() > 0.02
    assert not bar_chart(results, "256x256", "replica", tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()
