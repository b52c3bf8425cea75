"""The end of a deployment: operators are gone for good, and everybody leaves with what is theirs, once."""

import asyncio
from random import Random
from typing import Any

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address
from hexbytes import HexBytes
from web3.exceptions import Web3Exception

from tests.faults.checker import landed, left
from tests.faults.commands import STRANGER, refusal, sotto
from tests.faults.endpoint import NoProofs
from tests.faults.evidence import Json, L1Evidence
from tests.faults.stage import SETTLE_SECONDS, PromiseBrokenError, Stage
from tests.faults.users import ETH, SMALLEST, User, expected

GAS = 12_000_000


async def end(stage: Stage, random: Random) -> L1Evidence:
    """Leave a ruin, freeze it, and let everybody out. Raises PromiseBrokenError, NotLiveError."""
    await _restart(stage)
    await _ruin(stage, random)
    await asyncio.to_thread(_remove_operators, stage)
    await asyncio.to_thread(stage.chain.mine, stage.parameters["freezeTime"])
    answer = await sotto(stage, "freeze", home=stage.folder / "stranger")
    assert not refusal(answer), answer
    receivers = {user.name: "0x" + random.randbytes(20).hex() for user in stage.users}
    first = await asyncio.to_thread(lambda: stage.chain.web3.eth.block_number)
    for user in stage.users:
        answer = await _leave(stage, user, receivers[user.name], "left")
        assert not refusal(answer), answer
    l1 = await asyncio.to_thread(stage.l1.read)
    _judge(stage, l1, receivers)
    await _try_again(stage, first)
    if await asyncio.to_thread(stage.l1.read) != l1:
        raise PromiseBrokenError("what had left was paid again")
    return l1


async def _restart(stage: Stage) -> None:
    """The operator's node with its own database: it may have read L1 with an empty one."""
    await asyncio.to_thread(stage.node.kill)
    await stage.start_node()
    await stage.heal()


async def _ruin(stage: Stage, random: Random) -> None:
    """A withdrawal that is proven and not claimed; payments, deposits and forced withdrawals on their way."""
    users = random.sample(stage.users, len(stage.users))
    recorded = await users[0].wallet.withdraw(str(ETH), _amount(random), "0x" + random.randbytes(20).hex())
    await users[0].wallet.wait(recorded.number, SETTLE_SECONDS)
    stage.endpoint.disturb(NoProofs())
    await users[1].wallet.deposit(str(ETH), _amount(random))
    await users[2].wallet.withdraw(str(ETH), _amount(random), "0x" + random.randbytes(20).hex(), force=True)
    for user in users:
        await user.act([other for other in users if other is not user])
    if stage.is_split:
        # Some of it stands on L1, and is void.
        await stage.until(lambda: _has_pending(stage), "nothing was committed", SETTLE_SECONDS)


async def _has_pending(stage: Stage) -> str:
    head, proven = await asyncio.to_thread(stage.l1.status)
    return "" if head > proven else f"{head} committed, {proven} proven"


def _remove_operators(stage: Stage) -> None:
    stage.node.kill()
    stage.database.destroy()
    for file in stage.folder.glob("*.db*"):
        file.unlink()


async def _leave(stage: Stage, user: User, receiver: str, folder: str) -> Json:
    """`sotto exit` with the user's words, on an empty disk."""
    home = stage.folder / f"{folder}-{user.name}"
    await asyncio.to_thread(home.mkdir)
    words = home / "words"
    await asyncio.to_thread(words.write_text, user.phrase)
    options = ("--phrase-file", str(words), "--to", receiver, "--include-dust")
    return await sotto(stage, "exit", *options, home=home, key=user.account)


def _judge(stage: Stage, l1: L1Evidence, receivers: dict[str, str]) -> None:
    # By payers' histories and L1's epochs, as exits are found by seeds and nothing else.
    holdings = expected(stage.users, landed(l1))
    owners = {int(receivers[name], 16): dict(held) for name, held in holdings.items()}
    violations = [*stage.checker.violations_of_l1(l1), *left(l1, owners)]
    if violations:
        raise PromiseBrokenError("\n".join(violations))


async def _try_again(stage: Stage, first: int) -> None:
    """Everybody leaves once more, and a stranger sends all that was sent."""
    thief = "0x" + b"thief".rjust(20, b"\x7f").hex()
    for user in stage.users:
        answer = await _leave(stage, user, thief, "again")
        done = {name: answer.get(name) for name in ("exits", "claims", "pulled_back", "l1_txs")}
        if any(done.values()) or refusal(answer):
            raise PromiseBrokenError(f"{user.name} leaves again: {answer}")
    await asyncio.to_thread(_replay, stage, first, STRANGER)


def _replay(stage: Stage, first: int, account: LocalAccount) -> None:
    """Send the transactions of all blocks after `first` again, whatever becomes of them."""
    eth = stage.chain.web3.eth
    for number in range(first + 1, eth.block_number + 1):
        block: Any = eth.get_block(number, full_transactions=True)
        for sent in block["transactions"]:
            transaction: Any = {
                "chainId": eth.chain_id,
                "nonce": eth.get_transaction_count(account.address),
                "to": to_checksum_address(sent["to"]),
                "data": HexBytes(sent["input"]),
                "value": 0,
                "gas": GAS,
                "maxFeePerGas": 10**11,
                "maxPriorityFeePerGas": 10**9,
            }
            signed = account.sign_transaction(transaction)
            try:
                digest = eth.send_raw_transaction(signed.raw_transaction)
            except Web3Exception:
                # Refused before it is in a block.
                continue
            eth.wait_for_transaction_receipt(digest)


def _amount(random: Random) -> int:
    return SMALLEST[ETH] * random.randrange(1, 20) + random.randrange(1000)
