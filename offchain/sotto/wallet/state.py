"""What a wallet remembers beside its keys: notes, transactions on their way, history.

All of it but pending transactions and labels of sent payments is found again from the seed and public data.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=False)


class StoredNote(_Model):
    """A note of this wallet, its commitment recomputed from its parts.

    Attributes:
        source: h of the transaction or deposit that made it.
        epoch: proven epoch that appended it, None while it is only accepted by the node.
        node, output: place in the note tree: leaf `4 * node + output`; None without epoch.
        spent_epoch: proven epoch that holds its nullifier.
        claimed: that is the node's word only: roots bind commitments, not nullifiers, and no transaction of
            this file spends the note. L1's words settle it.
        closed: not in a proven epoch, but the lanes of its epoch are chosen: nothing can be chained to it any
        more.
    """

    commitment: int
    nullifier: int
    asset: int
    value: int
    r: int
    rho: int
    source: int
    output: int
    reference: str = "00" * 20
    epoch: int | None = None
    node: int | None = None
    spent_epoch: int | None = None
    claimed: bool = False
    closed: bool = False

    @property
    def chained(self) -> bool:
        """Whether spending it must name its parent."""
        return self.epoch is None


class DraftInput(_Model):
    """An input: the commitment of an own note, or the random number of a dummy."""

    commitment: int | None = None
    random: int = 0


class DraftOutput(_Model):
    """An output in its place.

    Attributes:
        own: this wallet can spend it.
        owner, key, esk, reference: for whom its ciphertext is and how it was made, as hex but for the owner.
            A signer that shows what it signs needs them.
    """

    asset: int
    value: int
    partial: int
    r: int
    own: bool
    owner: int = 0
    key: str = ""
    esk: str = ""
    reference: str = "00" * 20


class KeyChange(_Model):
    """Preimage of an account operation (spec 04), and the key hashes of the new set."""

    account: int
    previous: int
    new: int
    keys: list[int] = Field(default_factory=list)


class Draft(_Model):
    """A transaction without what changes when it is proven again: anchor, names, expiry, signature.

    Attributes:
        operation: of a transaction of kind 5, None for a transfer.
        attachment: 512 bytes as hex, empty for none.
        forced: it goes through the queue on L1, with kind 3.
    """

    asset: int
    inputs: list[DraftInput]
    outputs: list[DraftOutput]
    nullifiers: list[int]
    commitments: list[int]
    public_value: int
    public_asset: int
    recipient: int
    fee: int
    fee_asset: int
    ext: list[int]
    operation: KeyChange | None = None
    attachment: str = ""
    forced: bool = False


class SentForced(_Model):
    """The L1 transaction that queues a forced transaction.

    Attributes:
        hash: 32 bytes, as hex; `raw` the signed transaction.
        sender: L1 address whose `nonce` it uses.
        limit: wei that the queue may ask at most.
        outbid: hashes of those that it was to replace, because L1 asked more; L1 takes one of them all.
        index: place in the queue, None while it is in no block.
    """

    hash: str
    raw: str
    sender: str
    nonce: int
    limit: int = 0
    outbid: list[str] = Field(default_factory=list)
    index: int | None = None


class PendingTransaction(_Model):
    """A transaction between signing and a proven epoch; it stays here until it is settled or cannot be.

    Attributes:
        h: its id.
        action: number of its history entry.
        expiry: last `now` of an epoch that may have it, or an earlier proof of the same draft.
        parents: own commitments that it names.
        body: the API's JSON with proof.
        sent: False until the node has answered that it has it.
        refused: the node, or L1, has refused it for good. Its notes may be spent again, and are taken first.
        forced: how it was queued on L1, None for one that a node has. Once queued it does not expire.
    """

    h: int
    action: int
    draft: Draft
    expiry: int
    parents: list[int]
    body: dict[str, object]
    sent: bool = False
    refused: bool = False
    forced: SentForced | None = None

    @property
    def spends(self) -> set[int]:
        """Commitments of its real inputs."""
        return {entry.commitment for entry in self.draft.inputs if entry.commitment is not None}


class LandedTransaction(_Model):
    """A transaction in a proven epoch that a reorganisation of L1 could still take back."""

    transaction: PendingTransaction
    epoch: int


class BatchPayment(_Model):
    """A receiver of a batch.

    Attributes:
        memo: hex of UTF-8, empty for none.
        action: number of the history's line that pays, None before.
        transaction: first output of the transaction that pays, by which the epoch that has it is recognised.
    """

    address: str
    value: int
    reference: str = "00" * 20
    memo: str = ""
    action: int | None = None
    transaction: int | None = None


class Batch(_Model):
    """Payments of one asset to more receivers than one epoch may have room for.

    Attributes:
        max_fee: smallest units of the fee asset, for all of it.
        created: Unix seconds.
        stopped: the user has given up what is not paid.
    """

    asset: int
    fee_asset: int
    max_fee: int
    created: int
    payments: list[BatchPayment]
    stopped: bool = False


class SentDeposit(_Model):
    """A deposit that was sent to L1 and is in no final block yet, as far as this wallet knows.

    Attributes:
        action: number of its history entry.
        hash: 32 bytes, as hex; `raw` the signed transaction.
        sender: L1 address whose `nonce` it uses.
    """

    action: int
    hash: str
    raw: str
    sender: str
    nonce: int
    partial: int
    asset: int
    value: int


class ActionKind(StrEnum):
    """What a line of the history is about."""

    DEPOSIT = "deposit"
    RECEIVED = "received"
    SENT = "sent"
    WITHDRAWN = "withdrawn"
    ACCOUNT = "account"


class ActionStatus(StrEnum):
    """How far it is. Only `proven` is settled on L1."""

    PENDING = "pending"
    PROVEN = "proven"
    DROPPED = "dropped"
    EXPIRED = "expired"


class Payment(_Model):
    """One receiver of an action.

    Attributes:
        address: empty where it is not known (restored wallets).
        memo: text of whoever paid, to be shown escaped; empty for none, or one that is not here.
    """

    address: str
    value: int
    reference: str = "00" * 20
    memo: str = ""


class Action(_Model):
    """A line of the history.

    Attributes:
        number: position, stable.
        h: id of the transaction that pays, or of the deposit.
        commitments: its outputs, by which the lane that has it is recognised; a node could show h elsewhere.
        created: Unix seconds when this wallet made it, None when it was found on the chain.
        lane, epoch: where the proven transaction is.
        l1_recipient: receiver on L1 of a withdrawal.
        claimed: L1 transaction of the claim, empty before.
        claim_block: L1 block up to which a reorganisation can undo the claim; None once it is final.
    """

    number: int
    kind: ActionKind
    h: int
    asset: int
    value: int
    fee: int = 0
    fee_asset: int = 0
    payments: list[Payment] = Field(default_factory=list)
    commitments: list[int] = Field(default_factory=list)
    status: ActionStatus = ActionStatus.PENDING
    created: int | None = None
    epoch: int | None = None
    lane: int | None = None
    l1_recipient: int = 0
    l1_transaction: str = ""
    claimed: str = ""
    claim_block: int | None = None
    queue_index: int | None = None
    cause: str = ""

    @property
    def receivers(self) -> list[str]:
        """Sotto addresses, or the L1 recipient as 0x hex."""
        return [f"0x{self.l1_recipient:040x}"] if self.l1_recipient else [p.address for p in self.payments]


class Balance(_Model):
    """Smallest units of one asset.

    Attributes:
        available: spendable now, in proven epochs.
        pending_in: accepted or queued, becomes available; change of own payments included.
        pending_out: leaves with transactions that are on their way.
        claimed_spent: the node says that another copy of this wallet has spent it, and nothing proves that.
    """

    available: int = 0
    pending_in: int = 0
    pending_out: int = 0
    claimed_spent: int = 0


class WalletState(_Model):
    """The content of the side file.

    Attributes:
        epoch: last proven epoch taken over; 0 is genesis.
        deposits: number of deposits made, the counter of spec 03.
        queue_seen: items of the L1 queue in which own deposits were looked for, for that counter.
        incoming: notes that the node has accepted but no proven epoch holds; made anew by each sync.
        used: first nullifiers of all transactions made here, see `draft.make_draft`.
        settled: what own transactions in proven epochs have spent, by their first output: commitments, since
            only these are under the roots that a node cannot choose.
        foreign_locks: own nullifiers in the node's pool that no transaction of this file spends.
        checkpoints: record hashes of epochs up to the last one, as hex: on which chain the rest was found.
        search_all: the birthday of the wallet does not count any more.
        key_hashes: hashes of account keys that this wallet may not hold, but needs to open its account.
        landed: own transactions of the last epochs, which go back to `pending` if L1 loses their epoch.
        batches: payments to many receivers, by number.
        memos_read: last epoch whose memos were asked for.
    """

    epoch: int = 0
    deposits: int = 0
    queue_seen: int = 0
    sent_deposits: list[SentDeposit] = Field(default_factory=list)
    notes: dict[int, StoredNote] = Field(default_factory=dict)
    incoming: dict[int, StoredNote] = Field(default_factory=dict)
    pending: list[PendingTransaction] = Field(default_factory=list)
    history: list[Action] = Field(default_factory=list)
    used: set[int] = Field(default_factory=set)
    settled: dict[int, set[int]] = Field(default_factory=dict)
    foreign_locks: list[int] = Field(default_factory=list)
    search_all: bool = False
    checkpoints: dict[int, str] = Field(default_factory=dict)
    key_hashes: set[int] = Field(default_factory=set)
    landed: list[LandedTransaction] = Field(default_factory=list)
    batches: list[Batch] = Field(default_factory=list)
    memos_read: int = 0

    def note(self, commitment: int) -> StoredNote:
        """A note in proven epochs or incoming. Raises KeyError."""
        return self.notes.get(commitment) or self.incoming[commitment]

    def locked(self) -> set[int]:
        """Commitments that pending transactions spend."""
        commitments = {c for pending in self.pending if not pending.refused for c in pending.spends}
        foreign = set(self.foreign_locks)
        return commitments | {note.commitment for note in self._all_notes() if note.nullifier in foreign}

    def contested(self, receivers: Collection[str], value: int) -> dict[int, int]:
        """Notes that refused transactions spend, with their rank: highest for those that paid the same.

        `receivers` are Sotto addresses and L1 recipients, `value` the sum. As long as the refused bytes are
        valid, whatever repeats their payment must spend one of their notes.
        """
        ranks: dict[int, int] = {}
        for pending in self.pending:
            if pending.refused:
                action = self.action(pending.action)
                same = {r.lower() for r in action.receivers} == {r.lower() for r in receivers}
                rank = 1 + same + (same and action.value == value)
                ranks |= {c: max(rank, ranks.get(c, 0)) for c in pending.spends}
        return ranks

    def spendable(self, *, chained: bool) -> list[StoredNote]:
        """Notes to select from, without locked ones; with `chained` also those of the node's pool."""
        locked = self.locked()
        notes = self._all_notes() if chained else self.notes.values()
        return [
            note
            for note in notes
            if note.spent_epoch is None and not note.closed and note.commitment not in locked
        ]

    def balances(self) -> dict[int, Balance]:
        """Balance of each asset that this wallet has or had."""
        result: dict[int, Balance] = defaultdict(Balance)
        locked = self.locked()
        for note in self.notes.values():
            result[note.asset].available += (
                note.value if note.spent_epoch is None and note.commitment not in locked else 0
            )
            result[note.asset].claimed_spent += note.value if note.claimed else 0
        for note in self.incoming.values():
            result[note.asset].pending_in += note.value if note.commitment not in locked else 0
        seen = {note.source for note in self.incoming.values()}
        for action in self.history:
            queued = action.kind == ActionKind.DEPOSIT and action.status == ActionStatus.PENDING
            if queued and not action.payments and action.h not in seen:
                result[action.asset].pending_in += action.value
        for transaction in self.pending:
            if transaction.spends and not transaction.refused:
                for asset, value in self._leaving(transaction.draft).items():
                    result[asset].pending_out += value
        return dict(result)

    def _leaving(self, draft: Draft) -> dict[int, int]:
        leaving: dict[int, int] = defaultdict(int)
        leaving[draft.public_asset] += draft.public_value
        leaving[draft.fee_asset] += draft.fee
        for output in draft.outputs:
            leaving[output.asset] += 0 if output.own else output.value
        return {asset: value for asset, value in leaving.items() if value}

    def action(self, number: int) -> Action:
        """An action of the history by its number."""
        return self.history[number]

    def actions_of(self, commitments: Iterable[int]) -> list[Action]:
        """The actions of the lane with these outputs."""
        wanted = list(commitments)
        return [action for action in self.history if action.commitments == wanted]

    def add_action(self, **fields: object) -> Action:
        """Append a line to the history."""
        action = Action.model_validate({"number": len(self.history), **fields})
        self.history.append(action)
        return action

    def _all_notes(self) -> list[StoredNote]:
        return [*self.notes.values(), *self.incoming.values()]
