"""How long a measurement takes and how near it comes: one table, one run.

    python -m benchmarks.bench_measure [--ludb FOLDER] [--repeats 7]

Prints milliseconds of one core per recording by length, and with a folder of LUDB records the scorer's
command that gives the accuracy table. Peers are timed beside us where they are installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

from gem_integration.domain.ecg import Recording
from gem_integration.signal.analysis import analyse
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess
from gem_integration.simulate import SCENARIOS, simulate

LENGTHS_S = (10.0, 30.0, 60.0)
CASES = ("normal_sinus", "af", "lbbb", "pvc", "paced")
SCORER = "eval_delineation.py --records {} --delineator benchmarks.ludb_delineator:delineate --enforce aim"


def measured_ms(recording: Recording, repeats: int) -> tuple[float, float]:
    """Return the median wall and processor milliseconds of quality and measurement together."""
    wall, cores = [], []
    for _ in range(repeats):
        analyse.cache_clear()
        began, used = time.perf_counter(), time.process_time()
        measure(recording, assess(recording))
        wall.append(1000 * (time.perf_counter() - began))
        cores.append(1000 * (time.process_time() - used))
    return median(wall), median(cores)


def neurokit_ms(recording: Recording) -> float:
    """Return the milliseconds that NeuroKit2 takes to delineate the same twelve leads one by one."""
    import neurokit2  # noqa: PLC0415 - a peer, only where it is installed

    def run() -> None:
        for row in recording.samples_mv:
            clean = neurokit2.ecg_clean(row, sampling_rate=int(recording.sampling_rate_hz))
            _, peaks = neurokit2.ecg_peaks(clean, sampling_rate=int(recording.sampling_rate_hz))
            neurokit2.ecg_delineate(clean, peaks, sampling_rate=int(recording.sampling_rate_hz))

    return _timed(run)


def _timed(run: Callable[[], None]) -> float:
    began = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ludb", type=Path)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    print(f"{'case':16s}{'seconds':>8s}{'wall ms':>9s}{'core ms':>9s}")
    for name in CASES:
        for length_s in LENGTHS_S if name == "normal_sinus" else LENGTHS_S[:1]:
            recording = simulate(replace(SCENARIOS[name], duration_s=length_s)).recording
            wall, cores = measured_ms(recording, arguments.repeats)
            print(f"{name:16s}{length_s:8.0f}{wall:9.1f}{cores:9.1f}")
    if importlib.util.find_spec("neurokit2"):
        print(
            f"NeuroKit2, same 12 leads: {neurokit_ms(simulate(SCENARIOS['normal_sinus']).recording):.0f} ms"
        )
    if arguments.ludb:
        print(f"accuracy: python {SCORER.format(arguments.ludb)}")


if __name__ == "__main__":
    main()
