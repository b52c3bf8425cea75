"""Options of a node's settings: one for each field of NodeConfig.

Secrets have none, since every user of a machine may see the arguments of its processes.
"""

import sys
import types
import typing
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from sotto.node.config import NodeConfig, load_config


def config_options(command: Any) -> Any:
    """Add --config and all settings, and hand the command its `config` and `flags`."""
    for name, field in reversed(NodeConfig.model_fields.items()):
        option = _option(name, field)
        if option is not None:
            command = option(command)
    return click.option(
        "--config",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        envvar="SOTTO_CONFIG",
        help="TOML file; else SOTTO_CONFIG.",
    )(command)


def read_config(file: Path | None, flags: dict[str, Any]) -> NodeConfig:
    """The settings; a keystore's password that is given nowhere is asked for on a terminal.

    Raises ConfigInvalid.
    """
    config = load_config(file, **flags)
    if (
        config.proposer_keystore is not None
        and config.proposer_password_file is None
        and config.proposer_password is None
        and sys.stdin.isatty()
    ):
        password = click.prompt(f"Password of {config.proposer_keystore}", hide_input=True, err=True)
        config = load_config(file, **flags, proposer_password=password)
    return config


def _option(name: str, field: FieldInfo) -> Any:
    kind, metavar = _kind(field.annotation)
    if kind is SecretStr:
        return None
    flag = f"--{name.replace('_', '-')}"
    if kind is bool:
        flag += f"/--no-{name.replace('_', '-')}"
        return click.option(flag, name, default=None, help=field.description)
    if isinstance(kind, click.Choice):
        return click.option(flag, name, type=kind, help=field.description)
    if kind is tuple:
        # An empty tuple is none given: then other sources of the setting count.
        return click.option(
            flag,
            name,
            multiple=True,
            metavar=metavar,
            callback=lambda _context, _option, values: values or None,
            help=f"{field.description}; repeat it",
        )
    # As text: the settings themselves say what is wrong with a value, as they do for other sources.
    return click.option(flag, name, metavar=metavar, help=field.description)


def _kind(annotation: Any) -> tuple[Any, str]:
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    if typing.get_origin(annotation) is typing.Literal:
        return click.Choice(typing.get_args(annotation)), ""
    if typing.get_origin(annotation) is dict:
        return dict, "NAME=VALUE,.."
    if typing.get_origin(annotation) is tuple:
        return tuple, "FILE" if typing.get_args(annotation)[0] is Path else "URL"
    names = {int: "N", float: "X", Path: "FILE"}
    return annotation, names.get(annotation, "TEXT")
