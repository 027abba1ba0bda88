"""Inserts that yield to a row already there, so that parallel writers agree without errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningInsert

from gem_integration.storage.tables import Base

Row: TypeAlias = Mapping[str, object]


def insert_new(session: Session, table: type[Base], row: Row) -> bool:
    """Insert ``row`` unless any unique key of it exists; say whether it was inserted.

    On PostgreSQL a parallel inserter of the same key waits for the first to commit, then yields
    (``ON CONFLICT DO NOTHING``); a later ``SELECT`` sees the winner's row.
    """
    session.flush()
    connection = session.connection()
    inserted = connection.execute(_yielding_insert(table, connection.dialect.name), dict(row)).first()
    return inserted is not None


@cache
def _yielding_insert(table: type[Base], dialect_name: str) -> ReturningInsert[tuple[object, ...]]:
    # Building it costs more than running it.
    columns = _columns(table)
    insert = postgresql.insert if dialect_name == "postgresql" else sqlite.insert
    return insert(columns).on_conflict_do_nothing().returning(*columns.primary_key)


def insert_all(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert ``rows`` at once; none is no statement at all."""
    if rows:
        session.execute(sa.insert(_columns(table)), [dict(row) for row in rows])


def _columns(table: type[Base]) -> sa.Table:
    return table.metadata.tables[table.__tablename__]
