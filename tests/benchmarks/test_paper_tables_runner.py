"""Cells one after another: skipped, resumed, failing."""

import signal
from dataclasses import replace

import pytest
from made_results import made_result

from benchmarks.paper_tables.configuration import Settings, cell_hash, training_config
from benchmarks.paper_tables.grid import SYSTEMS, Cell, Schedule, cells, parse_size
from benchmarks.paper_tables.results import read_result, write_result
from benchmarks.paper_tables.run import Run, of_shard, run_cells, time_left, words
from benchmarks.paper_tables.worker import reason

GRID = cells(["zero_filled", "ours"], ["64x128"], [0.09375], ["replica"])


@pytest.fixture
def run(tiny, tmp_path):
    settings = Settings(**tiny)
    return Run(
        settings,
        {kind: Schedule(4, 8) for kind in ("ours 64x128", "dagan 64x128")},
        {},
        tmp_path / "out",
        tmp_path / "results",
    )


def worker(run, fails=()):
    """A fake process of a cell: writes a result, or gives a reason; remembers its calls."""
    calls = []

    def task(kind, cell, settings, schedule, folder, cache, answer):
        calls.append((cell.system, folder.name))
        if cell.system in fails:
            return "ValueError: diverged"
        write_result(answer, cell, made_result(cell.system, config_hash=cell_hash(cell, settings, schedule)))
        return None

    task.calls = calls
    return task


def test_a_failing_cell_is_reported_and_leaves_the_others(run, capsys):
    assert run_cells(run, GRID, worker(run, fails=["zero_filled"])) == ["zero_filled 64x128 9.375 % replica"]
    printed = capsys.readouterr().out
    assert "[1/2] zero_filled 64x128 9.375 % replica: failed: ValueError: diverged" in printed
    assert "[2/2] ours 64x128 9.375 % replica: 30.50 dB, SSIM 0.0100" in printed
    assert read_result(run.results_dir, GRID[0])["status"] == "failed: ValueError: diverged"
    assert read_result(run.results_dir, GRID[1])["status"] == "finished"


def test_finished_cells_are_skipped_and_failed_ones_tried_again_in_their_folder(run):
    first = worker(run, fails=["ours"])
    run_cells(run, GRID, first)
    second = worker(run)
    assert run_cells(run, GRID, second) == []
    assert second.calls == first.calls[1:]
    third = worker(run)
    run_cells(run, GRID, third)
    assert third.calls == []


def test_another_configuration_is_trained_anew_elsewhere(run):
    first, second = worker(run), worker(run)
    run_cells(run, GRID, first)
    longer = replace(run, schedules={"ours 64x128": Schedule(8, 8)})
    run_cells(longer, GRID, second)
    assert [system for system, _ in second.calls] == ["ours"]  # nothing is trained for the other
    assert second.calls[0] != first.calls[1]


def test_a_system_without_configuration_fails_alone(run):
    grid = [*GRID, Cell("dagan", "64x128", 0.09375, "replica")]
    assert run_cells(run, grid, worker(run)) == ["dagan 64x128 9.375 % replica"]
    assert "no configuration dagan.yaml" in read_result(run.results_dir, grid[-1])["status"]


def test_what_counts_in_the_hash_of_a_cell(run):
    cell, schedule = GRID[1], Schedule(4, 8)
    found = cell_hash(cell, run.settings, schedule)
    assert found == cell_hash(cell, replace(run.settings, threads=7, device="cuda:0"), schedule)
    others = [
        cell_hash(cell, replace(run.settings, seed=1), schedule),
        cell_hash(cell, replace(run.settings, slice_step=2), schedule),
        cell_hash(cell, run.settings, Schedule(4, 16)),
        cell_hash(replace(cell, track="simulated"), run.settings, schedule),
    ]
    assert len({found, *others}) == 5


def test_training_and_validation_are_of_the_cells_rate_track_and_size(run, tmp_path):
    cell = Cell("ours", "64x128", 0.25, "simulated")
    config = training_config(cell, run.settings, Schedule(4, 8), tmp_path, tmp_path)
    assert config["rates"] == [0.25, 0.25]
    assert config["size"] == config["crop"] == [64, 128]
    assert config["replica_probability"] == 0.0
    (scan,) = config["val_scans"]
    assert (scan["rate"], scan["track"]) == (0.25, "simulated")


@pytest.mark.parametrize("count", [1, 2, 3])
def test_shards_are_a_partition(count):
    grid = cells()
    parts = [of_shard(grid, {grid[0].name: 5.0}, (i, count)) for i in range(count)]
    assert sorted(c.name for part in parts for c in part) == sorted(c.name for c in grid)


def test_the_grid_has_every_cell_but_those_that_are_not_defined():
    assert len(cells()) == len(SYSTEMS) * 3 * 2 * 2 - 3 * 2
    assert Cell("zero_filled_hermitian", "64x128", 0.09375, "simulated") not in cells()
    assert [c.size for c in cells(["ours"], ["256x256", "64x128"], [0.5], ["replica"])] == [
        "64x128",
        "256x256",
    ]
    with pytest.raises(ValueError, match="HEIGHTxWIDTH"):
        parse_size("64x8")


def test_how_a_process_ended(tmp_path):
    failure = tmp_path / "failure"
    assert reason(0, failure) is None
    assert "SIGKILL" in reason(-signal.SIGKILL, failure)
    assert "exit code 3" in reason(3, failure)
    failure.write_text("no room")
    assert reason(1, failure) == "no room"


def test_time_left_follows_the_done_cells():
    zero, ours = GRID
    assert time_left([ours], [(zero, 20.0)], {zero.name: 10.0, ours.name: 100.0}) == 200.0
    assert time_left([ours, ours], [(zero, 20.0)], {}) == 40.0
    assert time_left([], [], {}) == 0.0
    assert [words(s) for s in (45, 720, 11100)] == ["45 s", "12 min", "3 h 05 min"]
