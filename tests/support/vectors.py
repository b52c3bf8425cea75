"""Content of the files in tests/vectors."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

from sotto.protocol import accounts, babyjub, ciphertext, keys, l1, notes
from sotto.protocol.address import Address, encode_address
from sotto.protocol.blob import ELEMENT_BYTES
from sotto.protocol.epoch import EpochResult, Withdrawal, replay
from sotto.protocol.field import MODULUS, Field, byte_word_to_json, field_to_json, to_byte_word
from sotto.protocol.hash import ZERO_SUBTREES, H, Tag, node
from sotto.protocol.notes import ETH, Deposit, Note
from sotto.protocol.poseidon2 import permute
from sotto.protocol.poseidon2_constants import FIRST_ROUNDS, INTERNAL_DIAGONAL, LAST_ROUNDS, PARTIAL_ROUNDS
from sotto.protocol.transaction import Kind, ProvenTransaction, transaction_to_json
from sotto.protocol.trees import genesis
from sotto.protocol.viewing import encode_viewing_key, incoming_of, outgoing_of
from sotto.protocol.words import DataMode, compute_m, split_y_data
from tests.support import exits
from tests.support.forced_vectors import forced_transactions
from tests.support.scenario import TOKEN, ClosedEpoch, Queued, Scenario, Signed

PHRASE = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
CHAIN_ID = 31_337
ROLLUP = bytes.fromhex("1111111111111111111111111111111111111111")
SENDER = bytes.fromhex("2222222222222222222222222222222222222222")
BENEFICIARY = bytes.fromhex("3333333333333333333333333333333333333333")
VERIFIER = bytes.fromhex("4444444444444444444444444444444444444444")
RECIPIENT = int("5555555555555555555555555555555555555555", 16)
LARGE_Y_DATA = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000000
"""The largest value of a blob's polynomial."""
FORCED_FEE = 50_000 * 10**9
"""Wei that each forced item has brought."""
MIXED_SEED = 31
"""A seed for which the epoch of 16 lanes has all kinds."""


def _hex(value: int) -> str:
    return field_to_json(Field(value))


def _bytes(value: bytes) -> str:
    return "0x" + value.hex()


def _samples(count: int) -> list[int]:
    """Elements that exercise small, large and ordinary values."""
    fixed = [0, 1, MODULUS - 1, 1 << 248, 2]
    return [fixed[i] if i < len(fixed) else H(Tag.STATE, i) for i in range(count)]


def poseidon2() -> object:
    """Constants of the permutation and samples of it."""
    inputs = [(0, 0, 0, 0), (0, 1, 2, 3), (1, 0, 0, 0), (MODULUS - 1,) * 4, (5, 7, 11, 1 << 250)]
    return {
        "modulus": f"{MODULUS:#066x}",
        "width": 4,
        "full_rounds": 8,
        "partial_rounds": 56,
        "internal_diagonal_minus_one": [_hex(x) for x in INTERNAL_DIAGONAL],
        "external_matrix": [[5, 7, 1, 3], [4, 6, 1, 1], [1, 3, 5, 7], [1, 1, 4, 6]],
        "first_rounds": [[_hex(x) for x in row] for row in FIRST_ROUNDS],
        "middle_rounds": [_hex(x) for x in PARTIAL_ROUNDS],
        "last_rounds": [[_hex(x) for x in row] for row in LAST_ROUNDS],
        "permutations": [
            {"in": [_hex(x) for x in state], "out": [_hex(x) for x in permute(state)]} for state in inputs
        ],
    }


def hashes() -> object:
    """H for each tag and length, node, empty subtrees."""
    cases = []
    for tag in Tag:
        for length in (1, 2, 3, 4, 11, 18) if tag == Tag.STATE else (1 + tag % 5,):
            xs = _samples(length)
            row = {"tag": tag.name, "value": int(tag), "in": [_hex(x) for x in xs], "out": _hex(H(tag, *xs))}
            cases.append(row)
    nodes = [(0, 0, 0, 0), (1, 2, 3, 4), (MODULUS - 1, 0, 1, 5)]
    return {
        "H": cases,
        "node": [{"in": [_hex(x) for x in xs], "out": _hex(node(*xs))} for xs in nodes],
        "zero_subtrees": [_hex(x) for x in ZERO_SUBTREES],
    }


def genesis_state() -> object:
    """Roots and state of epoch 0."""
    state = genesis()
    roots = state.roots()
    return {
        "note_root": _hex(roots.note_root),
        "note_size": roots.note_size,
        "nullifier_root": _hex(roots.nullifier_root),
        "nullifier_size": roots.nullifier_size,
        "root_root": _hex(roots.root_root),
        "root_size": roots.root_size,
        "account_root": _hex(roots.account_root),
        "account_size": roots.account_size,
        "GENESIS_ANCHOR": _hex(state.anchor()),
        "GENESIS_STATE": _hex(state.hash()),
        "record_at_block_1": {
            "encoded": _bytes(l1.genesis_record(1).encode()),
            "hash": _bytes(l1.genesis_record(1).hash()),
        },
    }


@cache
def _domain() -> int:
    return l1.compute_domain(CHAIN_ID, ROLLUP)


@cache
def _wallet() -> keys.WalletKeys:
    return keys.derive(keys.seed_from_phrase(PHRASE), _domain())


def key_derivation() -> object:
    """All keys of a phrase and of an L1 signature."""
    signature = bytes(range(1, 33)) + bytes(range(33, 65)) + b"\x1b"
    cases = {}
    for name, seed in (
        ("phrase", keys.seed_from_phrase(PHRASE)),
        ("phrase_with_passphrase", keys.seed_from_phrase(PHRASE, "TREZOR")),
        ("signature", keys.seed_from_signature(signature)),
    ):
        wallet = keys.derive(seed, _domain())
        viewing = wallet.viewing
        cases[name] = {
            "seed": _bytes(seed),
            "account_key_seed": _bytes(wallet.account_seed),
            "account_key": [_hex(viewing.first_key.x), _hex(viewing.first_key.y)],
            "nullifier_key": _hex(viewing.nullifier_key),
            "incoming": _bytes(viewing.incoming),
            "incoming_public": _bytes(viewing.incoming_public),
            "outgoing": _bytes(viewing.outgoing),
            "account_id": _hex(viewing.account_id),
            "owner": _hex(viewing.owner),
            "esk_of_output_1_for_first_nullifier_7": _bytes(keys.transfer_esk(viewing.outgoing, Field(7), 1)),
            "esk_of_deposit_3": _bytes(keys.deposit_esk(viewing.outgoing, 3)),
        }
    return {
        "phrase": PHRASE,
        "passphrase": "TREZOR",
        "signature": _bytes(signature),
        "domain": byte_word_to_json(to_byte_word(_domain())),
        "typed_data": keys.seed_typed_data(CHAIN_ID),
        "cases": cases,
    }


def eddsa() -> object:
    """Signatures, and points that are refused."""
    cases = []
    for i, h in enumerate(_samples(6)):
        seed = bytes([i]) * 32
        key, signature = babyjub.public_key(seed), babyjub.sign(seed, Field(h))
        cases.append(
            {
                "seed": _bytes(seed),
                "key": [_hex(key.x), _hex(key.y)],
                "h": _hex(h),
                "r": [_hex(signature.r.x), _hex(signature.r.y)],
                "s": _hex(signature.s),
                "challenge": _hex(babyjub.challenge(signature.r, key, Field(h))),
            }
        )
    return {
        "order": _hex(babyjub.ORDER),
        "base": [_hex(babyjub.BASE.x), _hex(babyjub.BASE.y)],
        "signatures": cases,
        "refused_keys": {
            "identity": [_hex(0), _hex(1)],
            "order_2": [_hex(0), _hex(MODULUS - 1)],
            "not_on_curve": [_hex(1), _hex(1)],
        },
    }


def note_values() -> object:
    """Accounts, notes, nullifiers, deposits, operations."""
    viewing = _wallet().viewing
    other = babyjub.public_key(bytes([9]) * 32)
    key_hashes = [accounts.key_hash(viewing.first_key), accounts.key_hash(other)]
    key_set = accounts.key_set_hash(key_hashes)
    rho = notes.rho(Field(77), 2)
    note = Note(viewing.owner, ETH, 10**18, Field(123), rho)
    rich = Note(viewing.owner, (1 << 64) - 1, (1 << 120) - 1, Field(MODULUS - 1), rho, Field(5), Field(6))
    deposit = Deposit(note.partial, ETH, 10**18)
    insert = accounts.Operation(viewing.account_id, Field(0), key_set)
    replacement = accounts.Operation(viewing.account_id, key_set, accounts.key_set_hash(key_hashes[1:]))
    return {
        "nullifier_key": _hex(viewing.nullifier_key),
        "account_id": _hex(viewing.account_id),
        "owner": _hex(viewing.owner),
        "key_hashes": [_hex(x) for x in key_hashes],
        "key_set_hash": _hex(key_set),
        "operations": [
            {"id": _hex(o.account), "previous": _hex(o.previous), "new": _hex(o.new), "word": _hex(o.word)}
            for o in (insert, replacement)
        ],
        "notes": [
            {
                "owner": _hex(n.owner),
                "application": _hex(n.application),
                "data": _hex(n.data),
                "r": _hex(n.r),
                "asset": str(n.asset),
                "value": str(n.value),
                "rho": _hex(n.rho),
                "partial": _hex(n.partial),
                "commitment": _hex(n.commitment),
                "nullifier": _hex(n.nullifier(viewing.nullifier_key)),
            }
            for n in (note, rich)
        ],
        "rho_of_first_nullifier_77": [_hex(notes.rho(Field(77), j)) for j in range(3)],
        "dummy_nullifier_of_random_5": _hex(notes.dummy_nullifier(viewing.nullifier_key, Field(5))),
        "deposit": {
            "domain": _hex(_domain()),
            "queue_index": 42,
            "partial": _hex(deposit.partial),
            "asset": str(deposit.asset),
            "value": str(deposit.value),
            "rho": _hex(notes.deposit_rho(_domain(), 42)),
            "commitment": _hex(deposit.commitment(_domain(), 42)),
            "h": _hex(deposit.h(_domain(), 42)),
        },
    }


def addresses() -> object:
    """Addresses."""
    viewing = _wallet().viewing
    cases = [Address(viewing.owner, viewing.incoming_public), Address(Field(MODULUS - 1), b"\xff" * 32)]
    return {
        "domain": byte_word_to_json(to_byte_word(_domain())),
        "addresses": [
            {"owner": _hex(a.owner), "key": _bytes(a.key), "address": encode_address(a, _domain())}
            for a in cases
        ],
    }


def viewing_keys() -> object:
    """Viewing keys as text."""
    viewing = _wallet().viewing
    return {
        "domain": byte_word_to_json(to_byte_word(_domain())),
        "owner": _hex(viewing.owner),
        "incoming_public": _bytes(viewing.incoming_public),
        "first_key": [_hex(viewing.first_key.x), _hex(viewing.first_key.y)],
        "nullifier_key": _hex(viewing.nullifier_key),
        "incoming": _bytes(viewing.incoming),
        "outgoing": _bytes(viewing.outgoing),
        "incoming_viewing_key": encode_viewing_key(incoming_of(viewing)),
        "outgoing_viewing_key": encode_viewing_key(outgoing_of(viewing)),
        "full_viewing_key": encode_viewing_key(viewing),
    }


def ciphertexts() -> object:
    """Ciphertexts and the r that they carry."""
    viewing = _wallet().viewing
    cases = []
    for value, asset, reference in (
        (0, 0, bytes(20)),
        (10**18, ETH, b"invoice 000000000001"),
        (2**120 - 1, 2**64 - 1, b"\xff" * 20),
    ):
        esk = keys.transfer_esk(viewing.outgoing, Field(value + 1), 0)
        text, r = ciphertext.encrypt(esk, viewing.incoming_public, value, asset, reference)
        cases.append(
            {
                "esk": _bytes(esk),
                "value": str(value),
                "asset": str(asset),
                "reference": _bytes(reference),
                "ciphertext": _bytes(text),
                "r": _hex(r),
            }
        )
    return {
        "incoming": _bytes(viewing.incoming),
        "recipient": _bytes(viewing.incoming_public),
        "ciphertexts": cases,
    }


@cache
def scenario() -> tuple[Scenario, dict[str, Signed]]:
    """Three epochs: deposits; transfer, chained, account operation, forced; skipped and key replacement."""
    world = Scenario(seed=7, domain=_domain())
    alice, bob, carol = world.users
    deposits = [
        world.deposit(alice, 10**18),
        world.deposit(alice, 5 * 10**17, TOKEN),
        world.deposit(bob, 3 * 10**18),
    ]
    world.close([*deposits, None], 4)
    ether, token = world.spendable(alice, ETH)[0], world.spendable(alice, TOKEN)[0]
    savings = world.spendable(bob)[0]

    transfer = world.pay(alice, [world.take(ether)], bob, 10**17, fee=1_000)
    received = next(note for user, note in transfer.made if user is bob)
    chained = world.pay(bob, [world.chained(received)], carol, 10**16, fee=2_000)
    new_keys = [bytes([1]) * 32, bytes([2]) * 32]
    account = world.pay(
        alice, [world.take(token)], alice, 10**17, asset=TOKEN, fee=3_000, fee_asset=TOKEN, new_keys=new_keys
    )
    forced = world.pay(
        bob, [world.take(savings)], bob, 0, kind=Kind.FORCED, withdraw=10**18, recipient=RECIPIENT
    )
    world.close([transfer, chained, account, forced], 4)

    ether, token = world.spendable(alice, ETH)[0], world.spendable(alice, TOKEN)[0]
    spent = world.pay(bob, [world.dummy(), world.take(savings, epoch=1)], bob, 0, kind=Kind.FORCED, epoch=1)
    other_key = world.pay(alice, [world.take(ether)], bob, 10**15, fee=500, new_keys=[bytes([3]) * 32])
    withdrawal = world.pay(
        alice,
        [world.take(token)],
        alice,
        0,
        asset=TOKEN,
        fee=600,
        fee_asset=TOKEN,
        withdraw=10**16,
        recipient=RECIPIENT,
    )
    world.close([spent, world.deposit(carol, 10**6, TOKEN), other_key, withdrawal], 4)
    return world, {
        "transfer": transfer,
        "chained": chained,
        "account": account,
        "forced": forced,
        "withdrawal": withdrawal,
    }


@cache
def mixed() -> ClosedEpoch:
    """An epoch of 16 lanes with all kinds, after some smaller ones."""
    world = Scenario(seed=MIXED_SEED, domain=_domain())
    for _ in range(4):
        world.random_epoch(4)
    return world.random_epoch(16)


def transactions() -> object:
    """Transactions as the API's JSON, with h."""
    _, signed = scenario()
    proof = bytes(i % 256 for i in range(256))
    return [
        {
            "name": name,
            "json": transaction_to_json(ProvenTransaction(s.transaction, proof)),
            "fields": [_hex(x) for x in s.transaction.fields()],
            "h": _hex(s.transaction.h),
        }
        for name, s in signed.items()
    ]


def epochs() -> object:
    """Words with c, z, y, m and what L1 derives from them."""
    world, _ = scenario()
    return [_epoch(closed.result) for closed in (*world.epochs, mixed())]


@cache
def in_blob() -> EpochResult:
    """The mixed epoch in data mode 1."""
    return replay(mixed().before, mixed().result.words, DataMode.BLOB)


def blobs() -> object:
    """An epoch in data mode 1: what its commit brings, and what the precompile is asked."""
    result = in_blob()
    blob, y_data = result.blob, result.y_data
    assert blob is not None
    assert y_data is not None
    opening = blob.open(result.z)
    assert opening.y == y_data
    elements = [blob.data[at : at + ELEMENT_BYTES] for at in range(0, len(blob.data), ELEMENT_BYTES)]
    epoch = _epoch(result)
    del epoch["words"]
    return [
        {
            "domain": byte_word_to_json(to_byte_word(_domain())),
            **epoch,
            "l1_words": _bytes(result.words.encode_l1()),
            "data_words": _bytes(result.words.encode_data()),
            "elements": {str(at): _bytes(elements[at]) for at in (0, 1, 2, 2_048, 4_095)},
            "versioned_hash": _bytes(blob.versioned_hash),
            "commitment": _bytes(blob.commitment),
            "y_data": f"{y_data:#066x}",
            "y_data_limbs": [f"{limb:#066x}" for limb in split_y_data(y_data)],
            "proof": _bytes(opening.proof),
            "commit_input": _bytes(y_data.to_bytes(32) + blob.commitment + opening.proof),
        }
    ]


def _epoch(result: EpochResult) -> dict[str, object]:
    header = result.words.header
    withdrawals = result.withdrawals
    queue_fees = FORCED_FEE * sum(lane.kind in (Kind.FORCED, Kind.SKIPPED) for lane in result.words.lanes)
    return {
        "lanes": len(result.words.lanes),
        "kinds": [int(lane.kind) for lane in result.words.lanes],
        "words": _bytes(result.encoded_words()),
        "h": [
            _hex(lane.h(header.domain, index or 0))
            for lane, index in zip(result.words.lanes, result.words.queue_indices(), strict=True)
        ],
        "c": _hex(result.c),
        "z": _hex(result.z),
        "y": _hex(result.y),
        "beneficiary": _bytes(BENEFICIARY),
        "m": _hex(compute_m(header.domain, result.z, BENEFICIARY)),
        "old_state": _hex(header.old_state),
        "new_state": _hex(header.new_state),
        "own_anchor": _hex(header.own_anchor),
        "queue_start": header.queue_start,
        "queue_end": header.queue_end,
        "queue_fees": str(queue_fees),
        "fees_hash": _bytes(l1.fees_hash(header.fee_assets, header.fee_totals, queue_fees)),
        "withdrawal_root": _bytes(l1.withdrawal_root(withdrawals)),
        "withdrawals": [
            {
                "lane": w.lane,
                "asset": w.asset,
                "value": str(w.value),
                "recipient": f"{w.recipient:#042x}",
                "leaf": _bytes(l1.withdrawal_leaf(w)),
                "proof": [_bytes(x) for x in l1.withdrawal_proof(withdrawals, i)],
            }
            for i, w in enumerate(withdrawals)
        ],
    }


def contracts() -> object:
    """Domain, queue items, an epoch record and a withdrawal tree."""
    world, signed = scenario()
    queued = [entry for epoch in world.epochs for entry in epoch.entries if isinstance(entry, Queued)]
    items = []
    for queue_item in [l1.deposit_item(q.deposit, SENDER, q.ciphertext) for q in queued[:2]] + [
        l1.forced_item(signed["forced"].transaction, SENDER, b"forced transaction data")
    ]:
        items.append(
            {
                "item_kind": int(queue_item.kind),
                "link": _hex(queue_item.link),
                "asset": str(queue_item.asset),
                "value": str(queue_item.value),
                "recipient": f"{queue_item.recipient:#042x}",
                "tail": _bytes(queue_item.tail),
                "digest": f"{queue_item.digest():#056x}",
                "block": 123_456,
                "slot": f"{queue_item.slot(123_456):#066x}",
            }
        )
    result, header = world.epochs[1].result, world.epochs[1].result.words.header
    parent = l1.genesis_record(1)
    record = l1.EpochRecord(
        id=header.epoch_id,
        parent=parent.hash(),
        proposer=SENDER,
        fee_recipient=BENEFICIARY,
        verifier=VERIFIER,
        data_mode=0,
        commit_block=1_021,
        deadline=1_621,
        bond=10**18,
        timestamp_block=header.now,
        queue_end=header.queue_end,
        c=result.c,
        z=result.z,
        y=result.y,
        y_data=0,
        new_state=header.new_state,
        own_anchor=header.own_anchor,
        withdrawal_root=l1.withdrawal_root(result.withdrawals),
        fees_hash=l1.fees_hash(header.fee_assets, header.fee_totals),
    )
    in_blob = replace(record, data_mode=1, y_data=LARGE_Y_DATA)
    many = [Withdrawal(lane, 1 + lane % 2, 10**lane, RECIPIENT + lane) for lane in range(5)]
    return {
        "chain_id": CHAIN_ID,
        "rollup": _bytes(ROLLUP),
        "domain": byte_word_to_json(to_byte_word(_domain())),
        "sender": _bytes(SENDER),
        "deposit_ciphertexts": [_bytes(q.ciphertext) for q in queued[:2]],
        "forced_data": _bytes(b"forced transaction data"),
        "queue_items": items,
        "epoch_record": {"encoded": _bytes(record.encode()), "hash": _bytes(record.hash())},
        "epoch_record_with_blob": {"encoded": _bytes(in_blob.encode()), "hash": _bytes(in_blob.hash())},
        "withdrawal_trees": [
            {
                "count": count,
                "root": _bytes(l1.withdrawal_root(many[:count])),
                "leaves": [_bytes(l1.withdrawal_leaf(w)) for w in many[:count]],
                "proofs": [[_bytes(x) for x in l1.withdrawal_proof(many[:count], i)] for i in range(count)],
            }
            for count in range(6)
        ],
        "withdrawals": [
            {"lane": w.lane, "asset": w.asset, "value": str(w.value), "recipient": f"{w.recipient:#042x}"}
            for w in many
        ],
    }


def _transfer(name: str) -> Callable[[], object]:
    return lambda: scenario()[1][name].witness()


def _rollup(number: int) -> Callable[[], object]:
    return lambda: scenario()[0].epochs[number].result.witness(BENEFICIARY)


FILES: Mapping[str, Callable[[], object]] = {
    "poseidon2": poseidon2,
    "hash": hashes,
    "genesis": genesis_state,
    "keys": key_derivation,
    "eddsa": eddsa,
    "notes": note_values,
    "address": addresses,
    "viewing-keys": viewing_keys,
    "ciphertext": ciphertexts,
    "transaction": transactions,
    "epoch": epochs,
    "blobs": blobs,
    "l1": contracts,
    "forced": lambda: forced_transactions(scenario()[1]["forced"].transaction, SENDER),
    **{
        f"transfer-{name}": _transfer(name)
        for name in ("transfer", "chained", "account", "forced", "withdrawal")
    },
    "exit": lambda: exits.requests(_domain()),
    "exit-absent": lambda: exits.witness_of(scenario()[0], present=False),
    "exit-present": lambda: exits.witness_of(scenario()[0], present=True),
    "rollup-4-deposits": _rollup(0),
    "rollup-4-mixed": _rollup(1),
    "rollup-4-skipped": _rollup(2),
    "rollup-16-mixed": lambda: mixed().result.witness(BENEFICIARY),
    "rollup-16-blob": lambda: in_blob().witness(BENEFICIARY),
}
"""Name of each file and what makes its content."""
