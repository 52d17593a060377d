"""The queue on disk: when a series is complete, what is refused, and what is there after a kill at any moment."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monai_gan_recon.node import Queue
from monai_gan_recon.node.queue import STATES


@pytest.fixture
def make(tmp_path):
    """Maker of queues, closed at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda folder=tmp_path / "queue", **limits: stack.enter_context(Queue(folder, **limits))


def fill(queue, series="1.2.3", count=3, sender="a"):
    for number in range(count):
        queue.store(series, f"{series}.{number}", bytes([number] * 10), sender)


def states(queue):
    return {state: len(jobs) for state in STATES if (jobs := queue.jobs(state))}


def test_a_series_is_complete_after_its_senders_and_a_quiet_time(make):
    queue = make()
    fill(queue, sender="a")
    fill(queue, count=5, sender="b")
    queue.settle(0, 60)
    assert states(queue) == {"receiving": 1}
    queue.close("a", whole=True)
    queue.settle(0, 60)
    assert states(queue) == {"receiving": 1}
    queue.close("b", whole=True)
    queue.settle(60, 60)
    assert states(queue) == {"received": 1}
    fill(queue, count=6, sender="c")  # one association an object
    assert states(queue) == {"receiving": 1}
    queue.close("c", whole=True)
    queue.settle(0, 60)
    (job,) = queue.jobs("waiting")
    contents = sorted(file.read_bytes() for file in (job / "series").iterdir())
    assert contents == [bytes([number] * 10) for number in range(6)]


def test_two_series_of_one_sender_are_two_jobs_in_the_order_of_their_coming(make, tmp_path):
    queue = make()
    fill(queue, "1.2.9")
    fill(queue, "1.2.3", 4)
    queue.close("a", whole=True)
    queue.settle(0, 60)
    assert [len(list((job / "series").iterdir())) for job in queue.jobs("waiting")] == [3, 4]
    assert not [path for path in tmp_path.rglob("*") if "1.2" in path.name]


def test_what_was_cut_off_waits_for_the_rest_and_fails_at_last(make):
    queue = make()
    fill(queue)
    queue.close("a", whole=False)
    queue.settle(0, 60)
    assert states(queue) == {"receiving": 1}
    fill(queue, count=4, sender="again")
    queue.close("again", whole=True)
    fill(queue, "1.2.4")
    queue.close("a", whole=False)
    queue.settle(0, 0)
    assert states(queue) == {"waiting": 1, "failed": 1}
    assert "3 objects" in (queue.jobs("failed")[0] / "error.txt").read_text()


def test_what_is_done_is_kept_or_removed_and_what_was_kept_stays(tmp_path):
    with Queue(tmp_path) as queue:
        for series, keep in (("1.2.3", True), ("1.2.4", False)):
            fill(queue, series)
            queue.close("a", whole=True)
            queue.settle(0, 60)
            queue.finish(queue.jobs("waiting")[0], keep)
        assert states(queue) == {"done": 1}
        (tmp_path / ".incoming" / "half" / "series").mkdir(parents=True)  # killed while it was removed
    with Queue(tmp_path) as queue:
        assert states(queue) == {"done": 1}
        assert not list((tmp_path / ".incoming").iterdir())


@pytest.mark.parametrize("limits", [{"max_objects": 3}, {"max_mb": 1}])
def test_a_series_beyond_a_limit_fails_and_the_rest_of_it_is_refused(make, limits):
    queue = make(**limits)
    fill(queue)
    for number in (3, 4):
        with pytest.raises(ValueError, match=r"series|max"):
            queue.store("1.2.3", f"1.2.3.{number}", bytes(1 << 20), "a")
    fill(queue, "1.2.4")
    queue.close("a", whole=True)
    assert states(queue) == {"received": 1, "failed": 1}
    fill(queue)  # a new transfer has a new chance
    assert states(queue) == {"receiving": 1, "received": 1, "failed": 1}


def test_a_damaged_object_fails_all_that_came_with_it(make):
    queue = make()
    fill(queue)
    queue.reject(b"?", "a", "damaged")
    fill(queue, "1.2.4", sender="b")
    queue.close("a", whole=True)
    queue.close("b", whole=True)
    assert states(queue) == {"received": 1, "failed": 2}
    assert sorted(len(list((job / "series").iterdir())) for job in queue.jobs("failed")) == [1, 3]


@pytest.mark.parametrize("uid", ["", "../../x", "1.2/3", "1" * 65])
def test_uids_that_are_none_are_refused(make, uid):
    queue = make()
    for uids in ((uid, "1.2"), ("1.2", uid)):
        with pytest.raises(ValueError, match="UID"):
            queue.store(*uids, b"", "a")
    assert states(queue) == {}


def test_a_folder_is_for_one_node_and_for_its_owner(tmp_path):
    with Queue(tmp_path / "q"):
        assert not [path for path in (tmp_path / "q").iterdir() if path.is_dir() and path.stat().st_mode & 0o077]
        with pytest.raises(ValueError, match="--folder"):
            Queue(tmp_path / "q")
    with Queue(tmp_path / "q"):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="file"):
        Queue(tmp_path / "file")
    with pytest.raises(ValueError, match="max_mb"):
        Queue(tmp_path / "r", max_mb=0)


KILLED = """
import itertools, sys
from monai_gan_recon.node import Queue
queue = Queue(sys.argv[1])
for number in itertools.count():
    for part in range(3):
        queue.store(f"1.2.{number}", f"1.2.{number}.{part}", bytes(2000), number)
        print(number, part, flush=True)
    queue.close(number, whole=True)
    queue.settle(0, 60)
    for job in queue.jobs("waiting")[:-2]:
        queue.move(job, "sending")
    for job in queue.jobs("sending")[:-2]:
        queue.finish(job, keep=True)
"""


def test_killed_at_any_moment_nothing_acknowledged_is_lost(tmp_path):
    """Each object that was acknowledged is there as a whole, once; jobs lie in one state each."""
    root = Path(__file__).parents[2]
    for delay in (0.0, 0.03, 0.1):
        folder = tmp_path / str(delay)
        told = tmp_path / "told"
        with told.open("w") as out:
            command, environment = (
                [sys.executable, "-c", KILLED, folder],
                os.environ | {"PYTHONPATH": str(root)},
            )
            with subprocess.Popen(command, stdout=out, env=environment) as process:
                while not told.read_text():
                    time.sleep(0.01)
                time.sleep(delay)
                os.kill(process.pid, signal.SIGKILL)
        number, part = map(int, told.read_text().splitlines()[-1].split())
        with Queue(folder) as queue:
            jobs = [job for state in STATES for job in queue.jobs(state)]
            assert len({job.name for job in jobs}) == len(jobs)
            files = [file for job in jobs for file in (job / "series").iterdir()]
            assert all(file.stat().st_size == 2000 for file in files)
            assert len(files) - (3 * number + part + 1) in (0, 1)  # the last one may not have been told
            assert len({file.name for file in files}) == len(files)
            queue.store("1.2.3", "1.2.3.4", b"goes on", "b")
