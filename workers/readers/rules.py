"""The deterministic reader: statements and measurements in words; no weights, no GPU."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from time import perf_counter

from gem_integration.domain.identity import ReaderIdentity
from gem_integration.domain.reading import Interpretation, ReadRequest, StopReason
from workers.readers.rules_sentences import describe

RULES_VERSION = "1"


class RulesReader:
    """Describes our own measurements and statements in full sentences; the same input gives the same text."""

    def __init__(self) -> None:
        self._identity = ReaderIdentity(
            name="rules",
            version=RULES_VERSION,
            weights_digest=None,
            prompt_digest=None,
            code_version=_code_version(),
        )

    @property
    def identity(self) -> ReaderIdentity:
        """Return this reader's name and version; it has neither weights nor prompt."""
        return self._identity

    def read(self, request: ReadRequest) -> Interpretation:
        """Describe the recording from its measurements and statements."""
        started = perf_counter()
        text = describe(request.measurements, request.statements)
        return Interpretation(
            text=text,
            reader=self.identity,
            stop_reason=StopReason.END,
            seconds=perf_counter() - started,
        )


def _code_version() -> str:
    try:
        return version("gem-integration")
    except PackageNotFoundError:
        return "not installed"
