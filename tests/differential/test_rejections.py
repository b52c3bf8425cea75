"""Every named rejection, told to specification, circuits and contracts: each refuses what it must."""

import json
from collections.abc import Iterator

import pytest

from sotto import crypto
from sotto.protocol import errors
from sotto.protocol.transfer_witness import check_transfer
from tests.differential.attempts import EPOCH_LIES, EpochLie
from tests.differential.exit_lies import EXIT_LIES
from tests.differential.rig import Rig, open_rig
from tests.differential.stream import judge_epoch_lie, judge_transfer_lie, settle_epoch
from tests.differential.transfer_lies import TRANSFER_LIES, TransferLie

SEED = 5
EPOCHS = 6

ELSEWHERE = {
    "a key, seed, signature, address or text that never reaches a circuit": (
        errors.PointIsIdentity,
        errors.PointOutsideSubgroup,
        errors.SecretIsZero,
        errors.SeedLengthWrong,
        errors.PhraseInvalid,
        errors.SignatureNotCanonical,
        errors.AddressInvalid,
        errors.AddressOfOtherDomain,
        errors.TextMalformed,
        errors.ViewingKeyInvalid,
        errors.SharedSecretIsZero,
        errors.CiphertextNotForKey,
    ),
    "a blob, which a reader refuses; no proof exists for what it holds": (
        errors.BlobTooLong,
        errors.BlobNotCanonical,
        errors.BlobNotEmpty,
        errors.BlobHashMismatch,
    ),
    "a question to a tree of this package": (errors.ValueOnRing, errors.ValueNotOnRing),
    "a memo: the proof covers its hash, and only who holds the attachment can judge it": (
        errors.MemoTooLong,
        errors.MemoNotForKey,
        errors.AttachmentSizeWrong,
        errors.AttachmentMismatch,
    ),
    "a rule of nodes, which no proof enforces": (errors.ExtensionVersionUnknown,),
    "public words that L1 refuses before it looks at a proof; its tests are in tests/forge": (
        errors.NullifierZero,
        errors.ExitValueZero,
        errors.ExitRecipientZero,
        errors.ExitFeeInvalid,
    ),
}
"""Rejections that are no lie to all three at once. Unless it says so, their tests are in tests/unit."""


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """A chain with some epochs of all kinds behind it."""
    crypto.install_hash_backend()
    with open_rig(SEED, harness=True) as opened:
        for _ in range(EPOCHS):
            settle_epoch(opened, 16)
        yield opened


@pytest.mark.parametrize("lie", TRANSFER_LIES, ids=lambda lie: lie.name)
def test_transfer(rig: Rig, lie: TransferLie) -> None:
    assert judge_transfer_lie(rig, lie), "the scenario has nothing to tell this lie about"


@pytest.mark.slow
@pytest.mark.parametrize("lie", EPOCH_LIES, ids=lambda lie: lie.name)
def test_epoch(rig: Rig, lie: EpochLie) -> None:
    assert judge_epoch_lie(rig, lie), "the scenario has nothing to tell this lie about"


def test_honest_witnesses_of_the_same_scenario_hold(rig: Rig) -> None:
    """Otherwise a refusal above would say nothing."""
    user = rig.scenario.users[0]
    witness = rig.scenario.pay(user, [], user, 0).witness()
    assert crypto.check_witness("transfer", json.dumps(witness).encode()) == [check_transfer(witness)]


def test_no_rejection_is_left_out() -> None:
    """Each class without subclasses is told as a lie, or says why it cannot be."""

    def leaves(cls: type[Exception]) -> set[type[Exception]]:
        below = cls.__subclasses__()
        return {leaf for sub in below for leaf in leaves(sub)} if below else {cls}

    told: set[type[Exception]] = {lie.error for lie in TRANSFER_LIES}
    told |= {lie.python for lie in EPOCH_LIES if lie.python} | {lie.error for lie in EXIT_LIES}
    elsewhere = {cls for group in ELSEWHERE.values() for cls in group}
    named = {cls for cls in leaves(errors.ProtocolError) if cls.__module__ == errors.__name__}
    assert named - told - elsewhere == set()
    assert not told & elsewhere
