"""A recording survives its compact form to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gem_integration.domain.ecg import Lead, Recording
from gem_integration.storage.blobs import pack_recording, unpack_recording

samples = arrays.arrays(
    np.float32,
    st.tuples(st.just(3), st.integers(1, 60)),
    elements=st.one_of(st.floats(-900, 900, width=32), st.just(float("nan"))),
)


@settings(max_examples=60, deadline=None)
@given(samples, st.floats(50, 32_000))
def test_a_recording_comes_back_bit_for_bit_with_its_gaps(millivolts, rate_hz):
    """Samples, leads, rate and gaps are exactly what was packed."""
    recording = Recording.of(millivolts, [Lead.V3R, Lead.I, Lead.AVF], rate_hz)
    back = unpack_recording(pack_recording(recording))
    assert back.samples_mv.tobytes() == recording.samples_mv.tobytes()
    assert (back.leads, back.sampling_rate_hz) == (recording.leads, recording.sampling_rate_hz)
    assert back.digest_bytes() == recording.digest_bytes()
    if recording.gap_mask is None:
        assert back.gap_mask is None
    else:
        assert np.array_equal(back.gap_mask, recording.gap_mask)


def test_an_unpacked_recording_is_read_only():
    """Nobody changes a stored signal in place."""
    back = unpack_recording(pack_recording(Recording.of(np.ones((1, 10)), [Lead.I], 500)))
    with pytest.raises(ValueError, match="read-only"):
        back.samples_mv[0, 0] = 2


def test_a_form_of_another_version_is_refused():
    """Bytes of an unknown form are never taken for a recording."""
    packed = pack_recording(Recording.of(np.ones((1, 10)), [Lead.I], 500))
    with pytest.raises(ValueError, match="format 2"):
        unpack_recording(packed.replace(b'"format": 1', b'"format": 2'))
