"""An owner who uses every power there is, as often and for as long as the contracts allow."""

import json
from typing import Any

from eth_typing import ChecksumAddress
from web3.exceptions import Web3Exception

from sotto.l1 import interface
from sotto.l1.deployment import Deployment
from tests.support.chain import ROOT, LocalChain


def create_proposer_list(chain: LocalChain, proposer: ChecksumAddress) -> ChecksumAddress:
    """Deploy a `ProposerList` with one proposer. Its owner is that of everything else: the first account."""
    artefact = _artefact("ProposerList")
    owner = chain.web3.eth.accounts[0]
    factory = chain.web3.eth.contract(abi=artefact["abi"], bytecode=artefact["bytecode"]["object"])
    sent = factory.constructor(owner, [proposer]).transact({"from": owner})
    created = chain.web3.eth.wait_for_transaction_receipt(sent)["contractAddress"]
    assert created is not None
    return created


def _artefact(contract: str) -> Any:
    return json.loads((ROOT / "out" / f"{contract}.sol" / f"{contract}.json").read_text())


class HostileOwner:
    """The owner's calls. Each returns the name of the error that refuses it, None when it was taken."""

    def __init__(self, chain: LocalChain, deployment: Deployment, proposers: ChecksumAddress) -> None:
        self._chain = chain
        self.account = chain.web3.eth.accounts[0]
        self.rollup: Any = self._contract(deployment.address("Rollup"), interface.load("Rollup"))
        self.bridge: Any = self._contract(deployment.address("Bridge"), interface.load("Bridge"))
        self.proposers: Any = self._contract(proposers, _artefact("ProposerList")["abi"])
        freeze_time = self.rollup.functions.parameters().call()[4]
        self.longest_pause: int = freeze_time // 4
        self.pause_interval: int = freeze_time

    def _contract(self, address: str, abi: Any) -> Any:
        return self._chain.web3.eth.contract(address=address, abi=abi)  # type: ignore[call-overload]

    def send(self, call: Any) -> str | None:
        """Send a call, unless it is refused."""
        try:
            call.call({"from": self.account})
        except Web3Exception as error:
            if (cause := interface.rejection(error)) is None:
                raise
            return cause.name
        receipt = self._chain.web3.eth.wait_for_transaction_receipt(call.transact({"from": self.account}))
        assert receipt["status"] == 1
        return None

    def pause(self) -> tuple[str | None, str | None]:
        """Pause epochs and deposits for as long as possible."""
        return (
            self.send(self.rollup.functions.pauseEpochs(self.longest_pause)),
            self.send(self.bridge.functions.pauseDeposits(self.longest_pause)),
        )

    def paused_until(self) -> int:
        """Last L1 block in which both epochs and deposits are paused."""
        return min(self.rollup.functions.lastPause().call()[1], self.bridge.functions.lastPause().call()[1])

    def schedule(self, member: str, open_: bool) -> str | None:
        """Switch a verifier on or off."""
        return self.send(self.rollup.functions.scheduleVerifier(member, open_))

    def switched_from(self, member: str) -> int:
        """L1 block from which a scheduled switch has its effect."""
        return int(self.rollup.functions.verifierStatus(member).call()[2])

    def all_powers(self, token: str, members: list[str]) -> dict[str, str | None]:
        """Try everything that an owner may do to a running rollup; what came of it by the function's name."""
        bridge, rollup = self.bridge.functions, self.rollup.functions
        calls = {
            "pauseDeposits": bridge.pauseDeposits(1),
            "resumeDeposits": bridge.resumeDeposits(),
            "setCap": bridge.setCap(1, 0),
            "listAsset": bridge.listAsset(3, token, 1),
            "pauseEpochs": rollup.pauseEpochs(1),
            "resumeEpochs": rollup.resumeEpochs(),
        }
        for number, member in enumerate(members):
            calls[f"scheduleVerifier {number} on"] = rollup.scheduleVerifier(member, True)
            calls[f"scheduleVerifier {number} off"] = rollup.scheduleVerifier(member, False)
        return {name: self.send(call) for name, call in calls.items()}
