"""Column types refuse or replace what a database could not keep."""

from datetime import UTC, datetime

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from gem_integration.storage.columns import KEY_LENGTH_MAX, Key, UtcDateTime, storable


def test_a_naive_instant_is_refused():
    """An instant without a zone has no place in a table."""
    with pytest.raises(ValueError, match="zone-aware"):
        UtcDateTime().process_bind_param(datetime(2026, 3, 1), sqlite.dialect())  # noqa: DTZ001


def test_an_instant_without_a_zone_comes_back_in_utc():
    """SQLite forgets the zone; the column gives it back."""
    read = UtcDateTime().process_result_value(datetime(2026, 3, 1), sqlite.dialect())  # noqa: DTZ001
    assert read == datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "stored"),
    [("a\x00b", "a\ufffdb"), ("a\ud800b", "a\ufffdb"), ("Zoë 心电图 🫀", "Zoë 心电图 🫀"), ("", "")],
)
def test_characters_no_database_holds_are_replaced(text, stored):
    """Only U+0000 and lone surrogates are replaced; every other character stays."""
    assert storable(text) == stored


def test_a_key_keeps_its_beginning():
    """An absurdly long identifier still fits into an index."""
    kept = Key().process_bind_param("9" * 5_000, postgresql.dialect())
    assert kept == "9" * KEY_LENGTH_MAX
