"""From minutes to slice-iterations."""

import math

import pytest

from benchmarks.paper_tables.grid import MAX_SLICES, SIZES, Schedule, cells, schedule_of
from benchmarks.paper_tables.plan import (
    Plan,
    Speed,
    cell_seconds,
    duration,
    equal_slices,
    existing_plan,
    fit,
    iterations_of,
    shares,
)

SYSTEMS = ("zero_filled", "ours", "dagan")
GRID = cells(SYSTEMS)


def speeds(train=0.05):
    """Proportional to the pixels; dagan is half as fast, zero_filled is not trained."""
    found = {}
    for cell in GRID:
        scale = math.prod(cell.shape) / 8192
        per_slice = {"zero_filled": 0.0, "ours": train, "dagan": 2 * train}[cell.system] * scale
        found[cell.kind] = Speed(8.0, per_slice, 0.5, 0.005 * scale, 110, 11)
    return found


@pytest.mark.parametrize(("iterations", "batch"), [(16, 4), (80, 4), (1000, 8), (999, 7), (60_001, 4), (25_000, 2000)])
def test_a_schedule_is_of_whole_batches_and_within_its_number(iterations, batch):
    schedule = schedule_of(iterations, batch)
    assert schedule.slices_per_epoch % batch == 0
    assert schedule.slices_per_epoch <= max(MAX_SLICES, batch)
    assert iterations - schedule.epochs * batch < schedule.slice_iterations <= iterations
    assert schedule.epochs >= 4


@pytest.mark.parametrize(("iterations", "epochs"), [(16, 4), (32, 4), (80, 5), (240, 15), (400, 20), (4000, 20)])
def test_a_short_training_is_not_validated_after_every_batch(iterations, epochs):
    assert schedule_of(iterations, 4) == Schedule(epochs, iterations // epochs)


def test_too_short_a_training_is_refused():
    with pytest.raises(ValueError, match="--slice_iterations"):
        schedule_of(15, 4)


def test_smaller_slices_get_more_by_the_square_root():
    assert iterations_of(256 * 256, 1000) == 1000
    assert iterations_of(128 * 256, 1000) == 1414
    assert iterations_of(64 * 128, 1000) == 2828


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_the_grid_fits_into_the_budget_and_fills_it(shards):
    found = fit(GRID, speeds(), 600, shards, 4)
    seconds = duration(cell_seconds(GRID, speeds(), found), shards)
    assert 0.95 * 36000 < seconds <= 36000
    assert found == fit(GRID, speeds(), 600, shards, 4)
    assert found["ours 64x128"].slice_iterations > found["ours 256x256"].slice_iterations


def test_a_faster_machine_gets_longer_trainings_and_every_system_of_a_size_the_same():
    slow, fast = fit(GRID, speeds(), 600, 1, 4), fit(GRID, speeds(0.02), 600, 1, 4)
    assert all(fast[kind].slice_iterations > slow[kind].slice_iterations for kind in slow)
    assert set(slow) == {cell.kind for cell in GRID if cell.learned}
    assert all(slow[f"ours {size}"] == slow[f"dagan {size}"] for size in SIZES)


def test_equal_minutes_give_every_system_the_same_time():
    found, of = fit(GRID, speeds(), 600, 2, 4, "minutes"), speeds()
    seconds = {kind: schedule.slice_iterations * of[kind].train_slice for kind, schedule in found.items()}
    longest = max(seconds.values())
    assert all(0.98 * longest < value for value in seconds.values())
    twice = found["ours 64x128"].slice_iterations / found["dagan 64x128"].slice_iterations
    assert twice == pytest.approx(2, rel=0.02)
    whole = duration(cell_seconds(GRID, of, found), 2)
    assert 0.95 * 36000 < whole <= 36000
    with pytest.raises(ValueError, match="needs at least"):
        fit(GRID, of, 1, 2, 4, "minutes")


def test_a_budget_that_is_too_small_says_what_would_do():
    with pytest.raises(ValueError, match=r"needs at least (\d+) minutes") as error:
        fit(GRID, speeds(), 1, 1, 4)
    enough = int(str(error.value).split("at least ")[1].split()[0])
    assert equal_slices(GRID, 4 * 4 * 1.001, 4).keys() == fit(GRID, speeds(), enough, 1, 4).keys()


def test_a_prediction_adds_start_training_validation_and_test():
    speed = Speed(start=10, train_slice=0.1, test_scan=2, test_slice=0.5, slices_per_scan=4, scans=3)
    assert speed.seconds(None) == pytest.approx(1.1 * (10 + 3 * (2 + 2)))
    assert speed.seconds(Schedule(5, 20)) == pytest.approx(1.1 * (22 + 100 * 0.1 + 5 * 24 * 0.5))


def test_shares_are_a_partition_and_even():
    seconds = {str(n): float(n) for n in range(1, 20)}
    parts = shares(seconds, 3)
    assert sorted(name for part in parts for name in part) == sorted(seconds)
    loads = [sum(seconds[name] for name in part) for part in parts]
    assert max(loads) - min(loads) <= 2


def test_a_plan_is_reused_and_not_mistaken(tmp_path):
    assert existing_plan(tmp_path, 60, ["ours 64x128"]) is None
    (tmp_path / "plan.json").write_text(
        '{"minutes": 60, "equal": "slices", "seconds": {"a": 5.0}, '
        '"schedules": {"ours 64x128": {"epochs": 20, "slices_per_epoch": 40}}}'
    )
    plan, kinds = Plan(60, "slices", {"ours 64x128": Schedule(20, 40)}, {"a": 5.0}), ["ours 64x128"]
    assert existing_plan(tmp_path, 60, kinds) == existing_plan(tmp_path, None, kinds, "slices") == plan
    with pytest.raises(ValueError, match="--budget"):
        existing_plan(tmp_path, 90, kinds)
    with pytest.raises(ValueError, match="--equal"):
        existing_plan(tmp_path, None, kinds, "minutes")
    with pytest.raises(ValueError, match="dagan 64x128"):
        existing_plan(tmp_path, None, [*kinds, "dagan 64x128"])
