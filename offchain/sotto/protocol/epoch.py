"""The state transition of one epoch (spec 05), and following it from L1 words alone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from sotto.protocol.accounts import Operation
from sotto.protocol.blob import evaluate
from sotto.protocol.data import commit_data
from sotto.protocol.errors import (
    ChainedCommitmentUnknown,
    EpochFull,
    EpochInputsInvalid,
    EpochRejected,
    ExpiredTransaction,
    FeeAssetNotListed,
    KindInvalid,
    OperationMismatch,
    OperationPreimageMissing,
    ProtocolError,
    TooManyAnchors,
    TooManyOperations,
    UnknownAnchor,
    WordsMismatch,
    WrongDomain,
)
from sotto.protocol.field import ZERO, Field, check_bits, to_byte_word
from sotto.protocol.insertion import AccountBatch, NullifierBatch, OperationStep
from sotto.protocol.kzg import CommittedBlob
from sotto.protocol.merkle import MerkleTree, subtree_height
from sotto.protocol.notes import ASSET_BITS, Deposit
from sotto.protocol.rollup_witness import AnchorSlot, LaneWitness, RollupWitness, SubtreePlace
from sotto.protocol.transaction import Kind, Transaction
from sotto.protocol.trees import State, anchor
from sotto.protocol.words import (
    DataMode,
    EpochWords,
    FeeQuad,
    Header,
    LaneWords,
    Layout,
    OperationWords,
    check_lane_count,
    compute_y,
    compute_z,
)

ANCHOR_SLOTS: Final = 4

_ANCHOR_AGE_BITS: Final = 26
_BLOCK_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class AccountChange:
    """A transaction of kind 5 with the preimage of its operation."""

    transaction: Transaction
    operation: Operation


LaneInput = Transaction | AccountChange | Deposit | None
"""What takes a lane: a transaction of kind 1 or 3, an account change, a deposit, or nothing.

Deposits and forced transactions must come in the order of the queue; whether a forced one is skipped follows
from the state.
"""


@dataclass(frozen=True, slots=True)
class EpochInputs:
    """What the proposer chooses and the contract judges."""

    domain: int
    lanes: int
    """N: 4 or 16."""
    oldest: int
    """Oldest epoch id whose anchor is accepted."""
    now: int
    """L1 block."""
    queue_start: int
    fee_assets: FeeQuad = (0, 0, 0, 0)
    """Distinct listed assets; 0 leaves a slot unused."""
    data_mode: DataMode = DataMode.CALLDATA


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What L1 pays for a lane once the epoch is proven."""

    lane: int
    asset: int
    value: int
    recipient: int
    """L1 address as integer, 160 bits."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """An input that got no lane, by its position among the inputs."""

    position: int
    error: ProtocolError


@dataclass(frozen=True)
class EpochResult:
    """An epoch: the state after it, its words, and what a prover needs.

    What only a committer or prover asks for is computed when it is asked for: a commitment takes longer than
    following the epoch.
    """

    state: State
    words: EpochWords
    c: Field
    data_mode: DataMode
    withdrawals: tuple[Withdrawal, ...]
    rejections: tuple[Rejection, ...]
    _witness: RollupWitness = field(repr=False)

    @property
    def layout(self) -> Layout:
        """That of the verifiers that take it."""
        return Layout(len(self.words.lanes), self.data_mode)

    def encoded_words(self) -> bytes:
        """All words as bytes: the calldata of data mode 0."""
        return self.words.encode()

    @cached_property
    def blob(self) -> CommittedBlob | None:
        """Where L1 has the data words in data mode 1; None in data mode 0."""
        return commit_data(self.words) if self.data_mode == DataMode.BLOB else None

    @cached_property
    def z(self) -> int:
        """The point at which the words are compared, 248 bits."""
        if self.blob is None:
            published = self.words.encode()
        else:
            published = self.words.encode_l1() + self.blob.versioned_hash
        return compute_z(self.words.header.domain, self.c, published)

    @cached_property
    def y(self) -> Field:
        """Value at z of the polynomial of all words, in data mode 1 of the L1 words."""
        words = self.words
        return compute_y(words.values() if self.blob is None else words.l1_values(), self.z)

    @property
    def y_data(self) -> int | None:
        """Value of the blob's polynomial at z modulo n; None in data mode 0."""
        return None if self.blob is None else evaluate(self.words.data_values(), self.z)

    def witness(self, beneficiary: bytes, policy_word: int = 0) -> dict[str, object]:
        """The rollup witness file (spec 07) of a proof that pays `beneficiary`, an address of 20 bytes."""
        return self._witness.to_json(
            self.words, self.c, self.z, self.y, beneficiary, policy_word, self.y_data
        )


class EpochBuilder:
    """Fills lanes one by one. A refused input changes nothing, so that the next one may be tried."""

    def __init__(self, state: State, inputs: EpochInputs) -> None:
        """Begin the epoch after `state`, which is not changed. Raises LaneCountUnsupported, TreeFull,
        EpochInputsInvalid."""
        check_lane_count(inputs.lanes)
        self._inputs = inputs
        self._old = state
        self._state = state.copy()
        self._epoch_id = state.root.size
        self._check_inputs()
        for tree, count in self._growth(state):
            tree.next_subtree(count)
        self._anchor_ids: dict[Field, int] = {}
        self._unread_anchors = iter(range(self._epoch_id - 1, inputs.oldest - 1, -1))
        self._slots: list[Field] = []
        self._nullifiers = NullifierBatch(self._state.nullifier)
        self._accounts = AccountBatch(self._state.account)
        self._words: list[LaneWords] = []
        self._witnesses: list[LaneWitness] = []
        self._operations: list[OperationWords] = []
        self._steps: list[OperationStep] = []
        self._appended: set[Field] = set()
        self._fee_totals: FeeQuad = (0, 0, 0, 0)
        self._queue_cursor = inputs.queue_start

    def _check_inputs(self) -> None:
        inputs = self._inputs
        to_byte_word(inputs.domain)
        for value in (inputs.oldest, inputs.now, inputs.queue_start, inputs.queue_start + inputs.lanes):
            check_bits(value, _BLOCK_BITS)
        if inputs.oldest >= self._epoch_id or self._epoch_id - 1 - inputs.oldest >= 1 << _ANCHOR_AGE_BITS:
            raise EpochInputsInvalid(f"oldest anchor {inputs.oldest} for epoch {self._epoch_id}")
        listed = [check_bits(asset, ASSET_BITS) for asset in inputs.fee_assets if asset]
        if len(set(listed)) != len(listed):
            raise EpochInputsInvalid(f"fee assets {inputs.fee_assets} are not four distinct ones")

    @property
    def free_lanes(self) -> int:
        """Lanes that nothing has taken."""
        return self._inputs.lanes - len(self._words)

    def add(self, entry: LaneInput) -> Kind:
        """Give the next lane to an input and return the lane's kind.

        Raises EpochFull, the errors of Transaction.check, WrongDomain, UnknownAnchor, TooManyAnchors,
        ExpiredTransaction, FeeAssetNotListed, ChainedCommitmentUnknown, NullifierSpent, OperationMismatch,
        TooManyOperations, AccountExists, StaleKeySet.
        """
        if not self.free_lanes:
            raise EpochFull(f"all {self._inputs.lanes} lanes are taken")
        match entry:
            case None:
                self._take(LaneWords(), LaneWitness())
            case Deposit():
                self._add_deposit(entry)
            case AccountChange():
                self._add_account_change(entry)
            case Transaction() if entry.kind == Kind.FORCED:
                self._add_forced(entry)
            case Transaction() if entry.kind == Kind.TRANSFER:
                self._check_direct(entry)
                self._spend(entry, Kind.TRANSFER)
            case Transaction():
                raise OperationPreimageMissing("give a transaction of kind 5 as AccountChange")
        return self._words[-1].kind

    def _take(self, words: LaneWords, witness: LaneWitness) -> None:
        self._words.append(words)
        self._witnesses.append(witness)

    def _add_deposit(self, deposit: Deposit) -> None:
        commitment = deposit.commitment(self._inputs.domain, self._queue_cursor)
        self._take(LaneWords.of_deposit(deposit, commitment), LaneWitness())
        self._appended.add(commitment)
        self._queue_cursor += 1

    def _add_forced(self, tx: Transaction) -> None:
        self._check_words(tx)
        for member, nullifier in enumerate(tx.nullifiers):
            if nullifier in self._nullifiers:
                opening = self._nullifiers.open(nullifier)
                insertions = (opening, None) if member == 0 else (None, opening)
                words = LaneWords.of_transaction(tx, Kind.SKIPPED)
                self._take(words, LaneWitness(member=member, insertions=insertions))
                break
        else:
            self._spend(tx, Kind.FORCED)
        self._queue_cursor += 1

    def _add_account_change(self, change: AccountChange) -> None:
        tx, operation = change.transaction, change.operation
        if tx.kind != Kind.ACCOUNT:
            raise KindInvalid(f"kind {tx.kind} with an account operation")
        self._check_direct(tx)
        if tx.operation != operation.word:
            raise OperationMismatch(f"{tx.operation:#x} is not the hash of {operation}")
        if len(self._steps) == self._inputs.lanes // 4:
            raise TooManyOperations(f"{len(self._steps)} of {self._inputs.lanes} lanes")
        self._accounts.check(operation)
        self._spend(tx, Kind.ACCOUNT)
        self._steps.append(self._accounts.apply(operation))
        self._operations.append(OperationWords(operation.account, operation.new))

    def _check_words(self, tx: Transaction) -> None:
        tx.check()
        if tx.domain != self._inputs.domain:
            raise WrongDomain(f"{tx.domain:#x}")

    def _check_direct(self, tx: Transaction) -> None:
        """Everything that can refuse a transaction of kind 1 or 5 except its operation."""
        self._check_words(tx)
        if not self._knows_anchor(tx.anchor):
            raise UnknownAnchor(
                f"{tx.anchor:#x} is not of epochs {self._inputs.oldest} .. {self._epoch_id - 1}"
            )
        if tx.anchor not in self._slots and len(self._slots) == ANCHOR_SLOTS:
            raise TooManyAnchors(f"{ANCHOR_SLOTS} others are open")
        if tx.expiry < self._inputs.now:
            raise ExpiredTransaction(f"expired at block {tx.expiry}, now is {self._inputs.now}")
        self._fee_slot(tx)
        for named in tx.named:
            if named and named not in self._appended:
                raise ChainedCommitmentUnknown(f"{named:#x}")
        for nullifier in tx.nullifiers:
            self._nullifiers.check(nullifier)

    def _knows_anchor(self, wanted: Field) -> bool:
        """Reads the root tree from the newest epoch back, no further than asked for and never twice."""
        while wanted not in self._anchor_ids:
            epoch_id = next(self._unread_anchors, None)
            if epoch_id is None:
                return False
            self._anchor_ids[self._old.root.leaf(epoch_id)] = epoch_id
        return True

    def _fee_slot(self, tx: Transaction) -> int:
        if tx.fee == 0:
            return -1
        if tx.fee_asset == 0 or tx.fee_asset not in self._inputs.fee_assets:
            raise FeeAssetNotListed(f"asset {tx.fee_asset}")
        return self._inputs.fee_assets.index(tx.fee_asset)

    def _anchor_slot(self, tx: Transaction) -> int:
        if tx.anchor not in self._slots:
            self._slots.append(tx.anchor)
        return self._slots.index(tx.anchor)

    def _spend(self, tx: Transaction, kind: Kind) -> None:
        lane = len(self._words)
        first, second = (
            self._nullifiers.insert(nullifier, 2 * lane + i) for i, nullifier in enumerate(tx.nullifiers)
        )
        fee_slot = self._fee_slot(tx)
        if fee_slot >= 0:
            a, b, c, d = (t + tx.fee * (fee_slot == i) for i, t in enumerate(self._fee_totals))
            self._fee_totals = (a, b, c, d)
        anchor_slot = -1 if kind == Kind.FORCED else self._anchor_slot(tx)
        self._take(
            LaneWords.of_transaction(tx, kind),
            LaneWitness(fee_slot=fee_slot, anchor_slot=anchor_slot, insertions=(first, second)),
        )
        # A commitment of 0 cannot be named: 0 means not chained.
        self._appended |= {commitment for commitment in tx.commitments if commitment}

    def finish(self, rejections: Sequence[Rejection] = ()) -> EpochResult:
        """Close the epoch; lanes not taken are no-ops. The builder cannot be used afterwards."""
        inputs, old, state = self._inputs, self._old, self._state
        while self.free_lanes:
            self._take(LaneWords(), LaneWitness())
        self._operations += [OperationWords()] * (inputs.lanes // 4 - len(self._operations))

        places = [_place(tree, count) for tree, count in self._growth(state)]
        notes = [leaf for lane in self._words for leaf in (*_appended(lane), ZERO)]
        state.note.append(notes, 4 * inputs.lanes)
        state.nullifier.append(self._nullifiers.leaves(inputs.lanes), 4 * inputs.lanes)
        state.account.append(self._accounts.leaves(), inputs.lanes // 4)
        own_anchor = anchor(self._epoch_id, state.note.root, state.account.root)
        state.root.append([own_anchor], 1)

        header = Header(
            old_state=old.hash(),
            new_state=state.hash(),
            own_anchor=own_anchor,
            domain=inputs.domain,
            epoch_id=self._epoch_id,
            oldest=inputs.oldest,
            now=inputs.now,
            queue_start=inputs.queue_start,
            queue_end=self._queue_cursor,
            fee_assets=inputs.fee_assets,
            fee_totals=self._fee_totals,
        )
        words = EpochWords(header, tuple(self._words), tuple(self._operations))
        witness = RollupWitness(
            old.roots(), self._anchor_slots(), tuple(self._witnesses), tuple(self._steps), *places
        )
        return EpochResult(
            state,
            words,
            words.c(),
            inputs.data_mode,
            withdrawals_of(words),
            tuple(rejections),
            witness,
        )

    def _growth(self, state: State) -> tuple[tuple[MerkleTree, int], ...]:
        """The trees and the leaves that each grows by."""
        lanes = self._inputs.lanes
        return (
            (state.note, 4 * lanes),
            (state.nullifier.tree, 4 * lanes),
            (state.account.tree, lanes // 4),
            (state.root, 1),
        )

    def _anchor_slots(self) -> tuple[AnchorSlot, ...]:
        """Every slot must open a leaf: unused ones open the last epoch's anchor."""
        last = self._old.anchor()
        anchors = self._slots + [last] * (ANCHOR_SLOTS - len(self._slots))
        indices = [self._epoch_id - 1 if a == last else self._anchor_ids[a] for a in anchors]
        return tuple(AnchorSlot(a, i, self._old.root.path(i)) for a, i in zip(anchors, indices, strict=True))


def _place(tree: MerkleTree, count: int) -> SubtreePlace:
    index = tree.next_subtree(count)
    return SubtreePlace(index, tree.path(index, subtree_height(count)))


def _appended(lane: LaneWords) -> tuple[Field, Field, Field]:
    return (ZERO, ZERO, ZERO) if lane.kind == Kind.SKIPPED else lane.commitments


def withdrawals_of(words: EpochWords) -> tuple[Withdrawal, ...]:
    """What an epoch pays on L1, in lane order."""
    paying = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)
    return tuple(
        Withdrawal(number, lane.public_asset, lane.public_value, lane.recipient)
        for number, lane in enumerate(words.lanes)
        if lane.kind in paying and lane.public_value
    )


def apply_epoch(
    state: State, lanes: Iterable[LaneInput], inputs: EpochInputs, *, skip_invalid: bool = False
) -> EpochResult:
    """The epoch that these inputs make after `state`, which is not changed.

    With `skip_invalid`, refused inputs get no lane and are listed in `rejections`; otherwise the first
    refusal is raised (see EpochBuilder.add), an EpochRejected with its lane.
    """
    builder = EpochBuilder(state, inputs)
    rejections = []
    for position, entry in enumerate(lanes):
        try:
            builder.add(entry)
        except ProtocolError as error:
            if isinstance(error, EpochRejected):
                error.lane = inputs.lanes - builder.free_lanes
            if not skip_invalid:
                raise
            rejections.append(Rejection(position, error))
    return builder.finish(rejections)


def lane_inputs(words: EpochWords, state: State) -> list[LaneInput]:
    """The inputs that an epoch's words were made of, given the state before it.

    `previous` of an operation is not a word: it is the account's current key set.
    """
    published = iter(words.operations)
    current: dict[Field, Field] = {}
    entries: list[LaneInput] = []
    for lane in words.lanes:
        if lane.kind == Kind.NO_OP:
            entries.append(None)
        elif lane.kind == Kind.DEPOSIT:
            entries.append(lane.deposit())
        elif lane.kind == Kind.ACCOUNT:
            operation = next(published, None)
            if operation is None:
                raise TooManyOperations(f"more than {len(words.operations)} account lanes")
            account = operation.account
            previous = current[account] if account in current else state.account.key_set(account)
            current[account] = operation.new
            change = Operation(account, previous, operation.new)
            entries.append(AccountChange(lane.transaction(words.header.domain), change))
        else:
            entries.append(lane.transaction(words.header.domain))
    return entries


def replay(state: State, words: EpochWords, data_mode: DataMode = DataMode.CALLDATA) -> EpochResult:
    """Follow a proven epoch from its words alone; its record tells the data mode.

    Raises the errors of EpochBuilder.add, and WordsMismatch when the words are not those of the transition.
    """
    header = words.header
    inputs = EpochInputs(
        header.domain,
        len(words.lanes),
        header.oldest,
        header.now,
        header.queue_start,
        header.fee_assets,
        data_mode,
    )
    result = apply_epoch(state, lane_inputs(words, state), inputs)
    if result.words != words:
        raise WordsMismatch(f"epoch {header.epoch_id}: L1 holds state {header.new_state:#x}")
    return result
