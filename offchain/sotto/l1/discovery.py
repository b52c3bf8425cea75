"""A deployment as L1 itself tells it, from the address of the rollup alone."""

import contextlib
from collections.abc import Sequence
from typing import Any

from eth_typing import BlockNumber, ChecksumAddress
from eth_utils.address import to_checksum_address
from web3 import AsyncWeb3

from sotto.l1.bridge import ETH, BridgeContract
from sotto.l1.contract import TRANSPORT_ERRORS, translate
from sotto.l1.deployment import VERIFIER_NAMES, DeployedContract, Deployment, ListedAsset
from sotto.l1.errors import ContractRejected, L1Unavailable
from sotto.l1.logs import LogReader
from sotto.l1.rollup import RollupContract
from sotto.l1.token import TokenContract


async def discover(web3: AsyncWeb3[Any], rollup: bytes, start_block: int | None = None) -> Deployment:
    """Bridge, queue, verifiers and assets of the rollup at an address of 20 bytes.

    Args:
        start_block: an L1 block no later than the creation of the queue; None: it is searched for, which
            needs an L1 node that has old states.

    Raises DeploymentInvalid if there is no rollup, L1Unavailable.
    """
    contract = RollupContract(web3, to_checksum_address(rollup))
    await contract.check_code()
    queue, bridge = await contract.queue(), BridgeContract(web3, await contract.bridge())
    try:
        chain_id, head = await web3.eth.chain_id, await web3.eth.block_number
        start = await creation_block(web3, queue, head) if start_block is None else start_block
    except TRANSPORT_ERRORS as error:
        raise translate(error) from error
    addresses = {"Rollup": contract.address, "L1Queue": queue, "Bridge": bridge.address}
    for member, layout in (await contract.verifiers()).items():
        addresses[f"{VERIFIER_NAMES[layout.data_mode]}{layout.lanes}"] = member
    return Deployment(
        chain_id=chain_id,
        contracts={name: DeployedContract(address=at, block=start) for name, at in addresses.items()},
        assets=tuple(await _assets(web3, bridge, start, head)),
    )


async def creation_block(web3: AsyncWeb3[Any], address: ChecksumAddress, head: int) -> int:
    """The block in which a contract got its code."""
    low, high = 0, int(head)
    while low < high:
        middle = (low + high) // 2
        if await web3.eth.get_code(address, BlockNumber(middle)):
            high = middle
        else:
            low = middle + 1
    return low


async def _assets(
    web3: AsyncWeb3[Any], bridge: BridgeContract, start: int, head: int
) -> Sequence[ListedAsset]:
    found = {ETH: ListedAsset(asset=ETH, address=None, symbol="ETH", decimals=18)}
    logs = [log async for _, part in LogReader(web3).read(bridge.address, start, head) for log in part]
    for log in logs:
        listing = bridge.listed(log)
        if listing is None or listing[0] in found:
            continue
        asset, address = listing
        token = TokenContract(web3, address)
        symbol, decimals = f"ASSET{asset}", 0
        # Both are for people only, and a token need not have them.
        with contextlib.suppress(ContractRejected, L1Unavailable):
            symbol, decimals = await token.symbol(), await token.decimals()
        found[asset] = ListedAsset(asset=asset, address=address, symbol=symbol, decimals=decimals)
    return list(found.values())
