"""The door for people: one command that reads settings, builds the live things and passes them in."""

from __future__ import annotations

import importlib
import logging
import sys
from typing import Final

import click

from gem_integration.errors import GemIntegrationError
from gem_integration.observability import configure_logging
from gem_integration.settings import Settings

COMMANDS: Final = {
    "demo": "demo",
    "read": "read",
    "measure": "measure",
    "convert": "convert",
    "claims": "ground",
    "ground": "ground",
    "simulate": "simulate",
    "serve": "processes",
    "gateway-mllp": "processes",
    "gateway-dimse": "processes",
    "consume": "processes",
    "dispatch": "worker",
    "worker": "worker",
    "deliver": "processes",
    "worklist": "memory",
    "view": "memory",
    "migrate": "memory",
    "doctor": "doctor",
}


class LazyGroup(click.Group):
    """A group that imports a command's module only when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a working day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, importing its module."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"gem_integration.cli.{COMMANDS[cmd_name]}")
        command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        assert isinstance(command, click.Command)  # noqa: S101 - a wrong table is a defect
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gem-integration")
@click.pass_context
def cli(context: click.Context) -> None:
    """Read 12-lead ECGs and prove every sentence against the waveform.

    Research use; not a medical device.
    """
    settings = Settings()
    configure_logging(level=settings.log_level)
    context.obj = settings


def main() -> None:
    """Run the command; an error of ours ends with its reason and exit status 2."""
    try:
        cli(prog_name="gem-integration")
    except GemIntegrationError as error:
        click.echo(f"gem-integration: {error.code}: {error}", err=True)
        logging.shutdown()
        sys.exit(2)
