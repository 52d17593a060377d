"""What is done with a series: the commands ``reconstruct`` and ``segment``, as processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from monai_gan_recon.checks import check_counts

_DICOM = ("--format", "dicom", "--series", "all", "--no-report", "--json")


class Stopped(Exception):
    """The node ends; the job is done again at the next start."""


class Command:
    """Reconstruct a series, and segment the result.

    Args:
        bundle: name or folder of the reconstruction bundle.
        settings: values of its ``inference.yaml`` as text, such as {"rate": "0.25"}.
        segment: segment the reconstruction too.
        minutes: that a command may take.
        verbose: let the commands' log through.
    """

    def __init__(
        self,
        bundle: str,
        settings: Mapping[str, str] | None = None,
        segment: bool = False,
        minutes: int = 60,
        verbose: bool = False,
    ) -> None:
        check_counts(job_minutes=minutes)
        self.bundle, self.settings = bundle, dict(settings or {})
        self.segment, self.minutes, self.verbose = segment, minutes, verbose
        self._process: subprocess.Popen[str] | None = None
        self._lock, self._stopped = threading.Lock(), False

    def __call__(self, series: Path, results: Path) -> list[str]:
        """Reconstruct the folder of a series' DICOM files into DICOM files in subfolders of ``results``.

        Lines are returned about results to be careful with, and what could not be done beside the reconstruction.

        Raises:
            ValueError: in one line, if the series cannot be reconstructed.
            Stopped: if :meth:`stop` was called.
        """
        settings = [f"--set={name}={value}" for name, value in self.settings.items()]
        out = results / "reconstruction"
        self._run("reconstruct", series, out, "--bundle", self.bundle, *settings)
        remarks = list(_cautions(out))
        for folder in sorted(out.glob("*_recon")) if self.segment else ():
            try:
                self._run("segment", folder, results / "segmentation")
            except ValueError as error:
                remarks.append(f"not segmented: {error}")
        return remarks

    def stop(self) -> None:
        """End what runs, and let nothing start."""
        with self._lock:
            self._stopped = True
            if self._process is not None:
                self._kill()

    def _run(self, command: str, *words: str | Path) -> None:
        with self._lock:
            if self._stopped:
                raise Stopped
            self._process = subprocess.Popen(
                [sys.executable, "-W", "ignore", "-m", "monai_gan_recon", command, *map(str, words), *_DICOM],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=None if self.verbose else subprocess.DEVNULL,
                text=True,
                start_new_session=True,  # Ctrl-C reaches the node alone
            )
        try:
            out, _ = self._process.communicate(timeout=60 * self.minutes)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.communicate()
            raise ValueError(f"{command} took more than {self.minutes} min; see --job-minutes") from None
        if self._stopped:
            raise Stopped
        if self._process.returncode:
            raise ValueError(_reason(command, out, self._process.returncode))

    def _kill(self) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)


def _cautions(folder: Path) -> Iterator[str]:
    """What the records of results say to be careful about."""
    for record in sorted(folder.glob("*_recon.json")):
        for name, text in json.loads(record.read_text(encoding="utf-8")).get("caution", {}).items():
            yield f"be careful with the result, {name.lower()}: {text}"


def _reason(command: str, out: str, code: int) -> str:
    """What a command says of its failure; if it cannot say it, how it ended."""
    try:
        said: dict[str, Any] = json.loads(out)
    except ValueError:
        said = {}
    lines = [said["error"]] if "error" in said else said.get("failed")
    return "; ".join(map(str, lines)) if lines else f"{command} ended with code {code}"
