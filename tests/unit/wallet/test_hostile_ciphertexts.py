"""Ciphertexts made to mislead or to slow down: none of them is a balance, each costs one look."""

from pathlib import Path

import pytest
from tests.support.synthetic import CHAIN_ID, ROLLUP, SyntheticNode
from tests.unit.wallet.test_cache import ADDRESS, PASSWORD, VIEWING, WORDS, WORK

from sotto.crypto import note_encrypt, note_open
from sotto.protocol.keys import deposit_esk, transfer_esk
from sotto.wallet import Connection, Wallet, create_wallet, scan
from sotto.wallet.creation import create_view_only
from sotto.wallet.viewing import ViewingKind, export_viewing_key

P = 2**255 - 19
HUGE = 2**120 - 1
REAL = 12345


def sealed(seed: int, value: int = 10**18, asset: int = 1, reference: bytes = bytes(20)) -> bytes:
    """A ciphertext that opens with the wallet's key."""
    return note_encrypt(seed.to_bytes(32), ADDRESS.key, value, asset, reference)[0]


def with_key(key: int, valid: bytes) -> bytes:
    """The ciphertext with another ephemeral key, a 256-bit number as it stands in the bytes."""
    return key.to_bytes(32, "little") + valid[32:]


def hostile() -> dict[str, bytes]:
    """Ciphertexts by what is wrong with them."""
    valid = sealed(1)
    order_8 = 0x57119FD0DD4E22D8868E1C58C45C44045BEF839C55B1D0B1248C50A3BC959C5F
    order_8_twist = 0x00B8495F16056286FDB1329CEB8D09DA6AC49FF1FAE35616AEB8413B7C7AEBE0
    return {
        "wrong tag": valid[:32] + bytes([valid[32] ^ 1]) + valid[33:],
        "wrong tag, second byte": valid[:33] + bytes([valid[33] ^ 128]) + valid[34:],
        "right tag, changed box": valid[:-1] + bytes([valid[-1] ^ 1]),
        "right tag, empty box": valid[:34] + bytes(59),
        "opens, another commitment": sealed(2),
        "opens, greatest value": sealed(3, HUGE, 2**64 - 1),
        "opens, no asset": sealed(4, 5, 0),
        "opens, nothing": sealed(5, 0),
        "opens, control characters": sealed(6, 7, 1, b"\x1b[2J\x1b]0;x\x07\r\n\x00\x9b31m".ljust(20)),
        "copied from a note": sealed(77, REAL),
        "key 0": with_key(0, valid),
        "key 1": with_key(1, valid),
        "key p - 1": with_key(P - 1, valid),
        "key of order 8": with_key(order_8, valid),
        "key of order 8 on the twist": with_key(order_8_twist, valid),
        "key p": with_key(P, valid),
        "key p + 1": with_key(P + 1, valid),
        "key 2 p": with_key(2 * P, valid),
        "key off the curve": with_key(2, valid),
        "key not canonical": with_key(P + 9, valid),
        "key with the ignored bit": with_key(int.from_bytes(valid[:32], "little") | 1 << 255, valid),
        "zeros": bytes(93),
        "ones": b"\xff" * 93,
    }


HOSTILE = hostile()
REAL_PLACE = len(HOSTILE)


@pytest.fixture(scope="module")
def chain() -> SyntheticNode:
    """All of them in one epoch, beside a note of the wallet."""
    node = SyntheticNode()
    node.extend(16, ADDRESS, {REAL_PLACE: REAL}, dict(enumerate(HOSTILE.values())))
    return node


def connection(node: SyntheticNode) -> Connection:
    """To the synthetic node."""
    return Connection("http://node", transport=node.transport())


def test_they_are_what_they_are_called() -> None:
    for name, text in HOSTILE.items():
        opens = name.startswith(("opens", "copied"))
        assert (note_open(VIEWING.incoming, text) is not None) == opens, name


async def test_none_is_a_balance(
    chain: SyntheticNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    remake = scan._remake

    def counted(*arguments: object) -> object:
        nonlocal looks
        looks += 1
        return remake(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(scan, "_remake", counted)
    create_wallet(tmp_path / "w", PASSWORD, CHAIN_ID, ROLLUP, phrase=WORDS, work=WORK)
    async with await Wallet.open(tmp_path / "w", PASSWORD, connection(chain)) as wallet:
        await wallet.sync()
        assert wallet.balances()[1].available == REAL
        assert len(wallet._context.state.notes) == len(wallet.history()) == 1
    # A commitment is made again for what opens, once, and for nothing else.
    opening = sum(name.startswith(("opens", "copied")) for name in HOSTILE)
    assert looks == opening + 1


@pytest.mark.parametrize("kind", ViewingKind)
async def test_none_is_a_receipt(chain: SyntheticNode, tmp_path: Path, kind: ViewingKind) -> None:
    text = export_viewing_key(VIEWING, kind)
    create_view_only(tmp_path / "w", PASSWORD, CHAIN_ID, ROLLUP, text, work=WORK)
    async with await Wallet.open(tmp_path / "w", PASSWORD, connection(chain)) as wallet:
        await wallet.sync()
        values = [action.value for action in wallet.history()]
    assert values == ([] if kind == ViewingKind.OUTGOING else [REAL])


async def test_copied_ephemeral_key_is_no_own_payment_of_an_amount(tmp_path: Path) -> None:
    """Anyone can copy the key of a known ciphertext; a payment that was never made must have no amount."""
    node = SyntheticNode()
    node.extend(4, texts={0: note_encrypt(deposit_esk(VIEWING.outgoing, 0), ADDRESS.key, 9, 1)[0]})
    row = node.epochs[0].rows[1]
    nullifier = int(row.split('"nullifiers":["0x')[1][:64], 16)
    esk = transfer_esk(VIEWING.outgoing, nullifier, 0)  # type: ignore[arg-type]
    made = note_encrypt(esk, ADDRESS.key, 10**18, 1)[0]
    old = row.split('"ciphertexts":["0x')[1][:186]
    node.epochs[0].rows[1] = row.replace(old, made.hex())
    text = export_viewing_key(VIEWING, ViewingKind.OUTGOING)
    create_view_only(tmp_path / "w", PASSWORD, CHAIN_ID, ROLLUP, text, work=WORK)
    async with await Wallet.open(tmp_path / "w", PASSWORD, connection(node)) as wallet:
        await wallet.sync()
        assert all(action.value == 0 for action in wallet.history())
