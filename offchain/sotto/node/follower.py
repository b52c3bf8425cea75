"""A node without sequencer, prover and keys: it rebuilds everything from L1, follows it, and serves wallets.

All that it is told is an L1 endpoint and the address of the rollup. Every state that it serves is in a record
whose hash L1 holds; an epoch appears with its proof.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from web3 import AsyncWeb3

from sotto import crypto
from sotto.l1.blob_settings import BlobSettings
from sotto.l1.blobs import BlobReader
from sotto.l1.connection import connect
from sotto.l1.deployment import Deployment
from sotto.l1.discovery import discover
from sotto.l1.errors import DeploymentInvalid
from sotto.l1.history import History
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import RollupContract
from sotto.l1.sources import open_blobs
from sotto.node import logs
from sotto.node.admission import Policy
from sotto.node.api import create_api
from sotto.node.chain import Chain
from sotto.node.core import Core
from sotto.node.errors import FollowsOnly, first_failure
from sotto.node.events import Feed
from sotto.node.following import Following
from sotto.node.lifecycle import Lifecycle
from sotto.node.limits import Limits
from sotto.node.metrics import Metrics
from sotto.node.queries import Queries
from sotto.node.rebuild import rebuild
from sotto.node.servers import HttpServer
from sotto.node.snapshots import Snapshots, snapshot_folder
from sotto.node.store import Store
from sotto.protocol.accounts import Operation
from sotto.protocol.field import Field
from sotto.protocol.l1 import compute_domain
from sotto.protocol.transaction import ProvenTransaction
from sotto.protocol.words import DataMode, Layout

log = structlog.get_logger(category="node")


@dataclass(frozen=True, slots=True)
class FollowConfig:
    """Settings of a follower; those of a NodeConfig mean the same there.

    Attributes:
        rollup: address, 20 bytes.
        start_block: an L1 block no later than the creation of the contracts; None: it is searched for.
        blobs: who is asked for them beside the L1 endpoint.
    """

    l1_url: str
    rollup: bytes
    database: str
    start_block: int | None = None
    host: str = "127.0.0.1"
    port: int = 8600
    snapshots: Path | None = None
    poll_interval: float = 0.5
    requests_per_minute: int = 600
    stop_seconds: float = 10.0
    log_level: str = "info"
    log_format: str = "console"
    blobs: BlobSettings = field(default_factory=BlobSettings)


class NoMempool:
    """Takes no transactions."""

    async def admit(
        self,
        proven: Sequence[ProvenTransaction],
        operations: Sequence[Operation],
        attachments: Mapping[Field, bytes] | None = None,
    ) -> list[Field]:
        """Raise FollowsOnly."""
        raise FollowsOnly("this node has no sequencer: it rebuilds and serves what L1 has")


@dataclass(frozen=True, slots=True)
class Followed:
    """What a follower has of its rollup, as long as it is open.

    Attributes:
        core: in step with L1 after each `following.catch_up(core, chain)`.
        blobs: has the data words that L1 has, or had, in blobs.
    """

    web3: AsyncWeb3[Any]
    deployment: Deployment
    rollup: RollupContract
    core: Core
    chain: Chain
    following: Following
    blobs: BlobReader


@contextlib.asynccontextmanager
async def follow(config: FollowConfig) -> Any:
    """Open a database, find the rollup, and yield what has been followed before, a Followed.

    Raises DeploymentInvalid, L1Unavailable, ArchiveInvalid, StoreUnusable, StateDiverged.
    """
    crypto.install_hash_backend()
    async with contextlib.AsyncExitStack() as stack:
        web3 = connect(config.l1_url)
        stack.push_async_callback(web3.provider.disconnect)
        deployment = await discover(web3, config.rollup, config.start_block)
        rollup = RollupContract(web3, deployment.address("Rollup"))
        queue = L1QueueContract(web3, deployment.address("L1Queue"))
        start = deployment.block("L1Queue")
        domain = compute_domain(deployment.chain_id, config.rollup)
        history = partial(History.open, web3, config.rollup)
        opening = open_blobs(config.blobs, [web3], domain, history, start)
        blobs = await stack.enter_async_context(opening)
        identity = {"chain_id": str(deployment.chain_id), "rollup": rollup.address}
        store = Store(config.database, identity)
        stack.callback(store.close)
        folder = snapshot_folder(config.database, config.snapshots)
        snapshots = None if folder is None else Snapshots(folder, identity)
        ledger, results = await store.run(rebuild, store, snapshots)
        policy = await _policy(deployment, rollup)
        core = Core(store, policy, _layouts(deployment), ledger, results)
        chain = Chain(core, rollup, snapshots, blobs)
        following = Following(web3, rollup, queue, start, config.poll_interval)
        yield Followed(web3, deployment, rollup, core, chain, following, blobs)


async def _policy(deployment: Deployment, rollup: RollupContract) -> Policy:
    parameters = await rollup.parameters()
    domain = compute_domain(deployment.chain_id, bytes.fromhex(rollup.address[2:]))
    if await rollup.domain() != domain:
        raise DeploymentInvalid(f"{rollup.address} computes another domain: it is of another version")
    return Policy(
        domain=domain,
        fees={},
        assets={asset.asset for asset in deployment.assets},
        expiry_margin=0,
        anchor_life=parameters.anchor_life,
        anchor_margin=0,
        overdue_age=parameters.forced_deadline,
        max_lanes=_layouts(deployment)[-1].lanes,
        clock_window=parameters.clock_window,
    )


def _layouts(deployment: Deployment) -> tuple[Layout, ...]:
    return tuple(layout for layout in deployment.verifiers() if layout.data_mode == DataMode.CALLDATA)


class Follower:
    """One follower. `run` starts it and returns after `stop`; `ready` and `url` are as those of a Node."""

    def __init__(self, config: FollowConfig) -> None:
        self.config = config
        self.ready = asyncio.Event()
        self.url = ""
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Let `run` end in order."""
        self._stop.set()

    async def run(self) -> None:
        """Run until `stop`. Raises errors of this package and of sotto.l1 when it must not go on."""
        config = self.config
        async with follow(config) as followed:
            core, chain, following = followed.core, followed.chain, followed.following
            feed = Feed(core.store)
            queries = Queries(core, NoMempool(), followed.deployment, Metrics(), feed)
            await following.catch_up(core, chain)
            await chain.check()
            log.info("rebuilt", epoch=core.ledger.confirmed_id, l1_block=core.l1_block)
            queries.set_ready(None)
            limits = Limits(4096, config.requests_per_minute, 60)
            server = HttpServer(
                create_api(queries, limits), config.host, config.port, ws_max_size=1024, ws_max_queue=2
            )
            try:
                async with asyncio.TaskGroup() as group:
                    tasks = [
                        group.create_task(following.run(core, chain, queries.set_ready)),
                        group.create_task(feed.run()),
                    ]
                    self.url = await server.start(group)
                    self.ready.set()
                    log.info("ready", url=self.url)
                    await self._stop.wait()
                    await server.stop()
                    for task in tasks:
                        task.cancel()
            except* Exception as failures:
                self._stop.set()
                raise first_failure(failures) from None
        log.info("stopped")


def run(config: FollowConfig) -> None:
    """Run a follower in this process until SIGTERM or SIGINT. Raises what ends it else."""
    logs.configure(config.log_level, config.log_format, {})
    asyncio.run(Lifecycle(Follower(config), config.stop_seconds).run())
