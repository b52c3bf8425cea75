"""Starts a node, checks that everything fits together, runs its loops, and stops it in order."""

import asyncio
import contextlib
import time
from functools import partial

import structlog
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from sotto import crypto
from sotto.l1.blobs import BlobReader
from sotto.l1.bridge import BridgeContract
from sotto.l1.connection import connect
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.deployment import read_deployment
from sotto.l1.errors import WrongChain
from sotto.l1.history import History
from sotto.l1.queue import L1QueueContract
from sotto.l1.rollup import RollupContract
from sotto.l1.sender import Sender
from sotto.l1.sources import open_blobs
from sotto.l1.verifier import VerifierContract
from sotto.node.admission import Policy
from sotto.node.api import create_api
from sotto.node.chain import Chain
from sotto.node.config import NodeConfig
from sotto.node.core import Core
from sotto.node.errors import ConfigInvalid, KeysMismatch, first_failure
from sotto.node.events import Feed
from sotto.node.following import Following
from sotto.node.heights import HeightFile
from sotto.node.limits import Limits
from sotto.node.mempool import Mempool
from sotto.node.metrics import Metrics
from sotto.node.proofs import ProofVerifier
from sotto.node.proving import Proving
from sotto.node.queries import Queries
from sotto.node.rebuild import rebuild
from sotto.node.sequencer import Sequencer
from sotto.node.servers import HttpServer, create_telemetry
from sotto.node.settlement import open_layouts
from sotto.node.snapshots import Snapshots, snapshot_folder
from sotto.node.store import Store
from sotto.node.submitter import Submitter
from sotto.protocol import kzg
from sotto.protocol.l1 import compute_domain
from sotto.protocol.words import DataMode, Layout
from sotto.prover.cluster import ClusterProver, RemoteScheduler

log = structlog.get_logger(category="node")

KEYS_REPORT_SECONDS = 1.5
GWEI = 10**9


class Node:
    """One node. `run` starts it and returns after `stop`.

    Attributes:
        ready: set when the API answers and the state equals L1's.
        url: where the API listens, once ready.
    """

    def __init__(self, config: NodeConfig) -> None:
        self.config = config
        self.ready = asyncio.Event()
        self.url = ""
        self._stop = asyncio.Event()
        self._deployment = read_deployment(config.deployment)
        self._web3 = connect(config.l1_url)
        self._rollup = RollupContract(self._web3, self._deployment.address("Rollup"))
        self._queue = L1QueueContract(self._web3, self._deployment.address("L1Queue"))
        start = min(self._deployment.block("Rollup"), self._deployment.block("L1Queue"))
        self._start = start
        self._following = Following(self._web3, self._rollup, self._queue, start, config.poll_interval)

    def stop(self) -> None:
        """Let `run` end in order; what is unfinished goes on at the next start."""
        self._stop.set()

    async def run(self) -> None:
        """Run until `stop`. Raises errors of this package and of sotto.l1 when the node must not go on."""
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self._web3.provider.disconnect)
            crypto.install_hash_backend()
            # First, as the one thing that an operator may have to type.
            account = await asyncio.to_thread(self.config.account)
            verifiers = await self._check_deployment()
            blobs = await stack.enter_async_context(self._open_blobs())
            await self._check_keys(verifiers)
            layouts = await self._open_layouts(verifiers)
            if self.config.data == "blob":
                await asyncio.to_thread(kzg.prepare)
            prover = self._prover(layouts)
            stack.push_async_callback(prover.close)
            store = self._open_store()
            stack.callback(store.close)
            await self._run(store, prover, verifiers, layouts, account, blobs)
        log.info("stopped")

    async def _run(
        self,
        store: Store,
        prover: ClusterProver,
        verifiers: dict[Layout, ChecksumAddress],
        layouts: tuple[Layout, ...],
        account: LocalAccount,
        blobs: BlobReader,
    ) -> None:
        config, metrics = self.config, Metrics()
        recipient = to_checksum_address(config.fee_recipient or account.address)
        snapshots = self._snapshots()
        ledger, results = await store.run(rebuild, store, snapshots)
        core = Core(store, await self._policy(layouts), layouts, ledger, results)
        await core.restore()
        chain = Chain(core, self._rollup, snapshots, blobs, bytes.fromhex(account.address[2:]))
        proofs, feed = ProofVerifier(metrics), Feed(store)
        mempool = Mempool(core, proofs, metrics, config.pool_size)
        queries = Queries(core, mempool, self._deployment, metrics, feed)
        sender = Sender(
            self._web3,
            account,
            gas_margin=config.gas_margin,
            max_fee=_wei(config.max_fee_gwei),
            max_blob_fee=_wei(config.max_blob_fee_gwei),
            poll_seconds=config.poll_interval,
        )
        sequencer = Sequencer(core, config, metrics)
        proving = Proving(core, config, prover, bytes.fromhex(recipient[2:]), metrics)
        submitter = Submitter(core, config, self._rollup, sender, verifiers, recipient, metrics)

        await self._following.catch_up(core, chain)
        await chain.check()
        queries.set_ready(None)
        server = self._server(queries)
        telemetry = HttpServer(create_telemetry(queries), config.telemetry_host, config.telemetry_port or 0)
        loops = [
            self._following.run(core, chain, queries.set_ready),
            proofs.run(),
            mempool.run(),
            feed.run(),
            sequencer.run(),
            prover.run(),
            proving.run(),
            submitter.run(),
        ]
        if config.block_height_file is not None:
            loops.append(HeightFile(config.block_height_file, store).run())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(loop) for loop in loops]
                if config.telemetry_port is not None:
                    await telemetry.start(group)
                self.url = await server.start(group)
                self.ready.set()
                log.info("ready", url=self.url)
                await self._stop.wait()
                await asyncio.gather(server.stop(), telemetry.stop())
                for task in tasks:
                    task.cancel()
        except* Exception as failures:
            self._stop.set()
            raise first_failure(failures) from None

    async def _check_deployment(self) -> dict[Layout, ChecksumAddress]:
        """Compare file, chain and contracts. Returns the verifiers, ascending."""
        deployment = self._deployment
        try:
            chain_id = await self._web3.eth.chain_id
        except TRANSPORT_ERRORS as error:
            raise translate(error) from error
        if chain_id != deployment.chain_id:
            raise WrongChain(f"L1 is chain {chain_id}, the deployment is on {deployment.chain_id}")
        self.config.check_fees(chain_id)
        self.config.check_key(chain_id)
        bridge = BridgeContract(self._web3, deployment.address("Bridge"))
        for contract in (self._rollup, self._queue, bridge):
            await contract.check_code()
        domain = compute_domain(chain_id, bytes.fromhex(self._rollup.address[2:]))
        if await self._rollup.domain() != domain:
            raise ConfigInvalid("the rollup computes another domain: is the node of the same version?")
        if self.config.settlement == "split" and await self._rollup.proposer_policy() is None:
            raise ConfigInvalid("settlement is split, but the rollup has no proposer policy: use joint")
        on_chain = await self._rollup.verifiers()
        verifiers = {
            layout: address
            for layout, address in deployment.verifiers().items()
            if on_chain.get(address) == layout
        }
        if not verifiers:
            raise ConfigInvalid("the deployment file names no verifier that the rollup has")
        if self.config.data == "blob" and all(each.data_mode == DataMode.CALLDATA for each in verifiers):
            raise ConfigInvalid("data is blob, but the rollup has no verifier for blobs: use calldata")
        unlisted = set(self.config.fees) - {asset.asset for asset in deployment.assets}
        if unlisted:
            raise ConfigInvalid(f"fees: the deployment does not list {sorted(unlisted)}")
        return verifiers

    async def _open_layouts(self, verifiers: dict[Layout, ChecksumAddress]) -> tuple[Layout, ...]:
        """What the owner has not closed and the settings want, ascending. Raises ConfigInvalid."""
        layouts = await open_layouts(self._rollup, verifiers, self.config.data)
        if not layouts:
            raise ConfigInvalid("the deployment file names no verifier that is open to new epochs")
        if self.config.data == "blob" and all(each.data_mode == DataMode.CALLDATA for each in layouts):
            log.warning("no verifier for blobs is open, so data goes to calldata")
        return layouts

    def _open_blobs(self) -> contextlib.AbstractAsyncContextManager[BlobReader]:
        address = bytes.fromhex(self._rollup.address[2:])
        domain = compute_domain(self._deployment.chain_id, address)
        history = partial(History.open, self._web3, address)
        return open_blobs(self.config.blobs(), [self._web3], domain, history, self._start)

    async def _check_keys(self, verifiers: dict[Layout, ChecksumAddress]) -> None:
        transfer = await _circuit_hash("transfer")
        for layout, address in verifiers.items():
            expected = await VerifierContract(self._web3, address).circuit_hashes()
            if expected != (transfer, await _circuit_hash(layout.circuit)):
                raise KeysMismatch(f"the verifier of {layout.circuit} at {address} has other keys")

    def _prover(self, layouts: tuple[Layout, ...]) -> ClusterProver:
        config, remote = self.config, None
        if config.prover_scheduler is not None:
            files = (config.prover_tls_ca, config.prover_tls_cert, config.prover_tls_key)
            remote = RemoteScheduler(config.prover_scheduler, *files)
        return ClusterProver(
            [layout.circuit for layout in layouts],
            workers=config.prover_workers,
            attempts=config.prover_attempts,
            timeout=config.prover_timeout,
            remote=remote,
        )

    def _identity(self) -> dict[str, str]:
        deployment = self._deployment
        return {"chain_id": str(deployment.chain_id), "rollup": deployment.address("Rollup")}

    def _open_store(self) -> Store:
        return Store(self.config.database, self._identity())

    def _snapshots(self) -> Snapshots | None:
        folder = snapshot_folder(self.config.database, self.config.snapshots)
        return None if folder is None else Snapshots(folder, self._identity())

    async def _policy(self, layouts: tuple[Layout, ...]) -> Policy:
        config, deployment = self.config, self._deployment
        parameters = await self._rollup.parameters()
        return Policy(
            domain=await self._rollup.domain(),
            fees=config.fees,
            assets={asset.asset for asset in deployment.assets},
            expiry_margin=config.expiry_margin,
            anchor_life=parameters.anchor_life,
            anchor_margin=min(config.anchor_margin, parameters.anchor_life // 2),
            overdue_age=max(0, parameters.forced_deadline - parameters.clock_window),
            max_lanes=layouts[-1].lanes,
            clock_window=parameters.clock_window,
        )

    def _server(self, queries: Queries) -> HttpServer:
        config = self.config
        api = create_api(queries, self._limits())
        # A client of the stream of events has nothing to say.
        return HttpServer(api, config.host, config.port, ws_max_size=1024, ws_max_queue=2)

    def _limits(self) -> Limits:
        config = self.config
        return Limits(config.body_bytes, config.requests_per_minute, config.submissions_per_minute)


def _wei(gwei: float | None) -> int | None:
    return None if gwei is None else int(gwei * GWEI)


async def _circuit_hash(circuit: str) -> bytes:
    """Hash of the circuit that this node verifies by, 32 bytes. Without keys in the cache it makes them."""
    begun = time.monotonic()
    loading = asyncio.create_task(asyncio.to_thread(crypto.prepare_verifying_key, circuit))
    while not (await asyncio.wait({loading}, timeout=KEYS_REPORT_SECONDS))[0]:
        log.info("preparing keys", circuit=circuit, seconds=round(time.monotonic() - begun))
    return await loading
