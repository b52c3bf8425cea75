# ruff: noqa: N818 - a rejection is named by its cause, as the specification and the contracts name it
"""Errors of the L1 side, named by cause."""

from collections.abc import Mapping, Sequence
from typing import Any


class L1Error(Exception):
    """Something on the way to or from L1 failed."""


class L1Unavailable(L1Error):
    """The L1 node does not answer, or answers with an error of its own; trying again may help."""


class EventsMissing(L1Error):
    """The L1 node has left out events of some blocks: these are read again."""

    hint = "if it comes again and again, use another L1 node, and an empty database if that does not help"


class WrongChain(L1Error):
    """The L1 node serves another chain than the deployment file names."""


class DeploymentInvalid(L1Error):
    """The deployment file is missing, malformed, or names an address without code."""


class ContractRejected(L1Error):
    """A contract reverted with a custom error.

    Attributes:
        name: the error's name in Solidity; "Error" for a revert with text, "Panic" for a failed check of the
            compiler, "Unknown" if no ABI knows the selector, "Empty" for a revert without data.
        args: its arguments as decoded by the ABI.
    """

    def __init__(self, name: str, arguments: Sequence[Any] = ()) -> None:
        self.name = name
        self.arguments = tuple(arguments)
        shown = ", ".join(_show(argument) for argument in self.arguments)
        super().__init__(f"{name}({shown})")

    @property
    def cause_name(self) -> str:
        """As that of TransactionReverted."""
        return self.name


class TransactionReverted(L1Error):
    """A transaction was included in a block, but reverted.

    Attributes:
        transaction_hash: 32 bytes.
        cause: the custom error that a replay on the block before gives, if it gives one.
    """

    def __init__(self, transaction_hash: bytes, cause: ContractRejected | None) -> None:
        self.transaction_hash = transaction_hash
        self.cause = cause
        super().__init__(f"0x{transaction_hash.hex()} reverted: {cause or 'the replay gives no reason'}")

    @property
    def cause_name(self) -> str:
        """Name of the custom error, empty if the replay gives none."""
        return "" if self.cause is None else self.cause.name


class FeeCapReached(L1Error):
    """L1 asks more for a unit of gas than the operator wants to pay; its price changes with every block."""


class BlobTransactionMalformed(L1Error):
    """Stored bytes are no signed transaction with one blob: the database is damaged."""

    hint = "Restore the database from a backup, or follow L1 again with an empty one."


class TransactionTimeout(L1Error):
    """A transaction was not included in a block in time; it still may be."""


class ReorgTooDeep(L1Error):
    """L1 was reorganised below the oldest block hash that is kept: begin again with an empty database."""


def _show(argument: Any) -> str:
    return f"0x{argument.hex()}" if isinstance(argument, bytes) else str(argument)


class HistoryIncomplete(L1Error):
    """The L1 source does not show an old log or transaction that the rollup's storage implies."""

    hint = "use an L1 endpoint that keeps all logs and transactions (an archive), for example with --archive"


class HistoryMismatch(L1Error):
    """The L1 source shows words or items that are not those whose hashes the contracts hold: it lies."""

    hint = "do not trust this source; use another one"


class NothingPending(L1Error):
    """Every epoch on L1 is proven."""

    hint = "There is nothing to prune or to prove."


class DeadlineAhead(L1Error):
    """The oldest pending epoch may still be proven before its deadline."""

    hint = "Wait for the deadline, or prove it: `sotto prover --permissionless`."


class RollupNotFrozen(L1Error):
    """Notes leave by exits only once the rollup has ended."""

    hint = "withdraw, with --force if operators refuse it; `sotto freeze` ends a rollup that stands still"


class RollupAlreadyFrozen(L1Error):
    """The rollup has ended before."""

    hint = "take your notes to L1 with `sotto exit`"


class NothingToFreezeFor(L1Error):
    """A rollup is frozen for an item or epoch that waits too long, and none waits."""

    hint = (
        "if operators refuse a transaction, force it: then they must process it, or the rollup can be frozen"
    )


class FreezeTooEarly(L1Error):
    """What waits is not as old as the freeze time yet."""

    hint = "wait for the block that is named"


class NothingOverdue(L1Error):
    """No queue item has waited for the forced deadline."""

    hint = "Operators have until then; afterwards anybody may process the items."


class BlobSourceFailed(L1Error):
    """A source of blobs does not answer, has no such blob, or answers with something that is none."""

    hint = "use another source of blobs too: --beacon, --blob-node or --archive-file"


class BlobMismatch(BlobSourceFailed):
    """A source of blobs gave other data than the blob that L1 names: it lies."""

    hint = "do not trust this source; use another one"


class BlobsMissing(L1Error):
    """No source has the blobs of these epochs.

    Attributes:
        hashes: versioned hash of each missing blob by its epoch.
        causes: why the sources did not give them.
    """

    hint = (
        "name another source: --beacon (a beacon API that keeps old blobs), --blob-node (a node of Sotto), "
        "or --archive-file (a file of `sotto node archive export`, from anybody)"
    )

    def __init__(self, hashes: Mapping[int, bytes], causes: Sequence[Exception]) -> None:
        self.hashes, self.causes = dict(hashes), tuple(causes)
        named = ", ".join(f"epoch {epoch}: 0x{blob.hex()}" for epoch, blob in sorted(self.hashes.items()))
        told = "; ".join(f"{type(cause).__name__}: {cause}" for cause in causes) or "no source is named"
        super().__init__(f"{named} ({told})")


class BlobUnreadable(L1Error):
    """The blob that L1 names holds no data words: such an epoch is never proven, but pruned."""


class ArchiveInvalid(L1Error):
    """A file is no archive of data words, or it is cut off, damaged, or not that of this rollup."""

    hint = "take the archive from another place, or export it again"
