"""What the cart wrote into a DICOM waveform object: its measurements and its statements.

PS3.3 C.10.10 (Waveform Annotation Module); codes of CID 3227-3229, 3687-3689 of PS3.16 and their
SCP-ECG predecessors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.fields import first_item, items, number, text, whole_numbers
from adapters.inbound.dicom_ecg.waveform import Group
from gem_integration.domain.study import CartMeasurement, ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.cart import cart_measurement


def annotations_of(data_set: Dataset, limits: ParseLimits) -> list[Dataset]:
    """Return the annotations of an object, within the limit on their number."""
    found = items(data_set, "WaveformAnnotationSequence")
    if len(found) > limits.segments_max:
        raise UnsupportedRecording(
            "DICOM: more annotations than the limit", annotations=len(found), limit=limits.segments_max
        )
    return found


def cart_measurements(
    annotations: Sequence[Dataset], groups: Sequence[Group]
) -> tuple[tuple[CartMeasurement, ...], tuple[str, ...]]:
    """Return every numeric annotation that names what it measures, and a sentence for each broken one.

    A cart that writes "---" for a number it could not take does not cost the recording.
    """
    found: list[CartMeasurement] = []
    warnings: list[str] = []
    for place, one in enumerate(annotations, start=1):
        try:
            measurement = _measurement(one, groups)
        except UnreadableMessage:
            warnings.append(f"annotation {place} cannot be read and was left out")
            continue
        if measurement is not None:
            found.append(measurement)
    return tuple(found), tuple(warnings)


def _measurement(annotation: Dataset, groups: Sequence[Group]) -> CartMeasurement | None:
    name = first_item(annotation, "ConceptNameCodeSequence")
    value = number(annotation, "NumericValue")
    code = (text(name, "CodeValue") or text(name, "LongCodeValue")) if name else None
    if name is None or code is None or value is None or not math.isfinite(value):
        return None
    unit = first_item(annotation, "MeasurementUnitsCodeSequence")
    return cart_measurement(
        code,
        value,
        system=text(name, "CodingSchemeDesignator"),
        unit=text(unit, "CodeValue") if unit else None,
        label=text(name, "CodeMeaning"),
        lead=_lead(annotation, groups),
    )


def _lead(annotation: Dataset, groups: Sequence[Group]) -> str | None:
    """Name the lead of an annotation of exactly one channel; channel 0 means the whole group."""
    channels = whole_numbers(annotation, "ReferencedWaveformChannels")
    if len(channels) != 2:
        return None
    group, channel = channels
    if not (0 < group <= len(groups) and 0 < channel <= len(groups[group - 1].channel_leads)):
        return None
    return groups[group - 1].channel_leads[channel - 1]


def cart_statements(annotations: Sequence[Dataset]) -> tuple[str, ...]:
    """Return the cart's sentences: free text, and coded findings in the words of their code."""
    found = (_statement(one) for one in annotations)
    return tuple(one for one in found if one)


def _statement(annotation: Dataset) -> str | None:
    if free := text(annotation, "UnformattedTextValue"):
        return free
    finding = first_item(annotation, "ConceptCodeSequence")
    return text(finding, "CodeMeaning") if finding else None
