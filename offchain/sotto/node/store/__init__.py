"""The database: what is in it survives a kill, and nothing is answered or sent before it is in it.

Methods are short and synchronous; `Store.run` executes them one after the other in a thread of their own,
each in one database transaction.
"""

from sotto.node.store.store import Store

__all__ = ["Store"]
