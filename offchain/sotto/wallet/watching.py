"""What entries tell the holder of an incoming or outgoing viewing key: lines of the history, and no notes."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

from sotto.crypto import x25519_public
from sotto.protocol.address import Address, encode_address
from sotto.protocol.keys import transfer_esk
from sotto.protocol.transaction import OUTPUTS, Kind
from sotto.protocol.viewing import IncomingViewingKey, OutgoingViewingKey
from sotto.wallet.ledger import SPENDING
from sotto.wallet.messages import Entry
from sotto.wallet.scan import DepositCounter, FoundNote, find, open_sent
from sotto.wallet.state import ActionKind, ActionStatus, Payment, WalletState

UNSEEN: Final = "to a receiver that this viewing key does not know: the amount is not visible"

_Line = dict[str, object]


class IncomingWatcher:
    """Sees receipts."""

    def __init__(self, key: IncomingViewingKey) -> None:
        self.key = key

    def lines(self, entries: Sequence[Entry]) -> Iterator[_Line]:
        """The lines of entries, without their status."""
        for found in find(self.key, entries):
            deposit = found.entry.kind == Kind.DEPOSIT
            yield {
                **_common(found.entry),
                "kind": ActionKind.DEPOSIT if deposit else ActionKind.RECEIVED,
                "asset": found.note.asset,
                "value": found.note.value,
                "payments": [_payment("", found)],
            }


class OutgoingWatcher:
    """Recognises own payments and deposits, and reads those to `receivers`."""

    def __init__(
        self, key: OutgoingViewingKey, receivers: Sequence[Address], counter: DepositCounter
    ) -> None:
        self.key = key
        self._receivers = {receiver: encode_address(receiver, key.domain) for receiver in receivers}
        self.counter = counter

    def lines(self, entries: Sequence[Entry]) -> Iterator[_Line]:
        """The lines of entries, without their status."""
        for entry in entries:
            if entry.kind == Kind.DEPOSIT:
                esk = self.counter.secret_of(entry.ciphertexts[0])
                if esk is not None:
                    yield self._deposit(entry, esk)
            elif entry.kind in SPENDING:
                first = transfer_esk(self.key.outgoing, entry.nullifiers[0], 0)
                if x25519_public(first) == entry.ciphertexts[0][:32]:
                    yield from self._transaction(entry)

    def _open(self, esk: bytes, entry: Entry, output: int) -> tuple[Address, FoundNote | None] | None:
        return open_sent(esk, [self.key.address, *self._receivers], self.key.domain, entry, output)

    def _payment(self, receiver: Address, found: FoundNote) -> Payment:
        return _payment(self._receivers.get(receiver, ""), found)

    def _deposit(self, entry: Entry, esk: bytes) -> _Line:
        opened = self._open(esk, entry, 0)
        found = None if opened is None else opened[1]
        return {
            **_common(entry),
            "kind": ActionKind.DEPOSIT,
            "asset": found.note.asset if found else entry.public_asset,
            "value": found.note.value if found else entry.public_value,
            "payments": [] if opened is None or found is None else [self._payment(opened[0], found)],
        }

    def _transaction(self, entry: Entry) -> Iterator[_Line]:
        common = _common(entry) | {"fee": entry.fee, "fee_asset": entry.fee_asset}
        without_fee = {"fee": 0, "fee_asset": 0}
        if entry.public_value:
            yield common | {
                "kind": ActionKind.WITHDRAWN,
                "asset": entry.public_asset,
                "value": entry.public_value,
                "l1_recipient": entry.recipient,
            }
            common |= without_fee
        paid: dict[int, list[Payment]] = defaultdict(list)
        unseen = 0
        for output in range(OUTPUTS):
            esk = transfer_esk(self.key.outgoing, entry.nullifiers[0], output)
            opened = self._open(esk, entry, output)
            if opened is None:
                unseen += 1
            elif opened[1] is not None and opened[0] != self.key.address:
                paid[opened[1].note.asset].append(self._payment(opened[0], opened[1]))
        for asset, payments in paid.items():
            yield common | {
                "kind": ActionKind.SENT,
                "asset": asset,
                "value": sum(payment.value for payment in payments),
                "payments": payments,
            }
            common |= without_fee
        for _ in range(unseen):
            yield common | {"kind": ActionKind.SENT, "asset": 0, "value": 0, "cause": UNSEEN}
            common |= without_fee
        if entry.kind == Kind.ACCOUNT:
            yield common | {"kind": ActionKind.ACCOUNT, "asset": entry.fee_asset, "value": 0}


Watcher = IncomingWatcher | OutgoingWatcher


def watch(
    state: WalletState, watcher: Watcher, entries: Sequence[Entry], deposits: Sequence[bytes] = ()
) -> None:
    """Add lines for entries of checked epochs, or of the node's pool. Entries seen before change nothing.

    Lines of the pool stand at the end, and are made anew each time. `deposits` are ciphertexts of earlier
    deposits that are only counted.
    """
    state.history = [action for action in state.history if action.status == ActionStatus.PROVEN]
    known = {tuple(action.commitments) for action in state.history}
    for line in watcher.lines([entry for entry in entries if entry.commitments not in known]):
        state.add_action(**line)
    if isinstance(watcher, OutgoingWatcher):
        watcher.counter.observe(deposits)
        state.deposits = watcher.counter.counter


def forget_lines(state: WalletState, epoch: int) -> None:
    """Remove what epochs after this one have brought, and the pool."""
    state.history = [a for a in state.history if a.epoch is not None and a.epoch <= epoch]
    state.epoch = epoch


def received(state: WalletState) -> dict[int, int]:
    """Smallest units that proven epochs have brought, by asset: change included, spent or not."""
    totals: dict[int, int] = defaultdict(int)
    for action in state.history:
        if action.status == ActionStatus.PROVEN and action.kind in (ActionKind.RECEIVED, ActionKind.DEPOSIT):
            totals[action.asset] += action.value
    return dict(totals)


def _common(entry: Entry) -> _Line:
    settled = entry.node is not None
    return {
        "h": entry.id,
        "commitments": list(entry.commitments),
        "status": ActionStatus.PROVEN if settled else ActionStatus.PENDING,
        "epoch": entry.epoch if settled else None,
        "lane": entry.lane if settled else None,
        "queue_index": entry.queue_index,
    }


def _payment(address: str, found: FoundNote) -> Payment:
    return Payment(address=address, value=found.note.value, reference=found.reference.hex())
