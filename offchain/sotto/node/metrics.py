"""Prometheus metrics of one node, in a registry of its own."""

from collections import deque
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sotto.node.core import Core

THROUGHPUT_SECONDS = 60
"""Time over which the throughput is measured."""


class Metrics:
    """Counters are set where things happen, gauges are read from the core when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._ordered: deque[tuple[float, int]] = deque()
        self.accepted = self._counter("sotto_transactions_accepted", "Transactions taken into the pool")
        self.refused = Counter(
            "sotto_transactions_refused", "Transactions refused, by error", ["code"], registry=self._registry
        )
        self.proving_seconds = self._histogram(
            "sotto_proving_seconds", "Time to prove an epoch", (0.5, 1, 2, 4, 8, 16, 32, 64)
        )
        self.submission_failures = self._counter(
            "sotto_submission_failures", "Epochs that L1 refused or could not take"
        )
        self.proof_batch = self._histogram(
            "sotto_proof_batch_size", "Client proofs verified together", (1, 2, 4, 8, 16, 32, 64)
        )
        self._block_seconds = self._histogram(
            "block_processing_time",
            "Seconds to choose, check and store a block",
            (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2),
        )
        self._gauges = {
            name: Gauge(name, text, registry=self._registry)
            for name, text in (
                ("sotto_pool_transactions", "Transactions that wait for a block"),
                ("sotto_open_epoch_lanes", "Lanes that blocks of the open epoch have taken"),
                ("sotto_epochs_in_flight", "Epochs closed and not proven on L1"),
                ("sotto_epoch_proven", "Last epoch proven on L1"),
                ("sotto_l1_block", "Last L1 block applied"),
                ("sotto_queue_cursor", "Queue index that the next epoch starts with"),
                ("sotto_event_clients", "Clients that are told of events"),
                ("utxo_coin_count", "Notes that proven epochs have appended"),
                ("utxo_memo_count", "Transactions with a memo in proven epochs"),
                ("utxo_state_count", "Accounts in the proven account tree"),
                (
                    "transaction_throughput",
                    f"Transactions ordered a second, over the last {THROUGHPUT_SECONDS} s",
                ),
            )
        }

    def block_made(self, seconds: float, transactions: int) -> None:
        """A block is stored."""
        self._block_seconds.observe(seconds)
        self._ordered.append((monotonic(), transactions))
        self._forget()

    def render(self, core: Core, notes: int, memos: int, accounts: int, clients: int) -> bytes:
        """All metrics in Prometheus' text format.

        Args:
            notes: that proven epochs have appended.
            memos: of transactions in proven epochs.
            accounts: in the proven account tree.
            clients: that are told of events.
        """
        self._forget()
        values: dict[str, float] = {
            "sotto_pool_transactions": len(core.pool),
            "sotto_open_epoch_lanes": 0 if core.open is None else core.open.lanes,
            "sotto_epochs_in_flight": core.in_flight,
            "sotto_epoch_proven": core.ledger.confirmed_id,
            "sotto_l1_block": core.l1_block,
            "sotto_queue_cursor": core.ledger.queue_cursor,
            "sotto_event_clients": clients,
            "utxo_coin_count": notes,
            "utxo_memo_count": memos,
            "utxo_state_count": accounts,
            "transaction_throughput": sum(count for _, count in self._ordered) / THROUGHPUT_SECONDS,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self._registry)

    def _forget(self) -> None:
        while self._ordered and self._ordered[0][0] < monotonic() - THROUGHPUT_SECONDS:
            self._ordered.popleft()

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(name, text, registry=self._registry)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, text, buckets=buckets, registry=self._registry)
