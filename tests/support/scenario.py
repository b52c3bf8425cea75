"""Users who deposit, pay, chain, withdraw, change keys and force transactions, from a seeded generator.

For tests, vectors and benchmarks: every operation is built as a wallet builds it, with a real signature, and
its witness satisfies the statement of the transfer circuit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

from sotto.protocol import accounts, babyjub, ciphertext, keys, notes
from sotto.protocol.accounts import Operation
from sotto.protocol.epoch import AccountChange, EpochInputs, EpochResult, LaneInput, apply_epoch
from sotto.protocol.field import MODULUS, Field
from sotto.protocol.notes import ETH, Deposit, Note
from sotto.protocol.transaction import Kind, Transaction, make_ext
from sotto.protocol.transfer import (
    AnchorOpening,
    DummyInput,
    SpendInput,
    TransferInput,
    TransferOutput,
    TransferPlan,
    chain,
    input_nullifier,
    open_account,
    spend,
)
from sotto.protocol.transfer_witness import transfer_witness
from sotto.protocol.trees import State, genesis
from sotto.protocol.words import FeeQuad

TOKEN = 2
DOMAIN = int.from_bytes(sha256(b"sotto test domain").digest()) >> 8
FEE_ASSETS = (ETH, TOKEN, 0, 0)
FIRST_BLOCK = 1_000
BLOCKS_PER_EPOCH = 10


@dataclass(frozen=True)
class OwnedNote:
    """A note and its leaf index, None while it waits for its epoch to close."""

    note: Note
    index: int | None = None


@dataclass
class User:
    """A wallet: keys of one seed and the notes that it may spend."""

    keys: keys.WalletKeys
    notes: list[OwnedNote] = field(default_factory=list)
    deposits: int = 0
    key_seeds: list[bytes] = field(default_factory=list)
    """Seeds of the account's current keys; those of earlier sets stay usable under older anchors."""
    key_sets: dict[Field, list[bytes]] = field(default_factory=dict)

    @property
    def owner(self) -> Field:
        """Owner of this user's notes."""
        return self.keys.viewing.owner

    @property
    def account(self) -> Field:
        """Account id."""
        return self.keys.viewing.account_id


@dataclass(frozen=True)
class Signed:
    """A signed transaction with everything that its proof needs."""

    user: User
    plan: TransferPlan
    transaction: Transaction
    signing_key: babyjub.Point
    signature: babyjub.Signature
    made: tuple[tuple[User, Note], ...]
    key_seeds: tuple[bytes, ...] = ()
    """The account's keys once the operation is applied."""

    @property
    def lane(self) -> LaneInput:
        """The input of an epoch."""
        operation = self.plan.operation
        return AccountChange(self.transaction, operation) if operation else self.transaction

    def witness(self) -> dict[str, object]:
        """The witness file of the client proof."""
        return transfer_witness(self.plan, self.signing_key, self.signature)


@dataclass(frozen=True)
class Queued:
    """A deposit with its ciphertext, as L1 queues it."""

    user: User
    deposit: Deposit
    ciphertext: bytes
    r: Field

    @property
    def lane(self) -> LaneInput:
        """The input of an epoch."""
        return self.deposit


Entry = Signed | Queued | None


@dataclass(frozen=True)
class ClosedEpoch:
    """An epoch with what went into it."""

    before: State
    inputs: EpochInputs
    entries: tuple[Entry, ...]
    result: EpochResult


class Scenario:
    """The chain's state and its users. The same seed always gives the same values."""

    def __init__(self, seed: int = 1, users: int = 3, domain: int = DOMAIN) -> None:
        self.random = Random(seed)
        self.domain = domain
        self.history: list[State] = [genesis()]
        self.queue_cursor = 0
        self.users = [self._user() for _ in range(users)]
        self.epochs: list[ClosedEpoch] = []
        self._taken: set[Field] = set()
        self._conflicts: list[Signed] = []

    def _user(self) -> User:
        wallet = keys.derive(self.random.randbytes(64), self.domain)
        return User(wallet, key_seeds=[wallet.account_seed])

    @property
    def state(self) -> State:
        """The state after the last closed epoch."""
        return self.history[-1]

    @property
    def now(self) -> int:
        """L1 block of the next epoch."""
        return FIRST_BLOCK + BLOCKS_PER_EPOCH * len(self.history)

    def element(self) -> Field:
        """A random element of the field."""
        return Field(self.random.randrange(MODULUS))

    def deposit(self, user: User, value: int, asset: int = ETH) -> Queued:
        """A deposit of a user to themself."""
        viewing = user.keys.viewing
        esk = keys.deposit_esk(viewing.outgoing, user.deposits)
        user.deposits += 1
        text, r = ciphertext.encrypt(esk, viewing.incoming_public, value, asset)
        return Queued(user, Deposit(notes.partial(viewing.owner, r), asset, value), text, r)

    def dummy(self) -> DummyInput:
        """An input that spends nothing."""
        return DummyInput(self.element())

    def spendable(self, user: User, asset: int | None = None) -> list[OwnedNote]:
        """Notes in the tree that nothing built here spends yet."""
        return [
            owned
            for owned in user.notes
            if owned.index is not None
            and owned.note.value
            and owned.note.commitment not in self._taken
            and asset in (None, owned.note.asset)
        ]

    def take(self, owned: OwnedNote, epoch: int | None = None) -> SpendInput:
        """Spend a note under the anchor of an epoch, by default the last."""
        self._taken.add(owned.note.commitment)
        assert owned.index is not None
        return spend(self.history[-1 if epoch is None else epoch].note, owned.note, owned.index)

    def chained(self, note: Note) -> SpendInput:
        """Spend a note that a signed transaction of this epoch makes."""
        self._taken.add(note.commitment)
        return chain(note)

    def pay(
        self,
        user: User,
        inputs: Sequence[TransferInput],
        payee: User,
        amount: int,
        *,
        asset: int = ETH,
        fee: int = 0,
        fee_asset: int = ETH,
        withdraw: int = 0,
        recipient: int = 0,
        kind: Kind = Kind.TRANSFER,
        new_keys: Sequence[bytes] = (),
        epoch: int | None = None,
        expiry: int | None = None,
    ) -> Signed:
        """Sign a payment of `amount` of `asset` from up to two inputs, with change to the user.

        `withdraw` leaves to the L1 address `recipient`. `new_keys`, seeds of the account's next keys, make it
        a transaction of kind 5. `epoch` chooses the anchor.
        """
        state = self.history[-1 if epoch is None else epoch]
        viewing = user.keys.viewing
        padded: list[TransferInput] = [*inputs, *[self.dummy() for _ in range(2 - len(inputs))]]
        first, second = padded
        spent = [entry.note for entry in (first, second) if isinstance(entry, SpendInput)]
        fee_asset = fee_asset if fee else 0
        rest = sum(n.value for n in spent if n.asset == asset) - amount - withdraw
        rest -= fee if fee_asset == asset else 0
        fee_rest = sum(n.value for n in spent if n.asset != asset) - (fee if fee_asset != asset else 0)
        outputs = [(payee, asset, amount), (user, asset, rest), (user, fee_asset or asset, fee_rest)]
        self.random.shuffle(outputs)

        nullifier = input_nullifier(first, viewing.nullifier_key)
        made, ciphertexts = [], []
        for j, (receiver, out_asset, value) in enumerate(outputs):
            esk = keys.transfer_esk(viewing.outgoing, nullifier, j)
            text, r = ciphertext.encrypt(esk, receiver.keys.viewing.incoming_public, value, out_asset)
            ciphertexts.append(text)
            made.append((receiver, Note(receiver.owner, out_asset, value, r, notes.rho(nullifier, j))))
        a, b, c = (TransferOutput(note.partial, note.asset, note.value) for _, note in made)
        signer, key_hashes = self._signer(user, state)
        plan = TransferPlan(
            domain=self.domain,
            anchor=AnchorOpening.of_state(state),
            asset=asset,
            nullifier_key=viewing.nullifier_key,
            first_key=viewing.first_key,
            account=open_account(state.account, user.account, key_hashes),
            inputs=(first, second),
            outputs=(a, b, c),
            ext=make_ext(ciphertexts),
            expiry=self.now + 100 if expiry is None else expiry,
            kind=Kind.ACCOUNT if new_keys else kind,
            public_value=withdraw,
            recipient=recipient,
            fee=fee,
            fee_asset=fee_asset,
            operation=self._operation(user, new_keys) if new_keys else None,
        )
        tx = plan.transaction
        return Signed(
            user,
            plan,
            tx,
            babyjub.public_key(signer),
            babyjub.sign(signer, tx.h),
            tuple(made),
            tuple(new_keys),
        )

    def _signer(self, user: User, state: State) -> tuple[bytes, list[Field]]:
        key_set = state.account.key_set(user.account)
        if key_set == 0:
            return user.keys.account_seed, []
        seeds = user.key_sets[key_set]
        return seeds[-1], [accounts.key_hash(babyjub.public_key(seed)) for seed in seeds]

    def _operation(self, user: User, new_keys: Sequence[bytes]) -> Operation:
        hashes = [accounts.key_hash(babyjub.public_key(seed)) for seed in new_keys]
        previous = self.state.account.key_set(user.account)
        return Operation(user.account, previous, accounts.key_set_hash(hashes))

    def close(
        self,
        entries: Sequence[Entry],
        lanes: int,
        oldest: int | None = None,
        fee_assets: FeeQuad = FEE_ASSETS,
    ) -> ClosedEpoch:
        """Close an epoch of these entries and give the users their notes. Raises what apply_epoch raises."""
        before = self.state
        inputs = EpochInputs(
            self.domain,
            lanes,
            max(0, before.epoch_id - 3) if oldest is None else oldest,
            self.now,
            self.queue_cursor,
            fee_assets,
        )
        result = apply_epoch(before, [entry.lane if entry else None for entry in entries], inputs)
        first_leaf = result.state.note.size - 4 * lanes
        cursor = self.queue_cursor
        for lane, entry in enumerate(entries):
            kind = result.words.lanes[lane].kind
            if isinstance(entry, Queued):
                deposit, rho = entry.deposit, notes.deposit_rho(self.domain, cursor)
                note = Note(entry.user.owner, deposit.asset, deposit.value, entry.r, rho)
                entry.user.notes.append(OwnedNote(note, first_leaf + 4 * lane))
            elif entry is not None and kind != Kind.SKIPPED:
                self._settle(entry, first_leaf + 4 * lane)
            cursor += kind in (Kind.DEPOSIT, Kind.FORCED, Kind.SKIPPED)
        self.queue_cursor = cursor
        self.history.append(result.state)
        closed = ClosedEpoch(before, inputs, tuple(entries), result)
        self.epochs.append(closed)
        return closed

    def _settle(self, signed: Signed, first_leaf: int) -> None:
        for entry in signed.plan.inputs:
            if isinstance(entry, SpendInput):
                self._taken.add(entry.note.commitment)
        for j, (receiver, note) in enumerate(signed.made):
            receiver.notes.append(OwnedNote(note, first_leaf + j))
        operation = signed.plan.operation
        if operation:
            signed.user.key_seeds = list(signed.key_seeds)
            signed.user.key_sets[operation.new] = list(signed.key_seeds)

    def random_epoch(self, lanes: int) -> ClosedEpoch:
        """Close an epoch of random operations: all kinds occur over a few epochs, in any order."""
        entries: list[Entry] = []
        changed: set[Field] = set()
        available: list[tuple[User, Note]] = []
        while len(entries) < lanes:
            entry = self._random_entry(lanes, len(changed), changed, available)
            entries.append(entry)
            if isinstance(entry, Signed) and entry.plan.kind != Kind.FORCED:
                available += [(u, n) for u, n in entry.made if n.value]
        return self.close(entries, lanes)

    def _random_entry(
        self, lanes: int, operations: int, changed: set[Field], available: list[tuple[User, Note]]
    ) -> Entry:
        draw = self.random.random()
        user, payee = self.random.choice(self.users), self.random.choice(self.users)
        asset = self.random.choice((ETH, TOKEN))
        owned = self.spendable(user, asset)
        if self._conflicts and draw < 0.2:
            return self._conflicts.pop()
        if draw < 0.25:
            return None
        available[:] = [(u, n) for u, n in available if n.commitment not in self._taken]
        if draw < 0.45 and available:
            holder, note = self.random.choice(available)
            return self._spend_all(holder, [self.chained(note)], payee, note.asset)
        if not owned or draw < 0.3:
            return self.deposit(user, self.random.randrange(10**6, 10**18), asset)
        if draw < 0.55:
            inputs = [self.take(owned[0])]
            return self._spend_all(user, inputs, payee, asset, kind=Kind.FORCED)
        if draw < 0.65 and operations < lanes // 4 and user.account not in changed:
            changed.add(user.account)
            seeds = [self.random.randbytes(32) for _ in range(self.random.randrange(1, 5))]
            return self._spend_all(user, [self.take(owned[0])], payee, asset, new_keys=seeds)
        if draw < 0.75:
            twice: list[TransferInput] = [self.dummy(), self.take(owned[0])]
            forced = self._spend_all(user, twice, payee, asset, kind=Kind.FORCED)
            self._conflicts.append(forced)
            return self._spend_all(user, [self.take(owned[0])], payee, asset, fee=5)
        if draw < 0.85:
            recipient = self.random.randrange(1, 1 << 160)
            inputs = [self.take(owned[0])]
            value = owned[0].note.value // 2
            return self.pay(user, inputs, payee, 0, asset=asset, withdraw=value, recipient=recipient)
        other = self.spendable(user, ETH + TOKEN - asset)
        if other and draw < 0.93:
            inputs = [self.take(owned[0]), self.take(other[0])]
            return self._spend_all(user, inputs, payee, asset, fee=100, fee_asset=ETH + TOKEN - asset)
        return self._spend_all(user, [self.take(o) for o in owned[:2]], payee, asset, fee=7, fee_asset=asset)

    def _spend_all(
        self,
        user: User,
        inputs: Sequence[TransferInput],
        payee: User,
        asset: int,
        *,
        kind: Kind = Kind.TRANSFER,
        fee: int = 0,
        fee_asset: int | None = None,
        new_keys: Sequence[bytes] = (),
    ) -> Signed:
        """Pay a third of the inputs' value."""
        value = sum(e.note.value for e in inputs if isinstance(e, SpendInput) and e.note.asset == asset)
        return self.pay(
            user,
            inputs,
            payee,
            value // 3,
            asset=asset,
            kind=kind,
            fee=fee,
            fee_asset=asset if fee_asset is None else fee_asset,
            new_keys=new_keys,
        )
