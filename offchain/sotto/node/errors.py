# ruff: noqa: N818 - a rejection is named by its cause, as the specification and the contracts name it
"""Errors of the node, each with its HTTP status and a hint; the API's code is the class name."""

from typing import ClassVar


class NodeError(Exception):
    """Base of all errors that the node itself raises."""

    status: ClassVar[int] = 400
    hint: ClassVar[str] = ""


# Start: the node refuses to run


class ConfigInvalid(NodeError):
    """A setting is missing or contradicts another one."""

    status = 500


class PlainKeyRefused(NodeError):
    """The proposer's key is not encrypted, on a chain where it guards money."""

    status = 500
    hint = "Make a keystore with `sotto node keys import`, or set `allow_plain_key` if that is meant."


class KeystoreInvalid(NodeError):
    """A file with an encrypted key cannot be read or written, or is none."""

    status = 500
    hint = "Make one with `sotto node keys new` or `sotto node keys import`."


class KeystoreExists(KeystoreInvalid):
    """A file is in the way, and a key is never overwritten."""

    hint = "Choose another name, or move the file away."


class PasswordWrong(NodeError):
    """The password does not decrypt the proposer's key."""

    status = 500
    hint = "See proposer_password_file and SOTTO_PROPOSER_PASSWORD."


class FeesMissing(NodeError):
    """The chain is not a local one, but transactions would be free, so anyone could fill all epochs."""

    status = 500
    hint = "Set `fees`, or `allow_free` if that is meant."


class StoreUnusable(NodeError):
    """The database cannot be opened, or belongs to another deployment or version."""

    status = 500


class DatabaseInUse(StoreUnusable):
    """Another node has this database open; two would sign against each other."""

    hint = "Stop the other node, or set another `database`."


class SchemaTooNew(StoreUnusable):
    """A later release has changed the tables, and this one would misread them."""

    hint = "Use that release, or restore a copy of the database from before the upgrade."


class StoreUnavailable(NodeError):
    """The database failed in the middle of a change, so that only it knows whether the change is in it."""

    status = 503
    hint = "Start the node again once the database answers; it goes on with what is stored."


class StateDiverged(NodeError):
    """The stored lanes do not give the state that L1 has proven. Nothing may be built on them."""

    status = 503
    hint = (
        "Stop the node and restore its database, or start with an empty one if this node is not the proposer."
    )


class BlockMalformed(NodeError):
    """A stored block is not the encoding of one, or does not follow its parent."""

    status = 500
    hint = "Restore the database from a backup, or start with an empty one if this node is not the proposer."


class KeysMismatch(NodeError):
    """A verifier on L1 has keys of other circuits than this node's prover."""

    status = 500
    hint = "Use the release that the contracts were deployed with."


# Requests


class RequestMalformed(NodeError):
    """The body or a parameter has not the form that the API demands."""

    hint = "See /v1/openapi.json."


class RequestTooLarge(NodeError):
    """The body is larger than a bundle can be."""

    status = 413


class RateExceeded(NodeError):
    """Too many requests from one address."""

    status = 429
    hint = "Wait a few seconds and try again."


class RangeUnaligned(NodeError):
    """Start or count of a range is not on the grid."""

    hint = "Use multiples of 256, and a count of at most 4096."


class BodyTooSlow(NodeError):
    """The body of the request did not come in time."""

    status = 408
    hint = "Send the request again."


class NodeBusy(NodeError):
    """The node does as much as it can at once."""

    status = 503
    hint = "Try again in a second."


class TooManyStreams(NodeError):
    """A client, or all together, have as many event streams open as the node serves."""

    status = 429
    hint = "Close streams that are not read, or ask another node."


class EventsGone(NodeError):
    """The events behind the given sequence number are not kept any more, or there never was such a number."""

    status = 410
    hint = "Read the state from /v1/status, /v1/blocks and /v1/epochs, then follow from now on."


class EventsTooSlow(NodeError):
    """The stream was read more slowly than events came, and is closed."""

    status = 408
    hint = "Connect again with the sequence number of the last event that was read."


class BlockUnknown(NodeError):
    """There is no block with this number."""

    status = 404
    hint = "Numbers go from 1 to the last one of /v1/state."


class TransactionUnknown(NodeError):
    """No transaction with this id was ever accepted."""

    status = 404
    hint = "Ids are the 0x hex of h; a transaction that was refused is not kept."


class AttachmentUnknown(NodeError):
    """The transaction has no attachment, or this node has not got it."""

    status = 404
    hint = "Attachments are on no L1: ask the node to which the transaction was sent."


class BlobUnknown(NodeError):
    """No epoch of this node has its data words in a blob with this versioned hash."""

    status = 404
    hint = "Ask for the hash that the epoch's commit on L1 names, or ask another node."


# Admission to the pool


class ExpiryTooClose(NodeError):
    """The transaction could expire before an epoch has it."""

    hint = "Prove again with a later expiry; /v1/status shows min_expiry_margin."


class FeeTooLow(NodeError):
    """The fee is below the table's."""

    hint = "See /v1/fees."


class FeeAssetUnknown(NodeError):
    """No fee is taken in this asset."""

    hint = "See /v1/fees."


class AssetUnlisted(NodeError):
    """The withdrawn asset is not listed."""

    hint = "See /v1/assets."


class AnchorTooOld(NodeError):
    """The anchor's life is over, or ends before an epoch could have the transaction."""

    hint = "Prove again with the anchor of a newer epoch."


class AnchorUnknown(NodeError):
    """The anchor is not that of a proven epoch of this deployment."""

    hint = "Use an anchor from /v1/epochs."


class NullifierKnown(NodeError):
    """A nullifier is spent, or another transaction of the pool spends it."""

    status = 409
    hint = "Synchronise the wallet; the note may be spent already."


class NamedCommitmentUnknown(NodeError):
    """A named commitment is not an output of a waiting transaction."""

    status = 409
    hint = "If the parent's epoch has closed, prove again with an anchor."


class ProofInvalid(NodeError):
    """A client proof does not verify for its h."""

    hint = "The proof may be of other keys: check that wallet and node have the same release."


class BundleInvalid(NodeError):
    """Transactions of a bundle do not form a chain whose last member pays."""

    hint = "Each member without fee must be named by the one after it; the last one pays for all."


class BundleTooLarge(NodeError):
    """No epoch has as many lanes as the bundle needs."""


class ForcedNotHere(NodeError):
    """Forced transactions go to L1, not to a node."""

    hint = "Send it to the queue contract."


class FollowsOnly(NodeError):
    """The node only follows L1: it has no sequencer that could order a transaction."""

    status = 403
    hint = "Send it to a node that makes epochs, or through the queue on L1, which no operator can refuse."


class RollupFrozen(NodeError):
    """The rollup has ended on L1: no epoch comes any more."""

    status = 410
    hint = "Take your notes out with `sotto exit`; recorded withdrawals can still be claimed."


class PoolFull(NodeError):
    """The pool has its largest size."""

    status = 503
    hint = "Try again after the next epoch."


class NotReady(NodeError):
    """The node is starting, or L1 does not answer."""

    status = 503
    hint = "See /ready for the cause."


# Proving


class ProvingFailed(NodeError):
    """The prover refused a witness, or its workers died again and again."""

    status = 500


class ProverUnavailable(NodeError):
    """No worker can be had, or what they return does not verify; the same job may succeed later."""

    status = 503
    hint = "See the prover's workers and their logs; no transaction is lost."


class EpochNotBuilt(NodeError):
    """The bundles that wait give no epoch, for a cause that no rule of admission names."""

    status = 500


def first_failure(failures: ExceptionGroup[Exception]) -> Exception:
    """The error of the loop that failed and took the others of its group with it."""
    error: Exception = failures
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
