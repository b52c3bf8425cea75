"""How L1 endpoints are reached."""

from typing import Any, Final

from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.types import RPCEndpoint

_ASKED_ONCE: Final = {RPCEndpoint("eth_chainId")}


def connect(url: str) -> AsyncWeb3[Any]:
    """A connection to an L1 endpoint, which is made by the first question; `provider.disconnect` ends it.

    web3 asks for the chain's id before each call of a contract. Here that is asked once.
    """
    provider = AsyncHTTPProvider(url, cache_allowed_requests=True, cacheable_requests=_ASKED_ONCE)
    return AsyncWeb3(provider)
