"""A lead is known by many names, and an unknown name is not guessed."""

import pytest

from gem_integration.domain.ecg import Lead
from gem_integration.terminology.codes import lead_codes
from gem_integration.terminology.lead_names import NamedLead, lead_of_code, lead_of_label


@pytest.mark.parametrize("lead", list(Lead))
def test_every_lead_is_found_by_each_of_its_codes(lead: Lead) -> None:
    """DICOM, context-free, SCP-ECG and REFID spellings all lead to the lead."""
    code = lead_codes()[lead]
    spellings = (code.mdc_dicom, str(code.mdc_context_free), f"5.6.3-9-{code.number}", code.mdc_refid)
    assert [lead_of_code(spelling) for spelling in spellings] == [NamedLead(lead)] * 4


@pytest.mark.parametrize(
    ("label", "lead"),
    [
        ("I", Lead.I),
        ("Lead I (Einthoven)", Lead.I),
        ("LEAD II", Lead.II),
        ("Lead 3", Lead.III),
        ("avr", Lead.AVR),
        ("aVR, augmented voltage, right", Lead.AVR),
        ("ECG Lead V1", Lead.V1),
        ("v6", Lead.V6),
        ("vx", Lead.X),
        ("Lead V4R", Lead.V4R),
    ],
)
def test_labels_are_read_without_regard_to_dress(label: str, lead: Lead) -> None:
    """Case, prefixes and explanations do not matter."""
    assert lead_of_label(label) == NamedLead(lead)


def test_minus_avr_is_upside_down() -> None:
    """The code 2:65 and the label -aVR carry aVR with its sign reversed."""
    upside_down = NamedLead(Lead.AVR, sign=-1)
    assert lead_of_code("2:65") == lead_of_code("131137") == lead_of_label("-aVR") == upside_down


@pytest.mark.parametrize("label", ["", "V", "V17", "ABP", "CH1", "dI", "Auxiliary unipolar lead 1"])
def test_an_unknown_label_is_no_lead(label: str) -> None:
    """Nothing is guessed from a label that names no lead."""
    assert lead_of_label(label) is None


@pytest.mark.parametrize("code", ["", "2:31", "2:0", "2:10", "MDC_ECG_LEAD_dI", "131071", "5.6.3-9-31"])
def test_derived_and_foreign_codes_are_no_lead(code: str) -> None:
    """Leads computed from others, and leads we do not know, are not taken for standard ones."""
    assert lead_of_code(code) is None


def test_a_site_may_name_its_own_labels() -> None:
    """The site's aliases are tried first."""
    assert lead_of_label("KANAL 1", {"Kanal 1": "Lead II"}) == NamedLead(Lead.II)


def test_a_modified_limb_lead_is_marked() -> None:
    """MLII is read as II and says that its electrodes were on the torso."""
    assert lead_of_label("MLII") == NamedLead(Lead.II, modified=True)
