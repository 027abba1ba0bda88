"""The learned part of the delineation: for each lead and sample, the probability of P, QRS and T.

A small convolutional network whose weights are shared by all leads, with means over leads between its
layers, so that it takes any number of leads. It runs in numpy; ``benchmarks/train_delineator.py`` makes
the weights and ``docs/decisions/0010-delineation.md`` says from what and how well it does.
"""

from __future__ import annotations

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

Layer: TypeAlias = npt.NDArray[np.float32]  #: (channel, lead, sample)
Weights: TypeAlias = dict[str, npt.NDArray[np.float32]]


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
    scores = _scores(_inputs(padded), _weights())[..., :count]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    powers[:, CLASS_P] /= P_TRAINING_WEIGHT
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


@cache
def _weights() -> Weights:
    content = files("gem_integration.signal").joinpath("network_weights.npz").read_bytes()
    with np.load(BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def _inputs(prepared: FloatArray) -> Layer:
    size = np.sqrt(np.square(prepared).mean(axis=0))
    speed = 4.0 * np.abs(np.diff(prepared, axis=-1, prepend=prepared[:, :1])).mean(axis=0)
    shape = prepared.shape
    return np.stack([prepared, np.broadcast_to(size, shape), np.broadcast_to(speed, shape)]).astype(
        np.float32
    )


def _scores(x: Layer, weights: Weights) -> Layer:
    """Run the network; the weights' names say which layer they belong to."""
    levels: list[Layer] = []
    for level in range(LEVELS):
        x = np.maximum(_convolve(x, *_named(weights, f"down.{level}"), stride=2), 0)
        x = np.maximum(_mixed(x, *_named(weights, f"mix.{level}")), 0)
        levels.append(x)
    for index, dilation in enumerate(DEEP_DILATIONS):
        x = x + np.maximum(_mixed(x, *_named(weights, f"deep.{index}"), dilation=dilation), 0)
    for level in range(LEVELS - 2, -1, -1):
        joined = np.concatenate([np.repeat(x, 2, axis=-1), levels[level]])
        x = np.maximum(_convolve(joined, *_named(weights, f"up.{level}")), 0)
    out = _convolve(x, *_named(weights, "head"))
    phases = out.reshape(2, 4, out.shape[1], out.shape[2])
    return phases.transpose(2, 1, 3, 0).reshape(out.shape[1], 4, -1)


def _named(weights: Weights, name: str) -> tuple[Layer, Layer]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _mixed(x: Layer, kernel: Layer, bias: Layer, *, dilation: int = 1) -> Layer:
    """Convolve each lead, and the mean over leads once for all."""
    own = len(x)
    mean = x.mean(axis=1, keepdims=True)
    shared = _convolve(mean, kernel[:, own:], bias, dilation=dilation)
    return _convolve(x, kernel[:, :own], np.zeros_like(bias), dilation=dilation) + shared


def _convolve(x: Layer, kernel: Layer, bias: Layer, *, stride: int = 1, dilation: int = 1) -> Layer:
    outputs, inputs, width = kernel.shape
    pad = dilation * (width - 1) // 2
    padded = np.pad(x, ((0, 0), (0, 0), (pad, pad)))
    length = x.shape[2] // stride
    columns = np.empty((width, inputs, x.shape[1], length), dtype=np.float32)
    for tap in range(width):
        first = tap * dilation
        columns[tap] = padded[..., first : first + stride * (length - 1) + 1 : stride]
    flat = kernel.transpose(0, 2, 1).reshape(outputs, -1) @ columns.reshape(width * inputs, -1)
    flat += bias[:, None]
    return flat.reshape(outputs, x.shape[1], length)
