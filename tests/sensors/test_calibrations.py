"""Because a calibration is believed for months, and must outlive power cuts, mistakes and other processes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.calibration import Calibrations, Record
from sensors.calibration.record import from_line, to_line

DAY = 86_400 * 10**9


def record(of="ph.pH", day=1, gain=2.0, kind="two-point", **more):
    return Record(
        of=of, kind=kind, at=f"2026-11-{day:02}T05:00:00+00:00", by="An", gain=gain, offset=0.5, **more
    )


@given(
    st.text(min_size=1, max_size=100),
    st.text(max_size=100),
    st.floats(allow_nan=False, allow_infinity=False).filter(bool),
)
def test_a_record_reads_back_as_it_was_written(by, note, gain):
    made = Record(
        of="ph.pH", kind="ph", at="2026-11-23T05:00:00+00:00", by=by, gain=gain, offset=-1.25, note=note,
        points=((7.05, 7.0), (4.1, 4.01)), facts={"slope_percent": 98.3},
    )  # fmt: skip
    line = to_line(made)
    assert line.count(b"\n") == 1
    assert from_line(line) == made


@given(st.data())
def test_no_changed_or_cut_line_is_believed(data):
    line = to_line(record(note="dung dịch chuẩn lô 12"))
    at = data.draw(st.integers(0, len(line) - 2))
    cut = line[:at]
    changed = line[:at] + bytes([line[at] ^ data.draw(st.integers(1, 255))]) + line[at + 1 :]
    for damaged in (cut, changed):
        with pytest.raises(ValueError):
            from_line(damaged)


def test_the_newest_holds_from_its_date_and_older_values_keep_theirs(tmp_path):
    history = Calibrations(tmp_path / "c.jsonl")
    first, second = record(day=1), record(day=20, gain=3.0)
    history.append([first])
    history.append([second])
    assert history.newest("ph.pH") == second
    assert history.newest("ph.pH", first.at_ns - 1) is None
    assert history.newest("ph.pH", first.at_ns) == first
    assert history.newest("ph.pH", second.at_ns - 1) == first
    assert history.newest("ph.pH", second.at_ns + DAY) == second
    assert history.newest("ph.turbidity") is None
    assert Calibrations(tmp_path / "c.jsonl").records == (first, second)


def test_half_a_last_line_costs_only_itself_and_the_next_record_is_whole(tmp_path, caplog):
    path = tmp_path / "c.jsonl"
    Calibrations(path).append([record(day=1)])
    with path.open("ab") as file:
        file.write(to_line(record(day=2))[:40])
    history = Calibrations(path)
    assert (len(history.records), history.damaged) == (1, (2,))
    assert "line 2 is left out" in caplog.text
    history.append([record(day=3)])
    assert [each.at[8:10] for each in Calibrations(path).records] == ["01", "03"]


def test_appending_never_changes_what_is_there(tmp_path):
    path = tmp_path / "sub" / "c.jsonl"
    history = Calibrations(path)
    history.append([record(day=1)])
    before = path.read_bytes()
    history.append([record(day=2), record(day=3)])
    assert path.read_bytes().startswith(before)
    assert len(path.read_bytes().splitlines()) == 3


def test_what_another_process_appends_is_taken_in(tmp_path):
    here, there = Calibrations(tmp_path / "c.jsonl"), Calibrations(tmp_path / "c.jsonl")
    there.append([record()])
    assert here.newest("ph.pH") is None
    here.refresh()
    assert here.newest("ph.pH") == record()


def test_age_puts_in_doubt_only_when_the_clock_is_set(tmp_path):
    history = Calibrations(tmp_path / "c.jsonl")
    history.append([record(day=1)])
    made = record(day=1).at_ns
    limit_s = 30 * 86_400.0
    assert history.holding("ph.pH", made + 29 * DAY, limit_s, wanted=False).doubt == ""
    assert history.holding("ph.pH", made + 31 * DAY, limit_s, wanted=False).doubt == "calibration"
    assert history.holding("ph.pH", None, limit_s, wanted=False).doubt == ""
    assert history.holding("ph.pH", made + 999 * DAY, None, wanted=False).doubt == ""


def test_back_to_the_factory_ends_a_calibration_and_where_one_is_wanted_its_lack_is_said(tmp_path):
    history = Calibrations(tmp_path / "c.jsonl")
    assert history.holding("ph.pH", 0, 9.0, wanted=True).doubt == "uncalibrated"
    assert history.holding("ph.pH", 0, 9.0, wanted=False).doubt == ""
    history.append([record(day=1), record(day=2, kind="factory", gain=1.0)])
    assert history.holding("ph.pH", None, 9.0, wanted=False).apply(7.1) == 7.1


@pytest.mark.parametrize("wrong", [{"gain": 0.0}, {"gain": float("nan")}, {"points": ((1.0, float("inf")),)}])
def test_a_record_that_cannot_calibrate_is_refused(wrong):
    with pytest.raises(ValueError, match="finite"):
        record(**wrong)


def test_a_file_that_cannot_be_read_leaves_the_node_uncalibrated_and_says_so_once(tmp_path, caplog):
    history = Calibrations(tmp_path)  # a folder
    history.refresh()
    assert history.records == ()
    assert caplog.text.count("cannot be read") == 1
