"""The signal files of a WFDB record (WFDB Applications Guide, signal(5)), decoded by the wfdb package.

What the header promises is checked first: the package trusts it. Formats 508, 516 and 524 (FLAC) are
left out: nothing tells how large they become.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt

from adapters.inbound.wfdb_record.header import Header, Signal
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

Integers = npt.NDArray[np.int64]
CHECKSUM_MODULUS = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A signal format: ``values`` in each ``octets``, and the number that says "no sample"."""

    octets: int
    values: int
    missing: int | None

    def bytes_for(self, count: int) -> int:
        """Return the bytes that ``count`` values need at least (a last group may be cut)."""
        whole, rest = divmod(count, self.values)
        return whole * self.octets + -(-rest * self.octets // self.values)

    def values_in(self, size: int) -> int:
        """Return the values that ``size`` bytes hold."""
        return size * self.values // self.octets


STORAGES: Mapping[int, Storage] = {
    8: Storage(octets=1, values=1, missing=None),
    16: Storage(octets=2, values=1, missing=-32_768),
    24: Storage(octets=3, values=1, missing=-8_388_608),
    32: Storage(octets=4, values=1, missing=-2_147_483_648),
    61: Storage(octets=2, values=1, missing=-32_768),
    80: Storage(octets=1, values=1, missing=-128),
    160: Storage(octets=2, values=1, missing=-32_768),
    212: Storage(octets=3, values=2, missing=-2_048),
    310: Storage(octets=4, values=3, missing=-512),
    311: Storage(octets=4, values=3, missing=-512),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """One signal's stored numbers and where none was recorded."""

    signal: Signal
    stored: Integers
    missing: npt.NDArray[np.bool_]


def decode(header: Header, files: Mapping[str, bytes], samples_max: int) -> list[Decoded]:
    """Decode all signals of a record; files, lengths and checksums must agree with the header."""
    counts = set()
    for name, members in groupby(header.signals, key=lambda signal: signal.file):
        if name not in files:
            raise UnreadableMessage("WFDB: a signal file named in the header is missing")
        counts.add(_sample_count(list(members), files[name], header.sample_count, samples_max))
    if len(counts) != 1:
        raise UnreadableMessage("WFDB: the signals have different lengths")
    stored = _stored(files)
    if stored.shape != (counts.pop(), len(header.signals)):
        raise UnreadableMessage("WFDB: the signal files do not hold what the header says")
    return [_decoded(signal, stored[:, place]) for place, signal in enumerate(header.signals)]


def _sample_count(
    signals: Sequence[Signal], content: bytes, sample_count: int | None, samples_max: int
) -> int:
    storage = _storage(signals)
    size = max(len(content) - signals[0].byte_offset, 0)
    samples = sample_count or storage.values_in(size) // len(signals)
    count = samples * len(signals)
    if not 0 < count <= samples_max:
        raise UnsupportedRecording("WFDB: no samples, or more than the limit", samples=count)
    if size < storage.bytes_for(count):
        raise UnreadableMessage("WFDB: a signal file is shorter than its header says; send it again")
    return samples


def _storage(signals: Sequence[Signal]) -> Storage:
    first = signals[0]
    if len({(one.storage, one.byte_offset) for one in signals}) != 1:
        raise UnreadableMessage("WFDB: the signals of one file differ in format")
    if any(one.samples_per_frame != 1 or one.skew for one in signals):
        raise UnsupportedRecording("WFDB: signals of several rates or with skew; resample them to one grid")
    if first.storage not in STORAGES:
        raise UnsupportedRecording("WFDB: this signal format is not read", format=first.storage)
    return STORAGES[first.storage]


def _stored(files: Mapping[str, bytes]) -> Integers:
    import wfdb  # noqa: PLC0415 - it brings pandas, which no other format needs

    with TemporaryDirectory(prefix="wfdb-") as folder:
        for name, content in files.items():
            (Path(folder) / name).write_bytes(content)
        try:
            record = wfdb.rdrecord(str(next(Path(folder).glob("*.hea")).with_suffix("")), physical=False)
            return np.asarray(record.d_signal, dtype=np.int64)
        except (ValueError, TypeError, IndexError, KeyError, AttributeError, OSError):
            raise UnreadableMessage("WFDB: the wfdb package cannot decode the record") from None


def _decoded(signal: Signal, stored: Integers) -> Decoded:
    if signal.checksum is not None and (int(stored.sum()) - signal.checksum) % CHECKSUM_MODULUS:
        raise UnreadableMessage("WFDB: a signal's checksum does not fit its samples; the file is damaged")
    missing = stored == STORAGES[signal.storage].missing
    return Decoded(signal=signal, stored=stored, missing=np.asarray(missing, dtype=np.bool_))
