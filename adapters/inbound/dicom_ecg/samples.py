"""The stored numbers of a multiplex group: coding, byte order, and what stands for no sample.

PS3.3 C.10.9.1.4-C.10.9.1.7: Waveform Bits Allocated, Sample Interpretation, Padding Value, Data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pydicom.dataset import Dataset

from adapters.inbound.dicom_ecg.fields import has_word_order, is_big_endian, octets, text, whole
from gem_integration.domain.ecg import MaskArray
from gem_integration.errors import UnreadableMessage, UnsupportedRecording

#: Waveform Sample Interpretation (5400,1006) -> type code; the µ-law and A-law codings are not ECG.
LINEAR: Mapping[str, str] = {"SB": "i1", "UB": "u1", "SS": "i2", "US": "u2", "SL": "i4", "UL": "u4"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StoredSamples:
    """Raw numbers (sample, channel) as allocated, and the raw number that stands for no sample."""

    raw: npt.NDArray[np.int64]
    bits_allocated: int
    signed: bool
    padding: int | None

    def channel(self, index: int, bits_stored: int) -> tuple[npt.NDArray[np.int64], MaskArray]:
        """Return one channel's numbers, reduced to its stored bits, and where no sample was received."""
        raw = self.raw[:, index]
        values = _stored(raw, bits_stored, signed=self.signed)
        return values, self._missing(raw, values, bits_stored)

    def has_bits_above(self, index: int, bits_stored: int) -> bool:
        """Return whether a channel's high bits hold anything but sign or zeros, gaps aside."""
        values, missing = self.channel(index, bits_stored)
        raw = self.raw[:, index]
        zeros = raw == values & ((1 << bits_stored) - 1)
        return not bool(np.all((raw == values) | zeros | missing))

    def _missing(
        self, raw: npt.NDArray[np.int64], values: npt.NDArray[np.int64], bits_stored: int
    ) -> MaskArray:
        if self.padding is None:
            return np.zeros(raw.shape, dtype=np.bool_)
        padding = np.array([self.padding], dtype=np.int64)
        if _stored(padding, bits_stored, signed=self.signed)[0] == self.padding:
            return np.asarray(values == self.padding)
        return np.asarray(raw == self.padding)


def _stored(raw: npt.NDArray[np.int64], bits: int, *, signed: bool) -> npt.NDArray[np.int64]:
    """Keep the low ``bits``; those above carry nothing, so the sign is that of the highest kept."""
    low = raw & ((1 << bits) - 1)
    if not signed:
        return low
    sign = 1 << (bits - 1)
    return (low ^ sign) - sign


def samples_of(group: Dataset, sample_count: int, channel_count: int) -> StoredSamples:
    """Decode the waveform data; exactly the announced number of samples, or ``UnreadableMessage``."""
    code, bits = _coding(group)
    data = octets(group, "WaveformData")
    if data is None:
        raise UnreadableMessage("DICOM: the group has no waveform data")
    expected = sample_count * channel_count * (bits // 8)
    if len(data) not in (expected, expected + expected % 2):
        raise UnreadableMessage(
            "DICOM: the waveform data is not as long as its header says; send the object again",
            bytes=len(data),
            expected=expected,
        )
    raw = _decode(data, code, group)[: sample_count * channel_count]
    return StoredSamples(
        raw=raw.astype(np.int64).reshape(sample_count, channel_count),
        bits_allocated=bits,
        signed=code.startswith("i"),
        padding=_padding(group, code),
    )


def _coding(group: Dataset) -> tuple[str, int]:
    interpretation = (text(group, "WaveformSampleInterpretation") or "").upper()
    bits = whole(group, "WaveformBitsAllocated")
    code = LINEAR.get(interpretation)
    if code is None:
        raise UnsupportedRecording(
            "DICOM: the sample coding is not linear (SB UB SS US SL UL); export the ECG uncompressed"
        )
    if bits != 8 * int(code[1:]):
        raise UnreadableMessage("DICOM: bits allocated and sample interpretation disagree", bits=bits)
    return code, bits


def _decode(data: bytes, code: str, group: Dataset) -> npt.NDArray[np.generic]:
    if not is_big_endian(group):
        return np.frombuffer(data, dtype=f"<{code}")
    if code.endswith("4"):
        raise UnsupportedRecording("DICOM: 32-bit samples in the retired big-endian syntax are ambiguous")
    if code.endswith("1") and has_word_order(group, "WaveformData"):
        data = np.frombuffer(data[: len(data) // 2 * 2], dtype="<u2").byteswap().tobytes()
    return np.frombuffer(data, dtype=f">{code}")


def _padding(group: Dataset, code: str) -> int | None:
    value = _padding_octets(group, int(code[1:]))
    if not value:
        return None
    order = ">" if is_big_endian(group) else "<"
    return int(np.frombuffer(value[: int(code[1:])], dtype=f"{order}{code}")[0])


def _padding_octets(group: Dataset, size: int) -> bytes | None:
    value = octets(group, "WaveformPaddingValue")
    if value is not None and len(value) < size:
        raise UnreadableMessage("DICOM: the padding value is shorter than a sample")
    return value
