"""The tables hold every field the domain has, and never point at nothing."""

import dataclasses

import pytest
import sqlalchemy as sa

from gem_integration.domain.evidence import Claim, Evidence
from gem_integration.domain.measurement import Measurement
from gem_integration.domain.reading import Interpretation
from gem_integration.domain.report import DeadLetter
from gem_integration.domain.statement import Statement
from gem_integration.storage.mapping import CLAIM_COLUMNS
from gem_integration.storage.tables import (
    Base,
    DeadLetterRow,
    EvidenceRow,
    InterpretationRow,
    MeasurementRow,
    ObservationRow,
    StatementRow,
)


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        (Claim, ObservationRow),
        (DeadLetter, DeadLetterRow),
        (Evidence, EvidenceRow),
        (Interpretation, InterpretationRow),
        (Measurement, MeasurementRow),
        (Statement, StatementRow),
    ],
    ids=lambda value: value.__name__,
)
def test_every_field_has_its_column(kind, table):
    """A field added to the domain fails here until it has a column and a migration."""
    columns = set(sa.inspect(table).columns.keys())
    fields = {CLAIM_COLUMNS.get(field.name, field.name) for field in dataclasses.fields(kind)}
    assert fields <= columns


@pytest.mark.parametrize("table", Base.metadata.sorted_tables, ids=lambda table: table.name)
def test_every_table_says_what_it_holds(table):
    """Each row type has its sentence and each table its key."""
    (mapper,) = [mapper for mapper in Base.registry.mappers if mapper.local_table is table]
    assert mapper.class_.__doc__
    assert list(table.primary_key)
