"""Finds the bundles with which no epoch succeeds, by halving. Pure: no I/O.

A proof or L1 says no to an epoch as a whole. What was in it is tried again by itself, then in halves, until a
bundle fails alone: without this, one bad bundle would come back first for ever.
"""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sotto.node.pool import Bundle
from sotto.protocol.field import Field

FAILURES = 2
"""So often a group fails before it is divided: a cause outside of it may have passed by the second time."""


@dataclass
class _Group:
    bundles: tuple[Field, ...]
    failures: int


class Trials:
    """Groups of suspected bundles, each to be tried without any others."""

    def __init__(self) -> None:
        self._groups: deque[_Group] = deque()

    def __len__(self) -> int:
        """Number of groups not cleared yet."""
        return len(self._groups)

    def failed(self, bundles: Sequence[Field]) -> Field | None:
        """An epoch of these bundles failed, and they may be the cause.

        Args:
            bundles: ids, in order of arrival.

        Returns the bundle that failed often enough alone, and that nobody should wait for any longer.
        """
        if not bundles:
            return None
        members = set(bundles)
        known = next((group for group in self._groups if members <= set(group.bundles)), None)
        failures = 1
        if known is not None:
            failures += known.failures
            self._groups.remove(known)
            rest = tuple(bundle for bundle in known.bundles if bundle not in members)
            if rest:
                self._groups.appendleft(_Group(rest, 0))
        if failures < FAILURES:
            self._groups.appendleft(_Group(tuple(bundles), failures))
        elif len(bundles) == 1:
            return bundles[0]
        else:
            middle = len(bundles) // 2
            for half in (bundles[middle:], bundles[:middle]):
                self._groups.appendleft(_Group(tuple(half), 0))
        return None

    def choose(self, waiting: Sequence[Bundle], in_flight: Collection[Field]) -> Sequence[Bundle] | None:
        """Those of the waiting bundles that the next epoch takes alone; None if none is suspected.

        Args:
            in_flight: transactions of epochs that L1 has not proven. Groups of which nothing waits or is in
                flight are cleared.
        """
        ids = {bundle.id for bundle in waiting}
        self._groups = deque(
            group
            for group in self._groups
            if any(bundle in ids or bundle in in_flight for bundle in group.bundles)
        )
        for group in self._groups:
            chosen = [bundle for bundle in waiting if bundle.id in group.bundles]
            if chosen:
                return chosen
        return None

    def release(self, bundles: Collection[Field]) -> None:
        """Suspect these no longer: an epoch of them alone cannot be built."""
        for group in self._groups:
            group.bundles = tuple(bundle for bundle in group.bundles if bundle not in bundles)
