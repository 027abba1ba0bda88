"""``gem-integration doctor``: what is installed and usable, and what to do about what is not."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import click

from gem_integration.cli.building import SQLITE_PREFIX
from gem_integration.cli.memory import open_store
from gem_integration.cli.tables import columns
from gem_integration.errors import GemIntegrationError
from gem_integration.settings import Settings
from gem_integration.storage.engine import shown_address

NEEDED = ("numpy", "scipy", "sqlalchemy", "alembic", "pydicom", "hl7apy", "wfdb", "fhir.resources")
OPTIONAL: Mapping[str, tuple[str, str]] = {
    "psycopg": ("psycopg", "for PostgreSQL: pip install 'gem-integration[adapters]'"),
    "kafka-python": ("kafka", "for Kafka: pip install 'gem-integration[adapters]'"),
    "celery": ("celery", "for Celery workers: pip install 'gem-integration[workers]'"),
    "torch": ("torch", "for the GEM reader: pip install 'gem-integration[gem]'"),
    "transformers": ("transformers", "for the GEM reader: pip install 'gem-integration[gem]'"),
}


class State(StrEnum):
    """How a checked thing is."""

    OK = "ok"
    ABSENT = "absent"  #: not needed for what is set up
    BROKEN = "broken"  #: needed and not usable


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at, how it is, and what to do if it is not well."""

    name: str
    state: State
    detail: str
    advice: str = ""


@click.command("doctor")
@click.pass_obj
def doctor_command(settings: Settings) -> None:
    """Say what is installed, which database and readers are usable, and what to do about the rest."""
    checks = list(examine(settings))
    rows = [(check.state.value, check.name, check.detail, check.advice) for check in checks]
    click.echo(columns([("state", "what", "found", "what to do"), *rows], indent=""))
    sys.exit(1 if any(check.state is State.BROKEN for check in checks) else 0)


def examine(settings: Settings) -> Iterator[Check]:
    """Yield every check."""
    yield Check(name="python", state=State.OK, detail=platform.python_version())
    yield from (_needed(name) for name in NEEDED)
    yield from (_optional(name, *what) for name, what in OPTIONAL.items())
    yield _database(settings)
    yield from _readers(settings)
    yield from _sinks(settings)


def _needed(name: str) -> Check:
    try:
        return Check(name=name, state=State.OK, detail=version(name))
    except PackageNotFoundError:
        advice = "install the package again: pip install gem-integration"
        return Check(name=name, state=State.BROKEN, detail="not installed", advice=advice)


def _optional(name: str, module: str, advice: str) -> Check:
    if find_spec(module) is None:
        return Check(name=name, state=State.ABSENT, detail="not installed", advice=advice)
    return Check(name=name, state=State.OK, detail=version(name))


def _database(settings: Settings) -> Check:
    shown = shown_address(settings.database_url)
    file = settings.database_url.removeprefix(SQLITE_PREFIX)
    if file != settings.database_url and not Path(file).exists():
        advice = "gem-integration migrate makes it"
        return Check(name="database", state=State.ABSENT, detail=f"{shown}: no such file", advice=advice)
    try:
        found, wanted = open_store(settings, None).revisions()
    except GemIntegrationError as error:
        advice = "start the database, or set GEM_DATABASE_URL"
        return Check(name="database", state=State.BROKEN, detail=f"{shown}: {error.reason}", advice=advice)
    if found != wanted:
        return Check(
            name="database",
            state=State.ABSENT if found is None else State.BROKEN,
            detail=f"{shown}: revision {found}, this version wants {wanted}",
            advice="gem-integration migrate",
        )
    return Check(name="database", state=State.OK, detail=f"{shown}: revision {found}")


def _readers(settings: Settings) -> Iterator[Check]:
    from workers.readers import READERS

    if settings.reader not in READERS:
        advice = f"set GEM_READER to one of: {', '.join(READERS)}"
        yield Check(
            name=f"reader {settings.reader}", state=State.BROKEN, detail="not a reader", advice=advice
        )
    for name, factory in READERS.items():
        check = _usable(f"reader {name}", lambda factory=factory: factory().identity.key)  # type: ignore[misc]
        needed = name == settings.reader
        yield check if needed or check.state is State.OK else _as_absent(check)


def _sinks(settings: Settings) -> Iterator[Check]:
    from adapters.outbound import SINKS

    for name in settings.sinks:
        if name in SINKS:
            yield Check(name=f"sink {name}", state=State.OK, detail=str(settings.output_dir))
        else:
            advice = f"set GEM_SINKS to names of: {', '.join(SINKS)}"
            yield Check(name=f"sink {name}", state=State.BROKEN, detail="not a sink", advice=advice)


def _usable(name: str, build: Callable[[], str]) -> Check:
    try:
        return Check(name=name, state=State.OK, detail=build())
    except GemIntegrationError as error:
        return Check(name=name, state=State.BROKEN, detail=error.code, advice=error.reason)


def _as_absent(check: Check) -> Check:
    return Check(name=check.name, state=State.ABSENT, detail=check.detail, advice=check.advice)
