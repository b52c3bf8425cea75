"""Leaving a frozen rollup: exits of notes, claims of withdrawals, queue items pulled back (spec 13).

Everything is found on L1 and paid by L1 at most once, so that it may be interrupted anywhere and begun again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from time import monotonic
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from web3 import AsyncWeb3
from web3.types import TxReceipt

from sotto import crypto
from sotto.crypto.errors import CryptoError, WitnessRejected
from sotto.l1.bridge import ETH, BridgeContract, Claim
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.errors import ContractRejected, TransactionReverted, TransactionTimeout
from sotto.l1.events import QueueEvent
from sotto.l1.exit import ExitContract, ProvenExit
from sotto.l1.history import History, queue_item
from sotto.l1.sender import Sender
from sotto.protocol import accounts
from sotto.protocol.babyjub import public_key
from sotto.protocol.exit import ExitRequest, plan_exit
from sotto.protocol.exit_witness import exit_witness
from sotto.protocol.field import Field
from sotto.protocol.keys import ViewingKeys
from sotto.protocol.l1 import EpochRecord
from sotto.protocol.notes import Note
from sotto.protocol.trees import State
from sotto.wallet.account import find_key_set
from sotto.wallet.context import Progress
from sotto.wallet.errors import AccountKeysUnknown, L1NotConfigured, ProofRejected
from sotto.wallet.recovery import RecordedWithdrawal, Recovered
from sotto.wallet.signer import sign
from sotto.wallet.state import StoredNote

NOTES_A_TRANSACTION: Final = 16
"""Exits that are proven and then sent together."""

EXIT_GAS: Final = 110_000
"""About what one more note costs in a transaction with others (docs/spec/13-exit.md)."""

_ADDRESS_BYTES: Final = 20
_WAIT_SECONDS: Final = 600.0
_POLL_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class ExitOptions:
    """Where notes go.

    Attributes:
        recipient: L1 address as integer.
        executor: L1 address that submits for `fee_share` of each note, 0 for nobody.
        dust: also notes of ETH that are worth less than the gas of their exit.
    """

    recipient: int
    executor: int = 0
    fee_share: Fraction = Fraction(0)
    dust: bool = False

    def fee(self, value: int) -> int:
        """The executor's part of a note, rounded down."""
        return int(value * self.fee_share) if self.executor else 0


@dataclass(slots=True)
class Left:
    """What was done.

    Attributes:
        exits: notes that L1 has paid now.
        before: notes that had left before, or meanwhile by another run of their owner or an executor.
        refused: notes whose recipient did not take the payment; they stay.
        dust: notes that were left behind, as they are worth less than their gas.
        claims: withdrawals paid now; `pulled`: items of the queue paid back now.
        transactions: hashes of 32 bytes; `gas` is what they used.
    """

    exits: list[StoredNote] = field(default_factory=list)
    before: list[StoredNote] = field(default_factory=list)
    refused: list[StoredNote] = field(default_factory=list)
    dust: list[StoredNote] = field(default_factory=list)
    claims: list[RecordedWithdrawal] = field(default_factory=list)
    pulled: list[QueueEvent] = field(default_factory=list)
    transactions: list[bytes] = field(default_factory=list)
    gas: int = 0


class ExitMaker:
    """Proves exits of one account's notes in the state that the rollup is frozen in.

    Args:
        seeds: key seeds that may sign, the first account key's first.

    Raises AccountKeysUnknown when the account has registered keys of which none is here.
    """

    def __init__(self, keys: ViewingKeys, seeds: Sequence[bytes], state: State) -> None:
        self._keys, self._state = keys, state
        held = {accounts.key_hash(public_key(seed)): seed for seed in seeds}
        self._hashes: list[Field] = []
        self._seed = seeds[0]
        if keys.account_id not in state.account:
            return
        key_set = state.account.content(state.account.index(keys.account_id)).key_set
        found = find_key_set(key_set, {accounts.key_hash(keys.first_key), *held})
        usable = [held[key] for key in found or () if key in held]
        if found is None or not usable:
            raise AccountKeysUnknown("the account's registered keys are not here")
        self._hashes, self._seed = found, usable[0]

    async def prove(self, stored: StoredNote, options: ExitOptions) -> ProvenExit:
        """The exit of one note. Raises ProofRejected."""
        witness, request = await asyncio.to_thread(self._witness, stored, options)
        try:
            result = await asyncio.to_thread(crypto.prove, "exit", json.dumps(witness).encode())
        except WitnessRejected:
            # The library's message may quote secrets, so it is not kept as a cause either.
            raise ProofRejected("the statement does not hold") from None
        except CryptoError as error:
            raise ProofRejected(f"{type(error).__name__}: {error}") from error
        return ProvenExit(
            request.nullifier,
            request.asset,
            request.value,
            request.recipient.to_bytes(_ADDRESS_BYTES),
            request.executor.to_bytes(_ADDRESS_BYTES),
            request.fee,
            result.proof,
        )

    def _witness(self, stored: StoredNote, options: ExitOptions) -> tuple[dict[str, object], ExitRequest]:
        note = Note(self._keys.owner, stored.asset, stored.value, Field(stored.r), Field(stored.rho))
        assert stored.node is not None, "found in an epoch"
        plan = plan_exit(
            self._state,
            self._keys,
            note,
            4 * stored.node + stored.output,
            self._keys.domain,
            options.recipient,
            key_hashes=self._hashes,
            executor=options.executor,
            fee=options.fee(stored.value),
        )
        plan.request.check()
        signature = sign(self._seed, plan.request.message)
        return exit_witness(plan, public_key(self._seed), signature), plan.request


class Leaver:
    """The L1 side of leaving: who pays gas, and which contracts.

    Args:
        history: of the rollup, which need not be frozen for claims.
        account: pays gas; without it nothing can be sent, and L1NotConfigured is raised.
    """

    def __init__(
        self, web3: AsyncWeb3[Any], history: History, account: LocalAccount | None, progress: Progress
    ) -> None:
        self._web3, self._history, self._progress = web3, history, progress
        self._own_sender = None if account is None else Sender(web3, account)

    @property
    def _sender(self) -> Sender:
        if self._own_sender is None:
            raise L1NotConfigured("there is no L1 key to pay gas")
        return self._own_sender

    async def leave(self, recovered: Recovered, maker: ExitMaker, options: ExitOptions, left: Left) -> None:
        """Take out everything that was found, and note in `left` what was done.

        Raises L1Unavailable, ContractRejected, TransactionReverted,
        TransactionTimeout, ProofRejected; what was paid before stays paid, and the next run goes on.
        """
        bridge, contract = await self._contracts()
        await self._wait_for_earlier()
        await self._exit_notes(contract, recovered, maker, options, left)
        await self._claim(bridge, recovered.withdrawals, left)
        await self._pull_back(bridge, recovered, left)

    async def prove(
        self, recovered: Recovered, maker: ExitMaker, options: ExitOptions, left: Left
    ) -> list[ProvenExit]:
        """Prove the exits of all notes that have not left, for an executor to submit."""
        _, contract = await self._contracts()
        waiting = await self._waiting(contract, recovered, options, left)
        return [proven async for proven in self._proofs(waiting, maker, options)]

    async def submit(self, last: EpochRecord, exits: Sequence[ProvenExit], left: Left) -> list[int]:
        """Submit proven exits, also those of others. Returns the nullifiers that L1 has paid now."""
        _, contract = await self._contracts()
        await self._wait_for_earlier()
        waiting = [each for each in exits if not await contract.has_exited(each.nullifier)]
        paid: list[int] = []
        for start in range(0, len(waiting), NOTES_A_TRANSACTION):
            paid += await self._submit(contract, last, waiting[start : start + NOTES_A_TRANSACTION], left)
        return paid

    async def _contracts(self) -> tuple[BridgeContract, ExitContract]:
        bridge = BridgeContract(self._web3, await self._history.rollup.bridge())
        return bridge, ExitContract(self._web3, await bridge.exit())

    async def _wait_for_earlier(self) -> None:
        """A run that was killed may have sent a transaction, which must not be sent again beside it."""
        deadline = monotonic() + _WAIT_SECONDS
        while await self._sender.next_nonce("pending") > await self._sender.next_nonce():
            self._progress("waiting for earlier L1 transactions", 0.0)
            if monotonic() > deadline:
                raise TransactionTimeout(
                    f"a transaction of {self._sender.address} is in no block yet: wait, or replace it"
                )
            await asyncio.sleep(_POLL_SECONDS)

    async def _exit_notes(
        self,
        contract: ExitContract,
        recovered: Recovered,
        maker: ExitMaker,
        options: ExitOptions,
        left: Left,
    ) -> None:
        waiting = await self._waiting(contract, recovered, options, left)
        proven: list[ProvenExit] = []
        async for leaving in self._proofs(waiting, maker, options):
            proven.append(leaving)
            if len(proven) % NOTES_A_TRANSACTION and len(proven) < len(waiting):
                continue
            start = (len(proven) - 1) // NOTES_A_TRANSACTION * NOTES_A_TRANSACTION
            several = waiting[start : len(proven)]
            paid = await self._submit(contract, recovered.record, proven[start:], left)
            await self._sort(contract, several, paid, left)

    async def _sort(
        self, contract: ExitContract, notes: Sequence[StoredNote], paid: Sequence[int], left: Left
    ) -> None:
        """Note what became of submitted notes; another run may have been faster with one."""
        for note in notes:
            if note.nullifier in paid:
                left.exits.append(note)
            elif await contract.has_exited(note.nullifier):
                left.before.append(note)
            else:
                left.refused.append(note)

    async def _waiting(
        self, contract: ExitContract, recovered: Recovered, options: ExitOptions, left: Left
    ) -> list[StoredNote]:
        least = 0 if options.dust else await self._gas_price() * EXIT_GAS
        waiting: list[StoredNote] = []
        for note in recovered.notes:
            if await contract.has_exited(note.nullifier):
                left.before.append(note)
            elif note.asset == ETH and note.value <= least:
                left.dust.append(note)
            else:
                waiting.append(note)
        return waiting

    async def _proofs(
        self, notes: Sequence[StoredNote], maker: ExitMaker, options: ExitOptions
    ) -> AsyncIterator[ProvenExit]:
        for number, note in enumerate(notes):
            self._progress("proving exits", number / len(notes))
            yield await maker.prove(note, options)
        self._progress("proving exits", 1.0)

    async def _submit(
        self, contract: ExitContract, last: EpochRecord, exits: Sequence[ProvenExit], left: Left
    ) -> list[int]:
        self._progress("sending exits", 0.0)
        if len(exits) == 1:
            try:
                receipt = await self._sender.send(contract.exit(last, exits[0]))
            except (ContractRejected, TransactionReverted) as error:
                if error.cause_name in ("AlreadyExited", "PaymentFailed"):
                    return []
                raise
        else:
            receipt = await self._sender.send(contract.exit_many(last, exits))
        self._note(receipt, left)
        return [event.nullifier for event in contract.exited(receipt)]

    async def _claim(
        self, bridge: BridgeContract, withdrawals: Sequence[RecordedWithdrawal], left: Left
    ) -> None:
        open_ = [w for w in withdrawals if not await bridge.is_claimed(w.record.id, w.withdrawal.lane)]
        for start in range(0, len(open_), NOTES_A_TRANSACTION):
            several = open_[start : start + NOTES_A_TRANSACTION]
            self._progress("claiming withdrawals", start / len(open_))
            claims = [
                Claim(
                    each.record,
                    each.withdrawal.lane,
                    each.withdrawal.asset,
                    each.withdrawal.value,
                    each.withdrawal.recipient,
                    each.proof,
                )
                for each in several
            ]
            receipt = await self._sender.send(bridge.claim_many(claims))
            self._note(receipt, left)
            paid = set(bridge.claimed(receipt))
            left.claims += [each for each in several if (each.record.id, each.withdrawal.lane) in paid]

    async def _pull_back(self, bridge: BridgeContract, recovered: Recovered, left: Left) -> None:
        for number, event in enumerate(recovered.queued):
            if await bridge.is_pulled_back(event.index):
                continue
            self._progress("pulling back deposits", number / len(recovered.queued))
            item = queue_item(event, self._history.domain)
            try:
                receipt = await self._sender.send(bridge.pull_back(event, item))
            except (ContractRejected, TransactionReverted) as error:
                # Its sender does not take it, or somebody else was faster: the others do not wait for that.
                if error.cause_name in ("AlreadyPulledBack", "PaymentFailed"):
                    continue
                raise
            self._note(receipt, left)
            left.pulled.append(event)

    async def _gas_price(self) -> int:
        try:
            return await self._web3.eth.gas_price
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error

    def _note(self, receipt: TxReceipt, left: Left) -> None:
        left.transactions.append(bytes(receipt["transactionHash"]))
        left.gas += receipt["gasUsed"]
