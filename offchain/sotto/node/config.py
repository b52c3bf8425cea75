"""Settings of the node: flags before environment (`SOTTO_...`) before file (TOML) before defaults."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from eth_account import Account
from eth_account.signers.local import LocalAccount
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sotto.node.errors import ConfigInvalid, FeesMissing

LOCAL_CHAINS = (1337, 31337)
"""Chain ids of development networks."""

Seconds = Annotated[float, Field(ge=0)]


class _FileSource(PydanticBaseSettingsSource):
    """Values of the TOML file that the caller named."""

    values: dict[str, Any]

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self.values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        return self.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self.values


class NodeConfig(BaseSettings):
    """Settings of one node. Times are in seconds, ages in L1 blocks, amounts in the asset's smallest unit."""

    model_config = SettingsConfigDict(env_prefix="SOTTO_", extra="forbid", frozen=True)

    l1_url: str = Field("http://127.0.0.1:8545", description="JSON-RPC of the L1 node")
    deployment: Path = Field(description="deployments/<chain id>.json")
    database: str = Field(
        "sqlite:///sotto.db", description="SQLAlchemy URL; postgresql+psycopg://... works too"
    )
    host: str = Field("127.0.0.1", description="address that the API listens on")
    port: int = Field(8600, ge=0, le=65535)

    proposer_key: SecretStr | None = Field(None, description="0x hex private key of the account that pays L1")
    proposer_key_file: Path | None = Field(None, description="file with that key, in place of proposer_key")
    fee_recipient: str | None = Field(None, description="L1 address for fees; the proposer's if not set")

    fees: dict[int, int] = Field({}, description="fee of a transaction by asset; at most 8 rows, none: free")
    allow_free: bool = Field(
        False, description="take transactions without fees also on a chain that is not local"
    )
    epoch_wait: Seconds = Field(
        2.0, description="an epoch closes this long after its first transaction, or when full"
    )
    confirmations: int = Field(0, ge=0, description="L1 blocks above a deposit before an epoch takes it")
    expiry_margin: int = Field(
        5, ge=0, description="a transaction must be valid for this many L1 blocks more"
    )
    anchor_margin: int = Field(20, ge=0, description="an anchor must live for this many L1 blocks more")
    epochs_in_flight: int = Field(2, ge=1, le=8, description="epochs that may be unconfirmed at once")

    poll_interval: Seconds = Field(0.5, description="pause between two looks at L1")
    gas_margin: float = Field(1.25, ge=1, le=3, description="factor on estimated gas")
    resend_after: Seconds = Field(
        60.0, description="a transaction stuck this long is sent again with higher fees"
    )
    retry_wait: Seconds = Field(
        2.0, description="pause after a failed epoch, doubled each time up to a minute"
    )

    pool_size: int = Field(10_000, ge=1, description="transactions waiting at most")
    requests_per_minute: int = Field(600, ge=1, description="per client address")
    body_bytes: int = Field(1 << 20, ge=4096, description="largest request body")
    prover_workers: int = Field(1, ge=1, le=64)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Leave out .env files, which are read by surprise, and secrets folders."""
        return init_settings, env_settings

    def check_fees(self, chain_id: int) -> None:
        """Raise FeesMissing if a chain that is not local would get free transactions by oversight."""
        if not self.fees and not self.allow_free and chain_id not in LOCAL_CHAINS:
            raise FeesMissing(f"no fees are set, and chain {chain_id} is not local")

    def account(self) -> LocalAccount:
        """The proposer's account. Raises ConfigInvalid."""
        if (self.proposer_key is None) == (self.proposer_key_file is None):
            raise ConfigInvalid("set exactly one of proposer_key and proposer_key_file")
        try:
            if self.proposer_key is not None:
                key = self.proposer_key.get_secret_value()
            else:
                assert self.proposer_key_file is not None
                key = self.proposer_key_file.read_text().strip()
            account: LocalAccount = Account.from_key(key)
        except OSError as error:
            raise ConfigInvalid(f"{self.proposer_key_file} cannot be read: {error.strerror}") from error
        except ValueError as error:
            # The library's message may repeat the key.
            raise ConfigInvalid("the proposer's key is not 0x and 64 hex digits") from error.with_traceback(
                None
            )
        return account


def load_config(file: Path | None = None, **flags: Any) -> NodeConfig:
    """Read the settings.

    Args:
        file: TOML with the names of NodeConfig's fields.
        flags: settings given on the command line; None means not given.

    Raises ConfigInvalid with every mistake found.
    """
    values: dict[str, Any] = {}
    if file is not None:
        try:
            values = tomllib.loads(file.read_text())
        except OSError as error:
            raise ConfigInvalid(f"{file} cannot be read: {error.strerror}") from error
        except tomllib.TOMLDecodeError as error:
            raise ConfigInvalid(f"{file} is not TOML: {error}") from error

    class Layered(NodeConfig):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, _FileSource(settings_cls, values)

    try:
        return Layered(**{name: value for name, value in flags.items() if value is not None})
    except ValidationError as error:
        causes = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors(include_input=False)
        )
        raise ConfigInvalid(causes) from None
