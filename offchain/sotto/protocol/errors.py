# ruff: noqa: N818 - a rejection is named by its cause, as the specification and the contracts name it
"""The one exception tree of the protocol: every reason to refuse something has a class of its own."""


class ProtocolError(Exception):
    """Base of all rejections. Other exceptions raised by this package are mistakes of the caller."""


# Encodings (spec 01, 03, 04, 05)


class EncodingError(ProtocolError):
    """Bytes or text are not the one encoding of a value."""


class NonCanonicalField(EncodingError):
    """An integer meant as field element is not in [0, p)."""


class WordLengthWrong(EncodingError):
    """A word or vector has not exactly the length that its type demands."""


class IntegerOutOfRange(EncodingError):
    """An integer does not fit the width of its type."""


class TextMalformed(EncodingError):
    """Text is not bech32m: wrong prefix, characters, length, checksum or padding."""


class JsonMalformed(EncodingError):
    """JSON has a missing or unknown key, or a value of another form than the specification's."""


class WordNotZero(EncodingError):
    """A word that the lane's kind or the version keeps at 0 is not 0."""


class LaneCountUnsupported(EncodingError):
    """The number of lanes is neither 4 nor 16."""


# Blobs (spec 14)


class BlobTooLong(EncodingError):
    """A blob has room for 4,096 coefficients."""


class BlobNotCanonical(EncodingError):
    """An element of a blob is not below the order of BLS12-381's groups."""


class BlobNotEmpty(EncodingError):
    """A coefficient behind the last data word is not 0: this is no epoch's blob."""


class BlobHashMismatch(EncodingError):
    """The data words are not those of the blob that L1 names: ask another source for them."""


# Keys, signatures, addresses, ciphertexts (spec 01, 03)


class KeyRejected(ProtocolError):
    """A key or seed cannot be used."""


class PointNotOnCurve(KeyRejected):
    """The coordinates do not satisfy the curve equation."""


class PointIsIdentity(KeyRejected):
    """A public key is the neutral element."""


class PointOutsideSubgroup(KeyRejected):
    """A public key is not in the subgroup of prime order."""


class SecretIsZero(KeyRejected):
    """A seed derives the secret 0 (probability about 2^-251): take another one."""


class SeedLengthWrong(KeyRejected):
    """A seed has not the length that its derivation demands."""


class PhraseInvalid(KeyRejected):
    """The words are not a BIP-39 phrase of the English list with a valid checksum."""


class SignatureNotCanonical(KeyRejected):
    """The L1 signature is not 65 bytes with low s and v = 27 or 28, the one form that derives the wallet."""


class SignatureInvalid(ProtocolError):
    """An EdDSA signature does not verify."""


class ViewingKeyInvalid(ProtocolError):
    """Text is not a viewing key: wrong prefix, characters, length, checksum, version or content."""


class AddressInvalid(ProtocolError):
    """Text is not an address: wrong prefix, characters, length, checksum or version."""


class AddressOfOtherDomain(AddressInvalid):
    """The address belongs to another deployment; what is sent to it here could be lost."""


class SharedSecretIsZero(ProtocolError):
    """X25519 gave the all-zero secret: the other key has small order."""


class CiphertextNotForKey(ProtocolError):
    """The ciphertext does not open with this key."""


class MemoTooLong(ProtocolError):
    """A memo has at most 381 bytes of UTF-8."""


class MemoNotForKey(ProtocolError):
    """The attachment does not open with this key, or holds no memo."""


class AttachmentSizeWrong(ProtocolError):
    """An attachment has exactly 512 bytes."""


class AttachmentMismatch(ProtocolError):
    """The attachments of a request are not those that its transactions commit to."""


# Trees (spec 02)


class TreeFull(ProtocolError):
    """A tree has no room for another subtree, or an index lies beyond its last leaf."""


class ValueOnRing(ProtocolError):
    """A value is already in the indexed tree, so it can be neither inserted nor proven absent."""


class ValueNotOnRing(ProtocolError):
    """A value is not in the indexed tree."""


# Transactions, by public words alone (spec 04)


class TransactionRejected(ProtocolError):
    """A transaction breaks a rule whatever the state is."""


class KindInvalid(TransactionRejected):
    """The kind is not 1, 3 or 5, or not allowed here."""


class EqualNullifiers(TransactionRejected):
    """Both nullifiers are the same value."""


class NullifierZero(TransactionRejected):
    """A nullifier of a forced transaction is 0, which no note has."""


class PublicWordsInconsistent(TransactionRejected):
    """Public asset and recipient are not 0 together with the public value, or not set together with it."""


class OperationMismatch(TransactionRejected):
    """The operation is not 0 exactly when kind is not 5, or is not the hash of its preimage."""


class NewKeySetZero(TransactionRejected):
    """An operation would leave an account without key set."""


class ForcedWordsNotZero(TransactionRejected):
    """A forced transaction carries a fee, fee asset, operation or named commitment."""


class ExtensionVersionUnknown(TransactionRejected):
    """The extension's version is not 1 or its reserved word is not 0."""


# The statement of the transfer circuit (spec 04)


class TransferRejected(ProtocolError):
    """A transfer witness does not satisfy the statement."""


class AnchorMismatch(TransferRejected):
    """Rule 3: the anchor is not the hash of epoch id and roots."""


class AccountLeafNotFound(TransferRejected):
    """Rule 4: the account leaf does not lie under the account root."""


class AccountNotAbsent(TransferRejected):
    """Rule 4: the id does not lie strictly between the leaf's id and its successor."""


class KeySetMismatch(TransferRejected):
    """Rule 4: the leaf's key set is not the hash of the four keys."""


class SigningKeyNotInSet(TransferRejected):
    """Rule 4: the signing key is none of the account's keys."""


class SigningKeyNotFirst(TransferRejected):
    """Rule 4: an account without leaf is signed for by its first key alone."""


class InputNotInTree(TransferRejected):
    """Rule 6: a real input's commitment does not lie under the note root."""


class InputNotNamed(TransferRejected):
    """Rule 6: a chained input's commitment is not the one that the transaction names."""


class DummyHasValue(TransferRejected):
    """Rule 6: an input that is not real has a value."""


class DummyIsNamed(TransferRejected):
    """Rule 6: an input that is not real names a commitment."""


class NullifierMismatch(TransferRejected):
    """Rule 6: a nullifier is not the one of its input."""


class AssetNotAllowed(TransferRejected):
    """Rules 6 and 8: a note's asset is neither the hidden nor the fee asset."""


class CommitmentMismatch(TransferRejected):
    """Rule 8: a commitment is not the one of its output."""


class Unbalanced(TransferRejected):
    """Rule 10: inputs are not outputs plus fee plus public value."""


class FeeBucketUnbalanced(TransferRejected):
    """Rule 10: inputs of the fee asset are not its outputs plus the fee."""


# Exits (spec 13). The account, its signature and the nullifier are judged as in a transfer.


class ExitRequestRejected(ProtocolError):
    """L1 refuses an exit by its words alone."""


class ExitValueZero(ExitRequestRejected):
    """A note of value 0 cannot leave: there is nothing to pay."""


class ExitRecipientZero(ExitRequestRejected):
    """The recipient is 0, which would burn the money."""


class ExitFeeInvalid(ExitRequestRejected):
    """The fee is above the value, or there is no executor to get it."""


class ExitRejected(ProtocolError):
    """An exit witness does not satisfy the statement."""


class ExitStateMismatch(ExitRejected):
    """Rule 1: the state is not the hash of the four roots and sizes."""


class NoteNotInTree(ExitRejected):
    """Rule 5: the note's commitment does not lie under the note root."""


class NullifierLeafNotFound(ExitRejected):
    """Rule 7: the low leaf does not lie under the nullifier root."""


class NoteSpent(ExitRejected):
    """Rule 7: the nullifier does not lie strictly between the low leaf's value and its successor."""


# Epochs (spec 05)


class EpochRejected(ProtocolError):
    """An operation cannot have a lane of this epoch. `lane` is its number when known."""

    lane: int | None = None


class EpochFull(EpochRejected):
    """All lanes are taken."""


class WrongDomain(EpochRejected):
    """The transaction is of another deployment."""


class UnknownAnchor(EpochRejected):
    """The anchor is none of the epochs from `oldest` to the last: prove again with a newer one."""


class TooManyAnchors(EpochRejected):
    """The epoch already opens four other anchors."""


class ExpiredTransaction(EpochRejected):
    """The expiry block is before `now`."""


class FeeAssetNotListed(EpochRejected):
    """The fee's asset has no fee slot in this epoch."""


class ChainedCommitmentUnknown(EpochRejected):
    """A named commitment is not appended by an earlier lane of this epoch."""


class NullifierSpent(EpochRejected):
    """A nullifier is in the tree or was inserted earlier in this epoch."""


class TooManyOperations(EpochRejected):
    """The epoch already has N/4 account operations."""


class AccountExists(EpochRejected):
    """An operation inserts an id that already has a leaf."""


class StaleKeySet(EpochRejected):
    """An operation's previous key set is not the current one of its account."""


class OperationPreimageMissing(EpochRejected):
    """The preimage of an operation is needed to follow the account tree and was not given."""


class EpochInputsInvalid(EpochRejected):
    """The header inputs contradict the state: `oldest` beyond the last epoch, or equal fee assets."""


class WordsMismatch(EpochRejected):
    """The state transition gives other words than L1 holds."""
