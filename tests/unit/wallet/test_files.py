"""Wallet and state files: wrong passwords, damage, newer versions, crashes, two processes."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sotto.wallet import create_wallet, keyfile
from sotto.wallet.creation import create_wallet_from_l1
from sotto.wallet.errors import (
    CorruptState,
    CorruptWallet,
    PhraseRejected,
    SignerNotDeterministic,
    UnsupportedVersion,
    WalletError,
    WalletExists,
    WalletInUse,
    WalletNotFound,
    WrongPassword,
)
from sotto.wallet.files import exclusive, write_atomically
from sotto.wallet.state import StoredNote, WalletState
from sotto.wallet.statefile import StateFile

ROLLUP = bytes.fromhex("11" * 20)
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
SEED = bytes(range(64))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wallet file with password `pass`."""
    path = tmp_path_factory.mktemp("wallet") / "wallet.json"
    create_wallet(path, "pass", 31337, ROLLUP, phrase=WORDS, work=14)
    return path


def copy(made: Path, folder: Path, **changes: object) -> Path:
    """A copy with changed members."""
    path = folder / "copy.json"
    path.write_text(json.dumps(json.loads(made.read_text()) | changes))
    return path


def test_file_opens_with_its_password_only(made: Path) -> None:
    secret = keyfile.read(made, "pass")
    assert (secret.phrase, secret.chain_id, secret.rollup) == (WORDS, 31337, ROLLUP)
    with pytest.raises(WrongPassword):
        keyfile.read(made, "Pass")


def test_file_is_private_and_has_no_secret_in_the_open(made: Path) -> None:
    assert made.stat().st_mode & 0o077 == 0
    text = made.read_text()
    assert "legal" not in text
    assert keyfile.read(made, "pass").seed.hex() not in text
    assert "seed" not in repr(keyfile.read(made, "pass"))


def test_existing_file_is_never_overwritten(made: Path) -> None:
    before = made.read_bytes()
    with pytest.raises(WalletExists):
        create_wallet(made, "other", 31337, ROLLUP, work=14)
    assert made.read_bytes() == before
    assert [p.name for p in made.parent.iterdir()] == [made.name]


def test_password_changes(made: Path, tmp_path: Path) -> None:
    path = copy(made, tmp_path)
    keyfile.change_password(path, "pass", "next", work=14)
    assert keyfile.read(path, "next") == keyfile.read(made, "pass")
    with pytest.raises(WrongPassword):
        keyfile.read(path, "pass")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"version": 2}, UnsupportedVersion),
        ({"version": 0}, CorruptWallet),
        ({"format": "other"}, CorruptWallet),
        ({"kdf": {"name": "scrypt", "work": 40, "salt": "00" * 16}}, CorruptWallet),
        ({"kdf": {"name": "md5", "work": 14, "salt": "00" * 16}}, CorruptWallet),
        ({"kdf": None}, CorruptWallet),
        ({"nonce": "00" * 12}, CorruptWallet),
        ({"nonce": "xy"}, CorruptWallet),
        ({"box": "00" * 80}, CorruptWallet),
        ({"box": 5}, CorruptWallet),
        ({"extra": 1}, CorruptWallet),
    ],
)
def test_changed_member_is_found(
    made: Path, tmp_path: Path, change: dict[str, object], expected: type[WalletError]
) -> None:
    with pytest.raises(expected):
        keyfile.read(copy(made, tmp_path, **change), "pass")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_torn_and_flipped_files_are_refused_by_name(made: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(made.read_bytes())
    at = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:at]
    else:
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    try:
        secret = keyfile.read(path, "pass")
    except WalletError:
        return
    # Only what means the same (a hex digit's case, a space) may still open.
    assert secret == keyfile.read(made, "pass")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(WalletNotFound):
        keyfile.read(tmp_path / "none.json", "pass")


def test_bad_words_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PhraseRejected):
        create_wallet(
            tmp_path / "w.json", "p", 1, ROLLUP, phrase=WORDS.replace("legal", "winner", 1), work=14
        )
    assert not list(tmp_path.iterdir())


def test_l1_signer_must_be_deterministic(tmp_path: Path) -> None:
    signatures = iter([bytes([1] * 64 + [27]), bytes([2] * 64 + [27])])
    with pytest.raises(SignerNotDeterministic):
        create_wallet_from_l1(tmp_path / "w.json", "p", 1, ROLLUP, lambda _: next(signatures), work=14)


def note(value: int) -> StoredNote:
    """Some note."""
    return StoredNote(
        commitment=value, nullifier=2**250, asset=1, value=value, r=3, rho=4, source=5, output=0
    )


def test_state_survives_and_is_encrypted(tmp_path: Path) -> None:
    file = StateFile(tmp_path / "s", SEED, 7)
    state = WalletState(epoch=3, notes={9: note(123456789)}, used={2**253})
    file.save(state)
    assert file.load() == state
    assert b"123456789" not in (tmp_path / "s").read_bytes()


def test_state_of_another_seed_domain_or_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "s"
    StateFile(path, SEED, 7).save(WalletState())
    for other in (StateFile(path, SEED[::-1], 7), StateFile(path, SEED, 8)):
        with pytest.raises(CorruptState):
            other.load()
    data = path.read_bytes()
    for broken in (b"", data[:5], data[:50], data[:-1], data[:100] + b"\x00" + data[101:]):
        path.write_bytes(broken)
        with pytest.raises(CorruptState):
            StateFile(path, SEED, 7).load()
    path.write_bytes(data[:10] + b"\x02" + data[11:])
    with pytest.raises(UnsupportedVersion):
        StateFile(path, SEED, 7).load()


def test_interrupted_writing_leaves_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "w"
    with exclusive(path), pytest.raises(WalletInUse), exclusive(path):
        pass
    with exclusive(path):
        pass
