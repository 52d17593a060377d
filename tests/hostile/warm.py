"""A warm process that runs modules as ``python -m`` would, each in a forked copy: torch is imported once.

Reads a JSON object a line from stdin: ``module``, ``words``, ``folder``, and optionally ``seconds``, ``environment``,
and ``files`` (text, or {"link": target}, by name) that are there before. Answers with one: ``code`` (None if it hung,
negative if a signal ended it), ``out``, ``err``, and the new ``files`` in ``folder``.
"""

import contextlib
import gc
import json
import os
import resource
import runpy
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

MEMORY = 6 << 30
"""Bytes that a command may ask for beyond what the warm process has: what wants terabytes fails at once."""


def run(module, words):
    """Exit code of ``python -W ignore -m MODULE WORDS``."""
    sys.modules.pop("monai_gan_recon.bundle", None)  # the configuration imports it, as in a new process
    warnings.simplefilter("ignore")
    sys.argv[1:] = words
    sys.path[0] = ""
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        if not isinstance(ended.code, (int, type(None))):
            print(ended.code, file=sys.stderr)
            return 1
        return ended.code or 0
    except BaseException as error:
        try:
            sys.excepthook(type(error), error, error.__traceback__)
        except SystemExit as ended:
            return ended.code
        return 1
    return 0


def child(job):
    """Never returns."""
    code = 99
    try:
        os.setsid()
        os.chdir(job["folder"])
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(f"{job['folder']}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY,) * 2)
        os.environ |= job.get("environment", {})
        code = run(job["module"], job["words"])
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(code)


def wait(pid, seconds):
    """Exit code of a child; None if it takes longer."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def main():
    """Answer jobs until stdin ends."""
    warnings.simplefilter("ignore")
    import torch

    import monai_gan_recon.api
    import monai_gan_recon.cli.analysis
    import monai_gan_recon.engines.dicom_output
    import monai_gan_recon.evaluation.paired.run
    import monai_gan_recon.segmentation  # noqa: F401

    torch.set_num_threads(1)
    gc.collect()
    gc.freeze()  # children do not copy what they never touch
    for line in sys.stdin:
        job = json.loads(line)
        folder = Path(job["folder"])
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in job.get("files", {}).items():
            if isinstance(content, dict):
                (folder / name).symlink_to(content["link"])
            else:
                (folder / name).write_text(content)
        there = set(folder.rglob("*"))
        if (pid := os.fork()) == 0:
            child(job)
        code = wait(pid, job.get("seconds", 60))
        out, err = (Path(f"{folder}.{name}").read_text(errors="replace") for name in ("out", "err"))
        files = sorted(str(file.relative_to(folder)) for file in set(folder.rglob("*")) - there)
        print(json.dumps({"code": code, "out": out, "err": err, "files": files}), flush=True)


if __name__ == "__main__":
    main()
