"""Proving of epochs outside of the node's process."""
