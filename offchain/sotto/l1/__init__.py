"""Typed access to the contracts on L1: one thin class per contract, a sender, and a watcher that survives reorgs."""
