"""A node whose database is PostgreSQL, through kills of both."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.node.conftest import Stage, prove
from tests.support.node import NodeProcess, wait_until
from tests.support.postgres import PostgresServer

pytestmark = pytest.mark.slow


@pytest.fixture
def database(postgres: PostgresServer) -> str:
    """URL of an empty database."""
    return postgres.create()


@pytest.fixture
def on_postgres(stage: Stage, database: str, tmp_path: Path) -> Iterator[Stage]:
    """The stage with a node on PostgreSQL that keeps snapshots."""
    settings = {"database": database, "snapshots": tmp_path / "snapshots"}
    stage.node = NodeProcess(tmp_path, stage.chain.url, stage.deployment, **settings)
    yield stage
    stage.node.close()


def test_payments_go_on_after_kills_of_server_and_node(
    on_postgres: Stage, database: str, postgres: PostgresServer, tmp_path: Path
) -> None:
    stage, node = on_postgres, on_postgres.node.start()
    stage.fund(2)
    first = stage.pay()
    assert node.post([prove(first)]).status_code == 200
    # The answer promises that the transaction stays, whatever happens to server and node.
    postgres.kill()
    postgres.start()
    node.kill()
    node.start()
    stage.follow([first])

    # A second node on the same database ends, and this one does not notice.
    (tmp_path / "rival").mkdir()
    rival = NodeProcess(tmp_path / "rival", stage.chain.url, stage.deployment, database=database)
    rival.spawn()
    assert rival.exit_code() != 0
    assert "DatabaseInUse" in rival.log()

    second = stage.pay()
    assert node.post([prove(second)]).status_code == 200
    stage.follow([second])
    h = f"{second.transaction.h:#066x}"
    wait_until(lambda: node.get(f"/v1/transactions/{h}")["status"] == "proven")
    assert node.stop() == 0
