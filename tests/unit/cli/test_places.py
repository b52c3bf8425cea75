"""Wallets and networks by name, completion scripts, QR codes."""

import subprocess
from pathlib import Path

import pytest
from tests.unit.cli.conftest import Run, document
from tests.unit.wallet.recorded import RecordedNode

from sotto.cli import codes, places
from sotto.wallet.errors import NetworkUnknown, ProfileInvalid, WalletNameInvalid

NOWHERE = "http://127.0.0.1:1"


def test_wallets_by_name_and_their_networks(run: Run, home: Path, node_url: str) -> None:
    assert document(run("wallet", "list", "--json")) == []
    assert document(run("network", "list", "--json")) == []
    assert run("network", "add", "here", "--node", node_url).exit_code == codes.OK
    assert run("network", "add", "gone", "--node", NOWHERE, "--l1", NOWHERE).exit_code == codes.OK
    one = document(run("wallet", "new", "--wallet", "shop", "--network", "here", "--json"))
    assert one["wallet"] == str(home / "wallets" / "shop.json")
    assert run("network", "use", "here").exit_code == codes.OK
    two = document(run("wallet", "new", "--json"))
    assert two["wallet"] == str(home / "wallets" / "default.json")
    assert [(w["name"], w["network"], w["chosen"]) for w in document(run("wallet", "list", "--json"))] == [
        ("default", "here", True),
        ("shop", "here", False),
    ]
    assert run("wallet", "use", "shop").exit_code == codes.OK
    assert document(run("wallet", "address", "--json"))["address"] == one["address"]
    shown = document(run("wallet", "address", "--wallet", "default", "--json"))
    assert shown["address"] == two["address"]

    # A wallet goes to its own network, whatever is chosen; a name or an address given goes first.
    assert run("network", "use", "gone").exit_code == codes.OK
    assert run("wallet", "sync").exit_code == codes.OK
    assert run("wallet", "sync", "--network", "gone").exit_code == codes.NODE
    assert run("wallet", "sync", "--network", "gone", "--node", node_url, "--l1", "").exit_code != codes.NODE
    assert run("node", "status").exit_code == codes.NODE
    assert run("node", "status", "--network", "here").exit_code == codes.OK

    assert run("network", "remove", "here").exit_code == codes.OK
    assert document(run("wallet", "list", "--json"))[1]["network"] is None
    assert run("wallet", "sync", "--network", "here").exit_code == codes.WALLET_FILE
    assert run("wallet", "use", "none").exit_code == codes.WALLET_FILE


def test_paths_stay_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "local").write_text("")
    assert places.wallet_path("local") == Path("local")
    assert places.wallet_path("other") == home / "wallets" / "other.json"
    for text in ("./other", "/a/b", "wallet.json", "../up", "a" * 33, "-x", ".hidden", "a b"):
        assert places.wallet_path(text) == Path(text)
        assert places.name_of(places.wallet_path(text)) is None


def test_first_release_s_wallet_stays_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOTTO_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert places.wallet_path(None) == tmp_path / ".local/share/sotto/wallets/default.json"
    (tmp_path / ".sotto").mkdir()
    (tmp_path / ".sotto" / "wallet.json").write_text("{}")
    assert places.wallet_path(None) == tmp_path / ".sotto" / "wallet.json"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"networks": {"a": {}}}', '{"what": 1}', '{"wallet": 5}'])
def test_broken_profile_has_a_name(home: Path, text: str) -> None:
    home.mkdir()
    (home / "profile.json").write_text(text)
    with pytest.raises(ProfileInvalid):
        places.load_profile()


def test_names_of_networks(home: Path) -> None:
    with pytest.raises(WalletNameInvalid):
        places.add_network("../x", places.Network(node=NOWHERE))
    with pytest.raises(NetworkUnknown):
        places.remove_network("x")
    with pytest.raises(NetworkUnknown):
        places.use_network("x")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(run: Run, shell: str) -> None:
    script = run("completion", shell).stdout
    assert "_SOTTO_COMPLETE" in script
    assert document(run("completion", shell, "--json"))["script"] == script.removesuffix("\n")


def test_bash_takes_the_script_and_completes(run: Run, home: Path, node_url: str, tmp_path: Path) -> None:
    script = tmp_path / "completion.bash"
    script.write_text(run("completion", "bash").stdout)
    subprocess.run(["bash", "-n", str(script)], check=True)
    places.add_network("here", places.Network(node=node_url))
    assert run("wallet", "new", "--wallet", "shop", "--network", "here").exit_code == codes.OK

    def complete(*words: str) -> list[str]:
        import click.shell_completion

        from sotto.cli import cli

        shell = click.shell_completion.ShellComplete(cli, {}, "sotto", "_SOTTO_COMPLETE")
        return [item.value for item in shell.get_completions(list(words[:-1]), words[-1])]

    assert "wallet" in complete("w")
    assert "send" in complete("wallet", "s")
    assert complete("wallet", "balance", "--wallet", "sh") == ["shop"]
    assert complete("wallet", "balance", "--network", "") == ["here"]


def test_qr_codes(run: Run, wallet: Path, tmp_path: Path) -> None:
    shown = run("wallet", "address", "--wallet", str(wallet), "--qr").stdout.splitlines()
    assert shown[0].startswith("sotto1")
    assert len(shown) > 20
    png = tmp_path / "address.png"
    assert run("wallet", "address", "--wallet", str(wallet), "--png", str(png)).exit_code == codes.OK
    assert png.read_bytes().startswith(b"\x89PNG\r\n")


def test_account_commands(run: Run, wallet: Path, node: RecordedNode, node_url: str) -> None:
    here = ("--wallet", str(wallet), "--node", node_url, "--json")
    address = document(run("wallet", "address", "--wallet", str(wallet), "--json"))["address"]
    node.deposit(address, 10**18)
    node.close()
    shown = document(run("wallet", "account", "show", *here))
    assert (shown["registered"], shown["changing"]) == (False, False)
    assert [(key["first"], key["held"]) for key in shown["keys"]] == [(True, True)]
    refused = run("wallet", "account", "revoke", *here, "0x1234")
    assert document(refused)["error"]["code"] == "KeyUnknown"
    assert document(run("wallet", "account", "revoke", *here, "first"))["error"]["code"] == "KeySetInvalid"
    made = document(run("wallet", "account", "new-key", "--wallet", str(wallet), "--json"))
    assert len(made["words"].split()) == 24
    words = wallet.with_name("words")
    words.write_text(made["words"])
    again = run("wallet", "account", "import", "--wallet", str(wallet), "--words-file", str(words), "--json")
    assert document(again)["key"] == made["key"]
    assert document(run("wallet", "account", "register", *here, "0x12"))["error"]["code"] == "KeyUnknown"
