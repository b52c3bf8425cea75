"""Attachments of transactions: beside the words, so in no epoch and on no L1; the node keeps them."""

from collections.abc import Sequence

from sotto.protocol.errors import AttachmentMismatch, AttachmentSizeWrong, JsonMalformed
from sotto.protocol.field import Field, bytes_from_json
from sotto.protocol.memo import ATTACHMENT_BYTES
from sotto.protocol.transaction import Transaction, attachment_hash

ATTACHMENT_WORD = 1
"""Its place among the extension words."""


def check_attachments(transactions: Sequence[Transaction], attachments: object) -> dict[Field, bytes]:
    """The attachments of a request by transaction id.

    Args:
        attachments: JSON, a list with null or 0x hex for each transaction, or an empty one for none at all.

    Raises JsonMalformed, AttachmentSizeWrong, AttachmentMismatch: one is missing, superfluous or another one
    than its transaction commits to.
    """
    if not isinstance(attachments, list) or len(attachments) not in (0, len(transactions)):
        raise JsonMalformed("attachments is a list with one entry for each transaction, or empty")
    given = attachments or [None] * len(transactions)
    found: dict[Field, bytes] = {}
    for transaction, text in zip(transactions, given, strict=True):
        data = None if text is None else _decode(text)
        if attachment_hash(data) != transaction.ext[ATTACHMENT_WORD]:
            raise AttachmentMismatch("an attachment is missing, superfluous, or not that of its transaction")
        if data is not None:
            found[transaction.h] = data
    return found


def _decode(text: object) -> bytes:
    if not isinstance(text, str) or len(text) != 2 + 2 * ATTACHMENT_BYTES:
        raise AttachmentSizeWrong(f"an attachment is 0x and {2 * ATTACHMENT_BYTES} hex digits")
    return bytes_from_json(text, ATTACHMENT_BYTES)
