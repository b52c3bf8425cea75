"""From a step of a plan to a transaction ready for signing (spec 03, 04)."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sotto.crypto import note_encrypt
from sotto.protocol.accounts import Operation
from sotto.protocol.address import Address
from sotto.protocol.ciphertext import NO_REFERENCE
from sotto.protocol.errors import KeySetMismatch
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.keys import ViewingKeys, transfer_esk
from sotto.protocol.memo import seal_memo, sender_key
from sotto.protocol.notes import Note, commitment, dummy_nullifier, nullifier, partial, rho
from sotto.protocol.transaction import OUTPUTS, Kind, make_ext
from sotto.protocol.transfer import (
    AccountOpening,
    AnchorOpening,
    DummyInput,
    TransferInput,
    TransferOutput,
    TransferPlan,
    chain,
    open_account,
    spend,
)
from sotto.wallet.chain import Trees
from sotto.wallet.errors import AccountKeysUnknown
from sotto.wallet.state import Draft, DraftInput, DraftOutput, KeyChange, StoredNote

INPUTS: Final = 2

_random: Final = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class PlannedOutput:
    """An output before its place is drawn. `address` None is this wallet itself, `memo` empty for none."""

    address: Address | None
    asset: int
    value: int
    reference: bytes = NO_REFERENCE
    memo: bytes = b""


@dataclass(frozen=True, slots=True)
class PublicPart:
    """What a transaction shows: withdrawal (all 0 for none) and fee."""

    value: int = 0
    asset: int = 0
    recipient: int = 0
    fee: int = 0
    fee_asset: int = 0


def make_draft(
    keys: ViewingKeys,
    asset: int,
    inputs: Sequence[StoredNote],
    outputs: Sequence[PlannedOutput],
    public: PublicPart,
    used: Collection[int],
    operation: KeyChange | None = None,
    forced: bool = False,
) -> Draft:
    """Draw the order of inputs and outputs, encrypt, and commit.

    `asset` is the hidden asset, `used` the first nullifiers of transactions made before. The secret of a
    ciphertext follows from the first nullifier and the place: a second transaction that spends the same notes
    must not begin with the same nullifier, or two boxes would share a key. Dummies come first since their
    nullifier is new each time; when both real ones were used, the secrets are random, and only the sender's
    own later reading of what it sent is lost.
    """
    placed = _place_inputs(keys, inputs, used)
    nullifiers = [nullifier for _, nullifier in placed]
    fresh = nullifiers[0] not in used
    empty = [PlannedOutput(None, asset, 0)] * (OUTPUTS - len(outputs))
    ordered = [*outputs, *empty]
    _random.shuffle(ordered)
    attachment: bytes | None = None
    made: list[DraftOutput] = []
    commitments: list[int] = []
    ciphertexts: list[bytes] = []
    for place, output in enumerate(ordered):
        address = output.address or Address(keys.owner, keys.incoming_public)
        esk = transfer_esk(keys.outgoing, nullifiers[0], place) if fresh else secrets.token_bytes(32)
        ciphertext, r = note_encrypt(esk, address.key, output.value, output.asset, output.reference)
        part = partial(address.owner, Field(r))
        own = address.owner == keys.owner and address.key == keys.incoming_public
        made.append(
            DraftOutput(
                asset=output.asset,
                value=output.value,
                partial=part,
                r=r,
                own=own,
                owner=address.owner,
                key=address.key.hex(),
                esk=esk.hex(),
                reference=output.reference.hex(),
            )
        )
        if output.memo:
            own_key = sender_key(keys.outgoing, nullifiers[0]) if fresh else secrets.token_bytes(32)
            attachment = seal_memo(output.memo, esk, place, address.owner, address.key, own_key)
        commitments.append(commitment(part, output.asset, output.value, rho(nullifiers[0], place)))
        ciphertexts.append(ciphertext)
    return Draft(
        asset=asset,
        inputs=[entry for entry, _ in placed],
        outputs=made,
        nullifiers=list(nullifiers),
        commitments=commitments,
        public_value=public.value,
        public_asset=public.asset,
        recipient=public.recipient,
        fee=public.fee,
        fee_asset=public.fee_asset,
        ext=list(make_ext(ciphertexts, attachment)),
        attachment="" if attachment is None else attachment.hex(),
        operation=operation,
        forced=forced,
    )


def _place_inputs(
    keys: ViewingKeys, inputs: Sequence[StoredNote], used: Collection[int]
) -> list[tuple[DraftInput, Field]]:
    real = [(DraftInput(commitment=note.commitment), Field(note.nullifier)) for note in inputs]
    if len(real) < INPUTS:
        return [*(_dummy(keys) for _ in range(INPUTS - len(real))), *real]
    _random.shuffle(real)
    return sorted(real, key=lambda pair: pair[1] in used)


def _dummy(keys: ViewingKeys) -> tuple[DraftInput, Field]:
    random = Field(secrets.randbelow(MODULUS))
    return DraftInput(random=random), dummy_nullifier(keys.nullifier_key, random)


def own_outputs(keys: ViewingKeys, draft: Draft, h: int) -> list[StoredNote]:
    """The notes above zero that a draft gives back to this wallet, before any epoch has them."""
    return [
        StoredNote(
            commitment=draft.commitments[place],
            nullifier=nullifier(keys.nullifier_key, Field(draft.commitments[place])),
            asset=output.asset,
            value=output.value,
            r=output.r,
            rho=rho(Field(draft.nullifiers[0]), place),
            source=h,
            output=place,
        )
        for place, output in enumerate(draft.outputs)
        if output.own and output.value
    ]


@dataclass(frozen=True, slots=True)
class Moment:
    """What changes when a draft is proven again.

    Attributes:
        trees: note and account tree under the anchor.
        expiry: L1 block.
        key_hashes: the account's keys in these trees, none while it has no leaf there.
    """

    trees: Trees
    expiry: int
    key_hashes: Sequence[Field] = ()


def transfer_plan(
    keys: ViewingKeys, draft: Draft, notes: Mapping[int, StoredNote], moment: Moment
) -> TransferPlan:
    """What is signed and proven. `notes` has the notes that the draft spends, by commitment.

    A note without epoch is named, so that its parent must be in the same epoch. Raises AccountKeysUnknown.
    """
    trees, operation = moment.trees, draft.operation
    first, second = (_spend(keys, entry, notes, trees) for entry in draft.inputs)
    a, b, c = (TransferOutput(Field(out.partial), out.asset, out.value) for out in draft.outputs)
    return TransferPlan(
        domain=keys.domain,
        anchor=AnchorOpening(trees.point.id, trees.note.root, trees.account.root),
        asset=draft.asset,
        nullifier_key=keys.nullifier_key,
        first_key=keys.first_key,
        account=_open_account(keys, moment),
        inputs=(first, second),
        outputs=(a, b, c),
        ext=tuple(draft.ext),
        expiry=moment.expiry,
        public_value=draft.public_value,
        recipient=draft.recipient,
        fee=draft.fee,
        fee_asset=draft.fee_asset,
        kind=_kind_of(draft),
        operation=None
        if operation is None
        else Operation(Field(operation.account), Field(operation.previous), Field(operation.new)),
    )


def _kind_of(draft: Draft) -> Kind:
    if draft.forced:
        return Kind.FORCED
    return Kind.TRANSFER if draft.operation is None else Kind.ACCOUNT


def _spend(
    keys: ViewingKeys, entry: DraftInput, notes: Mapping[int, StoredNote], trees: Trees
) -> TransferInput:
    if entry.commitment is None:
        return DummyInput(Field(entry.random))
    stored = notes[entry.commitment]
    note = Note(keys.owner, stored.asset, stored.value, Field(stored.r), Field(stored.rho))
    if stored.node is None:
        return chain(note)
    return spend(trees.note, note, 4 * stored.node + stored.output)


def _open_account(keys: ViewingKeys, moment: Moment) -> AccountOpening:
    try:
        return open_account(moment.trees.account, keys.account_id, moment.key_hashes)
    except KeySetMismatch as error:
        raise AccountKeysUnknown("the account's keys were changed") from error
