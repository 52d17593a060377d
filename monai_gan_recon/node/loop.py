"""The node at work: series complete themselves, are reconstructed one after the other, and results are sent."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from monai_gan_recon.atomic import atomic_path, remove_leftovers
from monai_gan_recon.errors import one_line
from monai_gan_recon.node.job import Command, Stopped
from monai_gan_recon.node.peer import Peer, send
from monai_gan_recon.node.queue import RESULTS, SERIES, Queue

_TICK = 0.2
_SENT = ".sent"
"""Suffix of results that the peer has taken."""
logger = logging.getLogger(__name__)


def run_node(
    queue: Queue,
    job: Command,
    to: Peer,
    aet: str,
    stop: threading.Event,
    quiet: float = 10.0,
    patience: float = 3600.0,
    keep: bool = False,
    pauses: tuple[float, float] = (5.0, 600.0),
) -> None:
    """Work on a queue until ``stop`` is set. What is unfinished then goes on at the next start.

    Args:
        queue: filled by :func:`.server.serve`.
        job: makes results of a series.
        to: where results are sent.
        aet: own title.
        stop: ends it.
        quiet: seconds without another object after which a series is complete.
        patience: seconds that a series that was cut off may take to be sent again.
        keep: leave what was sent in the folder ``done``.
        pauses: first and longest pause in seconds before sending is tried again; each is twice the one before.
    """
    steps: list[Callable[[], None]] = [
        lambda: queue.settle(quiet, patience),
        lambda: _work(queue, job),
        _Sender(queue, to, aet, keep, pauses).step,
    ]
    threads = [threading.Thread(target=_repeat, args=(step, stop), daemon=True) for step in steps]
    for thread in threads:
        thread.start()
    stop.wait()
    job.stop()
    for thread in threads:
        thread.join()


def _repeat(step: Callable[[], None], stop: threading.Event) -> None:
    while not stop.wait(_TICK):
        try:
            step()
        except Exception as error:  # a full disk, a bug: the node goes on
            logger.warning("%s; the node goes on", one_line(error) or f"{type(error).__name__}")
            stop.wait(10)


def _work(queue: Queue, job: Command) -> None:
    """Make results of the oldest series that waits."""
    for folder in queue.jobs("waiting")[:1]:
        began = time.perf_counter()
        remove_leftovers(folder)
        try:
            if not (folder / RESULTS).exists():  # a kill before the rename
                with atomic_path(folder / RESULTS) as results:
                    results.mkdir()
                    remarks = job(folder / SERIES, results)
                    if not list(results.rglob("*.dcm")):
                        raise ValueError("nothing came of it")
                for line in remarks:
                    logger.warning("%s: %s", folder.name, line)
                logger.info("%s: reconstructed in %.1f s", folder.name, time.perf_counter() - began)
            queue.move(folder, "sending")
        except Stopped:
            return
        except Exception as error:
            queue.fail(folder, one_line(error) or f"an error of the program ({type(error).__name__})")


class _Sender:
    """Sends the results of all jobs; where the peer cannot take them, tries again after growing pauses."""

    def __init__(self, queue: Queue, to: Peer, aet: str, keep: bool, pauses: tuple[float, float]) -> None:
        self.queue, self.to, self.aet, self.keep, self.pauses = queue, to, aet, keep, pauses
        self.pause, self.next = pauses[0], 0.0

    def step(self) -> None:
        """Send what there is, unless the peer gets a pause."""
        if time.monotonic() < self.next:
            return
        for folder in self.queue.jobs("sending"):
            files = sorted((folder / RESULTS).rglob("*.dcm"))
            try:
                if files:  # else they were all sent, before a kill
                    send(files, self.to, self.aet, lambda file: file.rename(file.with_suffix(_SENT)))
            except ConnectionError as error:
                logger.warning("%s: %s; next try in %g s", folder.name, one_line(error), self.pause)
                self.next = time.monotonic() + self.pause
                self.pause = min(2 * self.pause, self.pauses[1])
                return
            except ValueError as error:
                self.queue.fail(folder, one_line(error) or "")
                continue
            logger.info("%s: sent to %s", folder.name, self.to)
            self.pause = self.pauses[0]
            self.queue.finish(folder, self.keep)
