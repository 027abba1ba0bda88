"""The sink that writes a folder per report: FHIR bundle, two ECG sheets, plain text."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from adapters.outbound.fhir import bundle_bytes, bundle_of, check_bundle
from gem_integration.domain.identity import content_hash
from gem_integration.domain.report import Receipt
from gem_integration.errors import SinkUnavailable
from gem_integration.ports import Delivery
from gem_integration.reporting import report_text
from gem_integration.reporting.sheet import Layout, draw_sheet
from gem_integration.reporting.sheet.header import header_of
from gem_integration.reporting.sheet.spans import spans_of
from gem_integration.signal.leads import with_standard_leads

BUNDLE_NAME = "bundle.json"
TEXT_NAME = "report.txt"


class FilesSink:
    """Writes ``<folder>/<report id>/``; names of files and folders hold no patient data.

    Each file appears whole or not at all, and delivering twice leaves the same bytes. With ``checked``
    the bundle is validated before anything is written, which costs more than the read itself.
    """

    def __init__(self, folder: Path, *, checked: bool = False) -> None:
        self._folder = folder
        self._checked = checked

    @property
    def name(self) -> str:
        """Return ``files``."""
        return "files"

    def deliver(self, delivery: Delivery) -> Receipt:
        """Write the report; ``SinkUnavailable`` when the folder cannot be written."""
        bundle = bundle_of(delivery)
        if self._checked:
            check_bundle(bundle)
        contents = {BUNDLE_NAME: bundle_bytes(bundle), **_pages(delivery)}
        target = self._folder / str(delivery.report.report_id)
        try:
            target.mkdir(parents=True, exist_ok=True)
            for file_name, content in contents.items():
                _write_whole(target / file_name, content)
            _sync_folder(target)
        except OSError as error:
            _refuse(error, delivery)
        return Receipt(
            location=str(target),
            content_sha256=content_hash(contents[BUNDLE_NAME]),
            detail=f"{len(contents)} files",
        )


def _refuse(error: OSError, delivery: Delivery) -> NoReturn:
    reason = f"the report folder cannot be written ({error.strerror}): check its path, rights and free space"
    raise SinkUnavailable(reason, report_id=str(delivery.report.report_id), errno=error.errno) from error


def _pages(delivery: Delivery) -> dict[str, bytes]:
    """Return the pages for people: two sheets and the text."""
    recording = with_standard_leads(delivery.study.ecg.recording)
    header = header_of(delivery.study, delivery.measurements, delivery.report)
    spans = spans_of(delivery.report.observations)
    sheets = {
        f"sheet-{layout}.svg": draw_sheet(
            recording, layout=layout, header=header, spans=spans, beats=delivery.measurements.beats
        ).encode()
        for layout in Layout
    }
    return {**sheets, TEXT_NAME: report_text(delivery.report).encode()}


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a power cut, finds the old one or the new one, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with part.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
