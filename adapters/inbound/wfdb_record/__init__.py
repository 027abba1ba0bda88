"""WFDB records: a header and its signal files, together as one uncompressed tar.

A message is one sequence of bytes, a WFDB record is several files; ``bundle`` makes the one of the
other, so that the bytes kept for a study are the whole record.
"""

from __future__ import annotations

import tarfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path, PurePosixPath

import numpy as np

from adapters.inbound.limb_leads import contradictions, normalisation
from adapters.inbound.wfdb_record.header import Header, Signal, header_of
from adapters.inbound.wfdb_record.samples import Decoded, decode
from gem_integration.domain.ecg import Acquisition, FloatArray, Lead, Recording
from gem_integration.domain.identity import content_hash
from gem_integration.domain.study import InboundEcg, InboundOrder, ParseLimits
from gem_integration.errors import UnreadableMessage, UnsupportedRecording
from gem_integration.terminology.lead_names import NamedLead, lead_of_label

FILES_MAX = 64
BYTES_MAX = ParseLimits().message_bytes_max
STATEMENT = "Cart statement:"  #: comment that carries a sentence of the cart

#: Units of header(5) -> millivolts.
MILLIVOLTS: Mapping[str, float] = {"nv": 1e-6, "uv": 1e-3, "µv": 1e-3, "μv": 1e-3, "mv": 1.0, "v": 1e3}


def bundle(header_path: Path) -> bytes:
    """Return the record of a ``.hea`` file as one message.

    ``UnreadableMessage`` if a file it names is missing, cannot be opened or is too large.
    """
    try:
        content = header_path.read_bytes()
        paths = dict.fromkeys(header_path.parent / signal.file for signal in header_of(content).signals)
        if sum(path.stat().st_size for path in paths) > BYTES_MAX:
            raise UnreadableMessage("WFDB: the signal files are larger than the limit", limit=BYTES_MAX)
        return bundle_of({header_path.name: content} | {path.name: path.read_bytes() for path in paths})
    except OSError as error:
        raise UnreadableMessage(
            "WFDB: a signal file named in the header is missing or cannot be opened",
            cause=type(error).__name__,
        ) from None


def bundle_of(files: Mapping[str, bytes]) -> bytes:
    """Return files as one tar that depends on their names and contents alone."""
    packed = BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return packed.getvalue()


def parse(content: bytes, limits: ParseLimits) -> tuple[InboundEcg | InboundOrder, ...]:
    """Read one bundled WFDB record as one ECG.

    ``UnreadableMessage`` for a broken bundle, header or file, ``UnsupportedRecording`` for a record
    without a calibrated ECG lead. A record names no patient, only age and sex. Signals that are no
    known lead are left out with a warning.
    """
    files = _unbundle(content, limits)
    header = _header(files)
    leads, warnings = _leads(decode(header, files, limits.samples_max), limits)
    started_at = header.started_at(limits.assumed_zone)
    recording = _recording(leads, header, limits)
    ecg = InboundEcg(
        message_id=f"{header.record}-{content_hash(content)[:16]}",
        recording=recording,
        acquisition=Acquisition(
            performed_at=started_at,
            performed_at_text=" ".join(word for word in (header.date, header.time) if word) or None,
            zone_assumed=started_at is not None and header.zone is None,
        ),
        age_years=header.age_years,
        sex=header.sex,
        cart_statements=_statements(header),
        warnings=warnings + normalisation(recording) + contradictions(recording),
    )
    return (ecg,)


def _unbundle(content: bytes, limits: ParseLimits) -> dict[str, bytes]:
    if len(content) > limits.message_bytes_max:
        raise UnreadableMessage(
            "WFDB: the bundle is larger than the limit", bytes=len(content), limit=limits.message_bytes_max
        )
    try:
        with tarfile.open(fileobj=BytesIO(content), mode="r:") as archive:
            return _members(archive)
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        raise UnreadableMessage("WFDB: the bundle is no intact tar; bundle the record again") from error


def _members(archive: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for member in archive:
        name = PurePosixPath(member.name)
        if not member.isreg() or member.issparse() or str(name.name) != member.name or member.name in files:
            raise UnreadableMessage("WFDB: the bundle may hold only plain files, without folders")
        if len(files) == FILES_MAX:
            raise UnreadableMessage("WFDB: too many files in the bundle", limit=FILES_MAX)
        opened = archive.extractfile(member)
        read = opened.read() if opened else b""
        if len(read) != member.size:
            raise UnreadableMessage("WFDB: the bundle is cut short; bundle the record again")
        files[member.name] = read
    return files


def _header(files: Mapping[str, bytes]) -> Header:
    headers = [content for name, content in files.items() if name.endswith(".hea")]
    if len(headers) != 1:
        raise UnreadableMessage("WFDB: a bundle holds exactly one header", headers=len(headers))
    return header_of(headers[0])


def _leads(
    decoded: Sequence[Decoded], limits: ParseLimits
) -> tuple[dict[Lead, tuple[NamedLead, Decoded]], tuple[str, ...]]:
    named = [(lead_of_label(one.signal.description, limits.lead_aliases), one) for one in decoded]
    standard = [lead.lead for lead, _ in named if lead and not lead.modified]
    if len(set(standard)) != len(standard):
        raise UnsupportedRecording("WFDB: one lead occurs twice in the record")
    leads: dict[Lead, tuple[NamedLead, Decoded]] = {}
    warnings: list[str] = []
    for place, (lead, one) in enumerate(named, start=1):
        if lead is None or (lead.modified and lead.lead in (*standard, *leads)):
            warnings.append(f"signal {place} is no known ECG lead and was left out")
            continue
        if lead.modified:
            warnings.append(f"lead {lead.lead} is a modified limb lead: its amplitudes and axes differ")
        leads[lead.lead] = (lead, one)
    if not leads:
        raise UnsupportedRecording("WFDB: no signal is a known ECG lead; name the site's labels as aliases")
    return leads, tuple(warnings)


def _recording(
    leads: Mapping[Lead, tuple[NamedLead, Decoded]], header: Header, limits: ParseLimits
) -> Recording:
    samples_mv = np.stack([_millivolts(named, one) for named, one in leads.values()])
    try:
        return Recording.of(
            samples_mv,
            list(leads),
            header.sampling_rate_hz,
            started_at=header.started_at(limits.assumed_zone),
        )
    except ValueError as error:
        raise UnsupportedRecording(f"WFDB: {error}") from error


def _millivolts(named: NamedLead, one: Decoded) -> FloatArray:
    gain, millivolts = _scale(one.signal)
    samples = (one.stored - one.signal.baseline).astype(np.float64) * (named.sign * millivolts / gain)
    samples[one.missing] = np.nan
    return samples


def _scale(signal: Signal) -> tuple[float, float]:
    millivolts = MILLIVOLTS.get(signal.unit.lower())
    if signal.gain is None or millivolts is None:
        raise UnsupportedRecording(
            "WFDB: a lead has no gain, or one that is not in volts, so its amplitude is unknown; "
            "write gain and units into the header"
        )
    return signal.gain, millivolts


def _statements(header: Header) -> tuple[str, ...]:
    said = (line.removeprefix(STATEMENT).strip() for line in header.comments if line.startswith(STATEMENT))
    return tuple(line for line in said if line)
