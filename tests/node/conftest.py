"""A node and a storage peer in this process."""

import threading
from contextlib import contextmanager

import pytest

pytest.importorskip("pynetdicom", reason="needs pynetdicom: pip install 'monai-gan-recon[dicom]'")

from dicom_peers import Archive, Copy, free_port

from monai_gan_recon.node import Peer, Queue, run_node, serve


@pytest.fixture
def archive():
    result = Archive(free_port())
    result.start()
    yield result
    result.stop()


@pytest.fixture
def node(tmp_path, archive):
    """Starter of a node: its port, queue and job."""

    @contextmanager
    def start(job=None, quiet=0.1, patience=60, keep=False, limits=(100, 10), peers=("ARCHIVE@127.0.0.1",)):
        to, job, stop = Peer("ARCHIVE", "127.0.0.1", archive.port), job or Copy(), threading.Event()
        titles = [Peer.parse(text) for text in peers]
        with Queue(tmp_path / "queue", *limits) as queue, serve(queue, "RECON", titles, port=0) as port:
            arguments = (queue, job, to, "RECON", stop, quiet, patience, keep, (0.1, 0.4))
            thread = threading.Thread(target=run_node, args=arguments)
            thread.start()
            try:
                yield port, queue, job
            finally:
                stop.set()
                thread.join()

    return start
