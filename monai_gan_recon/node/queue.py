"""Series on disk, each a folder in that of its state; a state changes by one rename, so that no kill loses a series."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import shutil
import threading
import time
import uuid
from collections.abc import Hashable
from pathlib import Path

from monai_gan_recon.atomic import atomic_path
from monai_gan_recon.checks import check_counts, check_output_dir
from monai_gan_recon.errors import printable

STATES = ("receiving", "received", "waiting", "sending", "done", "failed")
"""Being received; received, and quiet for a while; to be reconstructed; to be sent; sent; given up, with a line."""

SERIES, RESULTS, ERROR = "series", "results", "error.txt"
"""In the folder of a job: what was received, what was made of it, and why it failed."""

_STAGING = ".incoming"
_UID = re.compile(r"[0-9.]{1,64}")
logger = logging.getLogger(__name__)


class TooMuch(ValueError):
    """A series is beyond a limit."""


class Queue:
    """A folder ``STATE/JOB/series`` for each series that was sent; jobs are named by the time and a hash of the UID.

    All methods may be called by several threads. One program uses a folder at a time, until the block ends.

    Args:
        folder: of the queue; made if it is missing. What is in it is for its owner's eyes only.
        max_objects: a series of more objects fails.
        max_mb: a series of more megabytes fails.

    Raises:
        ValueError: if the folder cannot be written, another node uses it, or a limit is no number above 0.

    Example:
        >>> import tempfile
        >>> with Queue(tempfile.mkdtemp()) as queue:
        ...     queue.store("1.2.3", "1.2.3.1", b"...", sender="a")
        ...     queue.close("a", whole=True)
        ...     queue.settle(quiet=0, patience=60)
        ...     len(queue.jobs("waiting"))
        1
    """

    def __init__(self, folder: str | os.PathLike[str], max_objects: int = 5000, max_mb: int = 2048) -> None:
        check_counts(max_objects=max_objects, max_mb=max_mb)
        self.max_objects, self.max_bytes = max_objects, max_mb << 20
        self.folder = check_output_dir(folder)
        for state in STATES:
            (self.folder / state).mkdir(parents=True, exist_ok=True)
            (self.folder / state).chmod(0o700)
        self._program = (self.folder / ".lock").open("a")
        try:
            fcntl.flock(self._program, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._program.close()
            raise ValueError(f"{folder}: another node uses this folder; give another --folder") from error
        shutil.rmtree(self.folder / _STAGING, ignore_errors=True)  # never acknowledged, or sent
        (self.folder / _STAGING).mkdir(0o700)
        self._lock = threading.RLock()
        self._senders: dict[str, set[Hashable]] = {}
        self._sizes: dict[str, dict[str, int]] = {}
        self._refused: dict[Hashable, set[str]] = {}

    def store(self, series: str, instance: str, content: bytes, sender: Hashable) -> None:
        """Add an object to its series; it is on disk as a whole when this returns.

        Args:
            series: Series Instance UID.
            instance: SOP Instance UID; an object that comes again replaces the earlier one.
            content: of its file.
            sender: what it came by, such as an association; see :meth:`close`.

        Raises:
            ValueError: if a UID is none.
            TooMuch: if the series is beyond a limit: then it fails, and what else of it comes by this sender.
            OSError: if it cannot be written.
        """
        if not (_UID.fullmatch(series) and _UID.fullmatch(instance)):
            raise ValueError("its UIDs are no UIDs")
        staged, key = self.folder / _STAGING / uuid.uuid4().hex, _key(series)
        with self._lock:
            if key in self._refused.get(sender, ()):
                raise TooMuch("its series was refused")
        try:
            staged.write_bytes(content)
        except OSError:
            staged.unlink(missing_ok=True)
            raise
        with self._lock:
            job = self._open(key)
            name = f"{_key(instance)}.dcm"
            sizes = self._sizes_of(job)
            count, size = len(sizes.keys() | {name}), sum(sizes.values()) - sizes.get(name, 0) + len(content)
            if count > self.max_objects or size > self.max_bytes:
                staged.unlink()
                self._refused.setdefault(sender, set()).add(key)
                line = f"more than {self.max_objects} objects or {self.max_bytes >> 20} MB; see --max-objects, --max-mb"
                self.fail(job, line)
                raise TooMuch(line)
            os.replace(staged, job / SERIES / name)
            sizes[name] = len(content)
            self._senders.setdefault(job.name, set()).add(sender)

    def reject(self, content: bytes, sender: Hashable, line: str) -> None:
        """Keep an object that cannot be understood as a failed job; what else its sender sends now fails with it."""
        with self._lock:
            job = self._new(uuid.uuid4().hex[:12])
            (job / SERIES / "object.dcm").write_bytes(content)
            self.fail(job, line)
            self._refused.setdefault(sender, set()).add("")

    def close(self, sender: Hashable, whole: bool) -> None:
        """A sender (see :meth:`store`) has ended.

        If ``whole``, it said that this was all. Else its series stay where they are, until they are sent again.
        """
        with self._lock:
            damaged = "" in self._refused.pop(sender, set())
            for name, senders in list(self._senders.items()):
                if sender not in senders:
                    continue
                senders.discard(sender)
                job = self.folder / "receiving" / name
                if damaged:
                    self.fail(job, "an object of the same transfer was damaged; send the series again")
                elif whole and not senders:
                    self.move(job, "received")

    def settle(self, quiet: float, patience: float) -> None:
        """Let series wait for their reconstruction that are complete, ``quiet`` seconds after their last object.

        Those that were cut off are given up ``patience`` seconds after it, if they are not sent again.
        """
        with self._lock:
            for job in self.jobs("received"):
                if _age(job) >= quiet:
                    logger.info("%s: received, %d objects", job.name, len(self._sizes_of(job)))
                    self.move(job, "waiting")
            for job in self.jobs("receiving"):
                if not self._senders.get(job.name) and _age(job) >= patience:
                    self.fail(job, f"cut off after {len(self._sizes_of(job))} objects; send the series again")

    def jobs(self, state: str) -> list[Path]:
        """Folders of the jobs in a state, the oldest first."""
        return sorted(job for job in (self.folder / state).iterdir() if not job.name.startswith("."))

    def move(self, job: Path, state: str) -> Path:
        """Give a job another state; where it is now."""
        with self._lock:
            there = self.folder / state / job.name
            os.replace(job, there)
            if state not in ("receiving", "received"):
                self._senders.pop(job.name, None)
                self._sizes.pop(job.name, None)
            return there

    def fail(self, job: Path, line: str) -> Path:
        """Give a job up, with a line in its ``error.txt`` and in the log."""
        line = printable(line)
        with atomic_path(job / ERROR) as file:
            file.write_text(line + "\n", encoding="utf-8")
        logger.warning("%s: failed: %s", job.name, line)
        return self.move(job, "failed")

    def finish(self, job: Path, keep: bool) -> None:
        """A job was sent: keep it as done, or remove it."""
        job = self.move(job, "done" if keep else _STAGING)
        if not keep:
            shutil.rmtree(job)

    def __enter__(self) -> Queue:
        return self

    def __exit__(self, *_: object) -> None:
        self._program.close()  # another node may use the folder

    def _open(self, key: str) -> Path:
        """The job of a series that is being received."""
        for state in ("receiving", "received"):
            for job in (self.folder / state).glob(f"*_{key}"):
                return self.move(job, "receiving")
        return self._new(key)

    def _new(self, key: str) -> Path:
        name = f"{time.strftime('%Y%m%dT%H%M%S')}-{time.time_ns() % 10**9:09d}_{key}"
        (self.folder / _STAGING / name / SERIES).mkdir(parents=True)
        return self.move(self.folder / _STAGING / name, "receiving")

    def _sizes_of(self, job: Path) -> dict[str, int]:
        if job.name not in self._sizes:
            self._sizes[job.name] = {file.name: file.stat().st_size for file in (job / SERIES).iterdir()}
        return self._sizes[job.name]


def _key(uid: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, uid).hex[:12]


def _age(job: Path) -> float:
    """Seconds since the last object of a job was received."""
    return time.time() - (job / SERIES).stat().st_mtime
