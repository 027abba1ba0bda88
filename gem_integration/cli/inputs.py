"""From paths to ECGs: every file gives ECGs or a failure, and none stops the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import GemIntegrationError, UnreadableMessage, UnsupportedRecording


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LoadedEcg:
    """An ECG and the file it came from; ``number`` counts the ECGs of one file from 1."""

    path: Path
    number: int
    ecg: InboundEcg


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFailure:
    """A file that gave no ECG, and why."""

    path: Path
    error: GemIntegrationError

    def line(self) -> dict[str, object]:
        """Return the JSON line of the failure."""
        return {"path": str(self.path), "error": {"code": self.error.code, "reason": self.error.reason}}


def load_ecgs(paths: Sequence[Path], limits: ParseLimits) -> Iterator[LoadedEcg | LoadFailure]:
    """Yield every ECG under ``paths``, in order, and a failure for each file that cannot be read."""
    from adapters.inbound.files import discover

    for path in paths:
        if not path.exists():
            yield LoadFailure(path=path, error=UnreadableMessage("there is no such file or folder"))
            continue
        for file in discover([path]):
            yield from _load_file(file, limits)


def _load_file(path: Path, limits: ParseLimits) -> Iterator[LoadedEcg | LoadFailure]:
    try:
        ecgs = _parse(path, limits)
    except GemIntegrationError as error:
        yield LoadFailure(path=path, error=error)
        return
    for number, ecg in enumerate(ecgs, start=1):
        yield LoadedEcg(path=path, number=number, ecg=ecg)


def _parse(path: Path, limits: ParseLimits) -> list[InboundEcg]:
    from adapters.inbound import FORMATS
    from adapters.inbound.files import load

    message = load(path)
    parsed = FORMATS[message.media_type](message.content, limits)
    ecgs = [item for item in parsed if isinstance(item, InboundEcg)]
    if not ecgs:
        raise UnsupportedRecording("the file holds an order, not an ECG")
    return ecgs
