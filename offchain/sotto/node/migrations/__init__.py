"""Brings a database to the schema of this release (Alembic).

A change of `sotto.node.tables` takes a new file in `versions`; a test compares the two.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect, text

from sotto.node.errors import SchemaTooNew, StoreUnusable

FIRST = "0001"
_FIRST_SCHEMA = "2"
"""Number of that schema in the table `meta`, before Alembic kept count."""


def migrate(engine: Engine, target: str = "head") -> None:
    """Create or upgrade the tables, all or nothing: a kill leaves the schema of before.

    Raises SchemaTooNew, StoreUnusable.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        script = ScriptDirectory.from_config(config)
        present = MigrationContext.configure(connection).get_current_revision()
        if present is None:
            _adopt(connection, script)
        elif present not in {revision.revision for revision in script.walk_revisions()}:
            raise SchemaTooNew(f"the database has schema {present}, this release {script.get_current_head()}")
        command.upgrade(config, target)


def _adopt(connection: Connection, script: ScriptDirectory) -> None:
    if not inspect(connection).has_table("meta"):
        return
    schema = connection.scalar(text("SELECT value FROM meta WHERE key = 'schema'"))
    if schema != _FIRST_SCHEMA:
        raise StoreUnusable(f"the database has schema {schema}, which cannot be upgraded: start an empty one")
    MigrationContext.configure(connection).stamp(script, FIRST)
    connection.execute(text("DELETE FROM meta WHERE key = 'schema'"))
