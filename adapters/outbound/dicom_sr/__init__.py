"""The sink that stores a report as a DICOM structured report in an archive, by C-STORE."""

from __future__ import annotations

from adapters.outbound.dicom_sr.document import document_of, instance_uid
from adapters.outbound.dicom_sr.send import Archive, archive_of, send
from gem_integration.domain.identity import content_hash
from gem_integration.domain.report import Receipt
from gem_integration.ports import Delivery

__all__ = ["Archive", "DicomSrSink", "archive_of", "document_of"]


class DicomSrSink:
    """Sends each report as one Comprehensive SR; sending it again sends the same instance."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def name(self) -> str:
        """Return ``dicom_sr``."""
        return "dicom_sr"

    def deliver(self, delivery: Delivery) -> Receipt:
        """Store the report; ``RefusedBySink`` or ``SinkUnavailable`` when the archive did not take it."""
        content = document_of(delivery)
        said = send(content, self._archive)
        return Receipt(
            location=f"{self._archive.location}/{instance_uid(delivery.report)}",
            content_sha256=content_hash(content),
            detail=said,
        )
