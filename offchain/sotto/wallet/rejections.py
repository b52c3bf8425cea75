"""What a node's refusal means for a transaction whose bytes it has seen.

Signed bytes stay valid until they expire, whatever a node says. A refusal for a known reason is believed so
far that the notes may be spent again at once; coin selection then takes the same notes first, so that the
refused transaction and the next one cannot both be paid.
"""

from typing import Final

from sotto.wallet.errors import NodeRejected

OUTDATED: Final = frozenset(
    {
        "AnchorTooOld",
        "AnchorUnknown",
        "ChainedCommitmentUnknown",
        "NamedCommitmentUnknown",
        "UnknownAnchor",
        "reprove",
    }
)
"""Causes that a new proof of the same payment under a newer anchor removes."""

FINAL: Final = OUTDATED | {
    "AccountExists",
    "AssetUnlisted",
    "BundleInvalid",
    "BundleTooLarge",
    "EqualNullifiers",
    "ExpiredTransaction",
    "ExpiryTooClose",
    "ExtensionVersionUnknown",
    "FeeAssetNotListed",
    "FeeAssetUnknown",
    "FeeTooLow",
    "ForcedNotHere",
    "KindInvalid",
    "NullifierKnown",
    "NullifierSpent",
    "OperationMismatch",
    "ProofInvalid",
    "PublicWordsInconsistent",
    "RequestMalformed",
    "RequestTooLarge",
    "StaleKeySet",
    "WrongDomain",
}
"""Causes after which an honest node does not take the same bytes again."""


def is_final(error: NodeRejected) -> bool:
    """Whether the node itself has judged the request; proxies and overload speak with other codes."""
    return 400 <= error.status < 500 and error.code in FINAL
