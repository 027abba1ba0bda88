"""The signal files of a WFDB record (WFDB Applications Guide, signal(5)), decoded without a temporary file.

Formats 508, 516 and 524 (FLAC) are left out: nothing tells how large they become.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import numpy.typing as npt

from adapters.inbound.wfdb_header import Header, Signal
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

Integers = npt.NDArray[np.int64]
CHECKSUM_MODULUS = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """A signal format: ``values`` in each ``octets``, how to decode them, and what says "no sample"."""

    octets: int
    values: int
    decode: Callable[[bytes], Integers]
    missing: int | None

    def bytes_for(self, count: int) -> int:
        """Return the bytes that ``count`` values need at least (a last group may be cut)."""
        whole, rest = divmod(count, self.values)
        return whole * self.octets + -(-rest * self.octets // self.values)

    def values_in(self, size: int) -> int:
        """Return the values that ``size`` bytes hold."""
        return size * self.values // self.octets


def _plain(code: str, shift: int = 0) -> Callable[[bytes], Integers]:
    size = np.dtype(code).itemsize

    def decode(data: bytes) -> Integers:
        return np.frombuffer(data[: len(data) // size * size], dtype=code).astype(np.int64) - shift

    return decode


def _signed(values: Integers, bits: int) -> Integers:
    sign = 1 << (bits - 1)
    return ((values & ((1 << bits) - 1)) ^ sign) - sign


def _units(data: bytes, octets: int) -> Integers:
    padded = data + bytes(-len(data) % octets)
    return np.frombuffer(padded, dtype=np.uint8).reshape(-1, octets).astype(np.int64)


def _decode_24(data: bytes) -> Integers:
    low, middle, high = _units(data, 3).T
    return _signed(low | middle << 8 | high << 16, 24)


def _decode_212(data: bytes) -> Integers:
    low, both, high = _units(data, 3).T
    pair = np.stack([low | (both & 0x0F) << 8, high | (both & 0xF0) << 4], axis=1)
    return _signed(pair.ravel(), 12)


def _decode_310(data: bytes) -> Integers:
    words = np.frombuffer(_units(data, 4).astype(np.uint8).tobytes(), dtype="<u2").astype(np.int64)
    first, second = words.reshape(-1, 2).T
    third = first >> 11 | (second >> 11) << 5
    return _signed(np.stack([first >> 1, second >> 1, third], axis=1).ravel(), 10)


def _decode_311(data: bytes) -> Integers:
    word = np.frombuffer(_units(data, 4).astype(np.uint8).tobytes(), dtype="<u4").astype(np.int64)
    return _signed(np.stack([word, word >> 10, word >> 20], axis=1).ravel(), 10)


STORAGES: Mapping[int, Storage] = {
    8: Storage(octets=1, values=1, decode=_plain("i1"), missing=None),
    16: Storage(octets=2, values=1, decode=_plain("<i2"), missing=-32_768),
    24: Storage(octets=3, values=1, decode=_decode_24, missing=-8_388_608),
    32: Storage(octets=4, values=1, decode=_plain("<i4"), missing=-2_147_483_648),
    61: Storage(octets=2, values=1, decode=_plain(">i2"), missing=-32_768),
    80: Storage(octets=1, values=1, decode=_plain("u1", 128), missing=-128),
    160: Storage(octets=2, values=1, decode=_plain("<u2", 32_768), missing=-32_768),
    212: Storage(octets=3, values=2, decode=_decode_212, missing=-2_048),
    310: Storage(octets=4, values=3, decode=_decode_310, missing=-512),
    311: Storage(octets=4, values=3, decode=_decode_311, missing=-512),
}
DIFFERENCES = 8  #: the format that stores first differences


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Decoded:
    """One signal's stored numbers and where none was recorded."""

    signal: Signal
    stored: Integers
    missing: npt.NDArray[np.bool_]


def decode(header: Header, files: Mapping[str, bytes], samples_max: int) -> list[Decoded]:
    """Decode all signals of a record; files, lengths and checksums must agree with the header."""
    decoded: list[Decoded] = []
    for name, members in groupby(header.signals, key=lambda signal: signal.file):
        if name not in files:
            raise UnreadableMessage("WFDB: a signal file named in the header is missing")
        decoded += _decode_file(list(members), files[name], header.sample_count, samples_max)
    if len({one.stored.size for one in decoded}) != 1:
        raise UnreadableMessage("WFDB: the signals have different lengths")
    return decoded


def _decode_file(
    signals: Sequence[Signal], content: bytes, sample_count: int | None, samples_max: int
) -> list[Decoded]:
    storage = _storage(signals)
    data = content[signals[0].byte_offset :]
    samples = sample_count or storage.values_in(len(data)) // len(signals)
    count = samples * len(signals)
    if not 0 < count <= samples_max:
        raise UnsupportedRecording("WFDB: no samples, or more than the limit", samples=count)
    if len(data) < storage.bytes_for(count):
        raise UnreadableMessage("WFDB: a signal file is shorter than its header says; send it again")
    frames = storage.decode(data[: storage.bytes_for(count)])[:count].reshape(samples, len(signals))
    return [_decoded(signal, frames[:, place], storage) for place, signal in enumerate(signals)]


def _storage(signals: Sequence[Signal]) -> Storage:
    first = signals[0]
    if len({(one.storage, one.byte_offset) for one in signals}) != 1:
        raise UnreadableMessage("WFDB: the signals of one file differ in format")
    if any(one.samples_per_frame != 1 or one.skew for one in signals):
        raise UnsupportedRecording("WFDB: signals of several rates or with skew; resample them to one grid")
    if first.storage not in STORAGES:
        raise UnsupportedRecording("WFDB: this signal format is not read", format=first.storage)
    return STORAGES[first.storage]


def _decoded(signal: Signal, stored: Integers, storage: Storage) -> Decoded:
    if signal.storage == DIFFERENCES:
        stored = signal.first + np.cumsum(stored)
    if signal.checksum is not None and (int(stored.sum()) - signal.checksum) % CHECKSUM_MODULUS:
        raise UnreadableMessage("WFDB: a signal's checksum does not fit its samples; the file is damaged")
    missing = np.zeros(stored.shape, dtype=np.bool_)
    if storage.missing is not None:
        missing = stored == storage.missing
    return Decoded(signal=signal, stored=stored, missing=missing)
