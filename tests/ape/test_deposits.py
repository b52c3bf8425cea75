"""`ape run deposit` and the bridge behind it; the other scripts while all is idle."""

import json
from typing import Any

import pytest
from scripts import _chain as chain
from scripts import _deployment as d
from scripts import claim as claim_script
from scripts import deposit as deposit_script
from scripts import inspect as inspect_script

import ape
from ape import accounts
from conftest import address_on

ETHER, DOLLAR = 10**18, 10**6
CIPHERTEXT = bytes(93)
CLAIM = {"epoch": None, "lanes": (), "recipient": None, "alias": None, "dry_run": False}


def run_deposit(deployment: dict[str, Any], amount: str, asset: str, **options: Any) -> None:
    """`ape run deposit` to somebody."""
    address = options.pop("address", address_on(deployment))
    defaults = {"alias": None, "allowance": "approve", "mint": False}
    deposit_script.cli.callback(amount, asset, address, **{**defaults, **options})


def held(deployment: dict[str, Any], asset: int) -> tuple[int, int]:
    """Liabilities and balance of the bridge."""
    bridge = d.contract_at(deployment, "Bridge")
    token = bridge.assets(asset).token
    balance = bridge.balance if asset == 1 else d.token_at(token).balanceOf(bridge)
    return bridge.assets(asset).liabilities, balance


def test_eth(deployment: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_deposit(deployment, "1.5", "ETH")
    assert "queued as item 0: 1.5 ETH" in capsys.readouterr().out
    assert held(deployment, 1) == (3 * ETHER // 2, 3 * ETHER // 2)
    assert d.contract_at(deployment, "L1Queue").length() == 1


@pytest.mark.parametrize("allowance", ["approve", "permit"])
def test_token(deployment: dict[str, Any], allowance: str) -> None:
    run_deposit(deployment, "2.5", "tusd", alias="TEST::1", allowance=allowance, mint=True)
    assert held(deployment, 2) == (5 * DOLLAR // 2, 5 * DOLLAR // 2)
    token = d.token_at(deployment["assets"][1]["address"])
    assert token.allowance(accounts.test_accounts[1], d.contract_at(deployment, "Bridge")) == 0


def test_a_permit_that_was_used_by_somebody_else_still_deposits(deployment: dict[str, Any]) -> None:
    bridge = d.contract_at(deployment, "Bridge")
    token = d.token_at(deployment["assets"][1]["address"])
    owner, thief = accounts.test_accounts[1], accounts.test_accounts[2]
    token.mint(owner, DOLLAR, sender=owner)
    signature = deposit_script.sign_permit(token, owner, bridge.address, DOLLAR)
    token.permit(owner, bridge, DOLLAR, *signature, sender=thief)
    bridge.depositWithPermit(2, DOLLAR, 1, CIPHERTEXT, signature, sender=owner)
    assert held(deployment, 2) == (DOLLAR, DOLLAR)
    # The signature moves nothing for anyone else, and nothing again.
    with ape.reverts():
        bridge.depositWithPermit(2, DOLLAR, 1, CIPHERTEXT, signature, sender=thief)
    with ape.reverts():
        bridge.depositWithPermit(2, DOLLAR, 1, CIPHERTEXT, signature, sender=owner)


def test_the_cap_holds_to_the_last_unit(deployment: dict[str, Any]) -> None:
    bridge, owner = d.contract_at(deployment, "Bridge"), accounts.test_accounts[0]
    bridge.setCap(1, ETHER, sender=owner)
    bridge.depositETH(1, CIPHERTEXT, value=ETHER - 1, sender=owner)
    with pytest.raises(chain.L1Refused, match="CapExceeded"):
        run_deposit(deployment, "0.000000000000000002", "ETH")
    run_deposit(deployment, "0.000000000000000001", "ETH")
    assert held(deployment, 1) == (ETHER, ETHER)
    with ape.reverts(bridge.OwnableUnauthorizedAccount):
        bridge.setCap(1, 2 * ETHER, sender=accounts.test_accounts[4])


@pytest.mark.parametrize(
    ("amount", "asset", "address", "cause"),
    [
        ("0", "ETH", None, "AmountNotPositive"),
        ("-1", "ETH", None, "AmountNotPositive"),
        ("1.0000001", "TUSD", None, "AmountMalformed"),
        ("1e3", "ETH", None, "AmountMalformed"),
        ("1", "ETH", "sotto1qqqq", "AddressInvalid"),
    ],
)
def test_bad_input_is_named(
    deployment: dict[str, Any], amount: str, asset: str, address: str | None, cause: str
) -> None:
    with pytest.raises(deposit_script.DepositRefused, match=cause):
        run_deposit(deployment, amount, asset, address=address or address_on(deployment))
    assert d.contract_at(deployment, "L1Queue").length() == 0


def test_addresses_of_other_deployments_are_refused(deployment: dict[str, Any]) -> None:
    other = json.loads(json.dumps(deployment))
    other["contracts"]["Rollup"]["address"] = "0x" + "11" * 20
    with pytest.raises(deposit_script.DepositRefused, match="AddressOfOtherDomain"):
        run_deposit(deployment, "1", "ETH", address=address_on(other))


def test_unknown_assets_accounts_and_empty_pockets_are_named(deployment: dict[str, Any]) -> None:
    with pytest.raises(chain.AssetUnknown):
        run_deposit(deployment, "1", "DOGE")
    with pytest.raises(chain.AccountMissing):
        run_deposit(deployment, "1", "ETH", alias="nobody-knows-this-alias")
    with pytest.raises(chain.AccountMissing):
        run_deposit(deployment, "1", "ETH", alias="TEST::99")
    with pytest.raises(deposit_script.DepositRefused, match="has 0 smallest units"):
        run_deposit(deployment, "1", "TUSD", alias="TEST::5")


def test_nothing_to_claim(deployment: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    from scripts._epochs import EpochUnknown

    claim_script.cli.callback(**CLAIM)
    assert "nothing to claim" in capsys.readouterr().out
    with pytest.raises(EpochUnknown):
        claim_script.cli.callback(**{**CLAIM, "epoch": 1})


def test_inspect_shows_the_reserve(deployment: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run_deposit(deployment, "2", "ETH")
    capsys.readouterr()
    inspect_script.cli.callback(count=5, as_json=True)
    report = json.loads(capsys.readouterr().out)
    assert report["assets"][0]["liabilities"] == report["assets"][0]["balance"] == str(2 * ETHER)
    assert (report["head"], report["proven"], report["queue_length"], report["queue_taken"]) == (0, 0, 1, 0)
    inspect_script.cli.callback(count=0, as_json=False)
    assert "holds 2 ETH, owes 2 ETH" in capsys.readouterr().out


def test_inspect_fails_when_the_reserve_is_short(deployment: dict[str, Any]) -> None:
    run_deposit(deployment, "2", "ETH")
    bridge = d.contract_at(deployment, "Bridge")
    ape.networks.provider.web3.provider.make_request("anvil_setBalance", [bridge.address, hex(ETHER)])
    with pytest.raises(inspect_script.ReserveShort, match="ETH"):
        inspect_script.cli.callback(count=0, as_json=True)
