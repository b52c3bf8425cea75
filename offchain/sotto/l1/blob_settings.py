"""Which sources of blobs a user has named (docs/spec/14-blobs.md, Where blobs are kept)."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class BlobSettings:
    """Sources beside the L1 endpoint itself; none of them is trusted.

    Attributes:
        beacons: base addresses of beacon APIs.
        nodes: base addresses of nodes of Sotto.
        archives: archive files.
    """

    beacons: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    archives: tuple[Path, ...] = ()


def check_base(url: str) -> str:
    """The base address of an HTTP API. Raises ValueError without the address, which may hold a key."""
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise ValueError("is not http://host or https://host") from error
    if not complete or parts.query or parts.fragment:
        raise ValueError("is not http://host or https://host")
    return url
