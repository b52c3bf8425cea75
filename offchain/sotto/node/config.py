"""Settings of the node: flags before environment before file (TOML) before defaults.

The environment has each setting as `SOTTO_<NAME>`, and some also by the plain names that hosts and containers
use. Where each value came from is kept, so that an operator can see it.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from eth_utils.address import is_address, to_checksum_address
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from sotto.l1.blob_settings import BlobSettings, check_base
from sotto.node import keystore
from sotto.node.errors import ConfigInvalid, FeesMissing, PlainKeyRefused
from sotto.node.logs import Category

LOCAL_CHAINS = (1337, 31337)
"""Chain ids of development networks."""

PREFIX: Final = "SOTTO_"

PLAIN_NAMES: Final = {
    "DATABASE_URL": "database",
    "RPC_SERVER_PORT": "port",
    "TELEMETRY_PORT": "telemetry_port",
    "BLOCK_HEIGHT_FILE": "block_height_file",
}
"""Settings by names that other programs use, too; `SOTTO_<NAME>` goes before them."""

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
MOST_FEES: Final = 8
HIDDEN: Final = "********"


def _database_url(url: str) -> str:
    # Platforms hand out URLs without a driver, which SQLAlchemy would take for one that is not installed.
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _address(text: str) -> ChecksumAddress:
    if not is_address(text):
        raise ValueError("is no address")
    return to_checksum_address(text)


def _pairs(value: Any) -> Any:
    """Also from text, as flags and the environment have it: JSON, or pairs as in `1=100000,2=5`."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("{"):
        return json.loads(value)
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    return {name.strip(): amount.strip() for name, _, amount in pairs}


def _items(value: Any) -> Any:
    """Also from text, as flags and the environment have it: with commas."""
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


Level = Literal["debug", "info", "warning", "error"]
LogLevels = Annotated[dict[Category, Level], NoDecode, BeforeValidator(_pairs)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
BaseUrls = Annotated[
    tuple[Annotated[str, AfterValidator(check_base)], ...], NoDecode, BeforeValidator(_items)
]
Files = Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_items)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Address = Annotated[str, AfterValidator(_address)]
Fees = Annotated[
    dict[Annotated[int, Field(gt=0, lt=2**64)], Annotated[int, Field(ge=0, lt=2**120)]],
    NoDecode,
    BeforeValidator(_pairs),
]


class NodeConfig(BaseSettings):
    """Settings of one node. Times are in seconds, ages in L1 blocks, amounts in the asset's smallest unit.

    Create it with `load_config`; the class itself takes values from its arguments alone.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

    l1_url: str = Field("http://127.0.0.1:8545", description="JSON-RPC of the L1 node")
    deployment: Path = Field(description="deployments/<chain id>.json")
    database: DatabaseUrl = Field("sqlite:///sotto.db", description="SQLAlchemy URL of SQLite or PostgreSQL")
    snapshots: Path | None = Field(
        None, description="folder for copies of the state; beside an SQLite database if not set, else none"
    )
    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8600, ge=0, le=65535, description="port of the API; 0: any free one")
    telemetry_host: str = Field("127.0.0.1", description="address that metrics and health listen on")
    telemetry_port: int | None = Field(
        None, ge=0, le=65535, description="port for metrics and health alone; else they are on the API's only"
    )
    block_height_file: Path | None = Field(
        None, description="file that gets the height of the last block, replaced whole at each block"
    )

    beacon: BaseUrls = Field(
        (), description="beacon APIs that are asked for blobs of other proposers' epochs, before the L1 node"
    )
    blob_node: BaseUrls = Field((), description="nodes of Sotto that are asked for what L1 keeps no longer")
    archive_file: Files = Field(
        (), description="files of `sotto node archive export`, for what nobody else has any more"
    )

    proposer_keystore: Path | None = Field(
        None, description="encrypted key of the account that pays L1 (`sotto node keys new`)"
    )
    proposer_password_file: Path | None = Field(None, description="file with the keystore's password")
    proposer_password: SecretStr | None = Field(
        None, description="that password, where a file cannot be had; else it is asked for"
    )
    proposer_key: SecretStr | None = Field(
        None, description="0x hex private key in place of a keystore; for local chains"
    )
    proposer_key_file: Path | None = Field(None, description="file with that key; for local chains")
    allow_plain_key: bool = Field(
        False, description="take a key that is not encrypted also on a chain that is not local"
    )
    fee_recipient: Address | None = Field(None, description="L1 address for fees; the proposer's if not set")

    fees: Fees = Field(
        {}, max_length=MOST_FEES, description="fee of a transaction by asset, at most 8 rows; none: free"
    )
    allow_free: bool = Field(
        False, description="take transactions without fees also on a chain that is not local"
    )
    block_interval: Seconds = Field(
        0.3, description="at most one block in this time; what is in one is soft-final"
    )
    epoch_wait: Seconds = Field(
        2.0, description="an epoch closes this long after its first block, or when full"
    )
    confirmations: int = Field(0, ge=0, description="L1 blocks above a deposit before an epoch takes it")
    expiry_margin: int = Field(
        5, ge=0, description="a transaction must be valid for this many L1 blocks more"
    )
    anchor_margin: int = Field(20, ge=0, description="an anchor must live for this many L1 blocks more")
    epochs_in_flight: int = Field(
        2, ge=1, le=64, description="with so many epochs unconfirmed, the next one closes only when full"
    )
    epochs_ahead: int = Field(8, ge=1, le=64, description="epochs that may be unconfirmed at once")
    settlement: Literal["joint", "split"] = Field(
        "joint",
        description="joint: commit and proof in one L1 transaction; split: commit at once, and prove later,"
        " which needs a proposer policy that lets this node commit",
    )
    data: Literal["calldata", "blob"] = Field(
        "calldata",
        description="where L1 gets the data of epochs: in calldata; or, of those of 16 lanes, in a blob,"
        " which L1 keeps for some weeks only, and whose proof takes longer",
    )
    pending_epochs: int = Field(
        4, ge=1, le=64, description="epochs committed and not proven yet, at most, with split settlement"
    )

    poll_interval: Seconds = Field(0.5, description="pause between two looks at L1")
    gas_margin: float = Field(1.25, ge=1, le=3, description="factor on estimated gas")
    max_fee_gwei: float | None = Field(
        None, gt=0, description="most to be paid for a unit of gas; while L1 asks for more, epochs wait"
    )
    max_blob_fee_gwei: float | None = Field(
        None, gt=0, description="the same for a unit of blob gas, of which an epoch in a blob takes 131,072"
    )
    resend_after: Seconds = Field(
        60.0, description="a transaction stuck this long is sent again with higher fees"
    )
    retry_wait: Seconds = Field(
        2.0, description="pause after a failed epoch, doubled each time up to a minute"
    )

    pool_size: int = Field(10_000, ge=1, description="transactions waiting at most")
    requests_per_minute: int = Field(600, ge=1, description="per client address, submissions not counted")
    submissions_per_minute: int = Field(
        300, ge=1, description="per client address; a refused one counts ten times"
    )
    body_bytes: int = Field(1 << 20, ge=4096, description="largest request body")
    prover_workers: int = Field(
        1, ge=1, le=64, description="epochs proven at once; so many processes here without prover_scheduler"
    )
    prover_attempts: int = Field(3, ge=1, le=20, description="workers that one proof may lose")
    prover_timeout: float = Field(
        900.0, gt=0, description="a proof that takes longer counts as lost, and its worker is replaced"
    )
    prover_tls_ca: Path | None = Field(None, description="PEM of the authority of the prover's machines")
    prover_tls_cert: Path | None = Field(None, description="PEM of this node's certificate for them")
    prover_tls_key: Path | None = Field(None, description="PEM of that certificate's key")
    prover_scheduler: str | None = Field(
        None, description="Dask scheduler, tls://host:port, for workers on other machines"
    )

    stop_seconds: Seconds = Field(10.0, description="time to finish what is begun after SIGTERM")
    log_level: Level = Field("info", description="least level logged")
    log_levels: LogLevels = Field({}, description="levels of single categories, as in `database=debug`")
    log_format: Literal["console", "json"] = Field("console", description="text for people, or for machines")

    _origins: dict[str, str] = PrivateAttr(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments alone: `load_config` merges the other sources, and keeps where each value came from."""
        return (init_settings,)

    @field_validator("telemetry_port")
    @classmethod
    def _differs_from_port(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value and value == info.data.get("port"):
            raise ValueError("is the API's port, too")
        return value

    @field_validator("proposer_password_file", "proposer_password")
    @classmethod
    def _is_for_a_keystore(cls, value: Any, info: ValidationInfo) -> Any:
        if value is not None and info.data.get("proposer_keystore", 0) is None:
            raise ValueError("is set, but proposer_keystore is not")
        return value

    @field_validator("prover_scheduler")
    @classmethod
    def _is_protected(cls, value: str | None, info: ValidationInfo) -> str | None:
        files = [info.data.get(f"prover_tls_{name}") for name in ("ca", "cert", "key")]
        if value is None:
            if any(files):
                raise ValueError("is not set, but prover_tls_... are")
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("tls", "tcp") or not parts.hostname:
            raise ValueError("is not tls://host:port")
        if parts.scheme == "tls" and not all(files):
            raise ValueError("needs prover_tls_ca, prover_tls_cert and prover_tls_key")
        if parts.scheme == "tcp" and parts.hostname not in LOOPBACK:
            # Whoever can send to a scheduler has its machines, and the node, run any code.
            raise ValueError("must be tls:// on any other machine")
        return value

    def origin(self, name: str) -> str:
        """Where the value of a setting came from."""
        return self._origins.get(name, "default")

    def shown(self) -> dict[str, Any]:
        """All settings as JSON values, with nothing in them that must stay secret."""
        values: dict[str, Any] = self.model_dump(mode="json")
        for name in ("proposer_key", "proposer_password"):
            values[name] = None if values[name] is None else HIDDEN
        for name in ("l1_url", "database"):
            values[name] = _without_secrets(values[name])
        for name in ("beacon", "blob_node"):
            values[name] = [_without_secrets(url) for url in values[name]]
        return values

    def blobs(self) -> BlobSettings:
        """Sources of blobs beside the L1 node."""
        return BlobSettings(self.beacon, self.blob_node, self.archive_file)

    def check_fees(self, chain_id: int) -> None:
        """Raise FeesMissing if a chain that is not local would get free transactions by oversight."""
        if not self.fees and not self.allow_free and chain_id not in LOCAL_CHAINS:
            raise FeesMissing(f"no fees are set, and chain {chain_id} is not local")

    def check_key(self, chain_id: int) -> None:
        """Raise PlainKeyRefused if the key lies open where it guards money that is not play money."""
        if self.proposer_keystore is None and not self.allow_plain_key and chain_id not in LOCAL_CHAINS:
            raise PlainKeyRefused(f"the proposer's key is not encrypted, and chain {chain_id} is not local")

    def account(self) -> LocalAccount:
        """The proposer's account. Raises ConfigInvalid, KeystoreInvalid, PasswordWrong."""
        given = (self.proposer_keystore, self.proposer_key, self.proposer_key_file)
        if sum(source is not None for source in given) != 1:
            raise ConfigInvalid("set exactly one of proposer_keystore, proposer_key and proposer_key_file")
        if self.proposer_keystore is not None:
            return keystore.read(self.proposer_keystore, self._password())
        try:
            if self.proposer_key is not None:
                key = self.proposer_key.get_secret_value()
            else:
                assert self.proposer_key_file is not None
                key = self.proposer_key_file.read_text().strip()
            account: LocalAccount = Account.from_key(key)
        except OSError as error:
            raise ConfigInvalid(f"{self.proposer_key_file} cannot be read: {error.strerror}") from error
        except ValueError:
            # The library's message may repeat the key.
            raise ConfigInvalid("the proposer's key is not 0x and 64 hex digits") from None
        return account

    def _password(self) -> str:
        if (self.proposer_password is None) == (self.proposer_password_file is None):
            raise ConfigInvalid("set exactly one of proposer_password_file and proposer_password")
        if self.proposer_password is not None:
            return self.proposer_password.get_secret_value()
        assert self.proposer_password_file is not None
        try:
            return self.proposer_password_file.read_text().rstrip("\r\n")
        except OSError as error:
            raise ConfigInvalid(f"{self.proposer_password_file} cannot be read: {error.strerror}") from error


def load_config(file: Path | None = None, **flags: Any) -> NodeConfig:
    """Read the settings.

    Args:
        file: TOML with the names of NodeConfig's fields.
        flags: settings given on the command line; None means not given.

    Raises ConfigInvalid with every mistake found.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}

    def take(found: Mapping[str, Any], origin: str) -> None:
        values.update(found)
        origins.update(dict.fromkeys(found, origin))

    if file is not None:
        take(_read_file(file), f"file {file}")
    for variable, name in PLAIN_NAMES.items():
        if os.environ.get(variable):
            take({name: os.environ[variable]}, f"environment {variable}")
    environment = EnvSettingsSource(NodeConfig, env_prefix=PREFIX, env_ignore_empty=True)
    for name, value in environment().items():
        take({name: value}, f"environment {PREFIX}{name.upper()}")
    take({name: value for name, value in flags.items() if value is not None}, "command line")
    try:
        config = NodeConfig(**values)
    except ValidationError as error:
        causes = [_cause(tuple(map(str, item["loc"])), item["msg"], origins) for item in error.errors()]
        raise ConfigInvalid("; ".join(causes)) from None
    config._origins.update(origins)
    return config


def _read_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text())
    except OSError as error:
        raise ConfigInvalid(f"{file} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigInvalid(f"{file} is not TOML: {error}") from error


def _cause(location: tuple[str, ...], message: str, origins: Mapping[str, str]) -> str:
    """One mistake, without its value, which may be secret."""
    origin = origins.get(location[0])
    message = message.removeprefix("Value error, ")
    return f"{'.'.join(location)}: {message}" + (f" ({origin})" if origin else "")


def _without_secrets(url: str) -> str:
    """A URL whose password, and path and query on a web server (where providers have keys), are hidden."""
    parts = urlsplit(url)
    place = parts.netloc
    if parts.password is not None:
        user, _, host = place.rpartition("@")
        place = f"{user.partition(':')[0]}:{HIDDEN}@{host}"
    parts = parts._replace(netloc=place)
    if parts.scheme in ("http", "https", "ws", "wss"):
        if parts.path.strip("/") or parts.query:
            parts = parts._replace(path=f"/{HIDDEN}", query="", fragment="")
    elif parts.query:
        parts = parts._replace(query=HIDDEN)
    # Of `sqlite:///file`, whose host is empty, the parser's own way back would drop two slashes.
    return url if parts == urlsplit(url) else parts.geturl()
