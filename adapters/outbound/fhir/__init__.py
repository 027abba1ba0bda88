"""Report → FHIR R4 transaction bundle: plain structures in, our own bytes out, checked in between.

Every entry is a PUT to an id that follows from the study and its reader, so that sending a bundle twice
changes nothing. The only importer of fhir.resources, whose R4B equals R4 in everything used here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import orjson
from pydantic import ValidationError

from adapters.outbound.fhir.claim import claim_observations, statement_observations
from adapters.outbound.fhir.context import device_resources, patient_resources, provenance
from adapters.outbound.fhir.frame import Frame
from adapters.outbound.fhir.measurement import measurement_observations
from adapters.outbound.fhir.parts import JSON, Part, full_url
from adapters.outbound.fhir.report import diagnostic_report
from adapters.outbound.fhir.waveform import waveform_observation
from gem_integration.ports import Delivery

__all__ = ["JSON", "bundle_bytes", "bundle_of", "check_bundle"]

FAULTS_SHOWN_MAX = 5


def bundle_of(delivery: Delivery) -> dict[str, JSON]:
    """Return the transaction bundle of one report version; the same delivery gives the same bundle."""
    frame = Frame(delivery=delivery)
    observations = [
        waveform_observation(frame),
        *measurement_observations(frame),
        *statement_observations(frame),
        *claim_observations(frame),
    ]
    report = diagnostic_report(frame, [str(item["id"]) for item in observations])
    resources = [
        *patient_resources(frame),
        *device_resources(frame),
        *observations,
        report,
        provenance(frame),
    ]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [_entry(resource) for resource in resources],
    }


def _entry(resource: Part) -> Part:
    kind, resource_id = resource["resourceType"], str(resource["id"])
    return {
        "fullUrl": full_url(resource_id),
        "resource": resource,
        "request": {"method": "PUT", "url": f"{kind}/{resource_id}"},
    }


def bundle_bytes(bundle: Mapping[str, JSON]) -> bytes:
    """Return the bundle as the bytes to send, in UTF-8."""
    return orjson.dumps(bundle)


def check_bundle(bundle: Mapping[str, JSON]) -> None:
    """Refuse a bundle FHIR R4 would not allow: ``ValueError`` names the elements, never their values.

    A bundle we built ourselves and that fails here is a defect, not bad input.
    """
    from fhir.resources.R4B.bundle import Bundle  # noqa: PLC0415 - half a second that only a check needs

    try:
        Bundle.model_validate(orjson.loads(orjson.dumps(bundle)))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['type']}" for fault in error.errors()]
        raise ValueError(_faults_text(faults)) from None
    if faults := [*_reference_faults(bundle)]:
        raise ValueError(_faults_text(faults))


def _faults_text(faults: list[str]) -> str:
    more = f" and {len(faults) - FAULTS_SHOWN_MAX} more" if len(faults) > FAULTS_SHOWN_MAX else ""
    return f"the bundle is not FHIR R4: {'; '.join(faults[:FAULTS_SHOWN_MAX])}{more}"


def _reference_faults(bundle: Mapping[str, JSON]) -> Iterator[str]:
    """Yield full URLs used twice and references that lead nowhere."""
    walked = list(_walk(bundle))
    urls = Counter(value for name, value in walked if name == "fullUrl")
    yield from (f"{url} is the fullUrl of {count} entries" for url, count in urls.items() if count > 1)
    wanted = {value for name, value in walked if name == "reference"}
    yield from (f"{url} is referred to and not in the bundle" for url in sorted(wanted - set(urls)))


def _walk(node: JSON) -> Iterator[tuple[str, str]]:
    """Yield every element that is a string, with its name."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if isinstance(value, str):
                yield name, value
            else:
                yield from _walk(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value)
