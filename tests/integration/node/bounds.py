"""How much memory a node may take while it is attacked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.faults.processes import resident_bytes
from tests.support.node import NodeProcess

MEGABYTE = 1 << 20
MOST_GROWTH = 400 * MEGABYTE
"""What a flood may cost the node at most: it reads 256 bodies of a megabyte at once."""


@contextmanager
def bounded_memory(node: NodeProcess) -> Iterator[None]:
    """The node's memory may grow by so much and not more."""
    before = resident_bytes(node.process_id)
    most = [before]
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.05):
            most[0] = max(most[0], resident_bytes(node.process_id))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert most[0] - before < MOST_GROWTH, f"grew by {(most[0] - before) / MEGABYTE:.0f} MB"
