"""Stores for the tests: every one of these tests runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gem_integration.storage import Store
from gem_integration.storage.engine import open_engine
from gem_integration.storage.tables import Base
from tests.services.postgres import Postgres, running_postgres

DATABASE = "gem"


class SetClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)

    def now(self) -> datetime:
        """Return the time the test set."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        self.time += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> SetClock:
    """Return a clock the test moves."""
    return SetClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a private PostgreSQL, once for the session, with a migrated database."""
    with running_postgres() as server:
        _migrate(server.create_database(DATABASE))
        yield server


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.service)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the address of an empty, migrated database, on each dialect in turn."""
    if request.param == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        return _emptied(server.url(DATABASE))
    path = tmp_path / "gem.db"
    shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
    return f"sqlite:///{path}"


@pytest.fixture
def store(database_url: str, clock: SetClock) -> Iterator[Store]:
    """Open a store on each dialect in turn."""
    opened = Store.open(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(migrated_sqlite: Path, tmp_path: Path, clock: SetClock) -> Iterator[Store]:
    """Open a store on SQLite only."""
    path = tmp_path / "gem.db"
    shutil.copy(migrated_sqlite, path)
    opened = Store.open(f"sqlite:///{path}", clock=clock)
    yield opened
    opened.close()


def _emptied(url: str) -> str:
    # Emptying takes a few milliseconds where a database for each test takes half a second.
    engine = open_engine(url)
    with engine.begin() as connection:
        for table in reversed(Base.metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return url


def _migrate(url: str) -> None:
    opened = Store.open(url, clock=SetClock())
    opened.migrate()
    opened.close()
