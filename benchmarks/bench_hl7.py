"""Parsing and writing a 12 x 5000-sample ORU^R01, beside hl7apy's time for it without samples."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from adapters.inbound.hl7v2 import parse
from adapters.writers.hl7v2 import write
from gem_integration.domain.ecg import STANDARD_LEADS, Acquisition, Recording
from gem_integration.domain.identity import Patient
from gem_integration.domain.study import InboundEcg, ParseLimits

SAMPLES = 5000
RUNS = 15
PARSE_MS_MAX = 80.0
HL7APY_RATIO_MAX = 3.0


def example() -> InboundEcg:
    """Return twelve leads of 10 s at 500 Hz in whole microvolts."""
    microvolts = np.rint(np.random.default_rng(7).normal(0.0, 300.0, (12, SAMPLES)))
    return InboundEcg(
        message_id="BENCH-1",
        recording=Recording.of(microvolts / 1e3, STANDARD_LEADS, 500.0),
        acquisition=Acquisition(),
        patient=Patient(patient_id="BENCH", family_name="Bench", given_name="Mark"),
        filler_number="F1",
    )


def without_samples(content: bytes) -> str:
    """Return the message with the values of its NA observations emptied."""
    segments = [segment.split("|") for segment in content.decode().rstrip("\r").split("\r")]
    for fields in segments:
        if fields[0] == "OBX" and fields[2] == "NA":
            fields[5] = ""
    return "\r".join("|".join(fields) for fields in segments)


def best_ms(action: Callable[[], object]) -> float:
    """Return the shortest of several runs, in milliseconds."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        action()
        times.append((time.perf_counter() - started) * 1e3)
    return min(times)


def main() -> None:
    """Print the timings against their bars."""
    ecg = example()
    (content,) = write(ecg, "bench").values()
    limits = ParseLimits()
    empty = without_samples(content)
    write_ms = best_ms(lambda: write(ecg, "bench"))
    parse_ms = best_ms(lambda: parse(content, limits))
    hl7apy_ms = best_ms(
        lambda: parse_message(empty, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    )
    print(f"hl7 write            {write_ms:7.1f} ms  ({len(content)} bytes)")
    print(f"hl7 parse            {parse_ms:7.1f} ms  (bar {PARSE_MS_MAX:.0f} ms)")
    print(f"hl7apy, no samples   {hl7apy_ms:7.1f} ms")
    print(f"parse / hl7apy       {parse_ms / hl7apy_ms:7.2f}     (bar {HL7APY_RATIO_MAX:.0f})")


if __name__ == "__main__":
    main()
