"""What entries of proven epochs and of the node's pool change in a wallet's state. Pure: no I/O."""

from collections import defaultdict
from collections.abc import Sequence

from sotto.protocol.keys import ViewingKeys
from sotto.protocol.transaction import Kind
from sotto.wallet.draft import own_outputs
from sotto.wallet.messages import Entry
from sotto.wallet.scan import DepositCounter, scan
from sotto.wallet.state import (
    Action,
    ActionKind,
    ActionStatus,
    Payment,
    PendingTransaction,
    StoredNote,
    WalletState,
)

_SPENDING = (Kind.TRANSFER, Kind.FORCED, Kind.ACCOUNT)


def apply_epochs(
    state: WalletState, keys: ViewingKeys, entries: Sequence[Entry], counter: DepositCounter
) -> None:
    """Take over the entries of checked epochs, in order. Applying them twice changes nothing."""
    counter.observe(entry.ciphertexts[0] for entry in entries if entry.kind == Kind.DEPOSIT)
    state.deposits = counter.counter
    found: dict[int | None, list[StoredNote]] = defaultdict(list)
    for note in scan(keys, entries):
        known = state.notes.get(note.commitment)
        note.spent_epoch = known.spent_epoch if known else None
        state.notes[note.commitment] = note
        found[note.node].append(note)
    own = {note.nullifier: note for note in state.notes.values()}
    made = {tuple(pending.draft.commitments): pending for pending in state.pending}
    for entry in entries:
        notes = found.get(entry.node, [])
        if entry.kind == Kind.DEPOSIT:
            _record_deposit(state, entry, notes)
            continue
        if entry.kind not in _SPENDING:
            continue
        pending = made.get(entry.commitments)
        if pending is not None:
            spent = [state.notes[commitment] for commitment in pending.spends if commitment in state.notes]
        else:
            spent = [own[nullifier] for nullifier in entry.nullifiers if nullifier in own]
        for note in spent:
            note.spent_epoch = entry.epoch
        if spent or pending is not None:
            _record_spend(state, entry, spent, notes)
        elif notes:
            _record_received(state, entry, notes)
    settled = {entry.commitments for entry in entries if entry.kind in _SPENDING}
    state.pending = [p for p in state.pending if tuple(p.draft.commitments) not in settled]
    _drop_conflicts(state)


def _settle(action: Action, entry: Entry) -> None:
    action.status, action.epoch, action.lane, action.cause = (
        ActionStatus.PROVEN,
        entry.epoch,
        entry.lane,
        "",
    )


def _record_deposit(state: WalletState, entry: Entry, notes: Sequence[StoredNote]) -> None:
    action = state.find_action(entry.id, [ActionKind.DEPOSIT, ActionKind.RECEIVED])
    if action is None and notes:
        action = state.add_action(
            kind=ActionKind.DEPOSIT,
            h=entry.id,
            asset=notes[0].asset,
            value=notes[0].value,
            queue_index=entry.queue_index,
        )
    if action is not None:
        _settle(action, entry)


def _record_spend(
    state: WalletState, entry: Entry, spent: Sequence[StoredNote], notes: Sequence[StoredNote]
) -> None:
    known = [a for a in state.history if a.commitments == list(entry.commitments)]
    for action in known:
        _settle(action, entry)
    if known or any(pending.draft.commitments == list(entry.commitments) for pending in state.pending):
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


def _record_received(state: WalletState, entry: Entry, notes: Sequence[StoredNote]) -> None:
    if state.find_action(entry.id, [ActionKind.RECEIVED]) is not None:
        for action in state.history:
            if action.h == entry.id and action.kind == ActionKind.RECEIVED:
                _settle(action, entry)
        return
    for note in notes:
        action = state.add_action(
            kind=ActionKind.RECEIVED,
            h=entry.id,
            asset=note.asset,
            value=note.value,
            payments=[Payment(address="", value=note.value, reference=note.reference)],
        )
        _settle(action, entry)


def apply_pool(state: WalletState, keys: ViewingKeys, entries: Sequence[Entry]) -> None:
    """Take over the node's pool: notes on their way, and own notes that another copy of the wallet spends."""
    open_epoch = {entry.id for entry in entries if entry.epoch is None}
    incoming = {
        note.commitment: note
        for pending in state.pending
        for note in own_outputs(keys, pending.draft, pending.h)
        if pending.sent and not pending.refused
    }
    for note in [*incoming.values(), *scan(keys, [entry for entry in entries if entry.node is None])]:
        note.closed = note.source not in open_epoch
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
    """Undo `refuse`: the node has the transactions after all."""
    for pending in state.pending:
        if pending.action == number:
            pending.refused = False
    action = state.action(number)
    if action.status == ActionStatus.DROPPED:
        action.status, action.cause = ActionStatus.PENDING, ""


def expire(state: WalletState, clock: int) -> None:
    """Forget transactions whose expiry is before `clock`, the lowest `now` of any epoch to come."""
    gone = [pending for pending in state.pending if pending.expiry < clock]
    forget(state, gone, ActionStatus.EXPIRED, f"not included up to L1 block {clock - 1}")


def _drop_conflicts(state: WalletState) -> None:
    """Forget transactions of which a note is spent by another one; the rest of their bundle is refused."""
    spent = {note.commitment for note in state.notes.values() if note.spent_epoch is not None}
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
            note.spent_epoch = None
    for action in state.history:
        if action.epoch is not None and action.epoch > epoch:
            action.status, action.epoch, action.lane = ActionStatus.PENDING, None, None
    state.epoch = epoch
