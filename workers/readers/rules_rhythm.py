"""The rules reader's sentences on rate, rhythm, premature beats and atrial activity."""

from __future__ import annotations

from collections.abc import Iterator

from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.terminology.statements import statement_codes
from workers.readers.rules_words import Facts, ms, phrase

RR_REGULAR_NRMSSD = 0.05
RR_IRREGULAR_NRMSSD = 0.10
P_NEARLY_ALL = 0.95
P_MOST = 0.6
P_FEW = 0.3
PR_NORMAL_MS = (120.0, 200.0)


def rhythm_sentences(facts: Facts) -> Iterator[str]:
    """Say rhythm, rate, regularity and premature beats, each only where it was measured."""
    yield _basic(facts)
    rate = facts.number(Kind.HEART_RATE)
    if rate is None:
        yield "The heart rate could not be measured."
    else:
        yield f"The heart rate is {rate:.0f} bpm."
    yield from _regularity(facts)
    yield from _premature(facts)


def _basic(facts: Facts) -> str:
    codes = statement_codes()
    held = [item for name, item in facts.statements.items() if codes[name].group and facts.likely(name)]
    if not held:
        return "The basic rhythm could not be determined."
    return f"The rhythm is {phrase(held[0])}."


def _regularity(facts: Facts) -> Iterator[str]:
    nrmssd, rr = facts.number(Kind.RR_NRMSSD), facts.number(Kind.RR_INTERVAL)
    if nrmssd is None or rr is None:
        return
    if facts.likely("af") or nrmssd > RR_IRREGULAR_NRMSSD:
        yield f"The RR intervals are irregular with a mean RR interval of {ms(rr)}."
    elif nrmssd < RR_REGULAR_NRMSSD and not facts.likely("pvc") and not facts.likely("pac"):
        yield f"The RR intervals are regular with a mean RR interval of {ms(rr)}."
    else:
        yield f"The mean RR interval is {ms(rr)}."


def _premature(facts: Facts) -> Iterator[str]:
    for name, kind, words in (
        ("pvc", Kind.ECTOPIC_WIDE_COUNT, "premature ventricular complex"),
        ("pac", Kind.ECTOPIC_NARROW_COUNT, "premature atrial complex"),
    ):
        count = facts.number(kind)
        if facts.met(name) and count:
            one = round(count) == 1
            yield f"There {'is one' if one else f'are {count:.0f}'} {words}{'' if one else 'es'}."


def atrial_sentences(facts: Facts) -> Iterator[str]:
    """Say what is known of P waves and PR, or that they are absent or could not be measured."""
    present = facts.number(Kind.P_PRESENT_FRACTION)
    if facts.likely("af") or (present is not None and present < P_FEW):
        yield "P waves are absent."
        return
    if present is None:
        yield "The P waves could not be measured."
        return
    if present >= P_NEARLY_ALL:
        yield "Each QRS complex is preceded by a P wave."
    elif present >= P_MOST:
        yield "P waves are present."
    p_ms = facts.number(Kind.P_DURATION)
    if p_ms is not None:
        yield f"The P wave duration is {ms(p_ms)}."
    yield _pr(facts)


def _pr(facts: Facts) -> str:
    pr = facts.number(Kind.PR_INTERVAL)
    if pr is None:
        return "The PR interval could not be measured."
    low, high = PR_NORMAL_MS
    if pr > high:
        return f"The PR interval is prolonged at {ms(pr)}."
    if pr < low:
        return f"The PR interval is short at {ms(pr)}."
    return f"The PR interval is {ms(pr)}, which is normal."
