"""The node: takes transactions, builds and proves epochs, submits them to L1, and tells wallets what is on the chain."""
