"""Typed access to the contracts on L1: a class for each, a sender, and a watcher that survives reorgs."""
