"""What the waveform says about claims: the verdict rules, their evidence, and what is lost on the way."""

from __future__ import annotations

import pytest

from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.evidence import Evidence, GroundedObservation, Verdict
from gem_integration.domain.identity import Demographics, Sex
from gem_integration.domain.measurement import (
    Beat,
    BeatClass,
    Fiducials,
    Measurement,
    Measurements,
)
from gem_integration.domain.measurement import MeasurementKind as Kind
from gem_integration.domain.quality import LeadQuality, Quality, QualityFlag
from gem_integration.domain.statement import Statement, StatementState, Urgency
from gem_integration.grounding import coverage, ground
from gem_integration.grounding.shape import claim_json

RATE_HZ = 500.0


def number(kind: Kind, value: float, lead: Lead | None = None, uncertainty: float = 0.0) -> Measurement:
    return Measurement(
        kind=kind,
        value=value,
        unit="ms",
        lead=lead,
        beats=(1, 2),
        samples=((100, 150),),
        method="by hand",
        uncertainty=uncertainty,
    )


def in_leads(kind: Kind, values: dict[Lead, float], uncertainty: float = 0.02) -> list[Measurement]:
    return [number(kind, value, lead, uncertainty) for lead, value in values.items()]


def measured(*items: Measurement, bad: tuple[Lead, ...] = (), beats: tuple[Beat, ...] = ()) -> Measurements:
    leads = {
        lead: LeadQuality(usable=lead not in bad, flags=(QualityFlag.FLAT,) if lead in bad else ())
        for lead in STANDARD_LEADS
    }
    quality = Quality(usable=True, flags=(), reasons=(), leads=leads)
    return Measurements(
        sampling_rate_hz=RATE_HZ, sample_count=5000, quality=quality, beats=beats, items=items
    )


def statement(name: str, state: StatementState, leads: tuple[Lead, ...] = ()) -> Statement:
    part = Evidence(measurement="qrs_duration", value=150.0, criterion="qrs_duration >= 120 ms", met=True)
    return Statement(statement_id=name, state=state, urgency=Urgency.ROUTINE, parts=(part,), leads=leads)


def only(
    text: str, measurements: Measurements, *statements: Statement, sex: Sex | None = None
) -> GroundedObservation:
    (observation,) = ground(text, measurements, statements, Demographics(sex=sex))
    return observation


def verdict(text: str, *items: Measurement, sex: Sex | None = None) -> Verdict:
    return only(text, measured(*items), sex=sex).verdict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The QRS duration is 98 ms.", Verdict.SUPPORTED),
        ("The QRS duration is 108 ms.", Verdict.SUPPORTED),
        ("The QRS duration is 130 ms.", Verdict.CONTRADICTED),
        ("QRS < 120 ms", Verdict.SUPPORTED),
        ("QRS > 120 ms", Verdict.CONTRADICTED),
        ("QRS > 101 ms", Verdict.BORDERLINE),
        ("The QRS varies between 92 and 106 ms.", Verdict.SUPPORTED),
        ("The QRS varies between 120 and 140 ms.", Verdict.CONTRADICTED),
        ("The QRS complex is wide.", Verdict.CONTRADICTED),
        ("The QRS complex is not widened.", Verdict.SUPPORTED),
    ],
)
def test_numbers_are_held_against_their_band(text, expected):
    """Equality within the band, inequalities outside the doubt around their limit."""
    assert verdict(text, number(Kind.QRS_DURATION, 100.0, uncertainty=10.0)) is expected


def test_evidence_carries_the_number_and_where_it_was_taken():
    """The criterion in words stands beside value, interval, beats, samples and method."""
    observation = only("PR interval 160 ms", measured(number(Kind.PR_INTERVAL, 158.0, uncertainty=12.0)))
    (shown,) = observation.evidence
    assert (shown.value, shown.low, shown.high, shown.met) == (158.0, 146.0, 170.0, True)
    assert shown.samples == ((100, 150),)
    assert shown.criterion.startswith("pr_interval = 160 ms")


def test_leads_that_all_agree_support():
    """A claim on named leads uses each lead's own number."""
    items = in_leads(Kind.T_AMPLITUDE, {Lead.V1: -0.3, Lead.V2: -0.2, Lead.V3: -0.25})
    assert verdict("T waves are inverted in V1-V3.", *items) is Verdict.SUPPORTED


def test_more_than_half_of_the_leads_contradict():
    """One lead of three is split, two of three contradict."""
    one = in_leads(Kind.T_AMPLITUDE, {Lead.V1: -0.3, Lead.V2: -0.2, Lead.V3: 0.25})
    two = in_leads(Kind.T_AMPLITUDE, {Lead.V1: -0.3, Lead.V2: 0.2, Lead.V3: 0.25})
    assert verdict("T waves are inverted in V1-V3.", *one) is Verdict.BORDERLINE
    assert verdict("T waves are inverted in V1-V3.", *two) is Verdict.CONTRADICTED


def test_an_unusable_lead_is_not_measurable():
    """A flat lead decides nothing, and the reason names it."""
    items = in_leads(Kind.ST_J, {Lead.V3: 0.3})
    observation = only("There is ST elevation in V3.", measured(*items, bad=(Lead.V3,)))
    assert observation.verdict is Verdict.NOT_MEASURABLE
    assert "V3" in observation.reason
    assert "flat" in observation.reason


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (0.0, Verdict.SUPPORTED),
        (0.3, Verdict.CONTRADICTED),
    ],
)
def test_a_denial_of_the_whole_ecg_is_checked_in_every_lead(levels, expected):
    """No ST elevation holds only where no two leads show it."""
    shifts = dict.fromkeys(STANDARD_LEADS, 0.0) | {Lead.II: levels, Lead.III: levels}
    items = in_leads(Kind.ST_J, shifts) + in_leads(Kind.ST_J60, shifts)
    assert verdict("No ST elevation is seen.", *items) is expected


def test_rr_in_samples_is_a_unit_slip():
    """RR values that match only after doubling are contradicted, and the reason is known."""
    observation = only(
        "The RR interval is 410 ms.", measured(number(Kind.RR_INTERVAL, 818.0, uncertainty=20.0))
    )
    assert (observation.verdict, observation.reason) == (Verdict.CONTRADICTED, "unit_slip")


def test_a_range_of_rr_names_the_shortest_and_the_longest():
    """Both ends of the range are held against the recording, also for a unit slip."""
    items = (
        number(Kind.RR_INTERVAL, 700.0, uncertainty=10.0),
        number(Kind.RR_MIN, 560.0, uncertainty=10.0),
        number(Kind.RR_MAX, 900.0, uncertainty=10.0),
    )
    assert verdict("RR intervals vary between 555 and 910 ms.", *items) is Verdict.SUPPORTED
    assert verdict("RR intervals vary between 300 and 2000 ms.", *items) is Verdict.CONTRADICTED
    slip = only("RR intervals vary between 280 and 450 ms.", measured(*items))
    assert (slip.verdict, slip.reason) == (Verdict.CONTRADICTED, "unit_slip")


def test_a_wrong_rr_is_no_unit_slip():
    """A value that matches in no way is just contradicted."""
    observation = only(
        "The RR interval is 600 ms.", measured(number(Kind.RR_INTERVAL, 818.0, uncertainty=20.0))
    )
    assert observation.verdict is Verdict.CONTRADICTED
    assert observation.reason != "unit_slip"


def test_a_qtc_may_match_any_formula_unless_it_names_one():
    """Without a formula the best of four counts; with one, that one."""
    items = (
        number(Kind.QTC_FRIDERICIA, 420.0, uncertainty=15.0),
        number(Kind.QTC_BAZETT, 460.0, uncertainty=15.0),
    )
    assert verdict("QTc 458 ms", *items) is Verdict.SUPPORTED
    assert verdict("QTc (Fridericia) 458 ms", *items) is Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("sex", "expected"), [(Sex.MALE, Verdict.SUPPORTED), (Sex.FEMALE, Verdict.BORDERLINE)]
)
def test_the_qt_limit_depends_on_the_sex(sex, expected):
    """458 ms is prolonged in men and at the limit in women."""
    assert (
        verdict("The QTc is prolonged.", number(Kind.QTC_FRIDERICIA, 458.0, uncertainty=10.0), sex=sex)
        is expected
    )


def test_a_qrs_amplitude_may_be_r_s_or_peak_to_peak():
    """The evidence says which of the three matched."""
    items = [
        *in_leads(Kind.QRS_AMPLITUDE, {Lead.I: 1.6}),
        *in_leads(Kind.R_AMPLITUDE, {Lead.I: 1.2}),
        *in_leads(Kind.S_AMPLITUDE, {Lead.I: -0.4}),
    ]
    observation = only("Lead I: QRS amplitude 1.21 mV", measured(*items))
    assert observation.verdict is Verdict.SUPPORTED
    assert observation.evidence[0].measurement == "r_amplitude"


def test_millimetres_are_tenths_of_a_millivolt():
    """ST elevation of 2 mm is 0.2 mV, and depression is below the baseline."""
    items = in_leads(Kind.ST_J, {Lead.V2: 0.21}) + in_leads(Kind.ST_J60, {Lead.V2: 0.21})
    assert [
        o.verdict for o in ground("ST elevation of 2 mm in V2.", measured(*items), (), Demographics())
    ] == [
        Verdict.SUPPORTED,
        Verdict.SUPPORTED,
    ]
    assert [
        o.verdict for o in ground("ST depression of 4 mm in V2.", measured(*items), (), Demographics())
    ] == [
        Verdict.CONTRADICTED,
        Verdict.CONTRADICTED,
    ]


def test_absent_p_waves_are_supported_by_the_share_of_beats_with_p():
    """In atrial fibrillation the absence of P waves is itself measurable."""
    few = number(Kind.P_PRESENT_FRACTION, 0.05)
    assert verdict("P waves are absent.", few) is Verdict.SUPPORTED
    assert verdict("P waves are absent in lead II.", few) is Verdict.SUPPORTED
    assert verdict("P waves are visible in lead II.", few) is Verdict.CONTRADICTED


@pytest.mark.parametrize(
    ("text", "state", "expected"),
    [
        ("Left bundle branch block.", StatementState.MET, Verdict.SUPPORTED),
        ("Left bundle branch block.", StatementState.NOT_MET, Verdict.CONTRADICTED),
        ("Left bundle branch block.", StatementState.BORDERLINE, Verdict.BORDERLINE),
        ("Left bundle branch block.", StatementState.NOT_MEASURABLE, Verdict.NOT_MEASURABLE),
        ("No left bundle branch block.", StatementState.MET, Verdict.CONTRADICTED),
        ("No left bundle branch block.", StatementState.NOT_MET, Verdict.SUPPORTED),
        ("Possible left bundle branch block.", StatementState.MET, Verdict.SUPPORTED),
    ],
)
def test_a_finding_has_the_verdict_of_its_statement(text, state, expected):
    """Criteria met support, criteria failed contradict; a denial turns them round, a hedge does not."""
    assert only(text, measured(), statement("lbbb", state)).verdict is expected


def test_findings_without_a_statement_of_their_own_are_derived():
    """Abnormal is not normal; ischaemia, acute infarct and hypertrophy follow from what decides them."""
    not_met = StatementState.NOT_MET
    assert only("Abnormal ECG.", measured(), statement("normal_ecg", not_met)).verdict is Verdict.SUPPORTED
    acute = only("Acute infarction.", measured(), statement("stemi", StatementState.MET))
    assert acute.verdict is Verdict.SUPPORTED
    nothing = only("No hypertrophy.", measured(), statement("lvh", not_met), statement("rvh", not_met))
    assert nothing.verdict is Verdict.SUPPORTED


def test_a_finding_elsewhere_is_contradicted():
    """Anterior Q waves do not make an inferior infarct."""
    anterior = statement("q_mi", StatementState.MET, (Lead.V1, Lead.V2, Lead.V3))
    observation = only("Inferior infarct.", measured(), anterior)
    assert observation.verdict is Verdict.CONTRADICTED
    assert "V1 V2 V3" in observation.reason


def a_beat(count: int, r_sample: int, kind: BeatClass = BeatClass.DOMINANT, width: int = 45) -> Beat:
    marks = Fiducials(qrs_on=r_sample - 20, r_peak=r_sample, qrs_off=r_sample - 20 + width)
    return Beat(number=count, r_sample=r_sample, beat_class=kind, marks=marks, leads={})


def test_beats_named_are_measured_themselves():
    """The fifth beat's own width, coupling and class are held against the claim."""
    beats = tuple(
        a_beat(n, sample, BeatClass.ECTOPIC_WIDE if n == 3 else BeatClass.DOMINANT, 76 if n == 3 else 45)
        for n, sample in enumerate((200, 600, 850, 1400, 1800), start=1)
    )
    numbers = measured(number(Kind.QRS_DURATION, 90.0, uncertainty=10.0), beats=beats)
    text = (
        "The third beat is premature, has a QRS duration of 152 ms and is followed by a compensatory pause "
        "of 1100 ms."
    )
    observations = ground(text, numbers, (), Demographics())
    assert [o.verdict for o in observations] == [Verdict.SUPPORTED] * 4
    assert ground("Beat 9 is premature.", numbers, (), Demographics())[0].verdict is Verdict.NOT_MEASURABLE


def test_what_cannot_be_grounded_says_so():
    """Advice is kept, as not groundable."""
    assert only("Clinical correlation is recommended.", measured()).verdict is Verdict.NOT_GROUNDABLE


def test_coverage_counts_claims_and_the_words_inside_them():
    """A text of claims is covered, a text of chatter is not, and nothing is never full."""
    text = "Sinus rhythm. QRS 90 ms."
    observations = ground(text, measured(), (), Demographics())
    covered = coverage(text, observations)
    assert covered.by_kind == {"measurement": 1, "morphology": 0, "finding": 1, "other": 0}
    assert sum(covered.by_verdict.values()) == 2
    assert covered.words_covered == 1.0
    assert coverage("The ventricle is a chamber of the T wave.", ()).words_covered == 0.0
    assert coverage("", ()).words_covered == 0.0


def test_the_public_shape_has_the_fields_of_the_contract():
    """Thirteen fields in order, then verdict, reason and evidence."""
    shape = claim_json(only("QRS 90 ms", measured(number(Kind.QRS_DURATION, 92.0))))
    assert list(shape) == [
        *("text", "start", "end", "kind", "subject", "leads", "polarity", "certainty", "comparator", "value"),
        *("value_high", "unit", "beats", "verdict", "reason", "evidence"),
    ]
    assert list(shape["evidence"][0]) == [
        *(
            "measurement",
            "lead",
            "value",
            "unit",
            "low",
            "high",
            "beats",
            "samples",
            "method",
            "criterion",
            "met",
        ),
    ]
