"""The node with peers in this process: what it takes, what comes back, what fails, and what a log may say."""

import logging
import time

import numpy as np
import pydicom
import pytest
from dicom_peers import CONTEXTS, Copy, objects, send, until
from pydicom.uid import JPEGLSLossless, MRImageStorage, SecondaryCaptureImageStorage
from pynetdicom import build_context

from monai_gan_recon.node import Peer
from monai_gan_recon.node.job import Stopped


def failures(queue):
    return [(job / "error.txt").read_text() for job in queue.jobs("failed")]


def test_a_series_comes_back_once_and_nothing_of_it_stays(node, archive, tmp_path):
    items = objects(5)
    with node() as (port, queue, _):
        assert send(port, items, end="echo") == [0] * 6
        until(lambda: len(archive.received) == 5)
        until(lambda: not list(queue.folder.glob("*/*_*")))
        time.sleep(0.5)
    assert len(archive.received) == 5
    assert {item.StudyInstanceUID for item in archive.received} == {items[0].StudyInstanceUID}
    for item, other in zip(items, sorted(archive.received, key=lambda item: item.InstanceNumber), strict=True):
        np.testing.assert_array_equal(other.pixel_array, item.pixel_array)
    assert not list(tmp_path.rglob("*.dcm"))


def test_a_log_names_nobody(node, archive, caplog):
    caplog.set_level(logging.DEBUG, "monai_gan_recon")
    items = objects(3, series="1.2.826.99")
    with node(keep=True) as (port, queue, job):
        send(port, items)
        until(lambda: queue.jobs("done"))
        job.failure = ValueError("refused")
        send(port, objects(2))
        until(lambda: queue.jobs("failed"))
        names = [str(path) for path in queue.folder.rglob("*")]
    assert len(caplog.records) >= 4
    for text in (caplog.text, *names):
        assert not [word for word in ("Doe", "ID-4711", "19700203", "1.2.826.99") if word in text]


def test_a_series_that_fails_ends_in_a_line_and_the_next_one_is_done(node, archive):
    errors = [ValueError("not  this\none"), ZeroDivisionError("secret"), MemoryError()]
    with node() as (port, queue, job):
        for number, job.failure in enumerate(errors, 1):
            send(port, objects(3))
            until(lambda number=number: len(queue.jobs("failed")) == number)
        job.failure = None
        send(port, objects(2))
        until(lambda: len(archive.received) == 2)
        lines = failures(queue)
        assert [line.count("\n") for line in lines] == [1, 1, 1]
        assert "secret" not in "".join(lines)


def test_others_are_turned_away(node, archive):
    with node(peers=("ARCHIVE@127.0.0.1", "OTHER@192.0.2.1")) as (port, queue, _):
        for title, called in (("STRANGER", "RECON"), ("OTHER", "RECON"), ("ARCHIVE", "SOMEBODY")):
            assert send(port, objects(1), aet=title, called=called) is None
        assert not list(queue.folder.glob("*/*_*"))
        assert send(port, objects(1)) == [0]


def test_a_transfer_that_is_aborted_is_not_reconstructed_until_it_comes_again(node, archive):
    items = objects(4)
    with node() as (port, queue, job):
        send(port, items[:2], end="abort")
        time.sleep(1.0)
        assert len(queue.jobs("receiving")) == 1
        assert job.calls == []
        send(port, items)
        until(lambda: len(archive.received) == 4)
        assert job.calls == [4]


def test_what_is_too_much_or_damaged_is_refused_and_the_node_goes_on(node, archive):
    broken = objects(1)[0]
    broken.SOPInstanceUID = "1.2.3"
    del broken.SeriesInstanceUID
    with node(limits=(3, 1)) as (port, queue, job):
        assert send(port, objects(4)) == [0, 0, 0, 0xA700]
        assert send(port, [*objects(2), broken]) == [0, 0, 0xC000]
        assert send(port, objects(1, size=1200)) == [None]  # cut off
        until(lambda: len(failures(queue)) == 3)
        assert send(port, objects(2)) == [0, 0]
        until(lambda: len(archive.received) == 2)
        assert job.calls == [2]


def test_results_of_a_kind_that_the_peer_does_not_take_fail(node, archive):
    archive.stop()
    archive.start(CONTEXTS[1:])
    with node() as (port, queue, _):
        assert send(port, objects(2)) == [0, 0]
        until(lambda: queue.jobs("failed"))
        assert "MR Image Storage" in failures(queue)[0]
        assert len(list(queue.folder.glob("failed/*/results/*/*.dcm"))) == 2


def test_its_own_results_and_other_kinds_of_objects_are_refused(node, archive):
    own = objects(1)[0]
    own.ManufacturerModelName = "monai_gan_recon"
    with node() as (port, queue, _):
        assert send(port, [own]) == [0x0124]
        assert send(port, [], contexts=[build_context(SecondaryCaptureImageStorage)]) is None
        assert not list(queue.folder.glob("*/*_*"))


LEAK = "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"  # pynetdicom's, unconnected


@pytest.mark.filterwarnings(LEAK)
def test_what_cannot_be_sent_is_sent_later_and_only_that(node, archive):
    archive.stop()
    with node() as (port, queue, job):
        send(port, objects(3))
        until(lambda: queue.jobs("sending"))
        time.sleep(0.5)
        archive.status = 0xA700
        archive.start()
        time.sleep(0.5)
        assert len(queue.jobs("sending")) == 1
        archive.status = 0
        until(lambda: len(archive.received) == 3)
        until(lambda: not queue.jobs("sending"))
        archive.status = 0xA900  # for good
        send(port, objects(2))
        until(lambda: queue.jobs("failed"))
        archive.status = 0
        send(port, objects(1))
        until(lambda: len(archive.received) == 4)
        assert job.calls == [3, 2, 1]


@pytest.mark.filterwarnings(LEAK)
def test_what_was_left_is_done_at_the_next_start(node, archive):
    """Ended in a job, and between two results: the job is done again, what was sent is not sent again."""
    held = Copy()
    held.hold.clear()
    archive.stop()
    with node(held) as (port, queue, _):
        send(port, objects(3))
        until(lambda: held.calls == [3])
        held.failure = Stopped()
    assert len(list((queue.folder / "waiting").iterdir())) == 1
    with node() as (_, queue, job):
        until(lambda: queue.jobs("sending"))
        assert job.calls == [3]
    first, *_ = sorted((queue.folder / "sending").rglob("results/**/*.dcm"))
    first.rename(first.with_suffix(".sent"))  # as the sender does
    archive.start()
    with node() as (_, queue, job):
        until(lambda: not queue.jobs("sending"))
        assert job.calls == []
    assert len(archive.received) == 2


def test_compressed_objects_are_taken_as_they_are(node, archive):
    pytest.importorskip("jpeg_ls")
    items = objects(2)
    pixels = [item.pixel_array for item in items]
    for item in items:
        item.compress(JPEGLSLossless)
    contexts = [build_context(MRImageStorage, JPEGLSLossless)]
    with node(keep=True) as (port, queue, _):
        assert send(port, items, contexts=contexts) == [0, 0]
        until(lambda: len(list(queue.folder.glob("*/*/series/*.dcm"))) == 2 and queue.jobs("done"))
        stored = [pydicom.dcmread(file) for file in queue.folder.glob("done/*/series/*.dcm")]
        assert {item.file_meta.TransferSyntaxUID for item in stored} == {JPEGLSLossless}
        for item in stored:
            assert any(np.array_equal(item.pixel_array, one) for one in pixels)


@pytest.mark.parametrize(
    "text", ["PACS", "PACS@", "@host:1", "PACS@host", "PACS@host:99999", "A" * 17 + "@h:1", "a\\b@h:1"]
)
def test_peers_that_are_none(text):
    with pytest.raises(ValueError, match=r"AET|AE title"):
        Peer.parse(text, port=True)


def test_peers():
    assert Peer.parse("A B@[::1]:104", port=True) == Peer("A B", "::1", 104)
    assert str(Peer.parse("A@192.0.2.1")) == "A@192.0.2.1"
    assert Peer("A", "127.0.0.1").addresses() == {"127.0.0.1"}
    with pytest.raises(ValueError, match=r"nowhere\.invalid"):
        Peer("A", "nowhere.invalid").addresses()
