"""What leaves the wallet: bundles for a node, bytes for the queue on L1."""

from collections.abc import Sequence

from sotto.protocol.field import Field, field_to_json
from sotto.protocol.forced import encode_forced
from sotto.protocol.transaction import transaction_from_json
from sotto.wallet.client import NodeClient
from sotto.wallet.state import KeyChange, PendingTransaction


async def submit(client: NodeClient, members: Sequence[PendingTransaction]) -> None:
    """Hand over a bundle, with what its transactions only commit to. Raises as NodeClient."""
    operations = [_operation(member.draft.operation) for member in members if member.draft.operation]
    attachments = [bytes.fromhex(member.draft.attachment) or None for member in members]
    await client.submit([member.body for member in members], operations, attachments)


def forced_bytes(pending: PendingTransaction) -> bytes:
    """What L1 takes of a forced transaction."""
    return encode_forced(transaction_from_json(pending.body).transaction)


def _operation(change: KeyChange) -> dict[str, object]:
    return {
        "id": field_to_json(Field(change.account)),
        "previous": field_to_json(Field(change.previous)),
        "next": field_to_json(Field(change.new)),
    }
