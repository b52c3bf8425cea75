"""Where wallets lie and which networks they use: names instead of paths and addresses.

Wallet files are `wallets/NAME.json` in the platform's folder for data, choices are in `profile.json` in its
folder for configuration; SOTTO_HOME puts both into one folder.
"""

import os
import re
from pathlib import Path
from typing import Final

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sotto.wallet.errors import NetworkUnknown, ProfileInvalid, WalletNameInvalid, WalletNotFound
from sotto.wallet.files import write_atomically

HOME_VARIABLE: Final = "SOTTO_HOME"
DEFAULT_NAME: Final = "default"
DEFAULT_NODE: Final = "http://127.0.0.1:8600"

_FIRST_PLACE: Final = Path(".sotto") / "wallet.json"
"""In the user's folder: the only wallet of the first release."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Network(_Model):
    """How a deployment is reached: base address of a node's API, and JSON-RPC of L1 or None."""

    node: str
    l1: str | None = None


class Profile(_Model):
    """What the user has chosen.

    Attributes:
        wallet, network: used by commands that name none.
        networks: by name.
        wallets: network of each wallet that was made for one, by the wallet's name.
    """

    wallet: str | None = None
    network: str | None = None
    networks: dict[str, Network] = Field(default_factory=dict)
    wallets: dict[str, str] = Field(default_factory=dict)


def load_profile() -> Profile:
    """The stored choices. Raises ProfileInvalid."""
    path = _profile_path()
    try:
        return Profile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Profile()
    except (OSError, ValidationError) as error:
        raise ProfileInvalid(f"{path}: {str(error)[:300]}") from error


def save_profile(profile: Profile) -> None:
    """Store the choices."""
    path = _profile_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_atomically(path, profile.model_dump_json(indent=1).encode() + b"\n")


def wallet_path(text: str | None) -> Path:
    """The file of a wallet: of its name, or the path itself; without either the chosen or the first one.

    What has no character but letters, digits, - and _ is a name, unless a file of this name is in the working
    folder. Raises ProfileInvalid.
    """
    if text is not None:
        return path_of(text) if is_name(text) and not Path(text).is_file() else Path(text)
    chosen = load_profile().wallet
    if chosen is not None:
        return path_of(chosen)
    first = Path.home() / _FIRST_PLACE
    return first if first.is_file() and HOME_VARIABLE not in os.environ else path_of(DEFAULT_NAME)


def is_name(text: str) -> bool:
    """Whether a text can be the name of a wallet or network."""
    return _NAME.fullmatch(text) is not None


def path_of(name: str) -> Path:
    """The file of the wallet of a name."""
    return _data_folder() / "wallets" / f"{name}.json"


def name_of(path: Path) -> str | None:
    """Inverse of `path_of`, None for files elsewhere."""
    name = path.name.removesuffix(".json")
    return name if is_name(name) and path == path_of(name) else None


def wallet_names() -> list[str]:
    """The wallets that have a name."""
    files = (_data_folder() / "wallets").glob("*.json")
    return sorted(name for file in files if (name := name_of(file)) is not None)


def use_wallet(name: str) -> None:
    """Make a wallet the one that commands take. Raises WalletNotFound, ProfileInvalid."""
    if name not in wallet_names():
        raise WalletNotFound(f"no wallet is called {name[:40]!r}")
    profile = load_profile()
    profile.wallet = name
    save_profile(profile)


def bind_wallet(path: Path, network: str | None) -> None:
    """Remember the network for which a new wallet was made. Raises ProfileInvalid."""
    name = name_of(path)
    profile = load_profile()
    chosen = network or profile.network
    if name is not None and chosen is not None:
        profile.wallets[name] = chosen
        save_profile(profile)


def network_of(path: Path | None, network: str | None) -> Network:
    """The network of a name; without one that of a wallet file, the chosen one, or a node on this machine.

    Raises NetworkUnknown, ProfileInvalid.
    """
    profile = load_profile()
    own = None if path is None else profile.wallets.get(name_of(path) or "")
    name = network or own or profile.network
    if name is None:
        return Network(node=DEFAULT_NODE)
    if name not in profile.networks:
        raise NetworkUnknown(f"no network is called {name[:40]!r}")
    return profile.networks[name]


def add_network(name: str, network: Network) -> None:
    """Add a network or change it. Raises WalletNameInvalid, ProfileInvalid."""
    if not is_name(name):
        raise WalletNameInvalid(f"{name[:40]!r} is no name")
    profile = load_profile()
    profile.networks[name] = network
    save_profile(profile)


def remove_network(name: str) -> None:
    """Forget a network. Raises NetworkUnknown, ProfileInvalid."""
    profile = load_profile()
    if profile.networks.pop(name, None) is None:
        raise NetworkUnknown(f"no network is called {name[:40]!r}")
    profile.wallets = {wallet: used for wallet, used in profile.wallets.items() if used != name}
    profile.network = None if profile.network == name else profile.network
    save_profile(profile)


def use_network(name: str) -> None:
    """Make a network the one of wallets that have none. Raises NetworkUnknown, ProfileInvalid."""
    profile = load_profile()
    if name not in profile.networks:
        raise NetworkUnknown(f"no network is called {name[:40]!r}")
    profile.network = name
    save_profile(profile)


def _profile_path() -> Path:
    home = os.environ.get(HOME_VARIABLE)
    folder = Path(home) if home else platformdirs.user_config_path("sotto", appauthor=False)
    return folder / "profile.json"


def _data_folder() -> Path:
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else platformdirs.user_data_path("sotto", appauthor=False)
