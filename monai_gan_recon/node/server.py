"""The receiving side: C-ECHO and C-STORE of MR images, from listed peers only."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from typing import Any

from pydicom import dcmread
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    MRImageStorage,
    RLELossless,
)
from pynetdicom import AE, evt
from pynetdicom.pdu import A_RELEASE_RQ
from pynetdicom.sop_class import Verification

from monai_gan_recon.node.peer import Peer, check_title
from monai_gan_recon.node.queue import Queue, TooMuch
from monai_gan_recon.vocabulary import EQUIPMENT

_PLAIN = (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)
_COMPRESSED = (JPEGLosslessSV1, JPEGLossless, JPEGLSLossless, JPEG2000Lossless, RLELossless)
_SUCCESS, _NOT_AUTHORISED, _NO_ROOM, _NOT_UNDERSTOOD = 0x0000, 0x0124, 0xA700, 0xC000
_REJECTED = (0x01, 0x01, 0x03)
"""Permanently, by the user, calling AE title not recognised."""
_SLACK = 1 << 20
logger = logging.getLogger(__name__)


def transfer_syntaxes() -> list[str]:
    """What can be decoded here; compressed ones as far as decoders are installed."""
    return [*_PLAIN, *(syntax for syntax in _COMPRESSED if get_decoder(syntax).is_available)]


@contextmanager
def serve(queue: Queue, aet: str, peers: Sequence[Peer], host: str = "127.0.0.1", port: int = 11112) -> Iterator[int]:
    """Receive series into a queue while the block runs.

    Args:
        queue: where to.
        aet: own title; peers have to call it by that.
        peers: who may send, by title and address.
        host: address to listen at.
        port: to listen at; 0: a free one.

    Yields:
        the port.

    Raises:
        ValueError: if a peer's host is not known, or the address cannot be listened at.
    """
    handlers = _Handlers(queue, frozenset((peer.aet, address) for peer in peers for address in peer.addresses()))
    ae = AE(check_title(aet))
    ae.require_called_aet = True
    ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = 30, 120, 120
    ae.add_supported_context(Verification)
    for sop_class in (MRImageStorage, EnhancedMRImageStorage):
        ae.add_supported_context(sop_class, transfer_syntaxes())
    try:
        server = ae.start_server((host, port), block=False, evt_handlers=handlers.bound())
    except (OSError, OverflowError) as error:
        raise ValueError(f"--host {host} --port {port}: cannot listen there ({error}); give others") from error
    try:
        yield server.server_address[1]
    finally:
        ae.shutdown()


class _Handlers:
    """What happens in an association; each has a thread of its own."""

    def __init__(self, queue: Queue, peers: frozenset[tuple[str, str]]) -> None:
        self.queue, self.peers = queue, peers
        self.bytes: Counter[Any] = Counter()

    def bound(self) -> list[tuple[Any, Any]]:
        return [
            (evt.EVT_REQUESTED, self.requested),
            (evt.EVT_DATA_RECV, self.data),
            (evt.EVT_C_STORE, self.store),
            (evt.EVT_PDU_RECV, self.pdu),
            (evt.EVT_ABORTED, self.closed),
            (evt.EVT_CONN_CLOSE, self.closed),
        ]

    def requested(self, event: Any) -> None:
        """Only listed peers are let in."""
        peer = event.assoc.requestor
        title = str(peer.primitive.calling_ae_title).strip()
        if (title, peer.address) not in self.peers:
            logger.warning("%r at %s is no listed peer (--peers): turned away", title, peer.address)
            event.assoc.acse.send_reject(*_REJECTED)

    def data(self, event: Any) -> None:
        """An object may not be larger than a series: it is kept in memory until it is there as a whole."""
        self.bytes[event.assoc] += len(event.data)
        if self.bytes[event.assoc] > self.queue.max_bytes + _SLACK:
            logger.warning("an object of more than %d MB: cut off; see --max-mb", self.queue.max_bytes >> 20)
            event.assoc.abort(block=False)

    def store(self, event: Any) -> int:
        """Put an object into the queue."""
        self.bytes.pop(event.assoc, None)
        try:
            content = event.encoded_dataset()
            try:
                header = dcmread(BytesIO(content), stop_before_pixels=True, specific_tags=_TAGS)
                series, instance = str(header.SeriesInstanceUID), str(header.SOPInstanceUID)
                own = header.get("ManufacturerModelName") == EQUIPMENT
            except Exception:  # pydicom has many for what is damaged, and quotes values in them
                self.queue.reject(content, event.assoc, "an object is damaged; send its series again")
                return _NOT_UNDERSTOOD
            if own:
                logger.warning("a result of this node came back: refused; do not send it to where it comes from")
                return _NOT_AUTHORISED
            self.queue.store(series, instance, content, event.assoc)
        except TooMuch:
            return _NO_ROOM
        except ValueError:
            return _NOT_UNDERSTOOD
        except OSError as error:
            logger.warning("an object cannot be written (%s); its sender is told", error.strerror)
            return _NO_ROOM
        return _SUCCESS

    def pdu(self, event: Any) -> None:
        """A release says that all was sent."""
        if isinstance(event.pdu, A_RELEASE_RQ):
            self.queue.close(event.assoc, whole=True)

    def closed(self, event: Any) -> None:
        """Without a release before it, a series was cut off."""
        self.bytes.pop(event.assoc, None)
        self.queue.close(event.assoc, whole=False)


_TAGS = ["SeriesInstanceUID", "SOPInstanceUID", "ManufacturerModelName"]
