"""Looks at everything that a node needs, changes nothing but the key cache, and says what to do."""

import asyncio
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from alembic.script import ScriptDirectory
from eth_utils.crypto import keccak
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from web3 import AsyncWeb3

import sotto
from sotto import crypto
from sotto.l1.blobs import BeaconBlobs, NodeBlobs
from sotto.l1.connection import connect
from sotto.l1.contract import TRANSPORT_ERRORS
from sotto.l1.deployment import Deployment, read_deployment
from sotto.l1.errors import ArchiveInvalid, BlobSourceFailed, DeploymentInvalid, L1Error
from sotto.l1.sources import archive_header
from sotto.l1.verifier import VerifierContract
from sotto.node import migrations
from sotto.node.config import LOCAL_CHAINS, NodeConfig
from sotto.node.errors import NodeError
from sotto.protocol.l1 import compute_domain
from sotto.protocol.words import DataMode

GIB: Final = 2**30
LEAST_DISK: Final = 2 * GIB
PLENTY_OF_DISK: Final = 20 * GIB
OLD_HEAD_SECONDS: Final = 300
CLOCK_SKEW_SECONDS: Final = 15
PLENTY_OF_WEI: Final = 10**17
"""0.1 ETH pays for some epochs even when gas is dear."""

TOOLS: Final = ("anvil", "solc")


class Level(StrEnum):
    """How good a finding is. A node with a failed check does not work, or not for long."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `advice` says what to do unless it is fine."""

    check: str
    level: Level
    text: str
    advice: str = ""


@dataclass
class Doctor:
    """All checks of one configuration.

    Attributes:
        report: called about once a second with what takes long.
    """

    config: NodeConfig
    report: Callable[[str], None] = field(default=lambda _: None)

    async def findings(self) -> AsyncIterator[Finding]:
        """Run all checks; one that cannot be made because of another one is left out."""
        yield check_python()
        library = check_library()
        yield library
        yield check_cache()
        if library.level is Level.OK:
            async for finding in self._keys():
                yield finding
        try:
            deployment = read_deployment(self.config.deployment)
        except DeploymentInvalid as error:
            yield Finding("deployment", Level.FAIL, str(error), "Deploy, or set `deployment`.")
        else:
            yield Finding("deployment", Level.OK, f"{self.config.deployment}: chain {deployment.chain_id}")
            async for finding in self._l1(deployment, library.level is Level.OK):
                yield finding
            yield await asyncio.to_thread(check_database, self.config.database, deployment)
        yield check_disk(self.config.database)
        for name, host, port in (
            ("port", self.config.host, self.config.port),
            ("telemetry port", self.config.telemetry_host, self.config.telemetry_port),
        ):
            if port:
                yield check_port(name, host, port)
        if self.config.prover_scheduler is not None:
            yield await asyncio.to_thread(check_scheduler, self.config)

    async def _keys(self) -> AsyncIterator[Finding]:
        for circuit in ("transfer", "rollup4", "rollup16", "rollup16blob"):
            begun = time.monotonic()
            loading = asyncio.create_task(asyncio.to_thread(crypto.prepare_verifying_key, circuit))
            while not (await asyncio.wait({loading}, timeout=1))[0]:
                self.report(f"making keys of {circuit}: {time.monotonic() - begun:.0f} s")
            try:
                digest = await loading
            except crypto.CryptoError as error:
                yield Finding(
                    f"keys {circuit}", Level.FAIL, str(error), "See `sotto keys prepare`, and SOTTO_CACHE."
                )
            else:
                yield Finding(f"keys {circuit}", Level.OK, f"circuit 0x{digest.hex()[:16]}..")

    async def _l1(self, deployment: Deployment, has_library: bool) -> AsyncIterator[Finding]:
        web3 = connect(self.config.l1_url)
        try:
            try:
                chain_id = await web3.eth.chain_id
                head = await web3.eth.get_block("latest")
            except TRANSPORT_ERRORS as error:
                yield Finding("L1", Level.FAIL, f"no answer: {type(error).__name__}", "See `l1_url`.")
                return
            if chain_id != deployment.chain_id:
                text = f"it is chain {chain_id}, the deployment is on {deployment.chain_id}"
                yield Finding("L1", Level.FAIL, text, "Set another `l1_url` or `deployment`.")
                return
            yield Finding("L1", Level.OK, f"chain {chain_id}, block {head['number']}")
            yield check_clock(head["timestamp"], time.time(), chain_id in LOCAL_CHAINS)
            yield check_policy(self.config, chain_id)
            if chain_id in LOCAL_CHAINS:
                yield check_tools()
            try:
                yield await _contracts(web3, deployment)
                if has_library:
                    yield await _verifiers(web3, deployment)
                yield await self._account(web3)
                async for finding in self._blobs(web3, deployment):
                    yield finding
            except (*TRANSPORT_ERRORS, L1Error) as error:
                yield Finding("contracts", Level.FAIL, str(error), "See `l1_url` and `deployment`.")
        finally:
            await web3.provider.disconnect()

    async def _account(self, web3: AsyncWeb3[Any]) -> Finding:
        try:
            account = await asyncio.to_thread(self.config.account)
        except NodeError as error:
            return Finding("account", Level.FAIL, str(error), error.hint or "See `sotto node keys`.")
        balance = await web3.eth.get_balance(account.address)
        text = f"{account.address} has {balance / 10**18:.4f} ETH"
        if balance == 0:
            return Finding("account", Level.FAIL, text, "Send it ETH: it pays for epochs.")
        if balance < PLENTY_OF_WEI:
            return Finding("account", Level.WARN, text, "Send it more ETH soon: it pays for epochs.")
        return Finding("account", Level.OK, text)

    async def _blobs(self, web3: AsyncWeb3[Any], deployment: Deployment) -> AsyncIterator[Finding]:
        """Whatever may have blobs, which the node needs for the epochs of other proposers."""
        named = self.config.blobs()
        domain = compute_domain(deployment.chain_id, bytes.fromhex(deployment.address("Rollup")[2:]))
        beacons = [BeaconBlobs(base, web3) for base in named.beacons]
        nodes = [NodeBlobs(base) for base in named.nodes]
        checks: list[tuple[str, Callable[[], Awaitable[str]]]] = [
            *((source.name, source.check) for source in beacons),
            *((node.name, partial(node.check, domain)) for node in nodes),
        ]
        for name, check in checks:
            try:
                yield Finding(name, Level.OK, await check())
            except BlobSourceFailed as error:
                yield Finding(name, Level.WARN, str(error), "See `beacon` and `blob_node`.")
        for path in named.archives:
            name = f"archive {path}"
            try:
                header = archive_header(path, domain)
            except ArchiveInvalid as error:
                yield Finding(name, Level.FAIL, str(error), "See `archive_file`: the node would not start.")
            else:
                yield Finding(name, Level.OK, f"epochs {header.first} to {header.last}")
        in_blobs = any(layout.data_mode is DataMode.BLOB for layout in deployment.verifiers())
        if in_blobs and not named.beacons and deployment.chain_id not in LOCAL_CHAINS:
            text = "no beacon API, and few L1 nodes give blobs themselves"
            yield Finding("blobs", Level.WARN, text, "Set `beacon`: epochs of other proposers may need it.")


def check_python() -> Finding:
    """Version of interpreter and package."""
    text = f"Python {platform.python_version()}, sotto {sotto.__version__}"
    if sys.version_info[:2] != (3, 11):
        return Finding("python", Level.FAIL, text, "Use Python 3.11.")
    return Finding("python", Level.OK, text)


def check_library() -> Finding:
    """Whether the native library loads and computes."""
    try:
        crypto.install_hash_backend()
    except crypto.CryptoError as error:
        return Finding("native library", Level.FAIL, str(error), "Run `make native`.")
    return Finding("native library", Level.OK, "loads and computes")


def check_cache() -> Finding:
    """Whether proving keys can be stored."""
    folder = Path(os.environ.get("SOTTO_CACHE") or Path.home() / ".cache" / "sotto")
    return _writable("key cache", folder, "Set SOTTO_CACHE to a folder that the node may write.")


def check_disk(database: str) -> Finding:
    """Space where the database lies."""
    folder = Path(make_url(database).database or ".").parent if database.startswith("sqlite") else Path()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    text = f"{free / GIB:.1f} GiB free in {folder.resolve()}"
    if free < LEAST_DISK:
        return Finding("disk", Level.FAIL, text, "Free some: a full disk stops the node.")
    if free < PLENTY_OF_DISK:
        return Finding("disk", Level.WARN, text, "Keep 20 GiB free for database and proving keys.")
    return Finding("disk", Level.OK, text)


def check_clock(head: float, now: float, is_local: bool) -> Finding:
    """The clock against the time of L1's last block, both in seconds since 1970."""
    text = f"L1's last block is {now - head:.0f} s old by this clock"
    if is_local:
        return Finding("clock", Level.OK, text)
    if head > now + CLOCK_SKEW_SECONDS:
        return Finding("clock", Level.FAIL, text, "The clock is late: let NTP set it.")
    if now > head + OLD_HEAD_SECONDS:
        return Finding(
            "clock", Level.WARN, text, "Either the L1 node is behind its chain, or the clock is ahead."
        )
    return Finding("clock", Level.OK, text)


def check_policy(config: NodeConfig, chain_id: int) -> Finding:
    """Whether the settings are safe for this chain."""
    try:
        config.check_fees(chain_id)
        config.check_key(chain_id)
    except NodeError as error:
        return Finding("policy", Level.FAIL, str(error), error.hint)
    if chain_id not in LOCAL_CHAINS and config.max_fee_gwei is None:
        return Finding("policy", Level.WARN, "no cap on fees", "Set `max_fee_gwei`.")
    return Finding("policy", Level.OK, "fees and key fit the chain")


def check_tools() -> Finding:
    """The programs that local chains and deployments need."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return Finding(
            "tools", Level.WARN, f"not on PATH: {', '.join(missing)}", "Source tools/env.sh to use them."
        )
    return Finding("tools", Level.OK, ", ".join(TOOLS))


def check_database(url: str, deployment: Deployment) -> Finding:
    """Whether the database answers, is of this deployment, and has a schema that this release knows."""
    name = "database"
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(parsed.database or "").exists():
        folder = Path(parsed.database or "").parent
        found = _writable(name, folder, "Set `database`, or make the folder writable.")
        return found if found.level is not Level.OK else Finding(name, Level.OK, "new: the node makes it")
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            tables = inspect(connection).get_table_names()
            schema = (
                connection.scalar(text("SELECT version_num FROM alembic_version"))
                if "alembic_version" in tables
                else None
            )
            rows: Iterable[Any] = (
                connection.execute(text("SELECT key, value FROM meta")) if "meta" in tables else ()
            )
            identity = {row[0]: row[1] for row in rows}
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or type(error).__name__).strip()
        return Finding(name, Level.FAIL, f"no answer: {cause}", "See `database`, and whether it runs.")
    finally:
        engine.dispose()
    expected = {"chain_id": str(deployment.chain_id), "rollup": deployment.address("Rollup")}
    for key, value in expected.items():
        if identity.get(key, value) != value:
            return Finding(name, Level.FAIL, f"it is of {key} {identity[key]}", "Set another `database`.")
    return _schema(name, schema)


def _schema(name: str, schema: str | None) -> Finding:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    if schema is None or schema == script.get_current_head():
        return Finding(name, Level.OK, "empty" if schema is None else f"schema {schema}")
    if schema in {revision.revision for revision in script.walk_revisions()}:
        advice = "The next start upgrades it: back it up before."
        return Finding(name, Level.WARN, f"schema {schema} is of an older release", advice)
    return Finding(name, Level.FAIL, f"schema {schema} is of a newer release", "Install that release.")


def check_port(name: str, host: str, port: int) -> Finding:
    """Whether a port can be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                name,
                Level.WARN,
                f"{host}:{port}: {error.strerror}",
                "Fine if it is this node that runs; else set another one.",
            )
    return Finding(name, Level.OK, f"{host}:{port} is free")


def check_scheduler(config: NodeConfig) -> Finding:
    """Whether the prover's scheduler takes connections, and the files for it can be read."""
    assert config.prover_scheduler is not None
    parts, name = urlsplit(config.prover_scheduler), "prover"
    for file in (config.prover_tls_ca, config.prover_tls_cert, config.prover_tls_key):
        if file is not None and not os.access(file, os.R_OK):
            return Finding(name, Level.FAIL, f"{file} cannot be read", "See prover_tls_...")
    try:
        socket.create_connection((parts.hostname or "", parts.port or 8786), timeout=5).close()
    except OSError as error:
        text = f"{config.prover_scheduler}: {error.strerror or error}"
        return Finding(name, Level.FAIL, text, "Start `dask scheduler`, or see `prover_scheduler`.")
    return Finding(name, Level.OK, f"{config.prover_scheduler} takes connections")


async def _contracts(web3: AsyncWeb3[Any], deployment: Deployment) -> Finding:
    unknown = []
    for name, contract in deployment.contracts.items():
        code = await web3.eth.get_code(contract.address)
        if not code or contract.code_hash not in (None, "0x" + keccak(code).hex()):
            text = f"{name} at {contract.address} is not what the deployment file says"
            return Finding("contracts", Level.FAIL, text, "See `deployment`: was the chain started anew?")
        if contract.code_hash is None:
            unknown.append(name)
    if unknown:
        advice = "Deploy with scripts/deploy.py, which writes them."
        return Finding("contracts", Level.WARN, f"no code hash of {', '.join(unknown)}", advice)
    return Finding("contracts", Level.OK, f"{len(deployment.contracts)} with the code that was deployed")


async def _verifiers(web3: AsyncWeb3[Any], deployment: Deployment) -> Finding:
    transfer = await asyncio.to_thread(crypto.prepare_verifying_key, "transfer")
    for layout, address in deployment.verifiers().items():
        rollup = await asyncio.to_thread(crypto.prepare_verifying_key, layout.circuit)
        if await VerifierContract(web3, address).circuit_hashes() != (transfer, rollup):
            text = f"the verifier of {layout.circuit} has keys of other circuits"
            return Finding("verifiers", Level.FAIL, text, "Use the release that was deployed.")
    return Finding("verifiers", Level.OK, "their keys are those of this release")


def _writable(name: str, folder: Path, advice: str) -> Finding:
    present = folder
    while not present.exists():
        present = present.parent
    if not os.access(present, os.W_OK | os.X_OK):
        return Finding(name, Level.FAIL, f"{folder} cannot be written", advice)
    return Finding(name, Level.OK, str(folder))
