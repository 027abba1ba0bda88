"""One study's way through the store, for the tests: drawn values, real database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gem_integration.domain.ecg import Recording
from gem_integration.domain.identity import stable_id
from gem_integration.domain.reading import Interpretation, LeasedJob, StopReason
from gem_integration.domain.report import Report
from gem_integration.domain.study import InboundEcg, InboundMessage, MediaType
from gem_integration.pipeline.receive import Received, receive
from gem_integration.ports import Delivery
from gem_integration.storage import Store
from tests.services.stores import SetClock

READER_KEY = "rules|1|-|abababababababababababababababababababababababababababababababab|0.1.0"


class Line:
    """One study's way through the store, step by step, with drawn values."""

    def __init__(self, store: Store, clock: SetClock, make_delivery: Callable[..., Delivery]) -> None:
        self.store, self.clock, self.make_delivery = store, clock, make_delivery

    def ecg(self, number: int = 1, **changes: object) -> InboundEcg:
        """Return an ECG whose signal differs by ``number``."""
        drawn = self.make_delivery().study.ecg
        samples = drawn.recording.samples_mv + np.float32(number / 1_000)
        recording = Recording.of(samples, drawn.recording.leads, drawn.recording.sampling_rate_hz)
        fields = {"message_id": f"MSG{number}", "recording": recording, "placer_number": None}
        return replace(drawn, **{**fields, "accession_number": f"ACC-{number}", **changes})

    def message(self, content: bytes = b"MSH|1", source: str = "cart-7") -> InboundMessage:
        """Return the message that carried it."""
        return InboundMessage(
            source=source, media_type=MediaType.HL7V2, content=content, received_at=self.clock.now()
        )

    def receive(self, number: int = 1, **changes: object) -> Received:
        """Receive one ECG."""
        message = self.message(f"MSH|{number}".encode())
        return receive(
            message, self.ecg(number, **changes), store=self.store, reader_key=READER_KEY, clock=self.clock
        )

    def lease(self, *, limit: int = 1, holder: str = "w1", seconds: float = 60) -> LeasedJob:
        """Lease exactly one job."""
        (job,) = self.store.lease_reads(limit, holder, seconds)
        return job

    def drawn_report(self, job: LeasedJob) -> Report:
        """Return a drawn report on the job's study."""
        version = self.store.next_version(job.study_id)
        report = self.make_delivery().report
        return replace(
            report,
            study_id=job.study_id,
            version=version,
            report_id=stable_id("report", str(job.study_id), str(version)),
        )

    def finish(self, job: LeasedJob, sinks: tuple[str, ...] = ("files",)) -> Report:
        """Finish a job with a drawn report."""
        report = self.drawn_report(job)
        interpretation = Interpretation(
            text=report.narrative, reader=report.reader, stop_reason=StopReason.END, seconds=0.5
        )
        self.store.finish(
            job,
            measurements=self.make_delivery().measurements,
            interpretation=interpretation,
            report=report,
            sinks=sinks,
        )
        return report
