"""Memos of payments, received and sent, read from the attachments that a node keeps (spec 03, Memo).

They are asked for by aligned ranges, like notes. A node may have lost them or hold them back: no amount
depends on a memo. What is shown is authentic, since whoever made it knew the note's ephemeral secret.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sotto.protocol.address import Address, encode_address
from sotto.protocol.errors import MemoNotForKey, SharedSecretIsZero
from sotto.protocol.keys import ViewingKeys, transfer_esk
from sotto.protocol.memo import open_memo, open_sent_memo, sender_key
from sotto.protocol.viewing import IncomingViewingKey, OutgoingViewingKey, incoming_of, outgoing_of
from sotto.wallet.client import RANGE_GRID
from sotto.wallet.context import Context
from sotto.wallet.errors import NodeRejected
from sotto.wallet.ledger import SPENDING
from sotto.wallet.messages import Entry
from sotto.wallet.scan import find, open_sent
from sotto.wallet.state import Action, ActionKind, ActionStatus, Payment
from sotto.wallet.sync import checked_epoch

_NOT_FOUND = 404


async def read_memos(context: Context) -> None:
    """Fill in memos of the epochs that came since they were last read, and the receivers that they name.

    Raises NodeUnreachable, NodeRejected, NodeMalformed, StateMismatch.
    """
    state = context.state
    wanted: dict[int, list[Action]] = defaultdict(list)
    for action in state.history:
        if _may_have_memo(action) and (action.epoch or 0) > state.memos_read:
            wanted[action.epoch or 0].append(action)
    ranges: dict[int, dict[int, list[Action]]] = defaultdict(lambda: defaultdict(list))
    for epoch, actions in wanted.items():
        first_node = (await checked_epoch(context, epoch)).first_node
        for action in actions:
            node = first_node + (action.lane or 0)
            ranges[node - node % RANGE_GRID][node].append(action)
    for start, actions_by_node in sorted(ranges.items()):
        await _read_range(context, start, actions_by_node)
    if state.memos_read != context.trees.point.id:
        state.memos_read = context.trees.point.id
        context.save()


async def _read_range(context: Context, start: int, actions: Mapping[int, list[Action]]) -> None:
    try:
        attachments = await context.client.attachments(start, RANGE_GRID)
    except NodeRejected as error:
        if error.status == _NOT_FOUND:
            # A node of an earlier release keeps none.
            return
        raise
    if not attachments.keys() & actions.keys():
        return
    page = await context.client.notes(start, RANGE_GRID)
    for entry in page.entries:
        attachment = attachments.get(entry.node or 0)
        lines = actions.get(entry.node or 0, [])
        if attachment is None or entry.kind not in SPENDING or not lines:
            continue
        # Another lane than the one that was checked could be shown here.
        lines = [action for action in lines if action.commitments == list(entry.commitments)]
        _fill_received(context, entry, attachment, lines)
        _fill_sent(context, entry, attachment, lines)


def _may_have_memo(action: Action) -> bool:
    if action.status != ActionStatus.PROVEN or action.epoch is None or action.lane is None:
        return False
    if action.kind == ActionKind.RECEIVED:
        return True
    # Lines that this wallet wrote itself have their memos.
    return action.kind == ActionKind.SENT and action.created is None


def _fill_received(context: Context, entry: Entry, attachment: bytes, lines: list[Action]) -> None:
    key = context.view
    if isinstance(key, OutgoingViewingKey):
        return
    incoming = incoming_of(key) if isinstance(key, ViewingKeys) else key
    for found in find(incoming, [entry]):
        memo = _open(incoming, entry.ciphertexts[found.output][:32], attachment)
        if memo:
            for payment in _unfilled(lines, ActionKind.RECEIVED, found.note.asset):
                if (payment.value, payment.reference) == (found.note.value, found.reference.hex()):
                    payment.memo = memo
                    break


def _open(key: IncomingViewingKey, epk: bytes, attachment: bytes) -> str:
    try:
        return _text(open_memo(key.incoming, epk, attachment))
    except MemoNotForKey:
        return ""


def _fill_sent(context: Context, entry: Entry, attachment: bytes, lines: list[Action]) -> None:
    key = context.view
    if isinstance(key, IncomingViewingKey):
        return
    outgoing = outgoing_of(key) if isinstance(key, ViewingKeys) else key
    try:
        sent = open_sent_memo(sender_key(outgoing.outgoing, entry.nullifiers[0]), attachment)
        receiver = Address(sent.owner, sent.key)
        esk = transfer_esk(outgoing.outgoing, entry.nullifiers[0], sent.output)
        opened = open_sent(esk, [receiver], outgoing.domain, entry, sent.output)
    except (MemoNotForKey, SharedSecretIsZero):
        return
    if opened is None or opened[1] is None:
        return
    note = opened[1].note
    named = Payment(
        address=encode_address(receiver, outgoing.domain),
        value=note.value,
        reference=opened[1].reference.hex(),
        memo=_text(sent.memo),
    )
    for action in lines:
        if action.kind != ActionKind.SENT or action.asset != note.asset:
            continue
        unnamed = [payment for payment in action.payments if not payment.address]
        rest = sum(payment.value for payment in unnamed) - note.value
        if unnamed and rest >= 0:
            others = [payment for payment in action.payments if payment.address]
            action.payments = [*others, named, *([Payment(address="", value=rest)] if rest else [])]
            break


def _unfilled(lines: list[Action], kind: ActionKind, asset: int) -> Iterator[Payment]:
    for action in lines:
        if action.kind == kind and action.asset == asset:
            yield from (payment for payment in action.payments if not payment.memo)


def _text(memo: bytes) -> str:
    try:
        return memo.decode()
    except UnicodeDecodeError:
        # Whoever paid has written no text; the payment is what it is.
        return ""
