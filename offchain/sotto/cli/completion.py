"""`sotto completion`: scripts that let a shell complete commands, options, wallets and networks."""

import click
from click.shell_completion import get_completion_class

from sotto.cli.options import json_option
from sotto.cli.output import Output

_VARIABLE = "_SOTTO_COMPLETE"


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def completion(shell: str, output: Output) -> None:
    """Print the completion script of a SHELL.

    bash: eval "$(sotto completion bash)" in ~/.bashrc; zsh likewise in ~/.zshrc; fish: sotto completion fish
    into ~/.config/fish/completions/sotto.fish.
    """
    found = get_completion_class(shell)
    assert found is not None, "click knows these shells"
    script = found(click.get_current_context().find_root().command, {}, "sotto", _VARIABLE).source()
    if output.as_json:
        output.result({"shell": shell, "script": script})
    else:
        click.echo(script)
