"""One signal in every layout the standard allows comes out the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.inbound.hl7v2 import parse
from gem_integration.domain.ecg import STANDARD_LEADS, FloatArray
from gem_integration.domain.study import InboundEcg, ParseLimits

UNITS_MV = {"uV": 1e-3, "mv": 1.0, "nV&nanovolt&UCUM": 1e-6, "&microV": 1e-3}
Chosen = st.sampled_from


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How one lead is scaled, and its samples in steps, NaN where absent."""

    lead: str
    unit: str
    sensitivity: float
    correction: float
    baseline: float
    steps: FloatArray

    @property
    def truth_mv(self) -> FloatArray:
        mv_per_step = self.sensitivity * self.correction * UNITS_MV[self.unit]
        return np.asarray((self.steps - self.baseline) * mv_per_step)

    def definition(self, number: int) -> str:
        calibration = f"{self.correction!r}&{self.baseline!r}"
        return f"{number}&{self.lead}^^{self.sensitivity!r}&{self.unit}^{calibration}^500"


@st.composite
def channel_lists(draw: st.DrawFn) -> list[Channel]:
    """Return one to twelve channels of one length, each with a scale and gaps of its own."""
    count, length = draw(st.integers(1, 12)), draw(st.integers(4, 24))
    generator = np.random.default_rng(draw(st.integers(0, 10_000)))
    channels = []
    for lead in STANDARD_LEADS[:count]:
        unit = draw(Chosen(list(UNITS_MV)))
        steps = generator.integers(-2048, 2048, length).astype(np.float64)
        if channels:  # the first lead is whole, so that no end is taken for a delimiter
            steps[generator.random(length) < draw(Chosen([0.0, 0.2]))] = np.nan
            steps[-1] = 7.0
        channels.append(
            Channel(
                lead=lead,
                unit=unit,
                sensitivity=draw(Chosen([1.0, 2.5, -4.88])) * 1e-3 / UNITS_MV[unit],
                correction=draw(Chosen([1.0, 0.98])),
                baseline=draw(Chosen([0.0, -1024.0, 10.5])),
                steps=steps,
            )
        )
    return channels


def array(rows: FloatArray, *, omit: bool) -> str:
    """Return rows as repetitions; absent values at a row's end may be omitted (HL7 v2.5.1 section 2.A.43)."""
    texts = ["^".join("" if np.isnan(value) else f"{value:g}" for value in row) for row in rows]
    return "~".join(text.rstrip("^") if omit else text for text in texts)


def blocks(channels: list[Channel], kind: str, cut: int, *, omit: bool) -> list[str]:
    whole = np.stack([channel.steps for channel in channels])
    parts = [part for part in (whole[:, :cut], whole[:, cut:]) if part.size]
    return [array(part if kind == "NA" else part.T, omit=omit) for part in parts]


def observations(channels: list[Channel], layout: str, *, kind: str, cut: int, omit: bool) -> list[str]:
    definitions = [channel.definition(number) for number, channel in enumerate(channels, start=1)]
    if layout == "group of each lead":
        return [
            line
            for number, channel in enumerate(channels, start=1)
            for line in (
                f"TS|5&TIM|{number}|20240301081500",
                f"CD|5&CHN|{number}|{definitions[number - 1]}",
                *(f"{kind}|5&WAV|{number}|{block}" for block in blocks([channel], kind, cut, omit=False)),
            )
        ]
    together = ["~".join(definitions)] if layout == "one definition" else definitions
    return [
        "TS|5&TIM|1|20240301081500",
        *(f"CD|5&CHN|1|{definition}" for definition in together),
        *(f"{kind}|5&WAV|1|{block}" for block in blocks(channels, kind, cut, omit=omit)),
    ]


@settings(deadline=None)
@given(
    channels=channel_lists(),
    layout=Chosen(["one definition", "definition of each channel", "group of each lead"]),
    kind=Chosen(["NA", "MA"]),
    cut=st.integers(0, 24),
    omit=st.booleans(),
)
def test_the_signal_does_not_depend_on_the_layout(
    *, channels: list[Channel], layout: str, kind: str, cut: int, omit: bool
):
    """Channel blocks or multiplexed, one definition or many, whole or in pieces, with gaps."""
    lines = ["MSH|^~\\&|CART||||2024||ORU^W01|C1|P|2.5.1", "PID|1||7", "OBR|1"]
    texts = observations(channels, layout, kind=kind, cut=cut, omit=omit and kind == "NA")
    lines += [f"OBX|1|{text}" for text in texts]
    (ecg,) = parse("\r".join(lines).encode(), ParseLimits())
    assert isinstance(ecg, InboundEcg)
    recording = ecg.recording
    assert recording.leads == tuple(channel.lead for channel in channels)
    absent = np.isnan(np.stack([channel.steps for channel in channels]))
    gaps = recording.gap_mask if recording.gap_mask is not None else np.zeros_like(absent)
    assert (gaps == absent).all()
    truth_mv = np.nan_to_num(np.stack([channel.truth_mv for channel in channels]))
    assert np.abs(np.where(absent, 0.0, recording.samples_mv) - truth_mv * ~absent).max() < 1e-5
