"""What entries of proven epochs and of the node's pool change in a wallet's state. Pure: no I/O."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final

from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.notes import Deposit
from sotto.protocol.transaction import Kind
from sotto.wallet.draft import own_outputs
from sotto.wallet.messages import Entry
from sotto.wallet.scan import DepositCounter, scan
from sotto.wallet.state import (
    Action,
    ActionKind,
    ActionStatus,
    LandedTransaction,
    Payment,
    PendingTransaction,
    SentDeposit,
    StoredNote,
    WalletState,
)

SPENDING: Final = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)
KEPT_EPOCHS: Final = 64
"""So many epochs back a reorganisation of L1 gives transactions back to be sent again."""
CLAIM: Final = "the node says so, nothing proves it: synchronise with L1, or rescan from another node"
LOST: Final = "L1 lost the epoch that had it"


def apply_epochs(
    state: WalletState, keys: ViewingKeys, entries: Sequence[Entry], counter: DepositCounter
) -> None:
    """Take over the entries of checked epochs, in order. Applying them twice changes nothing."""
    counter.observe(entry.ciphertexts[0] for entry in entries if entry.kind == Kind.DEPOSIT)
    state.deposits = counter.counter
    found: dict[int | None, list[StoredNote]] = defaultdict(list)
    for note in scan(keys, entries):
        known = state.notes.get(note.commitment)
        if known is not None:
            note.spent_epoch, note.claimed = known.spent_epoch, known.claimed
        state.notes[note.commitment] = note
        found[note.node].append(note)
    own = {note.nullifier: note for note in state.notes.values()}
    made = {tuple(pending.draft.commitments): pending for pending in state.pending}
    for commitments in made.keys() & {entry.commitments for entry in entries if entry.kind in SPENDING}:
        state.settled[commitments[0]] = made[commitments].spends
    for entry in entries:
        notes = found.get(entry.node, [])
        if entry.kind == Kind.DEPOSIT:
            _record_deposit(state, keys, entry, notes)
            continue
        if entry.kind not in SPENDING:
            continue
        spends = state.settled.get(entry.commitments[0])
        if spends is not None:
            spent = [state.notes[commitment] for commitment in spends if commitment in state.notes]
            for note in spent:
                note.spent_epoch, note.claimed = entry.epoch, False
        else:
            spent = [
                own[n] for n in entry.nullifiers if n in own and own[n].spent_epoch in (None, entry.epoch)
            ]
            for note in spent:
                # An output of ours is bound to the first nullifier by its rho; nothing binds the second.
                bound = bool(notes) and note.nullifier == entry.nullifiers[0]
                note.claimed = not bound and (note.claimed or note.spent_epoch is None)
                note.spent_epoch = entry.epoch
        if spent or spends is not None:
            _record_spend(state, entry, spent, notes)
        elif notes:
            _record_received(state, entry, notes)
    _refuse_skipped(state, entries)
    settled = {entry.commitments: entry.epoch for entry in entries if entry.kind in SPENDING}
    for pending in state.pending:
        epoch = settled.get(_outputs(pending))
        if epoch is not None:
            pending.sent, pending.refused = True, False
            state.landed.append(LandedTransaction(transaction=pending, epoch=epoch))
    state.pending = [p for p in state.pending if _outputs(p) not in settled]
    oldest = max((epoch for epoch in settled.values() if epoch is not None), default=0) - KEPT_EPOCHS
    state.landed = [landed for landed in state.landed if landed.epoch >= oldest]
    _drop_conflicts(state)


def _refuse_skipped(state: WalletState, entries: Sequence[Entry]) -> None:
    """A forced transaction whose turn came when a note of it was spent has no effect.

    No root shows that a lane was skipped. So its notes stay marked: what repeats the payment spends one.
    """
    skipped = {entry.id for entry in entries if entry.kind == Kind.SKIPPED}
    for pending in state.pending:
        if pending.forced is not None and pending.h in skipped and not pending.refused:
            refuse(state, pending.action, "a note of it was spent before the queue's turn")


def _outputs(pending: PendingTransaction) -> tuple[Field, Field, Field]:
    a, b, c = pending.draft.commitments
    return Field(a), Field(b), Field(c)


def _settle(action: Action, entry: Entry) -> None:
    # A transaction that was proven again has the same outputs under another id, and either may land.
    action.h = entry.id
    action.status, action.epoch, action.lane, action.cause = (
        ActionStatus.PROVEN,
        entry.epoch,
        entry.lane,
        "",
    )


def _record_deposit(state: WalletState, keys: ViewingKeys, entry: Entry, notes: Sequence[StoredNote]) -> None:
    for sent in list(state.sent_deposits):
        deposit = Deposit(Field(sent.partial), sent.asset, sent.value)
        index = entry.queue_index
        if index is not None and deposit.commitment(keys.domain, index) == entry.commitments[0]:
            place_deposit(state, keys, sent, index)
    known = state.actions_of(entry.commitments)
    if not known and notes:
        known = [
            state.add_action(
                kind=ActionKind.DEPOSIT,
                h=entry.id,
                asset=notes[0].asset,
                value=notes[0].value,
                commitments=list(entry.commitments),
                queue_index=entry.queue_index,
            )
        ]
    for action in known:
        _settle(action, entry)


def place_deposit(state: WalletState, keys: ViewingKeys, sent: SentDeposit, index: int) -> Action:
    """Take over the place of a deposit in the queue. Returns its action."""
    deposit = Deposit(Field(sent.partial), sent.asset, sent.value)
    action = state.action(sent.action)
    action.h, action.queue_index = deposit.h(keys.domain, index), index
    action.commitments = [deposit.commitment(keys.domain, index), 0, 0]
    return action


def lift_deposit(state: WalletState, sent: SentDeposit) -> None:
    """Forget the place of a deposit that L1 does not have at the moment.

    What an epoch has credited is left to `roll_back`: L1's answer may be older than the epoch.
    """
    action = state.action(sent.action)
    if action.status == ActionStatus.PENDING:
        action.h, action.queue_index, action.commitments = 0, None, []


def drop_deposit(state: WalletState, sent: SentDeposit, cause: str) -> None:
    """Give up a deposit of which L1 has decided that it does not happen."""
    action = state.action(sent.action)
    action.status, action.cause = ActionStatus.DROPPED, cause
    action.h, action.queue_index, action.commitments = 0, None, []
    action.epoch = action.lane = None
    state.sent_deposits.remove(sent)


def _record_spend(
    state: WalletState, entry: Entry, spent: Sequence[StoredNote], notes: Sequence[StoredNote]
) -> None:
    known = state.actions_of(entry.commitments)
    for action in known:
        _settle(action, entry)
    if known or entry.commitments[0] in state.settled:
        return
    # Made by another copy of this wallet, or before it was restored: what left is all that can be known.
    leaving: dict[int, int] = defaultdict(int)
    for note in spent:
        leaving[note.asset] += note.value
    for note in notes:
        leaving[note.asset] -= note.value
    leaving[entry.fee_asset] -= entry.fee
    leaving[entry.public_asset] -= entry.public_value
    common: dict[str, object] = {
        "h": entry.id,
        "fee": entry.fee,
        "fee_asset": entry.fee_asset,
        "commitments": list(entry.commitments),
    }
    if entry.public_value:
        action = state.add_action(
            kind=ActionKind.WITHDRAWN,
            asset=entry.public_asset,
            value=entry.public_value,
            l1_recipient=entry.recipient,
            **common,
        )
        _settle(action, entry)
        common |= {"fee": 0, "fee_asset": 0}
    for asset, value in leaving.items():
        if value > 0:
            action = state.add_action(
                kind=ActionKind.SENT,
                asset=asset,
                value=value,
                payments=[Payment(address="", value=value)],
                **common,
            )
            _settle(action, entry)
            common |= {"fee": 0, "fee_asset": 0}
    if entry.kind == Kind.ACCOUNT:
        action = state.add_action(kind=ActionKind.ACCOUNT, asset=entry.fee_asset, value=0, **common)
        _settle(action, entry)
    if any(note.claimed for note in spent):
        for action in state.actions_of(entry.commitments):
            action.cause = CLAIM


def settle_claims(state: WalletState, epoch: int, spent: Collection[int]) -> list[StoredNote]:
    """Judge what a node has said of an epoch by the nullifiers that L1 has published for it.

    Returns the notes that are not spent; they can be used again.
    """
    claimed = [note for note in state.notes.values() if note.claimed and note.spent_epoch == epoch]
    refuted = [note for note in claimed if note.nullifier not in spent]
    for note in claimed:
        note.claimed = False
    for note in refuted:
        note.spent_epoch = None
    for action in state.history:
        if action.epoch == epoch and action.cause == CLAIM:
            action.cause = "L1 does not have it" if refuted else ""
            action.status = ActionStatus.DROPPED if refuted else action.status
    return refuted


def _record_received(state: WalletState, entry: Entry, notes: Sequence[StoredNote]) -> None:
    known = state.actions_of(entry.commitments)
    for action in known:
        _settle(action, entry)
    if known:
        return
    for note in notes:
        action = state.add_action(
            kind=ActionKind.RECEIVED,
            h=entry.id,
            asset=note.asset,
            value=note.value,
            payments=[Payment(address="", value=note.value, reference=note.reference)],
            commitments=list(entry.commitments),
        )
        _settle(action, entry)


def apply_pool(
    state: WalletState, keys: ViewingKeys, entries: Sequence[Entry], open_epoch: int | None = None
) -> None:
    """Take over the node's pool: notes on their way, and own notes that another copy of the wallet spends.

    Notes can be spent by naming their parent while that waits, or is in the epoch to which blocks are being
    added; when the epoch is closed meanwhile, the payment is proven again.
    """
    chainable = {entry.id for entry in entries if entry.epoch is None or entry.epoch == open_epoch}
    incoming = {
        note.commitment: note
        for pending in state.pending
        for note in own_outputs(keys, pending.draft, pending.h)
        if pending.sent and not pending.refused
    }
    for note in [*incoming.values(), *scan(keys, [entry for entry in entries if entry.node is None])]:
        note.closed = note.source not in chainable
        incoming[note.commitment] = note
    state.incoming = {c: note for c, note in incoming.items() if c not in state.notes}
    ours = {nullifier for pending in state.pending for nullifier in pending.draft.nullifiers}
    in_pool = {nullifier for entry in entries for nullifier in entry.nullifiers}
    own = {note.nullifier for note in [*state.notes.values(), *state.incoming.values()]}
    state.foreign_locks = sorted((own & in_pool) - ours)


def forget(state: WalletState, gone: Sequence[PendingTransaction], status: ActionStatus, cause: str) -> None:
    """Remove transactions that no epoch can have any more, and unlock their notes."""
    state.pending = [pending for pending in state.pending if pending not in gone]
    _end(state, gone, status, cause)


def refuse(state: WalletState, number: int, cause: str) -> None:
    """Unlock the notes of an action whose bytes the node has refused, and remember which notes they are."""
    refused = [pending for pending in state.pending if pending.action == number]
    for pending in refused:
        pending.refused, pending.sent = True, False
    _end(state, refused, ActionStatus.DROPPED, cause)


def revive(state: WalletState, number: int) -> None:
    """Undo `refuse`: the node, or the queue, has the transactions after all."""
    for pending in state.pending:
        if pending.action == number:
            pending.refused = False
    action = state.action(number)
    if action.status == ActionStatus.DROPPED:
        action.status, action.cause = ActionStatus.PENDING, ""


def expire(state: WalletState, clock: int) -> None:
    """Forget transactions whose expiry is before `clock`, the lowest `now` of any epoch to come.

    Forced ones are judged by L1 when they are queued, and never again: see `follow_forced`.
    """
    gone = [pending for pending in state.pending if pending.expiry < clock and pending.forced is None]
    forget(state, gone, ActionStatus.EXPIRED, f"not included up to L1 block {clock - 1}")


def _drop_conflicts(state: WalletState) -> None:
    """Forget transactions of which a note is spent by another one; the rest of their bundle is refused."""
    spent = {c for c, note in state.notes.items() if note.spent_epoch is not None and not note.claimed}
    gone = [pending for pending in state.pending if pending.spends & spent]
    cause = "its notes were spent by another transaction"
    forget(state, gone, ActionStatus.DROPPED, cause)
    for number in {pending.action for pending in gone}:
        refuse(state, number, cause)


def _end(state: WalletState, gone: Sequence[PendingTransaction], status: ActionStatus, cause: str) -> None:
    outputs = {commitment for pending in gone for commitment in pending.draft.commitments}
    state.incoming = {c: note for c, note in state.incoming.items() if c not in outputs}
    for number in {pending.action for pending in gone}:
        action = state.action(number)
        if action.status == ActionStatus.PENDING:
            action.status, action.cause = status, cause


def roll_back(state: WalletState, epoch: int) -> None:
    """Undo everything after an epoch: L1 was reorganised."""
    state.notes = {
        c: note for c, note in state.notes.items() if note.epoch is not None and note.epoch <= epoch
    }
    for note in state.notes.values():
        if note.spent_epoch is not None and note.spent_epoch > epoch:
            note.spent_epoch, note.claimed = None, False
    for action in state.history:
        if action.epoch is not None and action.epoch > epoch:
            action.epoch = action.lane = None
            if action.created is None:
                # Nothing here sends it again or sees it expire. If it comes again, its line is settled again.
                action.status, action.cause = ActionStatus.DROPPED, LOST
            else:
                action.status = ActionStatus.PENDING
            # A claim is of an epoch, and came after it.
            action.claimed, action.claim_block = "", None
    # Their bytes may land again, or must be proven again: until that is settled their notes are locked.
    state.pending += [landed.transaction for landed in state.landed if landed.epoch > epoch]
    state.landed = [landed for landed in state.landed if landed.epoch <= epoch]
    state.memos_read = min(state.memos_read, epoch)
    state.epoch = epoch


def forget_chain(state: WalletState) -> None:
    """Go back to genesis, for a rescan: what nodes have said is dropped, and found lines of the history too.

    Transactions on their way stay; the remaining lines are numbered anew.
    """
    roll_back(state, 0)
    state.incoming = {}
    state.history = [action for action in state.history if action.created is not None]
    numbers = {action.number: number for number, action in enumerate(state.history)}
    for number, action in enumerate(state.history):
        action.number = number
    for pending in state.pending:
        pending.action = numbers[pending.action]
    for payment in (payment for batch in state.batches for payment in batch.payments):
        payment.action = None if payment.action is None else numbers[payment.action]
    for sent in state.sent_deposits:
        sent.action = numbers[sent.action]
