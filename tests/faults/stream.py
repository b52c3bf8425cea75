"""The block stream of a node that orders everything itself, judged by what L1 has in the end."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.faults.checker import Lane
from tests.faults.evidence import Json


def stream(lanes: Sequence[Lane], blocks: Sequence[Json]) -> Iterator[str]:
    """No block was undone: rollbacks are blocks, too, and what none made void is what L1 has, in its order.

    Args:
        lanes: of all proven epochs, while nothing else is on its way.
        blocks: of `/v1/blocks`, all of them.
    """
    for before, block in pairwise(blocks):
        if (block["number"], block["parent"]) != (before["number"] + 1, before["hash"]):
            yield f"block {block['number']} does not follow block {before['number']}"
    ordered: dict[int, list[str]] = {}
    for block in blocks:
        for entry in block["entries"]:
            if "rollback" in entry:
                ordered = {epoch: ids for epoch, ids in ordered.items() if epoch < entry["rollback"]}
            else:
                ordered.setdefault(block["epoch"], []).append(entry["id"])
    proven: dict[int, list[str]] = {}
    for lane in lanes:
        proven.setdefault(lane.epoch, []).append(f"{lane.h:#066x}")
    for epoch in sorted(proven.keys() | ordered.keys()):
        if ordered.get(epoch) != proven.get(epoch):
            yield f"blocks have ordered {ordered.get(epoch)} in epoch {epoch}, L1 has {proven.get(epoch)}"
