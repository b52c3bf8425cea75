"""Forms of the API's answers, for its OpenAPI document (docs/spec/09-api.md).

They describe what `views` and `queries` make; tests hold every answer against them. Answers are not validated
while the node runs, as that would cost more than making them.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Word = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", description="field word or hash")]
ByteWord = Annotated[str, Field(pattern="^0x[0-9a-f]{62}$", description="31 bytes")]
Attached = Annotated[str, Field(pattern="^0x[0-9a-f]{1024}$", description="512 bytes")]
Hex = Annotated[str, Field(pattern="^0x([0-9a-f]{2})*$")]
Address = Annotated[str, Field(pattern="^0x[0-9a-fA-F]{40}$", description="L1 address")]
Integer = Annotated[int | str, Field(description="a number up to 2^53, decimal text above")]
Stage = Literal["received", "soft-final", "committed", "proven", "finalized", "dropped"]


class Form(BaseModel):
    """Exactly these keys."""

    model_config = ConfigDict(extra="forbid")


class ErrorBody(Form):
    """Why a request was refused: see docs/errors.md for all codes."""

    code: str
    message: str
    hint: str


class ErrorAnswer(Form):
    """Body of every answer with a status of 400 or more."""

    error: ErrorBody


class Status(Form):
    """The node at a glance."""

    chain_id: int
    rollup: Address
    bridge: Address
    queue: Address
    domain: ByteWord
    head: int
    proven: int
    state: Word
    now: int
    l1_block: int
    frozen: bool
    lanes: list[int]
    note_nodes: int
    queue_cursor: int
    pending: int
    block: int
    min_expiry_margin: int
    version: str


class TreeState(Form):
    """Root of a tree, and the number of its leaves up to the end of the last subtree."""

    root: Word
    size: int


class EpochState(Form):
    """The state after an epoch (docs/spec/02-state.md)."""

    epoch: int
    state: Word
    note: TreeState
    nullifier: TreeState
    root: TreeState
    account: TreeState


class OpenState(Form):
    """The epoch that blocks are being added to."""

    epoch: int
    lanes: int
    queue_end: int


class BlockPoint(Form):
    """The newest block; number 0 and a hash of zeros before the first."""

    number: int
    hash: Word


class NodeState(Form):
    """Where the node stands: proven on L1, closed here, ordered here."""

    proven: EpochState
    closed: EpochState
    open: OpenState | None
    block: BlockPoint


class Fee(Form):
    """Fee of one transaction in one asset."""

    asset: Integer
    symbol: str
    decimals: int
    fee: Integer


class Asset(Form):
    """A listed asset; ETH has no address."""

    asset: int
    address: Address | None
    symbol: str
    decimals: int


class SubmittedTransaction(Form):
    """A transaction with its proof (docs/spec/04-transaction.md)."""

    kind: Literal[1, 5]
    domain: ByteWord
    anchor: Word
    named: Annotated[list[Word], Field(min_length=2, max_length=2)]
    nullifiers: Annotated[list[Word], Field(min_length=2, max_length=2)]
    commitments: Annotated[list[Word], Field(min_length=3, max_length=3)]
    public_value: Integer
    public_asset: Integer
    recipient: Integer
    fee: Integer
    fee_asset: Integer
    expiry: Integer
    operation: Word
    ext: Annotated[list[ByteWord], Field(min_length=12, max_length=12)]
    proof: Annotated[str, Field(pattern="^0x[0-9a-f]{512}$")]


class SubmittedOperation(Form):
    """Preimage of the operation word of a transaction of kind 5."""

    id: Word
    previous: Word
    next: Word


class Submission(Form):
    """One transaction, or a bundle that is taken whole or not at all."""

    transactions: Annotated[list[SubmittedTransaction], Field(min_length=1)]
    operations: list[SubmittedOperation] = []
    attachments: list[Attached | None] = []


class Submitted(Form):
    """The database has the transactions."""

    ids: list[Word]
    status: Literal["received"]


class TransactionState(Form):
    """What became of a transaction, or of a deposit by its h."""

    id: Word
    status: Stage
    block: int | None
    epoch: int | None
    lane: int | None
    reason: str | None
    l1_tx: Word | None


class Entry(Form):
    """A lane, or a transaction that may get one."""

    node: int | None
    epoch: int | None
    lane: int | None
    kind: int
    id: Word
    nullifiers: list[Word]
    commitments: list[Word]
    ciphertexts: list[Hex]
    public_value: Integer
    public_asset: Integer
    recipient: Integer
    fee: Integer
    fee_asset: Integer
    queue_index: int | None


class NotesPage(Form):
    """Entries of an aligned range of the note tree's height-1 nodes."""

    start: int
    count: int
    complete: bool
    entries: list[Entry]


class Attachment(Form):
    """512 bytes beside a transaction, whose hash it commits to."""

    id: Word
    attachment: Attached


class PlacedAttachment(Attachment):
    """An attachment with the height-1 node of its transaction."""

    node: int


class AttachmentsPage(Form):
    """Attachments of an aligned range of the note tree's height-1 nodes."""

    start: int
    count: int
    entries: list[PlacedAttachment]


class Operation(Form):
    """An account's new key set."""

    id: Word
    next: Word


class Epoch(Form):
    """A proven epoch; `record` has the fields of docs/spec/06-l1.md."""

    id: int
    lanes: int
    first_node: int
    anchor: Word
    note_root: Word
    account_root: Word
    state: Word
    operations: list[Operation]
    record: dict[str, Any]
    record_hash: Word
    l1_block: int | None
    l1_tx: Word | None


class BlockTransaction(Form):
    """A transaction in a block."""

    id: Word


class BlockDeposit(Form):
    """A queue item in a block."""

    id: Word
    queue_index: int


class BlockRollback(Form):
    """All that earlier blocks ordered in epochs from `rollback` on is void."""

    rollback: int
    reason: str


class Block(Form):
    """A block of the sequencer (docs/spec/12-blocks.md)."""

    number: int
    hash: Word
    parent: Word
    time: int
    epoch: int
    l1_block: int
    closes: bool
    entries: list[BlockTransaction | BlockDeposit | BlockRollback]
    encoding: Hex


class Alive(Form):
    """The process answers."""

    status: Literal["alive"]


class Ready(Form):
    """The node follows L1 and takes transactions."""

    status: Literal["ready"]


class Event(BaseModel):
    """A message of the stream /v1/events; further keys by type."""

    sequence: int
    type: Literal["received", "block", "epoch", "rollback", "dropped"]
    time: float
    status: Stage
    ids: list[Word]
