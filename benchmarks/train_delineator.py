"""Train the delineator's network on LUDB (ODC-By 1.0) and the simulator; write its weights for numpy.

    python benchmarks/train_delineator.py LUDB_DATA OUT.npz [--ids 1-50] [--epochs 50] [--seed 0]
        [--start WEIGHTS.npz --simulated 2 --rate 0.001]

First on LUDB alone, then from those weights with simulated recordings beside it, which show the rhythms
that LUDB lacks. Needs torch and wfdb. Header gains of LUDB are each lead's own peak-to-peak: integers are
read as microvolts.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import wfdb
from torch import nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from gem_integration.domain.measurement import Fiducials
from gem_integration.signal.filtering import without_baseline
from gem_integration.signal.network import prepare
from gem_integration.signal.spikes import find_spikes, without_spikes
from gem_integration.simulate import SCENARIOS, FaultKind, Noise, Scenario, SimulatedEcg, simulate

LEADS = ("i", "ii", "iii", "avr", "avl", "avf", "v1", "v2", "v3", "v4", "v5", "v6")
CLASSES = {"p": 1, "N": 2, "t": 3}
WIDTHS = (16, 24, 32, 48, 64)
CROP = 2048
IGNORED = -100


def load(folder: Path, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the prepared samples and per-sample labels (lead, sample) of one record."""
    record = wfdb.rdrecord(str(folder / str(number)), physical=False)
    names = [name.lower() for name in record.sig_name]
    raw = record.d_signal.T[[names.index(lead) for lead in LEADS]].astype(float) / 1000.0
    prepared = prepare(without_baseline(raw, 500.0), 500.0)
    labels = np.full(prepared.shape, IGNORED)
    for row, lead in enumerate(LEADS):
        marks = wfdb.rdann(str(folder / str(number)), lead)
        _label(labels[row], marks.sample / 2.0, marks.symbol)
    return prepared, labels


def load_simulated(variants: int, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return prepared samples and labels of changed copies of every scenario that shows the heart whole."""
    hiding = set(FaultKind) - {FaultKind.ELECTRODES_SWAPPED, FaultKind.DEXTROCARDIA}
    chosen = [s for s in SCENARIOS.values() if s.fault is None or s.fault.kind not in hiding]
    out = []
    for scenario in [s for s in chosen for _ in range(variants)]:
        try:
            out.append(_prepared_simulation(simulate(_changed(scenario, rng))))
        except ValueError:
            continue
    return out


def _changed(scenario: Scenario, rng: np.random.Generator) -> Scenario:
    return replace(
        scenario,
        heart_rate_bpm=float(np.clip(scenario.heart_rate_bpm * rng.uniform(0.85, 1.2), 25, 220)),
        amplitude_scale=float(rng.uniform(0.5, 1.6)),
        p_scale=float(rng.uniform(0.6, 1.4)),
        noise=Noise(baseline_wander_mv=0.1 * rng.random(), muscle_mv=0.025 * rng.random() ** 2),
        seed=int(rng.integers(1_000_000)),
    )


def _prepared_simulation(ecg: SimulatedEcg) -> tuple[np.ndarray, np.ndarray]:
    received = ecg.recording.samples_mv.astype(float)
    clean = without_spikes(received, 500.0, find_spikes(received, 500.0))
    prepared = prepare(without_baseline(clean, 500.0), 500.0)
    labels = np.zeros(prepared.shape, dtype=int)
    for row, lead in enumerate(ecg.recording.leads[:12]):
        for beat in ecg.beats:
            _label_beat(labels[row], beat.leads[lead])
        for onset in ecg.p_only:
            part = labels[row, onset // 2 : onset // 2 + 25]
            if len(part) and (part == 0).mean() > 0.6:
                part[part == 0] = CLASSES["p"]
    first = min((b.marks.qrs_on for b in ecg.beats), default=0) // 2
    last = max((b.marks.qrs_off for b in ecg.beats), default=received.shape[1]) // 2
    if ecg.beats:
        labels[:, :first] = IGNORED
        labels[:, last:] = IGNORED
    return prepared, labels


def _label_beat(row: np.ndarray, marks: Fiducials) -> None:
    spans = ((marks.t_on, marks.t_off, 3), (marks.p_on, marks.p_off, 1), (marks.qrs_on, marks.qrs_off, 2))
    for start, stop, kind in spans:
        if start is not None and stop is not None:
            row[(start + 1) // 2 : stop // 2 + 1] = kind


def _label(row: np.ndarray, places: np.ndarray, symbols: list[str]) -> None:
    if len(places) == 0:
        return
    row[int(np.ceil(places[0])) : int(places[-1]) + 1] = 0
    for index, symbol in enumerate(symbols):
        if symbol not in CLASSES:
            continue
        opened = index > 0 and symbols[index - 1] == "("
        closed = index + 1 < len(symbols) and symbols[index + 1] == ")"
        start = places[index - 1] if opened else places[index]
        stop = places[index + 1] if closed else places[index]
        row[int(np.ceil(start)) : int(stop) + 1] = CLASSES[symbol]
        if not opened:
            row[max(0, int(start) - 30) : int(np.ceil(start))] = IGNORED
        if not closed:
            row[int(stop) + 1 : int(stop) + 31] = IGNORED


class Layer(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, width: int, *, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        pad = dilation * (width - 1) // 2
        self.conv = nn.Conv1d(
            inputs, outputs, width, stride=stride, padding=pad, dilation=dilation, bias=False
        )
        self.norm = nn.BatchNorm1d(outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's activation."""
        return F.relu(self.norm(self.conv(x)))


class Network(nn.Module):
    """U-shaped network over time; after each level a layer sees its lead and the mean over leads."""

    def __init__(self) -> None:
        super().__init__()
        w = WIDTHS
        self.down = nn.ModuleList(
            Layer(3 if i == 0 else w[i - 1], w[i], 9 if i == 0 else 5, stride=2) for i in range(len(w))
        )
        self.mix = nn.ModuleList(Layer(2 * c, c, 3) for c in w)
        self.deep = nn.ModuleList(Layer(2 * w[-1], w[-1], 3, dilation=d) for d in (2, 4, 8))
        self.up = nn.ModuleList(Layer(w[i + 1] + w[i], w[i], 5) for i in range(len(w) - 1))
        self.head = nn.Conv1d(w[0], 8, 3, padding=1)

    def forward(self, x: torch.Tensor, kept: torch.Tensor) -> torch.Tensor:
        """Return (batch, lead, class, sample) scores of prepared leads of which ``kept`` count."""
        batch, leads, length = x.shape
        weight = (kept / kept.sum(1, keepdim=True)).view(batch, leads, 1, 1)

        def crossed(h: torch.Tensor) -> torch.Tensor:
            v = h.view(batch, leads, h.shape[1], h.shape[2])
            return torch.cat([v, (v * weight).sum(1, keepdim=True).expand_as(v)], 2).flatten(0, 1)

        size = (x.square() * weight[..., 0]).sum(1, keepdim=True).sqrt()
        speed = (F.pad(x.diff(dim=-1), (1, 0)).abs() * weight[..., 0]).sum(1, keepdim=True) * 4.0
        h = torch.stack([x, size.expand_as(x), speed.expand_as(x)], 2).flatten(0, 1)
        kept_levels = []
        for down, mix in zip(self.down, self.mix, strict=True):
            h = mix(crossed(down(h)))
            kept_levels.append(h)
        for deep in self.deep:
            h = h + deep(crossed(h))
        for level in range(len(WIDTHS) - 2, -1, -1):
            h = self.up[level](torch.cat([h.repeat_interleave(2, -1), kept_levels[level]], 1))
        out = self.head(h).view(batch, leads, 2, 4, -1)
        return out.permute(0, 1, 3, 4, 2).reshape(batch, leads, 4, length)


def augment(
    x: np.ndarray, y: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a stretched, cropped, disturbed copy with its labels and the kept leads."""
    x, y = x.copy(), y.copy()
    _change_waves(x, y, rng)
    stretch = float(np.exp(rng.uniform(-0.3, 0.25)))
    places = rng.uniform(0, max(1.0, x.shape[1] - CROP * stretch)) + stretch * np.arange(CROP)
    low = np.floor(places).astype(int)
    part = places - low
    inside = low < x.shape[1] - 1
    low = np.minimum(low, x.shape[1] - 2)
    out = np.where(inside, x[:, low] * (1 - part) + x[:, low + 1] * part, 0.0)
    labels = np.where(inside, y[:, np.minimum(np.rint(places).astype(int), x.shape[1] - 1)], IGNORED)
    out *= np.exp(rng.normal(0, 0.2, (12, 1))) * np.where(rng.random((12, 1)) < 0.12, -1.0, 1.0)
    _disturb(out, rng)
    kept = np.ones(12)
    if rng.random() < 0.35:
        kept = np.zeros(12)
        kept[rng.permutation(12)[: rng.integers(1, 12)]] = 1.0
        labels[kept == 0] = IGNORED
    return out, labels, kept


def _change_waves(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
    drop_p = rng.random() < 0.10
    gains = {1: np.exp(rng.normal(0, 0.35)), 3: np.exp(rng.normal(0, 0.35))}
    for row in range(12):
        for wave, gain in gains.items():
            inside = (y[row] == wave).astype(float)
            soft = np.convolve(inside, np.hanning(9) / np.hanning(9).sum(), mode="same")
            x[row] *= 1 + soft * ((0.0 if wave == 1 and drop_p else gain) - 1)
        if drop_p:
            y[row][y[row] == 1] = 0


def _disturb(x: np.ndarray, rng: np.random.Generator) -> None:
    t = np.arange(x.shape[1]) / 250.0
    if rng.random() < 0.5:
        x += rng.normal(0, rng.uniform(0.0, 0.06), (12, 1)) * rng.normal(0, 1, x.shape)
    if rng.random() < 0.4:
        x += rng.normal(0, 0.15, (12, 1)) * np.sin(
            2 * np.pi * rng.uniform(0.1, 0.7) * t + rng.uniform(0, 6.3, (12, 1))
        )
    if rng.random() < 0.2:
        x += rng.normal(0, 0.03, (12, 1)) * np.sin(2 * np.pi * rng.choice([25.0, 50.0, 60.0]) * t)
    if rng.random() < 0.1:
        x[rng.integers(12)] = rng.normal(0, 0.3, x.shape[1])


def export(net: Network, path: Path) -> None:
    """Fold each batch norm into its convolution and write float32 arrays."""
    arrays = {"head.weight": net.head.weight, "head.bias": net.head.bias}
    for name, module in net.named_modules():
        if isinstance(module, Layer):
            gain = module.norm.weight / torch.sqrt(module.norm.running_var + module.norm.eps)
            arrays[f"{name}.weight"] = module.conv.weight * gain[:, None, None]
            arrays[f"{name}.bias"] = module.norm.bias - module.norm.running_mean * gain
    np.savez(path, **{k: v.detach().numpy().astype(np.float32) for k, v in arrays.items()})


def start_from(net: Network, path: Path) -> None:
    """Load folded weights; the norms then stay what they are (mean 0, variance 1, learned shift)."""
    with np.load(path) as arrays, torch.no_grad():
        net.head.weight.copy_(torch.tensor(arrays["head.weight"].astype(np.float32)))
        net.head.bias.copy_(torch.tensor(arrays["head.bias"].astype(np.float32)))
        for name, module in net.named_modules():
            if isinstance(module, Layer):
                module.norm.eps = 0.0
                module.conv.weight.copy_(torch.tensor(arrays[f"{name}.weight"].astype(np.float32)))
                module.norm.bias.copy_(torch.tensor(arrays[f"{name}.bias"].astype(np.float32)))


def train(
    records: list[tuple[np.ndarray, np.ndarray]],
    simulated: list[tuple[np.ndarray, np.ndarray]],
    arguments: argparse.Namespace,
) -> None:
    """Fit with Adam and a one-cycle schedule; write the weights every five epochs."""
    epochs, seed, path = arguments.epochs, arguments.seed, arguments.out
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net = Network()
    if arguments.start:
        start_from(net, arguments.start)
    batch = 4
    repeats = max(1, 100 // len(records))
    extra = 40 if simulated else 0
    steps = epochs * ((repeats * len(records) + extra) // batch)
    optimiser = torch.optim.AdamW(net.parameters(), lr=arguments.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, arguments.rate, total_steps=steps + 1, pct_start=0.15
    )
    weights = torch.tensor([1.0, 1.5, 1.5, 1.0])
    for epoch in range(epochs):
        net.train(mode=arguments.start is None)
        total, count, began = 0.0, 0, time.time()
        order = np.concatenate([rng.permutation(len(records)) for _ in range(repeats)])
        shown = [records[i] for i in order] + [simulated[rng.integers(len(simulated))] for _ in range(extra)]
        rng.shuffle(mixed := list(range(len(shown))))
        for first in range(0, len(mixed) - batch + 1, batch):
            if schedule.last_epoch >= steps:
                break
            made = [augment(*shown[i], rng) for i in mixed[first : first + batch]]
            x, y, kept = (np.stack(parts) for parts in zip(*made, strict=True))
            scores = net(torch.tensor(x, dtype=torch.float32), torch.tensor(kept, dtype=torch.float32))
            loss = F.cross_entropy(
                scores.transpose(1, 2), torch.tensor(y).long(), weights, ignore_index=IGNORED
            )
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            total, count = total + loss.item(), count + 1
        print(f"{epoch} loss {total / max(1, count):.4f} {time.time() - began:.1f} s", flush=True)
        if epoch % 5 == 4 or epoch == epochs - 1:
            export(net.eval(), path)


def main() -> None:
    """Read the arguments, load and train."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--ids", default="1-100")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--simulated", type=int, default=0, help="copies of each scenario")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(arguments)
    first, last = (int(part) for part in arguments.ids.split("-"))
    records = [load(arguments.folder, number) for number in range(first, last + 1)]
    simulated = load_simulated(arguments.simulated, np.random.default_rng(arguments.seed))
    train(records, simulated, arguments)


if __name__ == "__main__":
    main()
