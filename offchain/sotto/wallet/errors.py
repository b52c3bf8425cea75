# ruff: noqa: N818 - an error is named by its cause, as in the rest of the project
"""Every reason for which a wallet refuses or fails. Each has a hint that says what to do next."""

from typing import ClassVar


class WalletError(Exception):
    """Base of all errors that a wallet raises on purpose.

    Attributes:
        hint: what the user can do about it.
    """

    hint: ClassVar[str] = "run the command again with --help"


# Files and passwords


class WalletNotFound(WalletError):
    """No wallet file is at the path."""

    hint = "make one with `sotto wallet new` or `sotto wallet restore`"


class WalletExists(WalletError):
    """A wallet file is already at the path; it is never overwritten."""

    hint = "choose another path with --wallet, or move the old file away"


class WalletInUse(WalletError):
    """Another process has the wallet open; two writers could spend one note twice."""

    hint = "wait for the other command to end"


class WalletLocked(WalletError):
    """The operation needs the spending key, and the wallet was opened without it."""

    hint = "open the wallet with its password first"


class ViewOnlyWallet(WalletLocked):
    """The wallet has viewing keys only, or not the one that sees what was asked for. It cannot spend."""

    hint = "use the wallet that holds the seed; `sotto wallet view-key` there exports other viewing keys"


class ViewingKeyRejected(WalletError):
    """The text is no viewing key, or the key belongs to another deployment."""

    hint = "copy the whole key again, and name a node of its deployment with --node"


class WrongPassword(WalletError):
    """The password does not open the wallet file."""

    hint = "try again; without the password only the seed phrase or the L1 wallet restores the funds"


class CorruptWallet(WalletError):
    """The wallet file is damaged or was changed."""

    hint = "restore from the seed phrase with `sotto wallet restore` at another path"


class CorruptState(WalletError):
    """The side file with notes and history is damaged, was changed, or belongs to another wallet."""

    hint = "move the .state file away and run `sotto wallet sync`: notes are found again from the seed"


class CacheDamaged(WalletError):
    """A file of the chain's cache was changed or lost since it was checked; it was thrown away."""

    hint = "run the command again: what is missing is fetched from the node"


class CacheUnwritable(WalletError):
    """The cache of the chain beside the wallet cannot be written."""

    hint = "free some disk space, and check the permissions of the folder"


class UnsupportedVersion(WalletError):
    """The file was written by a newer release."""

    hint = "update sotto"


class WalletNameInvalid(WalletError):
    """A name of a wallet or network has other characters than letters, digits, - and _, or is too long."""

    hint = "use 1 to 32 letters, digits, - and _; a path of a file has a / in it"


class NetworkUnknown(WalletError):
    """No network of this name is configured."""

    hint = "`sotto network list` shows the networks, `sotto network add` adds one"


class ProfileInvalid(WalletError):
    """The file with the chosen wallet and the networks cannot be read or is no such file."""

    hint = "correct the file or move it away; wallets are not in it"


class PhraseRejected(WalletError):
    """The words are no BIP-39 phrase of the English list."""

    hint = "check the words and their order"


class SignerNotDeterministic(WalletError):
    """Two L1 signatures of the same message differ: the wallet could not be found again."""

    hint = "use a signer with RFC 6979 signatures, or a seed phrase"


# Input, refused before anything is locked


class InputRejected(WalletError):
    """The request itself cannot be carried out; nothing was changed."""


class InvalidAddress(InputRejected):
    """The text is no Sotto address, or no L1 address where one is needed."""

    hint = "copy the whole address again"


class WrongDomainAddress(InvalidAddress):
    """The address belongs to another deployment; what is sent to it here could be lost."""

    hint = "ask the receiver for the address on this deployment"


class AmountNotPositive(InputRejected):
    """An amount must be greater than zero."""

    hint = "give an amount above zero"


class AmountTooLarge(InputRejected):
    """An amount does not fit a note (below 2^120 smallest units)."""

    hint = "give a smaller amount"


class AmountMalformed(InputRejected):
    """The text is no decimal number, or has more decimals than the asset."""

    hint = "write amounts like 1.5, with a dot and at most as many decimals as the asset has"


class UnknownAsset(InputRejected):
    """The node lists no such asset."""

    hint = "`sotto wallet balance` lists the assets of this deployment"


class FeeAssetUnavailable(InputRejected):
    """The node takes no fee in that asset."""

    hint = "choose a fee asset that the node lists"


class FeeTooHigh(InputRejected):
    """The node asks for more than the caller allows, or than is paid without being asked for."""

    hint = "allow it with --max-fee if it is what you want to pay, or use another node"


class QueueFeeTooHigh(FeeTooHigh):
    """The queue on L1 asks more for a forced transaction than the caller allows."""

    hint = (
        "allow it with --max-fee, in ETH, or wait: the fee falls with L1's gas price and the queue's length"
    )


class RecipientsInvalid(InputRejected):
    """There is no receiver, more than one bundle has room for, or one of them twice."""

    hint = "pay many receivers as a batch, which takes several bundles: `sotto wallet send ASSET --file FILE`"


class MemoInvalid(InputRejected):
    """A memo is longer than 381 bytes of UTF-8, or is none."""

    hint = "write a shorter memo"


class BatchUnknown(InputRejected):
    """There is no batch of this number."""

    hint = "`sotto wallet batch list` shows the batches"


class BatchUnfinished(InputRejected):
    """The same payments are on their way already: sending them again would pay everybody twice."""

    hint = "go on with `sotto wallet batch resume`, or give up the rest with `sotto wallet batch stop`"


class BatchFileInvalid(InputRejected):
    """The file with payments cannot be read, or one of its rows is none."""

    hint = "one row for each receiver with address and amount; see docs/wallet.md"


class ExitFileInvalid(InputRejected):
    """The file with exits cannot be read, is malformed, or is of another deployment."""

    hint = "make it again with `sotto exit --out`"


class PaymentUriInvalid(InputRejected):
    """The text is no payment URI."""

    hint = "copy the whole URI again, or ask the receiver for a new one"


class PaymentUriExpired(PaymentUriInvalid):
    """The receiver does not expect this payment any more."""

    hint = "ask the receiver for a new request"


class InsufficientFunds(InputRejected):
    """The spendable notes do not cover amount and fee.

    Attributes:
        asset: what is missing.
        needed, available: smallest units.
        incoming: smallest units on the way, spendable later.
    """

    hint = "deposit more, or wait until pending payments arrive"

    def __init__(self, asset: int, needed: int, available: int, incoming: int, cause: str) -> None:
        self.asset, self.needed, self.available, self.incoming = asset, needed, available, incoming
        super().__init__(cause)


class TooManyNotes(InputRejected):
    """The funds are spread over more notes than one bundle can join.

    Attributes:
        reachable: smallest units that one bundle can pay.
    """

    hint = "send the largest possible amount to yourself first, then try again"

    def __init__(self, reachable: int, cause: str) -> None:
        self.reachable = reachable
        super().__init__(cause)


class NothingToClaim(InputRejected):
    """No withdrawal of this wallet waits for its claim."""

    hint = "a withdrawal can be claimed once its epoch is proven; see `sotto wallet history`"


class AccountKeysUnknown(InputRejected):
    """The account has registered signing keys that this wallet does not hold."""

    hint = "bring a registered key back from its words with `sotto wallet account import`"


class KeySetInvalid(InputRejected):
    """An account has one to four signing keys."""

    hint = "remove a key before you add one"


class KeyUnknown(InputRejected):
    """The text is the hash of none of the account's keys, or the beginning of several."""

    hint = "`sotto wallet account show` lists the keys"


class LastKeyRemoved(InputRejected):
    """The change would leave the account without a key that this wallet holds: its notes could not move."""

    hint = "add a key that this wallet holds first, with `sotto wallet account register`"


class AccountChangePending(InputRejected):
    """Another change of the account's keys is on its way."""

    hint = "wait until `sotto wallet history` shows it as proven"


class AccountUnchanged(InputRejected):
    """The account has exactly these keys."""

    hint = "`sotto wallet account show` lists the keys"


class ProofRejected(WalletError):
    """The transaction that the wallet built does not satisfy the statement; nothing was sent."""

    hint = "this is a defect: please report it; your notes are unlocked and unspent"


# Remote signer


class SignerUnreachable(WalletError):
    """The signer does not answer, or breaks off."""

    hint = "start `sotto signer` where the key is, and name its socket with --signer"


class SignerRefused(WalletError):
    """The signer did not sign: it says why. Nothing was sent."""

    hint = "see the cause; the signer's user or policy decides"


class SignerMalformed(WalletError):
    """The signer's answer breaks the format, is for another wallet, or its signature is not valid."""

    hint = "check that --signer is the signer of this wallet"


class SigningRequestRefused(WalletError):
    """A request to sign is not what it says: nothing was signed.

    Attributes:
        part: what differs from the plaintext.
    """

    hint = "do not trust the machine that asked"

    def __init__(self, part: str, cause: str) -> None:
        self.part = part
        super().__init__(f"{part}: {cause}")


class PolicyViolated(WalletError):
    """A request to sign goes beyond the signer's policy: nothing was signed."""

    hint = "change the limits of `sotto signer`, or confirm by hand"


# Node


class NodeUnreachable(WalletError):
    """The node does not answer."""

    hint = "check the node's address (--node) and that it runs"


class NodeInterrupted(NodeUnreachable):
    """The connection broke before the answer came; the node may have acted on the request."""


class SubmissionUncertain(NodeUnreachable):
    """A transaction was sent without a clear answer: the node may or may not have it.

    Its notes stay locked until it is in a proven epoch, refused, or expired by the clock of the chain.

    Attributes:
        identifier: h of the transaction that pays.
    """

    hint = "do not pay again: `sotto wallet sync` sends the same bytes again until it is settled or expired"

    def __init__(self, identifier: int, cause: str) -> None:
        self.identifier = identifier
        super().__init__(cause)


class NodeRejected(WalletError):
    """The node refused a request.

    Attributes:
        code: the node's name of the error.
        status: HTTP status.
    """

    hint = "see the cause; the notes are unlocked again"

    def __init__(self, code: str, cause: str, status: int) -> None:
        self.code, self.status = code, status
        super().__init__(f"{code}: {cause}")


class NodeMalformed(WalletError):
    """The node's answer breaks the API's format, leaves gaps, or contradicts itself."""

    hint = "use another node; nothing of the answer was taken over"


class StateMismatch(WalletError):
    """What the node tells does not hash to the anchor, or L1 has recorded another epoch."""

    hint = "do not trust this node; use another one. No balance was taken over from it"


class WrongDeployment(WalletError):
    """Node, L1 endpoint and wallet do not belong to one deployment."""

    hint = "check --node and --l1, or open the wallet of this deployment"


class TransactionDropped(WalletError):
    """The node refused a transaction, or it expired; its notes are unlocked.

    Attributes:
        identifier: h.
    """

    hint = "send again"

    def __init__(self, identifier: int, cause: str) -> None:
        self.identifier = identifier
        super().__init__(cause)


class WaitTimeout(WalletError):
    """The awaited state was not reached in time; nothing is lost."""

    hint = "`sotto wallet sync` shows what became of it"


# L1


class L1NotConfigured(WalletError):
    """The operation needs an L1 endpoint."""

    hint = "give the L1 endpoint (--l1) and, to send transactions there, an L1 key"


class L1Unreachable(WalletError):
    """The L1 endpoint does not answer."""

    hint = "check the L1 endpoint (--l1)"


class L1Unconfirmed(WalletError):
    """An L1 transaction was sent and is in no block yet; it still may get there."""

    hint = "do not send it again: `sotto wallet sync` with --l1 finds out what became of a deposit"


class L1Rejected(WalletError):
    """A contract refused a call, or an L1 transaction failed."""

    hint = "see the cause; nothing was taken beyond L1 gas"


class RollupFrozen(L1Rejected):
    """The rollup has ended: it takes no transactions any more, and every note leaves by an exit."""

    hint = "take your notes to L1 with `sotto exit`"


class AnchorTooOld(L1Rejected):
    """L1 takes nothing forced under the last proven state any more, as newer epochs wait for their proofs."""

    hint = "try again when the pending epochs are proven or, after their deadline, pruned"


class StaleSuccessor(L1Rejected):
    """An epoch was committed, proven or pruned while a forced transaction was being made."""

    hint = "run the command again"


class QueueFeeRisen(L1Rejected):
    """The queue's fee rose above what was sent while the transaction was on its way."""

    hint = "run the command again, with a higher --max-fee if that is the cause"
