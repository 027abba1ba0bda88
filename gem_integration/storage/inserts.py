"""Inserts that yield to a row already there, so that parallel writers agree without errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from gem_integration.storage.tables import Base

Row: TypeAlias = Mapping[str, object]


def insert_new(session: Session, table: type[Base], row: Row) -> bool:
    """Insert ``row`` unless any unique key of it exists; say whether it was inserted.

    On PostgreSQL a parallel inserter of the same key waits for the first to commit, then yields
    (``ON CONFLICT DO NOTHING``); a later ``SELECT`` sees the winner's row.
    """
    session.flush()
    key = sa.inspect(table).primary_key
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table).values(dict(row)).on_conflict_do_nothing()
    inserted = session.execute(statement.returning(*key)).first()
    return inserted is not None


def insert_all(session: Session, table: type[Base], rows: Sequence[Row]) -> None:
    """Insert ``rows`` at once; none is no statement at all."""
    if rows:
        session.execute(sa.insert(table.metadata.tables[table.__tablename__]), [dict(row) for row in rows])
