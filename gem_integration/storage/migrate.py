"""Bring a database to the tables of this version."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

import gem_integration
from gem_integration.storage.engine import WRITES

#: One number for the advisory lock that lets one process migrate at a time.
MIGRATION_LOCK = 6_171_323
LOCK_TIMEOUT_OFF = "SET LOCAL lock_timeout = 0"


def migrations_folder() -> Path:
    """Return the folder of migrations: inside an installed package, or beside it in a checkout."""
    package = Path(gem_integration.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(engine: sa.Engine, revision: str = "head") -> None:
    """Run the migrations that are missing, in one transaction, one process at a time."""
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(LOCK_TIMEOUT_OFF)
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(MIGRATION_LOCK)))
        command.upgrade(_config(connection), revision)


def downgrade(engine: sa.Engine, revision: str = "base") -> None:
    """Take migrations back; for tests and for a release that is withdrawn."""
    with engine.execution_options(**{WRITES: True}).begin() as connection:
        command.downgrade(_config(connection), revision)


def revisions(engine: sa.Engine) -> tuple[str | None, str | None]:
    """Return the revision the database is at and the one this version wants."""
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
        wanted = ScriptDirectory.from_config(_config(connection)).get_current_head()
    return current, wanted


def _config(connection: sa.Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
