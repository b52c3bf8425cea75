"""What all methods of the store need."""

from sqlalchemy import Engine
from sqlmodel import Session


class StoreBase:
    """Opens sessions on the store's database."""

    _engine: Engine

    def _session(self) -> Session:
        return Session(self._engine, expire_on_commit=False)
