"""The database: how it is opened on each dialect, and how its errors become ours."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    InternalError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gem_integration.errors import StorageUnavailable
from gem_integration.storage.codec import dumps

SQLITE_BUSY_TIMEOUT_MS = 15_000
POSTGRES_CONNECT_TIMEOUT_S = 5
POSTGRES_STATEMENT_TIMEOUT_MS = 60_000
POSTGRES_LOCK_TIMEOUT_MS = 15_000
POOL_TIMEOUT_S = 15.0
POOL_SIZE = 8
POSTGRES_DRIVER = "postgresql+psycopg"
POSTGRES_NAMES = ("postgresql", "postgres")
#: The execution option that marks a transaction as a writer (SQLite must know at its beginning).
WRITES = "gem_writes"

#: PostgreSQL error code 42P01 (appendix A): the table is not there.
UNDEFINED_TABLE = "42P01"
#: What the driver says, and what an operator can do about it.
REASONS = {
    "unable to open database file": "the database file cannot be opened: make its folder, check its rights",
    "not a database": "this file is no database: check the address, or restore the file",
    "malformed": "the database file is damaged: restore it",
    "readonly": "the database can only be read: check the rights of its file",
    "read-only": "the database can only be read now",
    "disk is full": "the disk of the database is full: make room",
}
REASON_UNKNOWN = "the database cannot be used now: check that it runs, its address and its disk"

#: What may pass by itself: no connection, a lock not granted, a deadlock, a server that only reads.
PASSING = (OperationalError, InterfaceError, InternalError, DisconnectionError, PoolTimeoutError)


def open_engine(database_url: str) -> sa.Engine:
    """Return the engine of ``sqlite:///path`` or ``postgresql://…``; ``StorageUnavailable`` if there is none.

    Values never stand in the messages of its errors.
    """
    try:
        url = sa.make_url(database_url)
        if url.get_backend_name() == "sqlite":
            return _sqlite_engine(url)
        if url.get_backend_name() in POSTGRES_NAMES:
            return _postgres_engine(url)
    except (ArgumentError, ValueError):
        pass  # its message holds the address, and with it perhaps a password
    except ModuleNotFoundError as error:
        reason = "the PostgreSQL driver is not installed: pip install 'gem-integration[adapters]'"
        raise StorageUnavailable(reason) from error
    raise StorageUnavailable(
        "this is no address of a database we know: use sqlite:///file or postgresql://user@host/name"
    )


def shown_address(database_url: str) -> str:
    """Return a database's address without its password, for people and logs."""
    try:
        return sa.make_url(database_url).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "an address that cannot be read"


def _sqlite_engine(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, json_serializer=dumps, hide_parameters=True)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    for pragma in (
        f"busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    # A reader that becomes a writer halfway may be refused at once, without waiting.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _postgres_engine(url: sa.URL) -> sa.Engine:
    settings = {
        "statement_timeout": POSTGRES_STATEMENT_TIMEOUT_MS,
        "lock_timeout": POSTGRES_LOCK_TIMEOUT_MS,
        "timezone": "UTC",
    }
    return sa.create_engine(
        url.set(drivername=POSTGRES_DRIVER),
        json_serializer=dumps,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        pool_timeout=POOL_TIMEOUT_S,
        connect_args={
            "connect_timeout": POSTGRES_CONNECT_TIMEOUT_S,
            "options": " ".join(f"-c {name}={value}" for name, value in settings.items()),
        },
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn what may pass by itself, or what an operator can mend, into ``StorageUnavailable``.

    Anything else is a defect.
    """
    try:
        yield
    except (DBAPIError, DisconnectionError, PoolTimeoutError) as error:
        if not _is_of_the_world(error):
            raise
        raise StorageUnavailable(_reason(error), kind=type(error).__name__) from error


def _is_of_the_world(error: SQLAlchemyError) -> bool:
    if isinstance(error, PASSING) or _lacks_table(error):
        return True
    return type(error) is DatabaseError  # SQLite: the file is damaged or no database


def _lacks_table(error: SQLAlchemyError) -> bool:
    cause = error.orig if isinstance(error, DBAPIError) else None
    return getattr(cause, "sqlstate", None) == UNDEFINED_TABLE or "no such table" in str(cause)


def _reason(error: SQLAlchemyError) -> str:
    if _lacks_table(error):
        return "the database has no tables yet: run `gem-integration migrate`"
    text = str(error)
    return next((reason for words, reason in REASONS.items() if words in text), REASON_UNKNOWN)
