"""Viewing keys that a wallet hands out or was made from."""

from enum import StrEnum

from sotto.protocol.address import Address, encode_address
from sotto.protocol.errors import ViewingKeyInvalid
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.viewing import (
    IncomingViewingKey,
    OutgoingViewingKey,
    ViewingKey,
    decode_viewing_key,
    encode_viewing_key,
    incoming_of,
    outgoing_of,
)
from sotto.wallet.errors import ViewingKeyRejected, ViewOnlyWallet


class ViewingKind(StrEnum):
    """How much a viewing key shows (spec 03)."""

    INCOMING = "incoming"
    OUTGOING = "outgoing"
    FULL = "full"


def kind_of(view: ViewingKey) -> ViewingKind:
    """The kind of a viewing key."""
    if isinstance(view, IncomingViewingKey):
        return ViewingKind.INCOMING
    return ViewingKind.OUTGOING if isinstance(view, OutgoingViewingKey) else ViewingKind.FULL


def export_viewing_key(view: ViewingKey, kind: ViewingKind) -> str:
    """A viewing key of a kind as text. Raises ViewOnlyWallet when `view` shows less than that."""
    if kind == kind_of(view):
        return encode_viewing_key(view)
    if not isinstance(view, ViewingKeys):
        raise ViewOnlyWallet(f"this wallet has only the {kind_of(view)} viewing key")
    return encode_viewing_key(incoming_of(view) if kind == ViewingKind.INCOMING else outgoing_of(view))


def import_viewing_key(text: str, domain: int) -> ViewingKey:
    """The viewing key of a text, for the deployment of `domain`. Raises ViewingKeyRejected."""
    try:
        key = decode_viewing_key(text.strip())
    except ViewingKeyInvalid as error:
        raise ViewingKeyRejected(str(error)) from error
    if key.domain != domain:
        raise ViewingKeyRejected("the viewing key belongs to another deployment than the node")
    return key


def address_text(view: ViewingKey) -> str:
    """The address of the account that a key sees."""
    address = Address(view.owner, view.incoming_public) if isinstance(view, ViewingKeys) else view.address
    return encode_address(address, view.domain)
