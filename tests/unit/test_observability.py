"""Logs are JSON lines from a closed list and have no room for patient data."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gem_integration.observability import WITHHELD, Event, configure_logging, log_event


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Send the process's logs to a string, and put the root logger back afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(level="info", stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_an_event_is_one_json_line_with_its_fields(lines: io.StringIO) -> None:
    """A reader of the log finds time, level, event and fields."""
    log_event(Event.READ_FINISHED, study_id="1b2c", seconds=0.25)
    line = json.loads(lines.getvalue())
    assert (line["event"], line["study_id"], line["seconds"]) == ("read_finished", "1b2c", 0.25)


def test_text_that_is_no_id_or_code_is_withheld(lines: io.StringIO) -> None:
    """A name, a sentence or a line break cannot enter through a field."""
    log_event(Event.MESSAGE_REJECTED, code="Doe^Jane", source="a\nb")
    line = json.loads(lines.getvalue())
    assert (line["code"], line["source"]) == (WITHHELD, WITHHELD)


def test_a_field_outside_the_closed_list_is_a_defect() -> None:
    """Nobody can log a new kind of value without adding it to the list."""
    with pytest.raises(ValueError, match="not a log field"):
        log_event(Event.READ_FINISHED, patient_name="x")


def test_a_librarys_words_never_reach_the_log(lines: io.StringIO) -> None:
    """A foreign record is reduced to its place, its exception to its type."""
    try:
        raise RuntimeError("patient Jane Doe, born 1950-02-03")  # noqa: TRY301
    except RuntimeError:
        logging.getLogger("pydicom").exception("invalid value for PatientName: %s", "Doe^Jane")
    text = lines.getvalue()
    assert "Doe" not in text
    assert "1950" not in text
    assert json.loads(text)["error_type"] == "RuntimeError"


def test_importing_the_package_configures_no_logging() -> None:
    """Only the door configures logging."""
    assert not logging.getLogger("gem_integration").handlers
