"""Bytes kept by their SHA-256 in the database, and the compact form of a recording."""

from __future__ import annotations

import json
import zlib
from datetime import datetime

import numpy as np
from sqlalchemy.orm import Session

from gem_integration.domain.ecg import Lead, Recording
from gem_integration.domain.identity import content_hash
from gem_integration.errors import UnreadableMessage
from gem_integration.storage.inserts import insert_new
from gem_integration.storage.tables import BlobRow

RECORDING_MEDIA_TYPE = "application/vnd.gem-integration.recording"
RECORDING_FORMAT = 1
COMPRESSION_LEVEL = 1
SAMPLE_BYTES = 4


def put(session: Session, content: bytes, media_type: str, stored_at: datetime) -> str:
    """Keep ``content`` and return its hash; keeping the same bytes again changes nothing."""
    sha256 = content_hash(content)
    row: dict[str, object] = {
        "sha256": sha256,
        "size_bytes": len(content),
        "media_type": media_type,
        "content": content,
        "stored_at": stored_at,
    }
    insert_new(session, BlobRow, row)
    return sha256


def get(session: Session, sha256: str) -> bytes:
    """Return the bytes of ``sha256``; ``KeyError`` if never kept, ``UnreadableMessage`` if they changed."""
    row = session.get(BlobRow, sha256)
    if row is None:
        raise KeyError(sha256)
    if content_hash(row.content) != sha256:
        raise UnreadableMessage("the stored bytes no longer match their hash: restore them", blob=sha256)
    return row.content


def pack_recording(recording: Recording) -> bytes:
    """Return a recording as one line of JSON and deflated float32 samples, then gap bits if any."""
    mask = recording.gap_mask
    head = {
        "format": RECORDING_FORMAT,
        "leads": [lead.value for lead in recording.leads],
        "samples": recording.sample_count,
        "sampling_rate_hz": recording.sampling_rate_hz,
        "started_at": recording.started_at.isoformat() if recording.started_at else None,
        "gaps": mask is not None,
    }
    body = recording.samples_mv.astype("<f4").tobytes()
    gaps = b"" if mask is None else np.packbits(mask).tobytes()
    return json.dumps(head).encode() + b"\n" + zlib.compress(body + gaps, COMPRESSION_LEVEL)


def unpack_recording(packed: bytes) -> Recording:
    """Return the recording ``pack_recording`` wrote, exactly; ``ValueError`` for another format."""
    line, _, deflated = packed.partition(b"\n")
    head = json.loads(line)
    if head["format"] != RECORDING_FORMAT:
        raise ValueError(f"recording format {head['format']} is not known")
    shape = (len(head["leads"]), int(head["samples"]))
    body = zlib.decompress(deflated)
    size = shape[0] * shape[1]
    samples = np.frombuffer(body, dtype="<f4", count=size).astype(np.float32).reshape(shape)
    mask = None
    if head["gaps"]:
        bits = np.frombuffer(body, dtype=np.uint8, offset=size * SAMPLE_BYTES)
        mask = np.unpackbits(bits, count=size).astype(np.bool_).reshape(shape)
    return Recording(
        samples_mv=samples,
        leads=tuple(Lead(name) for name in head["leads"]),
        sampling_rate_hz=float(head["sampling_rate_hz"]),
        started_at=datetime.fromisoformat(head["started_at"]) if head["started_at"] else None,
        gap_mask=mask,
    )
