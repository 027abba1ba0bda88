"""What can read an ECG: names to factories, each importing its reader only when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gem_integration.ports import EcgReader


def _rules() -> EcgReader:
    from workers.readers.rules import RulesReader  # noqa: PLC0415 - a reader is loaded when it is chosen

    return RulesReader()


def _replay() -> EcgReader:
    from workers.readers.replay import ReplayReader  # noqa: PLC0415 - likewise

    return ReplayReader()


READERS: Mapping[str, Callable[[], EcgReader]] = {
    "rules": _rules,
    "replay": _replay,
}
