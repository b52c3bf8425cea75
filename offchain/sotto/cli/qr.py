"""QR codes of addresses and payment URIs, for the terminal and as PNG."""

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sotto.wallet.files import write_atomically

if TYPE_CHECKING:
    import segno

_CORRECTION = "m"
_BORDER = 4
_PIXELS = 8


def terminal_code(text: str) -> str:
    """Lines of block characters; `text` is shown by any reader."""
    out = io.StringIO()
    _code(text).terminal(out, border=_BORDER, compact=True)
    return out.getvalue()


def write_png(text: str, path: Path) -> None:
    """Write the code as a PNG file, readable for its owner only: an address tells who is paid."""
    out = io.BytesIO()
    _code(text).save(out, kind="png", scale=_PIXELS, border=_BORDER)
    write_atomically(path, out.getvalue())


def _code(text: str) -> "segno.QRCode":
    # Imported late: it would delay every command, and few show a code.
    import segno

    return segno.make(text, error=_CORRECTION, micro=False)
