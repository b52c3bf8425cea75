"""Schema, upgrades, and that one node alone has a database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait

import pytest
from alembic import op
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, create_engine, inspect, text
from sqlmodel import SQLModel
from tests.support.postgres import PostgresServer
from tests.support.store_process import StoreProcess
from tests.unit.node.conftest import IDENTITY

from sotto.l1.watcher import BlockHead
from sotto.node import tables
from sotto.node.errors import DatabaseInUse, SchemaTooNew, StoreUnavailable, StoreUnusable
from sotto.node.migrations import FIRST, migrate
from sotto.node.store import Store
from sotto.node.tables import MetaRow

BOTH_DATABASES = True
NAMES = {model.__tablename__ for model in vars(tables).values() if hasattr(model, "__table__")}


@contextmanager
def engine_of(url: str) -> Iterator[Engine]:
    """A connection beside the store's."""
    engine = create_engine(url)
    yield engine
    engine.dispose()


def test_migrations_make_the_tables_of_the_models(database: str) -> None:
    Store(database, IDENTITY).close()
    with engine_of(database) as engine, engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            # Other parts of the package may have tables of their own in the same metadata.
            opts={"include_name": lambda name, kind, _parents: kind != "table" or name in NAMES},
        )
        ours = SQLModel.metadata
        differences = [
            difference
            for difference in compare_metadata(context, ours)
            if not (difference[0] == "add_table" and difference[1].name not in NAMES)
        ]
    assert differences == [], "a change of tables.py needs a file in sotto/node/migrations/versions"


def make_first_schema(url: str, schema: str = "2") -> None:
    """A database of a release before Alembic kept count."""
    with engine_of(url) as engine:
        migrate(engine, FIRST)
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
            connection.execute(
                text("INSERT INTO meta VALUES ('schema', :schema), ('chain_id', '31337')"), {"schema": schema}
            )
            connection.execute(text("INSERT INTO l1_blocks VALUES (7, :hash)"), {"hash": bytes(32)})


def revision_of(url: str) -> str | None:
    """Schema that the database says it has."""
    with engine_of(url) as engine, engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def test_a_database_from_before_the_migrations_is_taken_over(database: str) -> None:
    make_first_schema(database)
    store = Store(database, IDENTITY)
    assert [block.number for block in store.known_blocks()] == [7]
    store.close()
    assert revision_of(database) not in (None, FIRST)
    Store(database, IDENTITY).close()


def test_a_database_from_before_that_is_refused(database: str) -> None:
    make_first_schema(database, schema="1")
    with pytest.raises(StoreUnusable, match="schema 1"):
        Store(database, IDENTITY)
    assert revision_of(database) is None


def test_a_newer_schema_is_refused_and_left_alone(database: str) -> None:
    Store(database, IDENTITY).close()
    with engine_of(database) as engine, engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaTooNew, match="9999"):
        Store(database, IDENTITY)
    assert revision_of(database) == "9999"


def test_an_upgrade_that_fails_leaves_the_schema_of_before(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_first_schema(database)
    made: list[str] = []

    def fail_at_the_third(name: str, *arguments: object, **options: object) -> None:
        made.append(name)
        if len(made) == 3:
            raise StoreUnusable("as if killed")
        create(name, *arguments, **options)

    create = op.create_index
    monkeypatch.setattr(op, "create_index", fail_at_the_third)
    with pytest.raises(StoreUnusable):
        Store(database, IDENTITY)
    monkeypatch.undo()
    with engine_of(database) as engine:
        assert made[0] not in {index["name"] for index in inspect(engine).get_indexes("epochs")}
    assert revision_of(database) is None
    Store(database, IDENTITY).close()


def test_another_node_is_refused_until_this_one_ends(database: str) -> None:
    store = Store(database, IDENTITY)
    refused = StoreProcess(database, IDENTITY)
    assert refused.receive() == DatabaseInUse.__name__
    refused.end()
    store.close()
    second = StoreProcess(database, IDENTITY)
    assert second.receive() == "open"
    with pytest.raises(DatabaseInUse):
        Store(database, IDENTITY, patience=0.2)
    second.kill()
    # What a killed process held is free at once.
    Store(database, IDENTITY).close()


def test_starts_at_the_same_time_wait_for_each_other(database: str) -> None:
    starts = [StoreProcess(database, IDENTITY, patience=60) for _ in range(3)]
    for _ in range(3):
        [start] = wait([start.pipe for start in starts], timeout=60)[:1]
        process = next(process for process in starts if process.pipe is start)
        assert process.receive() == "open"
        process.end()
        starts.remove(process)
    assert revision_of(database) is not None


def test_other_kinds_of_databases_are_refused() -> None:
    with pytest.raises(StoreUnusable, match="mysql"):
        Store("mysql://127.0.0.1/node", IDENTITY)
    with pytest.raises(StoreUnusable):
        Store("no url", IDENTITY)


async def test_a_lost_connection_is_made_again_with_its_lock(postgres: PostgresServer) -> None:
    url = postgres.create()
    store = Store(url, IDENTITY)
    store.save_cursor(BlockHead(1, bytes(32)))
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert [block.number for block in await store.run(store.known_blocks)] == [1]
    with pytest.raises(DatabaseInUse):
        Store(url, IDENTITY, patience=0.2)
    store.close()


async def test_an_outage_is_waited_for(postgres: PostgresServer) -> None:
    url = postgres.create()
    store = Store(url, IDENTITY)
    store.save_cursor(BlockHead(1, bytes(32)))
    postgres.kill()
    reading = asyncio.ensure_future(store.run(store.known_blocks))
    await asyncio.sleep(0.2)
    assert not reading.done()
    await asyncio.to_thread(postgres.start)
    assert [block.number for block in await reading] == [1]
    store.close()


async def test_a_change_that_an_outage_interrupts_begins_again(postgres: PostgresServer) -> None:
    store = Store(postgres.create(), IDENTITY)
    begun: list[int] = []

    def change() -> None:
        begun.append(1)
        with store._session() as session:
            session.add(MetaRow(key="whole", value="done"))
            session.flush()
            if len(begun) == 1:
                session.connection().exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
            session.commit()

    await store.run(change)
    with store._session() as session:
        assert session.get_one(MetaRow, "whole").value == "done"
    assert len(begun) == 2
    store.close()


async def test_a_connection_lost_at_a_commit_is_reported(postgres: PostgresServer) -> None:
    """A change could otherwise be made twice."""
    store = Store(postgres.create(), IDENTITY)

    def change() -> None:
        with store._session() as session:
            session.add(MetaRow(key="unknown", value="done"))
            session.flush()
            pid = session.connection().exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            postgres.execute(f"SELECT pg_terminate_backend({pid})")
            session.commit()

    with pytest.raises(StoreUnavailable):
        await store.run(change)
    assert await store.run(store.known_blocks) == []
    store.close()


async def test_closing_does_not_wait_for_the_end_of_an_outage(postgres: PostgresServer) -> None:
    store = Store(postgres.create(), IDENTITY)
    postgres.kill()
    try:
        reading = asyncio.ensure_future(store.run(store.known_blocks))
        await asyncio.sleep(0.2)
        await asyncio.to_thread(store.close)
        with pytest.raises(StoreUnavailable):
            await reading
    finally:
        await asyncio.to_thread(postgres.start)
