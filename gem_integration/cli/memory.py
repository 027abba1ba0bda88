"""``gem-integration migrate``, ``worklist`` and ``view``: what the database holds."""

from __future__ import annotations

import click

from gem_integration.cli.shapes import dump_line
from gem_integration.cli.tables import DASH, columns
from gem_integration.clock import SystemClock
from gem_integration.settings import Settings
from gem_integration.storage import Store
from gem_integration.storage.queries import AUDIT_VIEWS, WorklistEntry

ROWS_DEFAULT = 50
CELL_WIDTH_MAX = 60

database_option = click.option("--database", "database_url", help="SQLAlchemy URL; default GEM_DATABASE_URL")
limit_option = click.option("--limit", type=click.IntRange(1, 1000), default=ROWS_DEFAULT, show_default=True)


def open_store(settings: Settings, database_url: str | None) -> Store:
    """Open the database the command or the settings name."""
    return Store.open(database_url or settings.database_url, clock=SystemClock())


@click.command("migrate")
@database_option
@click.pass_obj
def migrate_command(settings: Settings, *, database_url: str | None) -> None:
    """Bring the database to this version's tables."""
    store = open_store(settings, database_url)
    store.migrate()
    click.echo(f"the database is at revision {store.revisions()[0]}")


@click.command("worklist")
@database_option
@limit_option
@click.pass_obj
def worklist_command(settings: Settings, *, database_url: str | None, limit: int) -> None:
    """List the studies, most urgent first, with what their latest report says."""
    entries = open_store(settings, database_url).worklist(limit)
    head = ("received", "patient", "urgency", "status", "claims ok/contradicted/other", "report or reason")
    click.echo(columns([head, *(_worklist_row(entry) for entry in entries)], indent=""))


def _worklist_row(entry: WorklistEntry) -> tuple[str, ...]:
    other = entry.borderline + entry.not_measurable + entry.not_groundable
    status = entry.report_status or entry.job_status
    return (
        entry.received_at.strftime("%Y-%m-%d %H:%M:%S"),
        entry.patient_id or DASH,
        entry.urgency.value if entry.urgency else DASH,
        status.value if status else DASH,
        f"{entry.supported}/{entry.contradicted}/{other}",
        str(entry.report_id or entry.not_read_because or DASH),
    )


@click.command("view")
@click.argument("name", type=click.Choice(sorted(AUDIT_VIEWS)))
@database_option
@limit_option
@click.option("--format", "form", type=click.Choice(["table", "jsonl"]), default="table", show_default=True)
@click.pass_obj
def view_command(settings: Settings, *, name: str, database_url: str | None, limit: int, form: str) -> None:
    """Print the rows of one of the SQL views an auditor queries."""
    rows = open_store(settings, database_url).view(name, limit)
    if form == "jsonl":
        for row in rows:
            click.echo(dump_line(row))
    elif rows:
        click.echo(columns([tuple(rows[0]), *(tuple(map(_cell, row.values())) for row in rows)], indent=""))


def _cell(value: object) -> str:
    text = DASH if value is None else " ".join(str(value).split())
    return text if len(text) <= CELL_WIDTH_MAX else text[: CELL_WIDTH_MAX - 1] + "…"
