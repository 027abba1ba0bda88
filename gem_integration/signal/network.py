"""The learned part of the delineation: for each lead and sample, the probability of P, QRS and T.

A small convolutional network whose weights are shared by all leads, with means over leads between its
layers, so that it takes any number of leads. It runs in numpy; ``benchmarks/train_delineator.py`` makes
the weights and ``docs/decisions/0010-delineation.md`` says from what and how well it does.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from gem_integration.domain.ecg import FloatArray
from gem_integration.signal.filtering import low_passed, resample

NETWORK_RATE_HZ = 250.0
NETWORK_CUTOFF_HZ = 40.0
SCALE_PERCENTILE = 98.0
SCALE_MIN_MV = 0.03
LEVELS = 5
DEEP_DILATIONS = (2, 4, 8)
BLOCK = 2**LEVELS
P_TRAINING_WEIGHT = 1.5  #: P samples counted so much more in training; undone here, or P would be too wide
CLASS_P, CLASS_QRS, CLASS_T = 1, 2, 3

LEADS_AT_ONCE = 4

Layer: TypeAlias = npt.NDArray[np.float32]  #: (lead, channel, sample)


def prepare(samples_mv: FloatArray, rate_hz: float) -> FloatArray:
    """Return (lead, sample) at 250 Hz, low-passed and scaled to each lead's own QRS size."""
    slow = resample(samples_mv, rate_hz, NETWORK_RATE_HZ).samples_mv
    smooth = low_passed(slow, NETWORK_RATE_HZ, NETWORK_CUTOFF_HZ)
    scale = np.percentile(np.abs(smooth), SCALE_PERCENTILE, axis=-1)
    floor = max(0.25 * float(np.median(scale)), SCALE_MIN_MV)
    return np.asarray(smooth / np.maximum(scale, floor)[:, None], dtype=np.float64)


def wave_probabilities(samples_mv: FloatArray, rate_hz: float) -> FloatArray:
    """Return (lead, class, sample at 250 Hz) probabilities of none, P, QRS and T for baseline-free leads."""
    prepared = prepare(samples_mv, rate_hz)
    count = prepared.shape[1]
    padded = np.pad(prepared, ((0, 0), (0, -count % BLOCK)))
    scores = _scores(_inputs(padded))[..., :count]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    powers[:, CLASS_P] /= P_TRAINING_WEIGHT
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Kernel:
    """A convolution as one matrix, its columns ordered by tap and then by channel."""

    matrix: Layer
    width: int
    bias: Layer | None = None


@cache
def _kernels() -> dict[str, _Kernel]:
    """Return the weights by layer, those that see two inputs cut in two parts."""
    content = files("gem_integration.signal").joinpath("network_weights.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        weights = {name: arrays[name].astype(np.float32) for name in arrays.files}
    out: dict[str, _Kernel] = {}
    for name in (name.removesuffix(".weight") for name in weights if name.endswith(".weight")):
        kernel, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        kind, _, level = name.partition(".")
        if kind in ("mix", "deep"):
            own = kernel.shape[1] // 2
            out[f"{name}.own"] = _kernel(kernel[:, :own])
            out[f"{name}.mean"] = _kernel(kernel[:, own:], bias)
        elif kind == "up":
            deeper = kernel.shape[1] - len(weights[f"down.{level}.bias"])
            out[f"{name}.deeper"] = _kernel(_at_half_rate(kernel[:, :deeper]))
            out[f"{name}.level"] = _kernel(kernel[:, deeper:], bias)
        else:
            out[name] = _kernel(kernel, bias)
    return out


def _kernel(weights: Layer, bias: Layer | None = None) -> _Kernel:
    matrix = np.ascontiguousarray(weights.transpose(0, 2, 1)).reshape(len(weights), -1)
    return _Kernel(matrix=matrix, width=weights.shape[2], bias=None if bias is None else bias[:, None])


def _at_half_rate(five: Layer) -> Layer:
    """Return the two kernels, for even and for odd samples, that do before doubling what ``five`` does after.

    A doubled signal shows five taps only three different samples, so two fifths of the work are saved.
    """
    a, b, c, d, e = np.moveaxis(five, 2, 0)
    return np.concatenate([np.stack([a + b, c + d, e], axis=-1), np.stack([a, b + c, d + e], axis=-1)])


def _inputs(prepared: FloatArray) -> Layer:
    size = np.sqrt(np.square(prepared).mean(axis=0))
    speed = 4.0 * np.abs(np.diff(prepared, axis=-1, prepend=prepared[:, :1])).mean(axis=0)
    shape = prepared.shape
    channels = [prepared, np.broadcast_to(size, shape), np.broadcast_to(speed, shape)]
    return np.stack(channels, axis=1, dtype=np.float32, casting="same_kind")


def _scores(x: Layer) -> Layer:
    """Run the network: (lead, channel, sample) in, (lead, class, sample) out."""
    kernels = _kernels()
    levels: list[Layer] = []
    for level in range(LEVELS):
        x = _rectified(_convolve(x, kernels[f"down.{level}"], stride=2))
        x = _rectified(_mixed(x, f"mix.{level}"))
        levels.append(x)
    for index, dilation in enumerate(DEEP_DILATIONS):
        x = x + _rectified(_mixed(x, f"deep.{index}", dilation=dilation))
    # from here on the leads no longer see each other: a few at a time stay in the processor's cache
    parts = [slice(first, first + LEADS_AT_ONCE) for first in range(0, len(x), LEADS_AT_ONCE)]
    out = np.concatenate([_upwards(x[part], [level[part] for level in levels]) for part in parts])
    phases = out.reshape(len(out), 2, 4, -1)
    return phases.transpose(0, 2, 3, 1).reshape(len(out), 4, -1)


def _upwards(x: Layer, levels: list[Layer]) -> Layer:
    kernels = _kernels()
    for level in range(LEVELS - 2, -1, -1):
        deeper = _convolve(x, kernels[f"up.{level}.deeper"])
        x = _convolve(levels[level], kernels[f"up.{level}.level"])
        x[..., 0::2] += deeper[:, : x.shape[1]]
        x[..., 1::2] += deeper[:, x.shape[1] :]
        x = _rectified(x)
    return _convolve(x, kernels["head"])


def _rectified(x: Layer) -> Layer:
    return np.maximum(x, 0, out=x)


def _mixed(x: Layer, name: str, *, dilation: int = 1) -> Layer:
    """Convolve each lead, and the mean over leads once for all."""
    mean = x.mean(axis=0, keepdims=True)
    own = _convolve(x, _kernels()[f"{name}.own"], dilation=dilation)
    own += _convolve(mean, _kernels()[f"{name}.mean"], dilation=dilation)
    return own


def _convolve(x: Layer, kernel: _Kernel, *, stride: int = 1, dilation: int = 1) -> Layer:
    leads, inputs, count = x.shape
    pad = dilation * (kernel.width - 1) // 2
    padded = np.zeros((leads, inputs, count + 2 * pad), dtype=np.float32)
    padded[..., pad : pad + count] = x
    length = count // stride
    columns = np.empty((leads, kernel.width, inputs, length), dtype=np.float32)
    for tap in range(kernel.width):
        first = tap * dilation
        columns[:, tap] = padded[..., first : first + stride * (length - 1) + 1 : stride]
    out: Layer = kernel.matrix @ columns.reshape(leads, kernel.width * inputs, length)
    if kernel.bias is not None:
        out += kernel.bias
    return out
