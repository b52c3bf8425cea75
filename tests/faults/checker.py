"""The promises of a deployment, judged by what L1 and the node's API say (DESIGN, promises 1 to 3 and 5).

Each function returns what is wrong, in words; nothing means that the promise holds. Pure but for the replay
of epochs, which takes the executable specification.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sotto.protocol.epoch import replay, withdrawals_of
from sotto.protocol.errors import ProtocolError
from sotto.protocol.field import field_from_json
from sotto.protocol.l1 import withdrawal_root
from sotto.protocol.transaction import Kind
from sotto.protocol.trees import State, genesis
from tests.faults.evidence import (
    ETH,
    ApiEvidence,
    L1Evidence,
    PaidExit,
    Payment,
    PulledBack,
    QueuedDeposit,
    QueuedForced,
    StepKind,
    counted,
)

DIRECT = (Kind.TRANSFER, Kind.ACCOUNT)
DONE = ("proven", "finalized")


@dataclass(frozen=True, slots=True)
class Lane:
    """A used lane of a proven epoch, from L1's words."""

    epoch: int
    lane: int
    kind: Kind
    h: int
    nullifiers: tuple[int, ...]
    commitments: tuple[int, ...]


class Checker:
    """Judges one chain again and again; epochs that were replayed once are not replayed again."""

    def __init__(self) -> None:
        self._states: dict[int, tuple[bytes, State]] = {}

    def violations(self, l1: L1Evidence, api: ApiEvidence) -> list[str]:
        """Everything that is wrong."""
        return [*self.violations_of_l1(l1), *api_shows_l1(l1, api), *accepted(l1, api)]

    def violations_of_l1(self, l1: L1Evidence) -> list[str]:
        """What is wrong on L1, whatever nodes say: all that is left to judge when there are none."""
        return [
            *story(l1),
            *reserve(l1),
            *queue(l1),
            *once(l1),
            *skips(l1),
            *payments(l1),
            *ending(l1),
            *self.states(l1),
        ]

    def known(self, record_hash: bytes) -> State | None:
        """The state after an epoch that was judged, by the hash of its record."""
        return next((state for judged, state in self._states.values() if judged == record_hash), None)

    def states(self, l1: L1Evidence) -> Iterator[str]:
        """L1's words, replayed from genesis by the specification, give L1's states."""
        state = genesis()
        if state.hash() != l1.genesis.new_state:
            yield "L1 has another genesis state than the specification"
        parent = l1.genesis
        for epoch in sorted(l1.epochs):
            record, words = l1.epochs[epoch].record, l1.epochs[epoch].words
            if record.parent != parent.hash():
                yield f"epoch {epoch} does not name its parent's record"
            parent = record
            known = self._states.get(epoch)
            if known is not None and known[0] == record.hash():
                state = known[1]
                continue
            try:
                result = replay(state, words)
            except ProtocolError as error:
                yield f"epoch {epoch} does not follow from L1's words: {type(error).__name__}: {error}"
                return
            if result.state.hash() != record.new_state:
                yield f"epoch {epoch}: replay gives another state than L1's record"
            if withdrawal_root(withdrawals_of(words)) != record.withdrawal_root:
                yield f"epoch {epoch}: its withdrawals have another root than L1's record"
            state = result.state
            self._states[epoch] = (record.hash(), state)


def lanes_of(l1: L1Evidence) -> list[Lane]:
    """All used lanes in order."""
    found: list[Lane] = []
    for epoch in sorted(l1.epochs):
        words = l1.epochs[epoch].words
        for number, (lane, index) in enumerate(zip(words.lanes, words.queue_indices(), strict=True)):
            if lane.kind != Kind.NO_OP:
                h = lane.h(words.header.domain, index or 0)
                found.append(Lane(epoch, number, lane.kind, h, lane.nullifiers, lane.commitments))
    return found


def landed(l1: L1Evidence) -> frozenset[int]:
    """h of everything in proven epochs that has an effect: a skipped transaction has none."""
    return frozenset(lane.h for lane in lanes_of(l1) if lane.kind != Kind.SKIPPED)


def taken(l1: L1Evidence) -> int:
    """So many items of the queue are in proven epochs."""
    return l1.epochs[l1.proven].record.queue_end if l1.proven else 0


def owed(l1: L1Evidence) -> Counter[int]:
    """Withdrawals that are proven and not paid, by asset."""
    paid = {(payment.epoch, payment.lane) for payment in l1.payments}
    open_ = Counter[int]()
    for payment in withdrawals(l1):
        if (payment.epoch, payment.lane) not in paid:
            open_[payment.asset] += payment.value
    return open_


def withdrawals(l1: L1Evidence) -> list[Payment]:
    """What each withdrawal of a proven epoch pays."""
    return [
        Payment(epoch, w.lane, w.asset, w.value, w.recipient)
        for epoch in sorted(l1.epochs)
        for w in withdrawals_of(l1.epochs[epoch].words)
    ]


def story(l1: L1Evidence) -> Iterator[str]:
    """The rollup's events tell one story, which ends where its storage is."""
    records = {0: l1.genesis.hash()}
    head = proven = 0
    frozen = False
    for step in l1.steps:
        if frozen:
            yield f"{step.kind} of epoch {step.first} after the freeze"
        match step.kind:
            case StepKind.COMMIT:
                if step.first != (head + 1 if step.first else 0):
                    yield f"epoch {step.first} was committed after epoch {head}"
                head, records[step.first] = step.first, step.record_hash
            case StepKind.PROOF:
                if step.first != proven + 1 or step.first > head:
                    yield f"epoch {step.first} was proven when {proven} was, and {head} committed"
                if step.record_hash != records.get(step.first):
                    yield f"epoch {step.first} was proven with another record than it was committed with"
                proven = step.first
            case StepKind.PRUNING:
                if (step.first, step.last) != (proven + 1, head) or step.first > step.last:
                    yield (
                        f"epochs {step.first} to {step.last} were pruned when {proven} was proven, "
                        f"and {head} committed"
                    )
                head = proven
            case StepKind.FREEZE:
                if (step.first, step.record_hash) != (proven, records.get(proven)):
                    yield f"it was frozen in epoch {step.first}, and proven up to {proven}"
                head, frozen = proven, True
    if (head, proven, frozen) != (l1.head, l1.proven, l1.frozen):
        yield (
            f"by its events L1 has committed {head}, proven {proven}, frozen {frozen}; "
            f"it says {l1.head}, {l1.proven}, {l1.frozen}"
        )
    for epoch, proven_epoch in l1.epochs.items():
        if records.get(epoch) != proven_epoch.record.hash():
            yield f"the last commit of epoch {epoch} is not what L1 has proven"


def reserve(l1: L1Evidence) -> Iterator[str]:
    """The bridge holds what it owes: all that came in less all that it paid, and its books say the same."""
    moved = Counter[int]()
    for deposit in l1.deposits:
        moved[deposit.asset] += deposit.value
    moved[ETH] += sum(forced.fee for forced in l1.forced)
    paid: list[Payment | PaidExit | PulledBack] = [*l1.payments, *l1.exits, *l1.pulled]
    for payment in paid:
        moved[payment.asset] -= payment.value
    for asset, holdings in l1.holdings.items():
        if holdings.balance < holdings.liabilities:
            yield f"asset {asset}: the bridge holds {holdings.balance} and owes {holdings.liabilities}"
        if holdings.liabilities != moved[asset]:
            yield f"asset {asset}: owed {holdings.liabilities}, deposits less payments are {moved[asset]}"


def queue(l1: L1Evidence) -> Iterator[str]:
    """Each item of the queue is processed once, in order, as it was queued; after a freeze up to a point."""
    indices = sorted([deposit.index for deposit in l1.deposits] + [forced.index for forced in l1.forced])
    if indices != list(range(l1.queue_length)):
        yield f"the queue has {l1.queue_length} items, events show {indices}"
    credited: list[QueuedDeposit] = []
    processed: list[tuple[int, ...]] = []
    for epoch in sorted(l1.epochs):
        words = l1.epochs[epoch].words
        for lane, index in zip(words.lanes, words.queue_indices(), strict=True):
            if index is None:
                continue
            if lane.kind == Kind.DEPOSIT:
                credited.append(QueuedDeposit(index, lane.link, lane.public_asset, lane.public_value))
            else:
                processed.append((index, lane.link, lane.public_asset, lane.public_value, lane.recipient))
    end = taken(l1) if l1.frozen else l1.queue_length
    due = [deposit for deposit in l1.deposits if deposit.index < end]
    if credited != due:
        missing = [d.index for d in due if d not in credited]
        wrong = [d.index for d in credited if d not in due]
        twice = counted(d.index for d in credited)
        yield f"deposits not credited {missing}, credited without a deposit {wrong}, credited twice {twice}"
    expected = [_public(forced) for forced in l1.forced if forced.index < end]
    if processed != expected:
        yield f"forced transactions {expected} are in the queue, epochs have {processed}"


def _public(forced: QueuedForced) -> tuple[int, ...]:
    return forced.index, forced.h, forced.asset, forced.value, forced.recipient


def once(l1: L1Evidence) -> Iterator[str]:
    """No nullifier, transaction or commitment has its effect twice."""
    lanes = [lane for lane in lanes_of(l1) if lane.kind != Kind.SKIPPED]
    for what, values in {
        "nullifier": [n for lane in lanes for n in lane.nullifiers if n],
        "transaction": [lane.h for lane in lanes],
        "commitment": [c for lane in lanes for c in lane.commitments if c],
    }.items():
        for value in counted(values):
            yield f"{what} {value:#066x} is in two lanes"


def skips(l1: L1Evidence) -> Iterator[str]:
    """A forced transaction is skipped only when one of its notes was spent before."""
    spent: set[int] = set()
    for lane in lanes_of(l1):
        if lane.kind != Kind.SKIPPED:
            spent.update(nullifier for nullifier in lane.nullifiers if nullifier)
        elif spent.isdisjoint(lane.nullifiers):
            yield f"forced transaction {lane.h:#066x} was skipped, though its notes were unspent"


def payments(l1: L1Evidence) -> Iterator[str]:
    """Each withdrawal is paid at most once, to the unit, and nothing else is paid."""
    known = {(payment.epoch, payment.lane): payment for payment in withdrawals(l1)}
    for place in counted((payment.epoch, payment.lane) for payment in l1.payments):
        yield f"the withdrawal at {place} was paid twice"
    received = Counter[tuple[int, int]]()
    for payment in l1.payments:
        if known.get((payment.epoch, payment.lane)) != payment:
            yield f"the bridge paid {payment}, which no proven epoch has"
        received[payment.recipient, payment.asset] += payment.value
    for left in l1.exits:
        received[left.recipient, left.asset] += left.value - left.fee
        if left.fee:
            received[left.executor, left.asset] += left.fee
    for (recipient, asset), value in received.items():
        held = l1.recipients.get((recipient, asset))
        if held != value:
            yield f"{recipient:#042x} was paid {value} of asset {asset} and holds {held}"


def ending(l1: L1Evidence) -> Iterator[str]:
    """Notes leave and items come back only after a freeze, each once, and nothing that was used before."""
    if (l1.exits or l1.pulled) and not l1.frozen:
        yield "notes left, or items were pulled back, from a rollup that goes on"
    for nullifier in counted(left.nullifier for left in l1.exits):
        yield f"the note with nullifier {nullifier:#066x} left twice"
    spent = {n: lane.epoch for lane in lanes_of(l1) if lane.kind != Kind.SKIPPED for n in lane.nullifiers}
    for left in l1.exits:
        if left.nullifier in spent:
            yield f"a note left that was spent in epoch {spent[left.nullifier]}"
    for index in counted(item.index for item in l1.pulled):
        yield f"queue item {index} was pulled back twice"
    brought = {deposit.index: (deposit.asset, deposit.value) for deposit in l1.deposits}
    brought |= {forced.index: (ETH, forced.fee) for forced in l1.forced}
    for item in l1.pulled:
        if item.index < taken(l1):
            yield f"queue item {item.index} was pulled back, and is in a proven epoch"
        if brought.get(item.index) != (item.asset, item.value):
            yield f"queue item {item.index} brought {brought.get(item.index)}, pulled back was {item}"


def api_shows_l1(l1: L1Evidence, api: ApiEvidence) -> Iterator[str]:
    """The node has L1's epochs, all of them, and its state root is L1's."""
    last = l1.epochs[l1.proven].record if l1.proven else l1.genesis
    if (l1.head, api.status["head"], api.status["proven"]) != (l1.proven,) * 3:
        yield (
            f"L1 has committed {l1.head} and proven {l1.proven}, "
            f"the node says {api.status['head']} and {api.status['proven']}"
        )
    if field_from_json(api.status["state"]) != last.new_state:
        yield f"the node's state root is {api.status['state']}, L1's is {last.new_state:#066x}"
    records = [l1.genesis, *(l1.epochs[epoch].record for epoch in sorted(l1.epochs))]
    if [epoch["record_hash"] for epoch in api.epochs] != ["0x" + record.hash().hex() for record in records]:
        yield "the node's epochs are not those of L1"
    shown = [
        Lane(
            entry["epoch"],
            entry["lane"],
            Kind(entry["kind"]),
            field_from_json(entry["id"]),
            tuple(field_from_json(word) for word in entry["nullifiers"]),
            tuple(field_from_json(word) for word in entry["commitments"]),
        )
        for entry in api.entries
    ]
    if shown != lanes_of(l1):
        yield "the node's notes are not those of L1's epochs"


def accepted(l1: L1Evidence, api: ApiEvidence) -> Iterator[str]:
    """Whatever the node has answered for is proven, or dropped with a reason; nothing is lost."""
    places = {lane.h: (lane.epoch, lane.lane) for lane in lanes_of(l1) if lane.kind in DIRECT}
    for text, answer in api.transactions.items():
        place = places.get(int(text, 16))
        if answer["status"] in DONE:
            if place != (answer["epoch"], answer["lane"]):
                named = (answer["epoch"], answer["lane"])
                yield f"{text} is {answer['status']} in {named}, L1 has it in {place}"
        elif answer["status"] != "dropped":
            yield f"{text} was accepted and is {answer['status']} now: {answer.get('reason')}"
        elif not answer["reason"]:
            yield f"{text} was dropped without a reason"
        elif place is not None:
            yield f"{text} was dropped ({answer['reason']}), but L1 has it in {place}"


def settled(l1: L1Evidence, hidden: Mapping[int, int]) -> Iterator[str]:
    """What the bridge owes is what seeds can restore, what waits to be claimed, and fees.

    Args:
        hidden: sum of the restored balances by asset; nothing waits in the queue.
    """
    open_ = owed(l1)
    for asset, holdings in l1.holdings.items():
        total = hidden.get(asset, 0) + open_[asset] + holdings.fees
        if holdings.liabilities != total:
            yield (
                f"asset {asset}: the bridge owes {holdings.liabilities}; restored wallets hold "
                f"{hidden.get(asset, 0)}, unpaid withdrawals {open_[asset]}, fees {holdings.fees}"
            )


def left(l1: L1Evidence, owners: Mapping[int, Mapping[int, int]]) -> Iterator[str]:
    """Everybody has left a frozen rollup, each with what is theirs, and nothing but fees stays.

    Args:
        owners: what each must get in sum of exits, by the L1 address that these name, and by asset.
    """
    exits: dict[int, Counter[int]] = {}
    for exit_ in l1.exits:
        exits.setdefault(exit_.recipient, Counter())[exit_.asset] += exit_.value
    for address in exits.keys() | owners.keys():
        got, due = exits.get(address, Counter()), Counter(owners.get(address, {}))
        if +got != +due:
            yield f"{address:#042x} left with {dict(+got)}, its notes are {dict(+due)}"
    if unpaid := +owed(l1):
        yield f"withdrawals of {dict(unpaid)} are not paid"
    waiting = set(range(taken(l1), l1.queue_length)) - {item.index for item in l1.pulled}
    if waiting:
        yield f"queue items {sorted(waiting)} are not pulled back"
    for asset, holdings in l1.holdings.items():
        if holdings.liabilities != holdings.fees:
            yield f"asset {asset}: all have left, fees are {holdings.fees}, owed {holdings.liabilities}"
