"""A WFDB record gives the recording its header means, or says clearly why it gives none."""

import importlib
import io
import tarfile
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.inbound.wfdb_record import bundle, bundle_of, parse
from gem_integration.domain.ecg import STANDARD_LEADS, Lead
from gem_integration.domain.identity import Sex
from gem_integration.domain.study import InboundEcg, ParseLimits
from gem_integration.errors import Rejected, UnreadableMessage, UnsupportedRecording

LIMITS = ParseLimits()
MICROVOLT = 1e-3
SIGNAL = "r.dat 16 1000(0)/mV 16 0 {first} {checksum} 0 {name}"


def read(content: bytes) -> InboundEcg:
    """Return the only ECG of a bundle."""
    (ecg,) = parse(content, LIMITS)
    assert isinstance(ecg, InboundEcg)
    return ecg


def record(header: str, samples: np.ndarray | None = None, file: str = "r.dat", code: str = "<i2") -> bytes:
    """Return a bundle of a header text and one signal file."""
    stored = np.zeros((4, 1), dtype=np.int64) if samples is None else samples
    return bundle_of({"r.hea": header.encode(), file: stored.astype(code).tobytes()})


@pytest.fixture(scope="module")
def wfdb() -> ModuleType:
    """Return the wfdb package, whose import itself warns of pandas' future."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("wfdb")


def one_lead(line: str, *, record_line: str = "r 1 500 4", comments: str = "") -> str:
    """Return a header of one signal."""
    return f"{record_line}\n{line}\n{comments}"


LEAD_I = "r.dat 16 1000(0)/mV 16 0 0 0 0 I"


@pytest.mark.parametrize(
    "path",
    [
        "wfdb/**/s0010_re.hea",
        "wfdb/**/100.hea",
        "ludb/data/1.hea",
        "cinc2021/wfdb12/JS20000.hea",
        "ptbxl/**/00022_hr.hea",
    ],
)
def test_real_records_read_as_the_wfdb_package_reads_them(
    shared_data: Path, wfdb: ModuleType, path: str
) -> None:
    """Formats 16 and 212, byte offsets and two signal files give the same millivolts as the reference."""
    header = next(shared_data.glob(path))
    ecg = read(bundle(header))
    reference = wfdb.rdrecord(str(header.with_suffix("")))
    expected = reference.p_signal.T[: len(ecg.recording.leads)]
    np.testing.assert_allclose(ecg.recording.samples_mv, expected, atol=MICROVOLT)
    assert ecg.recording.sampling_rate_hz == reference.fs


def test_fifteen_leads_of_a_frank_record(shared_data: Path) -> None:
    """Names in lower case, and vx, vy, vz as X, Y, Z."""
    ecg = read(bundle(next(shared_data.glob("wfdb/**/s0010_re.hea"))))
    assert ecg.recording.leads == (*STANDARD_LEADS, Lead.X, Lead.Y, Lead.Z)
    assert (ecg.patient, ecg.sex, ecg.age_years) == (None, Sex.FEMALE, 81.0)


def test_a_monitor_record_of_two_leads_is_legal(shared_data: Path) -> None:
    """MLII is read as II with a warning that its amplitudes are its own."""
    ecg = read(bundle(next(shared_data.glob("wfdb/**/100.hea"))))
    assert ecg.recording.leads == (Lead.II, Lead.V5)
    assert any("modified" in warning for warning in ecg.warnings)
    assert (ecg.age_years, ecg.sex) == (69.0, Sex.MALE)


def test_gains_that_are_a_normalisation_are_told(shared_data: Path) -> None:
    """LUDB's headers scale each lead to a span of 1; no other collection draws the warning."""
    told = {
        folder: [
            any("normalisation" in warning for warning in read(bundle(path)).warnings)
            for path in sorted((shared_data / folder).rglob("*.hea"))[:20]
        ]
        for folder in ("ludb", "ptbxl", "cinc2021", "wfdb")
    }
    assert all(told.pop("ludb"))
    assert not any(any(others) for others in told.values())


@pytest.mark.filterwarnings("ignore:The inplace keyword")
@pytest.mark.parametrize("storage", ["16", "24", "32", "80", "212"])
@pytest.mark.parametrize("samples", [7, 40])
def test_every_signal_format_is_decoded(tmp_path: Path, wfdb: ModuleType, storage: str, samples: int) -> None:
    """What the wfdb package writes in a format comes back; odd lengths included."""
    highest = {"80": 127, "212": 2047}.get(storage, 30_000)
    stored = np.random.default_rng(7).integers(-highest, highest, size=(samples, 3), endpoint=True)
    wfdb.wrsamp(
        "rec",
        fs=250,
        units=["mV"] * 3,
        sig_name=["I", "II", "V1"],
        d_signal=stored,
        fmt=[storage] * 3,
        adc_gain=[200.0] * 3,
        baseline=[5] * 3,
        write_dir=str(tmp_path),
    )
    ecg = read(bundle(tmp_path / "rec.hea"))
    np.testing.assert_allclose(ecg.recording.samples_mv, (stored.T - 5) / 200.0, atol=MICROVOLT)


@pytest.mark.parametrize(
    ("storage", "packed", "expected"),
    [
        ("310", b"\x02\x08\x04\x10", [1, 2, 1 | 2 << 5]),
        ("311", b"\x01\x08\x30\x00", [1, 2, 3]),
        ("61", b"\x00\x01\xff\xff", [1, -1]),
        ("160", b"\x01\x80\xff\x7f", [1, -1]),
        ("80", b"\x81\x7f", [1, -1]),
        ("8", b"\x01\xff\x02", [11, 10, 12]),
        ("24", b"\x01\x00\x00\xff\xff\xff", [1, -1]),
        ("212", b"\x01\xf0\xff", [1, -1]),
    ],
)
def test_formats_are_unpacked_as_documented(storage: str, packed: bytes, expected: list[int]) -> None:
    """The layout of signal(5), byte by byte."""
    header = one_lead(f"r.dat {storage} 1000/mV 0 0 10", record_line=f"r 1 500 {len(expected)}")
    header = header.replace(" 0 0 10", " 0 0 10 ") + "\n"
    lines = header.splitlines()
    lines[1] = f"r.dat {storage} 1000/mV 12 0 10 {sum(expected)} 0 I"
    content = bundle_of({"r.hea": "\n".join(lines).encode(), "r.dat": packed})
    np.testing.assert_allclose(read(content).recording.samples_mv[0] * 1000, expected, atol=1e-3)


def test_the_lowest_number_is_a_gap() -> None:
    """The value that signal(5) reserves for "no sample" is a gap, not a plunge."""
    samples = np.array([[1], [-32_768], [3], [4]])
    checksum = int(samples.sum()) % 65_536
    ecg = read(record(one_lead(SIGNAL.format(first=1, checksum=checksum, name="I")), samples))
    assert ecg.recording.gap_mask is not None
    assert ecg.recording.gap_mask.tolist() == [[False, True, False, False]]


@pytest.mark.parametrize(
    ("comment", "age", "sex"),
    [
        ("# Age: 56\n# Sex: Male", 56.0, Sex.MALE),
        ("#<age>: 51\n#<sex>: F", 51.0, Sex.FEMALE),
        ("#<age>: 51 <sex>: M <diagnoses>", 51.0, Sex.MALE),
        ("# age: 81\n# sex: female", 81.0, Sex.FEMALE),
        ("# 69 M 1085 1629 x1", 69.0, Sex.MALE),
        ("#Age: NaN\n#Sex: Unknown", None, None),
        ("# Age: 300", None, None),
        ("# Dosage: 30 mg\n# Stage: 4", None, None),
        ("", None, None),
    ],
)
def test_age_and_sex_are_read_from_comments(comment: str, age: float | None, sex: Sex | None) -> None:
    """Each dialect of header comments is understood, and nothing else is taken for an age."""
    ecg = read(record(one_lead(LEAD_I, comments=comment)))
    assert (ecg.age_years, ecg.sex) == (age, sex)


def test_the_start_needs_date_and_time() -> None:
    """A time without a date is no moment; with one, the site's zone is assumed and said to be."""
    dated = read(record(one_lead(LEAD_I, record_line="r 1 500 4 10:20:30 2/1/2024"))).acquisition
    timed = read(record(one_lead(LEAD_I, record_line="r 1 500 4 10:20:30"))).acquisition
    assert dated.performed_at is not None
    assert (dated.performed_at.isoformat(), dated.zone_assumed) == ("2024-01-02T10:20:30+00:00", True)
    assert (timed.performed_at, timed.performed_at_text) == (None, "10:20:30")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("r.dat 16 0/mV 16 0 0 0 0 I", "no gain"),
        ("r.dat 16", "no signal is a known"),
        ("r.dat 16 1000/mmHg 16 0 0 0 0 I", "not in volts"),
        ("r.dat 16 1000/mV 16 0 0 0 0 ABP", "no signal is a known"),
        ("r.dat 16 1000/mV 16 0 0 7 0 I", "checksum"),
        ("r.dat 516 1000/mV 16 0 0 0 0 I", "not read"),
        ("r.dat 16x2 1000/mV 16 0 0 0 0 I", "several rates"),
        ("r.dat 16:3 1000/mV 16 0 0 0 0 I", "skew"),
        ("other.dat 16 1000/mV 16 0 0 0 0 I", "missing"),
        ("../r.dat 16 1000/mV 16 0 0 0 0 I", "outside the record"),
        ("/etc/passwd 16 1000/mV 16 0 0 0 0 I", "outside the record"),
        ("r.dat sixteen", "cannot be read"),
    ],
)
def test_a_signal_that_leaves_doubt_is_refused(line: str, words: str) -> None:
    """No gain, unit, name or file is invented."""
    with pytest.raises(Rejected, match=words):
        parse(record(one_lead(line)), LIMITS)


@pytest.mark.parametrize(
    ("record_line", "words"),
    [
        ("r/2 1 500 4", "several segments"),
        ("r 1", "sampling frequency"),
        ("r 1 0 4", "sampling frequency"),
        ("r 2 500 4", "signal lines differ"),
        ("r 1 500 5", "shorter"),
        ("r 1 500 9999999999", "limit"),
        ("r 1 5 4", "out of range"),
        ("", "signal lines differ|record line"),
    ],
)
def test_a_record_line_at_odds_with_the_files_is_refused(record_line: str, words: str) -> None:
    """Counts, rates and lengths must agree."""
    with pytest.raises(Rejected, match=words):
        parse(record(one_lead(LEAD_I, record_line=record_line)), LIMITS)


def test_one_lead_twice_is_refused() -> None:
    """Two signals under one lead's name are ambiguous."""
    header = f"r 2 500 4\n{LEAD_I}\n{LEAD_I}\n"
    with pytest.raises(UnsupportedRecording, match="twice"):
        parse(record(header, np.zeros((4, 2))), LIMITS)


def test_a_length_left_out_is_the_files_length() -> None:
    """header(5) lets the number of samples be absent."""
    ecg = read(record(one_lead(LEAD_I, record_line="r 1 500"), np.zeros((9, 1))))
    assert ecg.recording.sample_count == 9


def tar_of(*members: tarfile.TarInfo) -> bytes:
    """Return a tar of the given members, each with four bytes if it is a file."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for member in members:
            member.size = 4 if member.isreg() else 0
            archive.addfile(member, io.BytesIO(b"abcd"))
    return packed.getvalue()


def linked(name: str) -> tarfile.TarInfo:
    """Return a symbolic link to a file outside."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"r 1 500 4\n",
        tar_of(),
        tar_of(tarfile.TarInfo("../r.hea")),
        tar_of(tarfile.TarInfo("folder/r.hea")),
        tar_of(linked("r.hea")),
        tar_of(tarfile.TarInfo("a.hea"), tarfile.TarInfo("b.hea")),
        tar_of(tarfile.TarInfo("a.hea"), tarfile.TarInfo("a.hea")),
        tar_of(*[tarfile.TarInfo(f"{number}.dat") for number in range(100)]),
    ],
)
def test_a_bundle_holds_plain_files_and_one_header(content: bytes) -> None:
    """Paths, links, doubles and crowds are refused."""
    with pytest.raises(UnreadableMessage):
        parse(content, LIMITS)


def test_a_header_without_its_files_cannot_be_bundled(tmp_path: Path) -> None:
    """A missing signal file is told before anything is sent."""
    header = tmp_path / "r.hea"
    header.write_text(one_lead(LEAD_I))
    with pytest.raises(UnreadableMessage, match="missing"):
        bundle(header)


def test_signal_files_beyond_the_limit_are_not_loaded(tmp_path: Path) -> None:
    """A huge file is refused by its size, before it is read."""
    (tmp_path / "r.hea").write_text(one_lead(LEAD_I))
    with (tmp_path / "r.dat").open("wb") as sparse:
        sparse.truncate(LIMITS.message_bytes_max + 1)
    with pytest.raises(UnreadableMessage, match="larger"):
        bundle(tmp_path / "r.hea")


def test_a_bundle_depends_on_content_alone(tmp_path: Path) -> None:
    """The same record gives the same bytes, whenever and by whom it is bundled."""
    (tmp_path / "r.hea").write_text(one_lead(LEAD_I))
    (tmp_path / "r.dat").write_bytes(bytes(8))
    assert bundle(tmp_path / "r.hea") == record(one_lead(LEAD_I))


FLIPS = st.lists(st.tuples(st.integers(0, 2999), st.integers(0, 255)), max_size=6)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flips=FLIPS, cut=st.integers(0, 4000))
def test_a_damaged_bundle_is_read_or_refused(flips: list[tuple[int, int]], cut: int) -> None:
    """Flipped and missing bytes never raise anything but a refusal."""
    content = bytearray(record(one_lead(LEAD_I, comments="# Age: 50\n")))
    for place, value in flips:
        content[place] = value
    try:
        assert parse(bytes(content[: len(content) - cut]), LIMITS)
    except Rejected:
        return
