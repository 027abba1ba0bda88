"""Time each step of the line on one core: parse, measure, read (rules), bundle."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime

from adapters.inbound import FORMATS
from adapters.outbound.fhir import bundle_bytes, bundle_of, check_bundle
from adapters.writers import WRITERS
from gem_integration.domain.identity import Patient, stable_id
from gem_integration.domain.study import MediaType, ParseLimits, Study
from gem_integration.grounding import extract_claims
from gem_integration.pipeline.read import examine, read_study
from gem_integration.ports import Delivery
from gem_integration.reporting.sheet import Layout, draw_sheet
from gem_integration.reporting.sheet.header import header_of
from gem_integration.reporting.sheet.spans import spans_of
from gem_integration.simulate import SCENARIOS, as_inbound, simulate
from workers.readers.rules import RulesReader

REPEATS = 15
AT = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


def timed(name: str, step: Callable[[], object]) -> None:
    """Print the median and the worst of ``REPEATS`` calls, in milliseconds, after one warm-up."""
    step()
    taken_ms = []
    for _ in range(REPEATS):
        start_s = time.perf_counter()
        step()
        taken_ms.append((time.perf_counter() - start_s) * 1000)
    print(f"{name:<44}{statistics.median(taken_ms):9.1f}{max(taken_ms):9.1f}")


def main() -> None:
    """Run every step on one simulated ECG of 12 leads, 10 s, 500 Hz."""
    ecg = as_inbound(
        simulate(SCENARIOS["rbbb"]), patient=Patient(patient_id="BENCH"), started_at=AT, message_id="BENCH1"
    )
    study = Study(study_id=stable_id("bench"), ecg=ecg, received_at=AT)
    reading = read_study(study, RulesReader(), version=1, issued_at=AT)
    parcel = Delivery(study=study, measurements=reading.measurements, report=reading.report)
    header = header_of(study, parcel.measurements, parcel.report)
    spans = spans_of(reading.report.observations)
    print(f"{'step (12 leads, 10 s, 500 Hz; one core)':<44}{'median':>9}{'worst':>9}  ms")
    for name, media_type in (("hl7", MediaType.HL7V2), ("dicom", MediaType.DICOM)):
        (content,) = WRITERS[name](ecg, "bench").values()
        timed(
            f"parse {name}, {len(content) / 1024:.0f} KiB",
            lambda c=content, m=media_type: FORMATS[m](c, ParseLimits()),
        )
    timed("measure and evaluate", lambda: examine(study))
    timed("extract claims", lambda: extract_claims(reading.interpretation.text))
    timed(
        "read (rules): measure to report", lambda: read_study(study, RulesReader(), version=1, issued_at=AT)
    )
    timed("bundle: build", lambda: bundle_of(parcel))
    bundle = bundle_of(parcel)
    timed("bundle: encode", lambda: bundle_bytes(bundle))
    timed("bundle: check with fhir.resources", lambda: check_bundle(bundle))
    timed(
        "sheet 12x1",
        lambda: draw_sheet(
            ecg.recording,
            layout=list(Layout)[-1],
            header=header,
            spans=spans,
            beats=parcel.measurements.beats,
        ),
    )


if __name__ == "__main__":
    main()
