"""Making wallet files: from new words, from known words, from an L1 wallet's signature."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sotto.protocol.address import decode_address
from sotto.protocol.errors import PhraseInvalid, ProtocolError
from sotto.protocol.keys import new_phrase, seed_from_phrase, seed_from_signature, seed_typed_data
from sotto.protocol.l1 import compute_domain
from sotto.wallet import keyfile
from sotto.wallet.errors import InvalidAddress, PhraseRejected, SignerNotDeterministic
from sotto.wallet.keyfile import DEFAULT_WORK, Secret, Watched
from sotto.wallet.viewing import ViewingKind, import_viewing_key, kind_of

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

TypedDataSigner = Callable[[dict[str, object]], bytes]
"""Signs EIP-712 typed data and returns 65 bytes r || s || v."""

MAX_RECEIVERS = 100

_ENTROPY_BYTES = 32


def create_wallet(
    path: Path,
    password: str,
    chain_id: int,
    rollup: bytes,
    *,
    phrase: str | None = None,
    passphrase: str = "",
    birthday: int = 0,
    work: int = DEFAULT_WORK,
) -> str:
    """Write the wallet file of a phrase, by default of 24 new words, and return the phrase.

    `rollup` is the 20-byte address of the deployment, `birthday` a proven epoch up to which nobody can have
    paid this wallet. Raises PhraseRejected, WalletExists.
    """
    words = new_phrase(os.urandom(_ENTROPY_BYTES)) if phrase is None else " ".join(phrase.lower().split())
    try:
        seed = seed_from_phrase(words, passphrase)
    except PhraseInvalid as error:
        raise PhraseRejected(str(error)) from error
    keyfile.create(path, Secret(seed, words, chain_id, rollup, birthday=birthday), password, work)
    return words


def create_wallet_from_l1(
    path: Path,
    password: str,
    chain_id: int,
    rollup: bytes,
    sign: TypedDataSigner,
    *,
    birthday: int = 0,
    work: int = DEFAULT_WORK,
) -> None:
    """Write the wallet file of an L1 wallet's signature; the same L1 wallet always finds it again.

    Raises SignerNotDeterministic, WalletExists, and SignatureNotCanonical of sotto.protocol.
    """
    data = seed_typed_data(chain_id)
    signature = sign(data)
    if sign(data) != signature:
        raise SignerNotDeterministic("two signatures of one message differ")
    seed = seed_from_signature(signature)
    keyfile.create(path, Secret(seed, "", chain_id, rollup, birthday=birthday), password, work)


def create_view_only(
    path: Path,
    password: str,
    chain_id: int,
    rollup: bytes,
    viewing_key: str,
    *,
    receivers: Sequence[str] = (),
    birthday: int = 0,
    work: int = DEFAULT_WORK,
) -> ViewingKind:
    """Write a wallet file that sees what a viewing key sees, and holds nothing that spends.

    `receivers` are addresses: an outgoing viewing key reads only payments to these.
    Raises ViewingKeyRejected, InvalidAddress, WalletExists.
    """
    key = import_viewing_key(viewing_key, compute_domain(chain_id, rollup))
    if len(receivers) > MAX_RECEIVERS:
        raise InvalidAddress(f"{len(receivers)} receivers, at most {MAX_RECEIVERS} can be watched")
    for text in receivers:
        try:
            decode_address(text, key.domain)
        except ProtocolError as error:
            raise InvalidAddress(f"{text[:20]}...: {error}") from error
    keyfile.create(path, Watched(key, chain_id, rollup, tuple(receivers), birthday), password, work)
    return kind_of(key)


def account_signer(account: "LocalAccount") -> TypedDataSigner:
    """Typed data signatures of an L1 key in memory."""
    # Imported late: it takes longer to load than the wallet, and few wallets come from an L1 key.
    from eth_account.messages import encode_typed_data

    def sign(data: dict[str, object]) -> bytes:
        return bytes(account.sign_message(encode_typed_data(full_message=data)).signature)

    return sign
