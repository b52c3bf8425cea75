"""Prometheus metrics of one node, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sotto.node.core import Core


class Metrics:
    """Counters are set where things happen, gauges are read from the core when somebody asks."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.accepted = Counter(
            "sotto_transactions_accepted", "Transactions taken into the pool", registry=self._registry
        )
        self.refused = Counter(
            "sotto_transactions_refused", "Transactions refused, by error", ["code"], registry=self._registry
        )
        self.proving_seconds = Histogram(
            "sotto_proving_seconds",
            "Time to prove an epoch",
            buckets=(0.5, 1, 2, 4, 8, 16, 32, 64),
            registry=self._registry,
        )
        self.submission_failures = Counter(
            "sotto_submission_failures", "Epochs that L1 refused or could not take", registry=self._registry
        )
        self._gauges = {
            name: Gauge(f"sotto_{name}", text, registry=self._registry)
            for name, text in (
                ("pool_transactions", "Transactions that wait for an epoch"),
                ("epochs_in_flight", "Epochs built and not proven on L1"),
                ("epoch_proven", "Last epoch proven on L1"),
                ("l1_block", "Last L1 block applied"),
                ("queue_cursor", "Queue index that the next epoch starts with"),
            )
        }

    def render(self, core: Core) -> bytes:
        """All metrics in Prometheus' text format."""
        values = {
            "pool_transactions": len(core.pool),
            "epochs_in_flight": core.in_flight,
            "epoch_proven": core.ledger.confirmed_id,
            "l1_block": core.l1_block,
            "queue_cursor": core.ledger.queue_cursor,
        }
        for name, value in values.items():
            self._gauges[name].set(value)
        return generate_latest(self._registry)
