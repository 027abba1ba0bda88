"""Settings are validated as a whole, frozen, and documented from the code."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from gem_integration.settings import Settings, settings_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_settings_page_equals_the_code() -> None:
    """A setting cannot change without its page (`make docs`)."""
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == settings_page()


def test_a_setting_out_of_bounds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease of no time is an error before anything starts."""
    monkeypatch.setenv("GEM_LEASE_SECONDS", "0")
    with pytest.raises(ValidationError, match="lease_seconds"):
        Settings()


def test_settings_cannot_change_while_the_process_runs() -> None:
    """What was validated stays."""
    with pytest.raises(ValidationError, match="frozen"):
        Settings().reader = "other"  # type: ignore[misc]


def test_the_database_password_is_not_in_the_settings_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Printing the settings does not print the database URL."""
    monkeypatch.setenv("GEM_DATABASE_URL", "postgresql+psycopg://u:secret-word@h/db")
    assert "secret-word" not in repr(Settings())
