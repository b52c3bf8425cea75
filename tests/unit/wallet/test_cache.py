"""The chain's cache: whatever happens to its files or to the process, balances and paths stay right."""

import asyncio
import contextlib
import os
import random
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.synthetic import CHAIN_ID, DOMAIN, ROLLUP, SyntheticNode

from sotto.crypto import install_hash_backend
from sotto.protocol.address import Address
from sotto.protocol.errors import TreeFull
from sotto.protocol.field import Field, encode_field
from sotto.protocol.keys import derive, seed_from_phrase
from sotto.protocol.merkle import MerkleTree, fold
from sotto.protocol.trees import NOTE_DEPTH
from sotto.wallet import Connection, Wallet, cachefile, chaincache, create_wallet, keyfile
from sotto.wallet.client import NodeClient
from sotto.wallet.errors import CacheDamaged, CacheUnwritable, WalletExists
from sotto.wallet.notetree import SEGMENT_LEAVES, SEGMENT_NODES, NoteTree

WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
PASSWORD = "pass"
WORK = 14
VIEWING = derive(seed_from_phrase(WORDS), DOMAIN).viewing
ADDRESS = Address(VIEWING.owner, VIEWING.incoming_public)
LANES = 64
EPOCHS = 20
SEGMENT_EPOCHS = SEGMENT_NODES // LANES
OWN = {3: 10, EPOCHS - 3: 200, EPOCHS - 1: 3000}
"""Amounts of own notes by the epoch that has them, less one."""
TOTAL = sum(OWN.values())

Opened = Callable[..., Awaitable[Wallet]]


def make_chain() -> SyntheticNode:
    """Two segments, the first of them full, with three notes of the wallet."""
    node = SyntheticNode()
    for epoch in range(EPOCHS):
        node.extend(LANES, ADDRESS, {5: OWN[epoch]} if epoch in OWN else None)
    return node


@pytest.fixture(scope="module")
def chain() -> SyntheticNode:
    """The chain; tests do not change it."""
    return make_chain()


async def open_at(path: Path, node: SyntheticNode, birthday: int = 0) -> Wallet:
    """The wallet at a path, made when it is not there."""
    with contextlib.suppress(WalletExists):
        create_wallet(path, PASSWORD, CHAIN_ID, ROLLUP, phrase=WORDS, birthday=birthday, work=WORK)
    node.requests.clear()
    return await Wallet.open(path, PASSWORD, Connection("http://node", transport=node.transport()))


async def check(wallet: Wallet, total: int = TOTAL) -> None:
    """Sync; balance and paths must be right."""
    await wallet.sync()
    balances = wallet.balances()
    assert (balances[1].available if balances else 0) == total
    for note in wallet._context.state.notes.values():
        assert note.node is not None
        index = 4 * note.node + note.output
        path = wallet._context.trees.note.path(index)
        assert fold(Field(note.commitment), index, path) == wallet._context.trees.note.root


def files(folder: Path) -> list[Path]:
    """The cache's files."""
    return sorted(next(folder.glob("chain-*")).iterdir())


class Segments:
    """Leaves of a tree, to give segments back."""

    def __init__(self) -> None:
        self.leaves: list[Field] = []
        self.dropped: list[int] = []

    def segment(self, number: int) -> bytes:
        """See SegmentStore."""
        wanted = self.leaves[number * SEGMENT_LEAVES : (number + 1) * SEGMENT_LEAVES]
        return b"".join(map(encode_field, wanted)).ljust(32 * SEGMENT_LEAVES, b"\0")

    def drop_segment(self, number: int) -> None:
        """See SegmentStore."""
        self.dropped.append(number)


def test_packed_tree_is_the_specified_one() -> None:
    install_hash_backend()
    draw = random.Random(5)
    expected, store = MerkleTree(NOTE_DEPTH), Segments()
    tree = NoteTree(store)
    assert tree.root == expected.root
    while tree.size < 2 * SEGMENT_LEAVES + 1000:
        count = 4 * draw.choice((4, 16, 64))
        leaves = [Field(draw.randrange(2**250)) for _ in range(draw.randrange(count + 1))]
        expected.append(leaves, count)
        before, old = tree.copy(), tree.root
        tree.append(b"".join(map(encode_field, leaves)), count)
        assert (tree.root, tree.size) == (expected.root, expected.size)
        assert before.root == old
    store.leaves = list(expected.leaves())
    full = tree.size // SEGMENT_LEAVES
    roots = b"".join(tree.segment_root(number) for number in range(full))
    tail = b"".join(map(encode_field, store.leaves[full * SEGMENT_LEAVES :]))
    restored = NoteTree.restore(roots, tail, store)
    assert (restored.root, restored.size) == (tree.root, tree.size)
    at_edges = [0, SEGMENT_LEAVES - 1, SEGMENT_LEAVES, tree.size - 1]
    for index in [*at_edges, *(draw.randrange(tree.size) for _ in range(20))]:
        assert tree.path(index) == restored.path(index) == expected.path(index)
    for outside in (-1, tree.size):
        with pytest.raises(TreeFull):
            tree.path(outside)
    store.leaves[7] = Field(1)
    with pytest.raises(CacheDamaged):
        tree.path(0)
    assert store.dropped == [0]


async def test_wallet_goes_on_where_it_was(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
    async with await open_at(tmp_path / "w", chain) as wallet:
        assert wallet.epoch == EPOCHS
        await check(wallet)
        assert "/v1/notes" not in chain.requests


async def test_second_wallet_of_a_folder_reads_what_the_first_has_fetched(
    chain: SyntheticNode, tmp_path: Path
) -> None:
    async with await open_at(tmp_path / "a", chain) as first:
        await check(first)
        async with await open_at(tmp_path / "b", chain) as second:
            await check(second)
            assert "/v1/notes" not in chain.requests
            await second.sync(rescan=True)
            assert "/v1/notes" in chain.requests
        await check(first)


async def test_lost_state_is_found_again_from_the_cache(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
    (tmp_path / "w.state").unlink()
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
        assert "/v1/notes" not in chain.requests


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("writes", range(7))
async def test_process_killed_between_any_two_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: SyntheticNode, writes: int
) -> None:
    left = writes
    write = cachefile.write_file

    def write_or_die(*arguments: object) -> None:
        nonlocal left
        if not left:
            raise Killed
        left -= 1
        write(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("sotto.wallet.ranges.MAX_EPOCHS", 6)
    monkeypatch.setattr("sotto.wallet.chaincache.write_file", write_or_die)
    async with await open_at(tmp_path / "w", chain) as wallet:
        with pytest.raises(Killed):
            await wallet.sync()
    monkeypatch.setattr("sotto.wallet.chaincache.write_file", write)
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
    async with await open_at(tmp_path / "other", chain) as wallet:
        await check(wallet)


async def test_process_killed_before_its_state_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: SyntheticNode
) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        monkeypatch.setattr("sotto.wallet.ranges.MAX_EPOCHS", 6)

        def die(_: object) -> None:
            raise Killed

        wallet._context.state_file.save = die  # type: ignore[assignment, method-assign]
        with pytest.raises(Killed):
            await wallet.sync()
    async with await open_at(tmp_path / "w", chain) as wallet:
        assert wallet.epoch == 0
        await check(wallet)


Harm = Callable[[Path, list[Path]], object]


def flip(path: Path, _others: list[Path]) -> None:
    """Change a bit in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def flip_head(path: Path, _others: list[Path]) -> None:
    """Change a bit of the root that stands at the beginning of a segment, or of the first epoch."""
    data = bytearray(path.read_bytes())
    data[60] ^= 4
    path.write_bytes(data)


HARMS: dict[str, Harm] = {
    "flipped": flip,
    "head": flip_head,
    "shorter": lambda path, _: path.write_bytes(path.read_bytes()[:-1]),
    "cut": lambda path, _: path.write_bytes(path.read_bytes()[:20]),
    "empty": lambda path, _: path.write_bytes(b""),
    "foreign": lambda path, _: path.write_bytes(b"\x89PNG" + bytes(5000)),
    "lost": lambda path, _: path.unlink(),
    "moved": lambda path, others: path.write_bytes(others[(others.index(path) + 1) % 3].read_bytes()),
}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, chain: SyntheticNode) -> Path:
    """A folder with a wallet that has read the chain; tests copy it."""
    folder = tmp_path_factory.mktemp("filled")

    async def fill() -> None:
        async with await open_at(folder / "w", chain) as wallet:
            await check(wallet)

    asyncio.run(fill())
    assert [path.name for path in files(folder)] == ["epochs-00000000", "nodes-00000000", "nodes-00000001"]
    return folder


@pytest.mark.parametrize("harm", ["flipped", "head", "lost"])
@pytest.mark.parametrize("place", range(3))
async def test_damaged_file_is_fetched_again(
    filled: Path, chain: SyntheticNode, tmp_path: Path, harm: str, place: int
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    HARMS[harm](files(tmp_path)[place], files(tmp_path))
    async with await open_at(tmp_path / "w", chain) as wallet:
        try:
            await check(wallet)
        except CacheDamaged:
            # A full segment is read when one of its notes is spent; then it is thrown away.
            assert place == 1
            await check(wallet)


def read_all(folder: Path, chain: SyntheticNode) -> int:
    """Read a cache as a wallet does; returns the epochs that it gave. All of them must be the right ones."""
    cache = chaincache.ChainCache(next(folder.glob("chain-*")), DOMAIN)
    loaded = cache.load(EPOCHS)
    if loaded.point.id:
        assert loaded.point.anchor == chain.epochs[loaded.point.id - 1].anchor
    trees, taken = cache.load(0), 0
    for epoch, entries in cache.read(1, EPOCHS):
        trees.extend(epoch, entries)
        assert len(entries) == LANES
        assert trees.point.anchor == chain.epochs[taken].anchor
        taken += 1
    for segment in range(taken * LANES // SEGMENT_NODES):
        try:
            trees.note.path(segment * SEGMENT_LEAVES)
        except CacheDamaged:
            assert cache.last < EPOCHS
    return taken


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("place", range(3))
def test_damaged_file_is_no_file(
    filled: Path, chain: SyntheticNode, tmp_path: Path, harm: str, place: int
) -> None:
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    assert read_all(tmp_path, chain) == EPOCHS
    HARMS[harm](files(tmp_path)[place], files(tmp_path))
    assert read_all(tmp_path, chain) < EPOCHS


@settings(max_examples=40, deadline=None)
@given(
    place=st.integers(0, 2), at=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7), cut=st.booleans()
)
def test_any_flipped_bit_or_cut_is_found(
    filled: Path, chain: SyntheticNode, place: int, at: float, bit: int, cut: bool
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(filled, folder, dirs_exist_ok=True)
        path = files(folder)[place]
        data = bytearray(path.read_bytes())
        offset = int(at * len(data))
        data[offset] ^= 1 << bit
        path.write_bytes(data[:offset] if cut else data)
        assert read_all(folder, chain) < EPOCHS


async def test_damage_while_the_wallet_is_open(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
        for path in files(tmp_path):
            path.unlink()
        with pytest.raises(CacheDamaged):
            await check(wallet)
        await check(wallet)


async def test_files_of_another_deployment_are_no_files(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
    foreign = chaincache.ChainCache(files(tmp_path)[0].parent, DOMAIN + 1)
    assert foreign.last == 0


async def test_another_fork_in_the_cache_is_given_up(tmp_path: Path) -> None:
    node, other = SyntheticNode(1), SyntheticNode(1)
    for _ in range(9):
        node.extend(16)
        other.extend(16)
    for _ in range(30):
        node.extend(16)
    other.extend(16, ADDRESS, {0: 77})
    for _ in range(12):
        other.extend(16)
    async with await open_at(tmp_path / "a", node) as wallet:
        await check(wallet, 0)
    async with await open_at(tmp_path / "b", other) as wallet:
        await check(wallet, 77)
        assert wallet._context.chain.last == 22
    # The first wallet follows too; that its epochs are gone from the cache does not matter.
    async with await open_at(tmp_path / "a", other) as wallet:
        await check(wallet, 77)


async def test_node_that_is_behind_costs_no_cache(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain) as wallet:
        await check(wallet)
        behind = make_chain()
        behind.epochs = behind.epochs[:5]
        wallet._context.client = NodeClient("http://node", behind.transport())
        await check(wallet, 10)
        assert wallet._context.chain.last == EPOCHS


def test_drafts_of_killed_processes_are_removed(tmp_path: Path) -> None:
    old, new = tmp_path / ".new-a", tmp_path / ".new-b"
    for draft in (old, new):
        draft.write_bytes(b"half")
    os.utime(old, (0, 0))
    chaincache.ChainCache(tmp_path, DOMAIN)
    assert not old.exists()
    assert new.exists()


async def test_unwritable_folder_has_a_name(chain: SyntheticNode, tmp_path: Path) -> None:
    (tmp_path / f"chain-{DOMAIN:062x}"[:22]).write_text("a file")
    with pytest.raises(CacheUnwritable):
        await open_at(tmp_path / "w", chain)


async def test_birthday_spares_the_search_and_not_the_checks(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain, birthday=EPOCHS - 3) as wallet:
        await check(wallet, OWN[EPOCHS - 3] + OWN[EPOCHS - 1])
        assert wallet._context.trees.point.anchor == chain.epochs[-1].anchor
        await wallet.sync(rescan=True)
        await check(wallet)
    async with await open_at(tmp_path / "w", chain) as wallet:
        assert keyfile.read(tmp_path / "w", PASSWORD).birthday == EPOCHS - 3
        await check(wallet)


async def test_birthday_in_the_future_hides_nothing(chain: SyntheticNode, tmp_path: Path) -> None:
    async with await open_at(tmp_path / "w", chain, birthday=EPOCHS + 1) as wallet:
        await check(wallet)
