"""Signing keys of the account: registered, used, revoked, restored; every witness satisfies the circuit."""

import shutil
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest
from tests.unit.wallet.conftest import OpenWallet
from tests.unit.wallet.recorded import DOMAIN, ETHER, PASSWORD, PRICE, RecordedNode
from tests.unit.wallet.test_payments import available, funded

from sotto import crypto
from sotto.protocol import accounts
from sotto.protocol.babyjub import Point, Signature
from sotto.protocol.field import Field
from sotto.protocol.keys import derive, seed_from_phrase
from sotto.wallet import Payment, Wallet, keyfile
from sotto.wallet.account import find_key_set, make_signing_key, signing_key_from_words
from sotto.wallet.errors import (
    AccountChangePending,
    AccountKeysUnknown,
    AccountUnchanged,
    KeySetInvalid,
    LastKeyRemoved,
    PhraseRejected,
    WalletLocked,
    WrongPassword,
)
from sotto.wallet.signer import KeySigner, SigningRequest
from sotto.wallet.state import ActionKind, ActionStatus

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"


def first_key(wallet: Wallet) -> Field:
    """Hash of the key that the seed brings."""
    return accounts.key_hash(wallet._context.keys.first_key)


async def change(node: RecordedNode, wallet: Wallet, *hashes: Field) -> None:
    """Change the keys and let an epoch have it."""
    action = await wallet.change_keys(hashes)
    node.close()
    assert (await wallet.wait(action.number)).status == ActionStatus.PROVEN


async def test_registered_key_spends_and_the_revoked_one_does_not(
    node: RecordedNode, open_wallet: OpenWallet, tmp_path: Path
) -> None:
    alice, bob = await open_wallet("alice", WORDS), await open_wallet("bob")
    await funded(node, alice, ETHER)
    before = alice.account
    assert not before.registered
    assert [(k.hash, k.first, k.held) for k in before.keys] == [(first_key(alice), True, True)]

    made = await alice.add_signing_key(PASSWORD)
    assert made.hash not in {key.hash for key in alice.account.keys}
    await change(node, alice, first_key(alice), made.hash)
    assert alice.account.registered
    assert {key.hash for key in alice.account.keys} == {first_key(alice), made.hash}
    assert available(alice) == ETHER - PRICE
    await alice.send("ETH", [Payment(bob.address, 1000)])
    node.close()
    await alice.sync()

    await change(node, alice, made.hash)
    assert [(k.hash, k.first, k.held) for k in alice.account.keys] == [(made.hash, False, True)]
    await alice.send("ETH", [Payment(bob.address, 2000)])
    node.close()
    await bob.sync()
    assert available(bob) == 3000

    # Whoever has the seed only: sees the balance, and has no key that may sign.
    thief = await open_wallet("thief", WORDS)
    await thief.sync()
    await alice.sync()
    assert available(thief) == available(alice)
    assert thief.account.keys == ()
    with pytest.raises(AccountKeysUnknown):
        await thief.send("ETH", [Payment(bob.address, 1)])
    # Knowing the key's hash does not help: the circuit refuses the old key's signature.
    thief._context.state.key_hashes.add(made.hash)
    with pytest.raises(AccountKeysUnknown):
        await thief.send("ETH", [Payment(bob.address, 1)])
    old = KeySigner([derive(seed_from_phrase(WORDS), DOMAIN).account_seed])

    class Pretender(KeySigner):
        """Claims the new key and signs with the old one."""

        @property
        def keys(self) -> Sequence[Point]:
            assert alice._context.signer is not None
            return alice._context.signer.keys

        async def sign(self, key: Point, request: SigningRequest) -> Signature:
            return await old.sign(old.keys[0], request)

    thief._context.signer = Pretender([])
    with pytest.raises(crypto.WitnessRejected):
        await thief.send("ETH", [Payment(bob.address, 1)])
    thief._context.signer = old
    await thief.add_signing_key(PASSWORD, signing_key_from_words(made.words))
    await thief.send("ETH", [Payment(bob.address, 5)])


async def test_keys_survive_a_restart_and_a_lost_state_file(
    node: RecordedNode, open_wallet: OpenWallet, tmp_path: Path
) -> None:
    alice = await open_wallet("alice")
    await funded(node, alice, ETHER)
    made = await alice.add_signing_key(PASSWORD)
    other = make_signing_key()
    await change(node, alice, made.hash, other.hash)
    await alice.close()
    (tmp_path / "alice.json.state").unlink()
    shutil.rmtree(alice._context.chain.folder)
    again = await open_wallet("alice")
    await again.sync()
    # The other key is held elsewhere, and its hash was in the lost file.
    assert not [key.hash for key in again.account.keys]
    await again.add_signing_key(PASSWORD, other)
    assert {key.hash for key in again.account.keys} == {made.hash, other.hash}
    await change(node, again, made.hash)
    kinds = [action.kind for action in again.history()]
    assert kinds == [ActionKind.DEPOSIT, ActionKind.ACCOUNT, ActionKind.ACCOUNT]


async def test_account_change_needs_no_note_where_fees_are_free(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    node.fees = {}
    made = await alice.add_signing_key(PASSWORD)
    await change(node, alice, made.hash)
    assert [key.hash for key in alice.account.keys] == [made.hash]


async def test_changes_that_would_lock_out_or_collide_are_refused(
    node: RecordedNode, open_wallet: OpenWallet
) -> None:
    alice = await open_wallet()
    await funded(node, alice, ETHER)
    mine, foreign = await alice.add_signing_key(PASSWORD), [make_signing_key().hash for _ in range(4)]
    for expected, hashes in (
        (KeySetInvalid, []),
        (KeySetInvalid, [first_key(alice), *foreign]),
        (LastKeyRemoved, foreign),
    ):
        with pytest.raises(expected):
            await alice.change_keys(hashes)
    await alice.change_keys([mine.hash])
    with pytest.raises(AccountChangePending):
        await alice.change_keys([first_key(alice)])
    node.close()
    await alice.sync()
    with pytest.raises(AccountUnchanged):
        await alice.change_keys([mine.hash])
    assert len(node.pool) == 0


async def test_two_copies_that_change_keys_at_once(node: RecordedNode, open_wallet: OpenWallet) -> None:
    """The second change names a key set that is no longer there: no epoch takes it, nothing is lost."""
    alice, copy = await open_wallet("alice", WORDS), await open_wallet("copy", WORDS)
    await funded(node, alice, ETHER)
    await funded(node, alice, ETHER)
    one, two = await alice.add_signing_key(PASSWORD), await copy.add_signing_key(PASSWORD)
    await copy.sync()
    node.before_submit = node.close
    await alice.change_keys([one.hash])
    late = await copy.change_keys([first_key(copy), two.hash])
    node.drop("AccountExists: id")
    await copy.sync()
    assert copy.history()[late.number].status == ActionStatus.DROPPED
    await alice.sync()
    assert available(copy) == available(alice) == 2 * ETHER


async def test_key_is_on_disk_before_it_is_used(
    node: RecordedNode, open_wallet: OpenWallet, tmp_path: Path
) -> None:
    alice = await open_wallet()
    with pytest.raises(WrongPassword):
        await alice.add_signing_key("wrong")
    made = await alice.add_signing_key(PASSWORD)
    assert keyfile.read(tmp_path / "alice.json", PASSWORD).signing_keys == (made.seed,)
    await alice.add_signing_key(PASSWORD, made)
    assert keyfile.read(tmp_path / "alice.json", PASSWORD).signing_keys == (made.seed,)
    keyfile.change_password(tmp_path / "alice.json", PASSWORD, "new", 14)
    assert keyfile.read(tmp_path / "alice.json", "new").signing_keys == (made.seed,)
    alice.lock()
    with pytest.raises(WalletLocked):
        await alice.add_signing_key("new")


def test_words_of_a_key() -> None:
    made = make_signing_key()
    assert signing_key_from_words(f"  {made.words.upper()} ") == made
    for words in (WORDS, made.words + " abandon", " ".join(["zoo"] * 24), ""):
        with pytest.raises(PhraseRejected):
            signing_key_from_words(words)


def test_key_sets_are_found_in_any_order() -> None:
    hashes = [Field(number) for number in (5, 3, 9, 4)]
    for count in (1, 2, 4):
        for ordered in permutations(hashes, count):
            assert find_key_set(accounts.key_set_hash(ordered), {*hashes, Field(77)}) == (
                sorted(ordered) if list(ordered) == sorted(ordered) else list(ordered)
            )
    assert find_key_set(Field(1), hashes) is None
