"""How reports leave: one file per sink, one line per sink in ``SINKS``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from gem_integration.ports import ReportSink

SinkFactory: TypeAlias = Callable[[str], ReportSink]


def _files(location: str) -> ReportSink:
    from adapters.outbound.files import FilesSink  # noqa: PLC0415 - a sink loads its libraries when it is used

    return FilesSink(Path(location))


def _kafka(location: str) -> ReportSink:
    from adapters.outbound.kafka import KafkaSink  # noqa: PLC0415

    return KafkaSink.at(location)


def _dicom_sr(location: str) -> ReportSink:
    from adapters.outbound.dicom_sr import DicomSrSink, archive_of  # noqa: PLC0415

    return DicomSrSink(archive_of(location))


#: Sink name → factory of the sink at a location (a folder for ``files``, a base URL for a server).
SINKS: Mapping[str, SinkFactory] = {"files": _files, "kafka": _kafka, "dicom_sr": _dicom_sr}
