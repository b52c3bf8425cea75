"""The node: takes transactions, builds, proves and submits epochs, and tells wallets what is on the chain."""
