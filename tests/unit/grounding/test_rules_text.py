"""The deterministic reader's own prose, grounded on the numbers it was written from."""

from __future__ import annotations

import pytest

from gem_integration.criteria import evaluate
from gem_integration.domain.evidence import ClaimKind, Verdict
from gem_integration.domain.identity import Demographics
from gem_integration.domain.reading import ReadRequest
from gem_integration.grounding import coverage, ground
from gem_integration.signal.leads import with_standard_leads
from gem_integration.signal.measure import measure
from gem_integration.signal.quality import assess
from gem_integration.simulate import SCENARIOS, simulate
from workers.readers.rules import RulesReader

FEW = ("normal_sinus", "af_rvr", "lbbb", "rbbb", "inferior_stemi", "avb1", "pvc")
WORDS_COVERED_MIN = 0.8


@pytest.mark.parametrize("name", FEW)
def test_every_number_of_the_reader_is_supported(name):
    """What was written from a measurement agrees with it, and little of the text is lost."""
    recording = with_standard_leads(simulate(SCENARIOS[name]).recording)
    measurements = measure(recording, assess(recording))
    statements = evaluate(measurements, Demographics())
    request = ReadRequest(
        recording=recording,
        demographics=Demographics(),
        indication=None,
        measurements=measurements,
        statements=statements,
    )
    text = RulesReader().read(request).text
    observations = ground(text, measurements, statements, Demographics())
    numbers = [o for o in observations if o.claim.kind is ClaimKind.MEASUREMENT]
    assert numbers
    assert {o.verdict for o in numbers} == {Verdict.SUPPORTED}
    assert coverage(text, observations).words_covered > WORDS_COVERED_MIN
