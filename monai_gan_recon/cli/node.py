"""Subcommand ``listen``: a DICOM node."""

from __future__ import annotations

import argparse
import logging
import signal
import threading
import warnings
from typing import Any

from monai_gan_recon.cli.console import Outcome
from monai_gan_recon.cli.options import add_options, given_texts
from monai_gan_recon.resources import RECONSTRUCTION, SEGMENTATION

# fmt: off
_OTHERS = (
    "input", "dataset_dir", "output_dir", "series", "format", "source_dicom", "overwrite", "keep_names", "report",
    "save_kspace_residual", "phase", "axes", "retrospective", "maps", "virtual_coils", "maps_cache",
)
# fmt: on
"""Options of ``reconstruct`` that the node has itself, or that mean nothing to a series of images."""


def add_commands(commands: Any, bundle: str | None, **shared: Any) -> None:
    """Add the subcommand to a parser."""
    text = "DICOM node: receives series by C-STORE, reconstructs them like `reconstruct`, sends results back"
    listen = commands.add_parser("listen", help=text.partition(":")[0], description=text, **shared)
    add = listen.add_argument
    add("--aet", default="RECON", help="own AE title (%(default)s)")
    add("--port", type=int, default=11112, help="to listen at; 0: a free one (%(default)s)")
    add("--host", default="127.0.0.1", help="to listen at; 0.0.0.0: all of this machine (%(default)s)")
    add("--send_to", required=True, metavar="AET@HOST:PORT", help="where results are sent")
    add("--peers", nargs="+", metavar="AET@HOST", help="who may send (default: who results are sent to)")
    add("--folder", default="queue", help="of the queue: data of patients until they are sent (%(default)s)")
    add("--segment", action="store_true", help="segment the reconstruction, too: DICOM SEG and SR")
    add("--quiet", type=float, default=10, help="seconds without an object that end a series (%(default)s)")
    add("--patience", type=float, default=60, help="minutes to wait for a series cut off (%(default)s)")
    add("--job_minutes", type=int, default=60, help="longest time of a command (%(default)s)")
    add("--max_objects", type=int, default=5000, help="of a series (%(default)s)")
    add("--max_mb", type=int, default=2048, help="of a series (%(default)s)")
    add("--keep", action="store_true", help="keep what was sent in FOLDER/done, instead of removing it")
    add_options(listen, bundle or RECONSTRUCTION, ["inference.yaml"], hidden=_OTHERS)
    listen.set_defaults(run=_listen)


def _listen(options: argparse.Namespace) -> Outcome:
    settings = given_texts(options)
    try:
        from monai_gan_recon import node
    except ImportError as error:
        raise ValueError(f"listen: needs more packages: pip install 'monai-gan-recon[dicom]' ({error.name})") from error
    to = node.Peer.parse(options.send_to, port=True)
    peers = [node.Peer.parse(text) for text in options.peers or [f"{to.aet}@{to.host}"]]
    node.peer.check_title(options.aet)
    for peer in (to, *peers):
        peer.addresses()
    command = node.Command(options.bundle, settings, options.segment, options.job_minutes, options.verbose > 0)
    with node.Queue(options.folder, options.max_objects, options.max_mb) as queue:
        _check(options.bundle, settings, options.segment)
        stop, ended_by = threading.Event(), set()

        def end(number: int, _frame: Any) -> None:
            ended_by.add(number)
            stop.set()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, end)
        news = logging.getLogger("monai_gan_recon.node")
        news.setLevel(logging.INFO)
        with node.serve(queue, options.aet, peers, options.host, options.port) as port:
            news.info("%s listens at %s:%d and sends to %s", options.aet, options.host, port, to)
            times = (options.quiet, 60 * options.patience)
            node.run_node(queue, command, to, options.aet, stop, *times, keep=options.keep)
        left = sum(len(queue.jobs(state)) for state in ("receiving", "received", "waiting", "sending"))
    text = f"{left} series left in {options.folder}; the same command goes on"
    if signal.SIGINT in ended_by:
        raise KeyboardInterrupt(text)
    return Outcome(f"listen: ended; {text}", data={"left": left})


def _check(bundle: str, settings: dict[str, str], segment: bool) -> None:
    """Tell at once what no job could do, in a process that is gone afterwards: options, weights, packages."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    deaf = (signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the node
    with ProcessPoolExecutor(1, get_context("spawn"), signal.signal, deaf) as pool:
        pool.submit(check_options, bundle, settings, segment).result()


def check_options(bundle: str, settings: dict[str, str], segment: bool) -> None:
    """Make what a job makes but its input, so that an option that is not possible, or a missing package, is told."""
    warnings.simplefilter("ignore")  # of the frameworks
    from monai_gan_recon.bundle import open_bundle, typed_values

    nothing = {"entries": [{"image": "none", "case": "none"}], "raw": False}
    for home, values in ((bundle, typed_values(settings)), (SEGMENTATION, {})):
        if home == bundle or segment:
            open_bundle(home, "inference.yaml", values | {"format": "dicom"}, objects=nothing)
