"""What all methods of the store need."""

from collections.abc import Callable

from sqlalchemy import Engine
from sqlmodel import Session

from sotto.node.tables import EventRow


class StoreBase:
    """Opens sessions on the store's database."""

    _engine: Engine
    _committed = False
    """Whether the method that runs has begun to commit."""
    on_event: Callable[[], None] | None = None
    """Called, in whatever thread it happens, when a commit has added an event."""

    def _session(self) -> Session:
        return _Session(self)


class _Session(Session):
    """A session that says when it has committed events."""

    def __init__(self, store: StoreBase) -> None:
        super().__init__(store._engine, expire_on_commit=False)
        self._store = store

    def commit(self) -> None:
        """Commit, then let the events be read."""
        self._store._committed = True
        told = any(isinstance(item, EventRow) for item in self.identity_map.values())
        super().commit()
        if told and self._store.on_event is not None:
            self._store.on_event()
