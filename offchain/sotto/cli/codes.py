"""Exit codes of the command line, one for each kind of cause."""

from typing import Final

import click

from sotto.crypto.errors import CryptoError
from sotto.l1.errors import DeploymentInvalid, L1Error
from sotto.node.errors import NodeError
from sotto.wallet import errors as wallet

OK: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
INPUT: Final = 3
WALLET_FILE: Final = 4
NODE: Final = 5
L1: Final = 6
NOT_SETTLED: Final = 7
SETUP: Final = 8
INTERRUPTED: Final = 130

TABLE: Final = """\b
Exit codes:
  0    success
  1    unexpected failure
  2    wrong usage of the command line
  3    input refused: address, amount, funds, asset
  4    wallet file: missing, locked, damaged, wrong password
  5    node: unreachable, refused, or not to be trusted
  6    L1: unreachable, refused, not configured
  7    a transaction was dropped, or its fate is not known yet
  8    set-up: keys, configuration, deployment
  130  interrupted
"""

_KINDS: Final[tuple[tuple[tuple[type[Exception], ...], int], ...]] = (
    (
        (
            wallet.SubmissionUncertain,
            wallet.TransactionDropped,
            wallet.WaitTimeout,
            wallet.L1Unconfirmed,
        ),
        NOT_SETTLED,
    ),
    ((wallet.L1NotConfigured, wallet.L1Unreachable, wallet.L1Rejected), L1),
    (
        (
            wallet.NodeUnreachable,
            wallet.NodeRejected,
            wallet.NodeMalformed,
            wallet.StateMismatch,
            wallet.WrongDeployment,
        ),
        NODE,
    ),
    ((wallet.InputRejected, wallet.PhraseRejected), INPUT),
    ((wallet.ProofRejected,), SETUP),
    ((wallet.WalletError,), WALLET_FILE),
    ((DeploymentInvalid, CryptoError, NodeError), SETUP),
    ((L1Error,), L1),
)

KNOWN: Final = (wallet.WalletError, NodeError, L1Error, CryptoError)
"""Errors that have a name, and need no traceback."""


def code_of(error: Exception) -> int:
    """The exit code for an error."""
    if isinstance(error, click.ClickException):
        return error.exit_code
    return next((code for kinds, code in _KINDS if isinstance(error, kinds)), UNEXPECTED)


def hint_of(error: Exception) -> str:
    """What the user can do about an error."""
    if isinstance(error, DeploymentInvalid):
        return "deploy with `ape run deploy`, or name the file with --deployment"
    return str(getattr(error, "hint", ""))
