"""Other DICOM nodes: by title and host, and how results get there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, _config
from pynetdicom.sop_class import Verification
from pynetdicom.status import code_to_category

_config.LOG_HANDLER_LEVEL = "none"  # else it logs messages, whoever asks for its log
_AGAIN = (0x0110, *range(0xA700, 0xA800))
"""Statuses of C-STORE that may pass: processing failure, out of resources."""


@dataclass(frozen=True)
class Peer:
    """Another application entity.

    Attributes:
        aet: its title.
        host: name or address.
        port: 0 if it only sends.
    """

    aet: str
    host: str
    port: int = 0

    @classmethod
    def parse(cls, text: str, port: bool = False) -> Peer:
        """Read "AET@host", or "AET@host:port".

        Raises:
            ValueError: if it is neither, or the title is none.

        Example:
            >>> Peer.parse("PACS@192.0.2.7:104", port=True)
            Peer(aet='PACS', host='192.0.2.7', port=104)
        """
        aet, at, host = text.partition("@")
        number = "0"
        if port:
            host, _, number = host.rpartition(":")
        form = "AET@host:port" if port else "AET@host"
        if not (at and host and number.isdecimal() and int(number) < 1 << 16):
            raise ValueError(f"{text!r} is not {form}, such as ORTHANC@127.0.0.1{':4242' if port else ''}")
        return cls(check_title(aet), host.strip("[]"), int(number))

    def addresses(self) -> frozenset[str]:
        """Its addresses; a ValueError if its host is not known."""
        try:
            return frozenset(str(found[4][0]) for found in socket.getaddrinfo(self.host, None))
        except OSError as error:
            raise ValueError(f"{self.host}: no such host; give a name or address that is known here") from error

    def __str__(self) -> str:
        return f"{self.aet}@{self.host}" + (f":{self.port}" if self.port else "")


def check_title(aet: str) -> str:
    """An application entity title; a ValueError if it is none: 1 to 16 printable ASCII characters, no backslash."""
    if not (aet.isascii() and aet.isprintable() and "\\" not in aet and 0 < len(aet.strip()) <= len(aet) <= 16):
        raise ValueError(f"{aet!r} is no AE title: 1 to 16 ASCII characters without backslash")
    return aet


def send(files: Sequence[Path], to: Peer, aet: str, sent: Callable[[Path], object]) -> None:
    """Send DICOM files by C-STORE in this order, in one association; ``sent`` is called with each that was taken.

    Raises:
        ConnectionError: if the peer cannot be reached, or has no room: try again later.
        ValueError: if it will not take one of them.
    """
    kinds = {(item.MediaStorageSOPClassUID, item.TransferSyntaxUID) for item in map(read_file_meta_info, files)}
    ae = AE(aet)
    ae.connection_timeout = 30
    ae.add_requested_context(Verification)  # every peer has it: who takes no object still can say so
    for sop_class, syntax in sorted(kinds):
        ae.add_requested_context(sop_class, [syntax, *{ExplicitVRLittleEndian, ImplicitVRLittleEndian} - {syntax}])
    association = ae.associate(to.host, to.port, ae_title=to.aet)
    if not association.is_established:
        what = "refuses the association" if association.is_rejected else "cannot be reached"
        raise ConnectionError(f"{to} {what}")
    try:
        for file in files:
            try:
                status = association.send_c_store(file).get("Status")
            except RuntimeError as error:
                raise ConnectionError(f"{to} ended the transfer") from error
            except ValueError as error:
                raise ValueError(f"{to} takes no {read_file_meta_info(file).MediaStorageSOPClassUID.name}") from error
            if status is None or status in _AGAIN:
                raise ConnectionError(f"{to} ended the transfer" + (f" (status 0x{status:04X})" if status else ""))
            if code_to_category(status) not in ("Success", "Warning"):
                raise ValueError(f"{to} refuses an object (status 0x{status:04X})")
            sent(file)
    finally:
        if association.is_established:
            association.release()
