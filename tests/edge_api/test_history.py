"""History: the old never hides the newest, pieces fit together, strangers and liars cost others nothing."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_api.history import AmbiguousAsset, FieldNow, History, Row, TooManyRows
from edge_api.history.query import buckets, merged, overlapping
from edge_api.lineprotocol import Unsigned
from edge_api.point import Point
from gateway.feed import Meta
from sensors.sample import Value

SECOND = 10**9
DAY = 86_400 * SECOND
T = 1_795_412_400 * SECOND
KEY = "42/18562/waste/bin-1"
TAGS = {"province": "42", "commune": "18562", "domain": "waste", "asset": "bin-1"}
META = Meta(v=1, type="WasteContainer", id="bin-1", name="Chợ", gw="gw-01", interval=60, staleAfter=180)


def point(seconds: float, fields: dict[str, Value], **tags: str) -> Point:
    return Point("WasteContainer", TAGS | tags, T + round(seconds * SECOND), fields)


def values(history: History, field: str = "a", key: str = KEY) -> list[Value]:
    return [row.value for row in history.readings(key, field, 0, 2**62)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


def test_the_latest_only_moves_forward(path: Path) -> None:
    history = History(path)
    history.add([point(10, {"a": 1.0, "q": "good", "gw": "gw-01"})])
    history.add([point(5, {"a": 9.0, "b": 2.0, "q": "bad", "gw": "gw-99"})])
    now = history.asset("bin-1")
    assert now is not None
    assert (now.ts_ns, now.quality, now.gw) == (T + 10 * SECOND, "good", "gw-01")
    assert now.fields == {"a": FieldNow(1.0, T + 10 * SECOND), "b": FieldNow(2.0, T + 5 * SECOND)}
    history.add([point(11, {"b": 3.0, "q": "bad", "qr": "a:no-echo c:crc"})])
    later = history.latest()[0]
    assert later.fields["a"].value == 1.0
    assert later.reasons == {"a": "no-echo", "c": "crc"}
    assert now.quality == "good", "what was handed out does not change"
    history.close()


def test_values_of_every_kind_come_back_from_memory_and_from_disk(path: Path) -> None:
    history = History(path)
    kinds: list[Value] = [1.5, True, "lidOpen", 7, Unsigned(2**64 - 1), "", 0.1 + 0.2]
    for n, value in enumerate(kinds):
        history.add([point(n, {"a": value})])
    assert values(history) == kinds
    history.flush()
    assert values(history) == kinds
    history.close()
    again = History(path)
    assert values(again) == kinds
    assert [type(value) for value in values(again)[:4]] == [float, bool, str, int]
    again.close()


def test_names_status_and_latest_survive_a_restart(path: Path) -> None:
    history = History(path)
    history.add([point(1, {"a": 1.0, "q": "good"})])
    history.meta("42", "18562", "waste", META)
    history.status("42", "18562", "waste", "bin-1", "fault")
    history.add([Point("Alert", TAGS | {"kind": "binFull"}, T, {"state": "raised", "severity": "warning"})])
    history.close()
    again = History(path)
    now = again.asset(KEY)
    assert now is not None
    assert (now.name, now.status, now.stale_after_s, now.fields["a"].value) == ("Chợ", "fault", 180, 1.0)
    assert now.alerts["binFull"].state == "raised"
    again.close()


def test_pieces_on_disk_and_in_memory_are_merged_sorted_and_without_repeats(path: Path) -> None:
    history = History(path)
    history.add([point(n, {"a": float(n)}) for n in (5, 1, 3)])
    history.flush()
    history.add([point(n, {"a": float(n)}) for n in (4, 3, 2)])
    history.flush()
    history.add([point(n, {"a": float(n)}) for n in (6, 5, 0)] + [point(3, {"a": 33.0})])
    assert values(history) == [0, 1, 2, 33, 4, 5, 6]
    rows = history.readings(KEY, "a", T + 2 * SECOND, T + 5 * SECOND)
    assert [row.value for row in rows] == [2, 33, 4]
    history.close()


def test_buckets_hold_means_of_numbers_and_the_last_of_words(path: Path) -> None:
    history = History(path)
    for n in range(120):
        history.add([point(n, {"a": float(n), "n": n, "w": f"s{n}", "b": n % 2 == 0})])
        if n == 30:
            history.flush()
    for field, expected in (
        ("a", (29.5, 89.5)),
        ("n", (29.5, 89.5)),
        ("w", ("s59", "s119")),
        ("b", (False, False)),
    ):
        assert history.readings(KEY, field, 0, 2**62, 60) == [
            Row(T, expected[0], 60),
            Row(T + 60 * SECOND, expected[1], 60),
        ]
    history.close()


def test_where_readings_come_from_is_not_kept_as_a_value(path: Path) -> None:
    history = History(path)
    history.add([point(1, {"a": 1.0, "gw": "g", "ep": "e", "seq": 1, "q": "good", "hist": True})])
    assert set(history.latest()[0].fields) == {"a"}
    assert values(history, "seq") == []
    history.close()


def test_what_was_doubtful_is_kept_and_what_was_good_needs_no_word(path: Path) -> None:
    history = History(path)
    history.add([point(0, {"a": 1.0, "q": "good"}), point(1, {"a": 2.0, "q": "uncertain", "qr": "a:range"})])
    history.add([point(2, {"q": "bad", "qr": "a:no-echo"}), point(3, {"a": 3.0})])
    for _again in range(2):
        assert values(history, "q") == ["uncertain", "bad"]
        assert values(history, "qr") == ["a:range", "a:no-echo"]
        history.flush()
    assert "q" not in history.latest()[0].fields
    history.close()


def test_points_without_an_asset_are_passed_over(path: Path) -> None:
    history = History(path)
    history.add([Point("cpu", {"host": "x"}, T, {"a": 1.0})])
    assert (history.latest(), history.passed_over) == ([], 1)
    history.close()


def test_old_chunks_go_by_the_newest_time_of_their_own_asset(path: Path) -> None:
    history = History(path, keep_days=2)
    history.add([point(0, {"a": 1.0}), point(0, {"a": 1.0}, asset="bin-2")])
    history.flush()
    history.add([point(3 * 86_400, {"a": 2.0}), Point("m", TAGS | {"asset": "liar"}, 4 * 10**18, {"a": 1.0})])
    history.flush()
    assert values(history) == [2]
    assert values(history, key=KEY.replace("bin-1", "bin-2")) == [1], "a liar's clock costs others nothing"
    history.close()


def test_the_file_has_a_largest_size(path: Path) -> None:
    history = History(path, most_bytes=2000)
    for n in range(200):
        history.add([point(n, {"a": n * 0.37})])
        history.flush()
    kept = values(history)
    assert 10 < len(kept) < 100
    assert kept[-1] == 199 * 0.37
    history.close()


def test_memory_is_bounded_when_nothing_is_flushed(path: Path) -> None:
    history = History(path, memory_values=1000)
    for n in range(10_000):
        history.add([point(n, {"a": float(n)})])
    assert history.due
    kept = values(history)
    assert 900 < len(kept) <= 2001
    assert kept[-1] == 9999
    history.flush()
    assert not history.due
    assert values(history) == kept
    history.close()


def test_a_flush_is_due_after_some_minutes(path: Path) -> None:
    now = [0.0]
    history = History(path, flush_every_s=600, monotonic=lambda: now[0])
    assert not history.due
    now[0] = 600.0
    assert history.due
    history.flush()
    assert not history.due
    history.close()


def test_strangers_cannot_fill_the_memory_with_names(path: Path) -> None:
    history = History(path, most_assets=10)
    history.add([point(n, {f"f{n}-{k}": 1.0 for k in range(100)}, asset=f"a{n}") for n in range(20)])
    alerts = [
        Point("Alert", TAGS | {"asset": "a1", "kind": f"k{n}"}, T, {"state": "raised"}) for n in range(99)
    ]
    history.add(alerts)
    assert len(history.latest()) == 10
    assert history.passed_over == 10
    now = history.asset("a1")
    assert now is not None
    assert (len(now.fields), len(now.alerts)) == (64, 32)
    history.close()


def test_an_ambiguous_id_is_refused_and_a_key_is_not(path: Path) -> None:
    history = History(path)
    history.add([point(1, {"a": 1.0}), point(1, {"a": 1.0}, commune="18563")])
    with pytest.raises(AmbiguousAsset, match="18563"):
        history.asset("bin-1")
    assert history.asset(KEY) is not None
    assert history.asset("none") is None
    history.close()


def test_an_answer_that_would_be_too_long_is_refused(path: Path) -> None:
    history = History(path)
    history.add([point(n, {"a": 1.0}) for n in range(11)])
    with pytest.raises(TooManyRows):
        history.readings(KEY, "a", 0, 2**62, most=10)
    assert len(history.readings(KEY, "a", 0, 2**62, most=11)) == 11
    history.close()


def test_listeners_hear_every_batch_until_they_end(path: Path) -> None:
    history = History(path)
    heard: list[int] = []
    end = history.listen(lambda points: heard.append(len(points)))
    history.add([point(1, {"a": 1.0}), point(2, {"a": 1.0})])
    end()
    history.add([point(3, {"a": 1.0})])
    assert heard == [2]
    history.close()


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10)), max_size=8).map(
    lambda pairs: [(n, first, first + length) for n, (first, length) in enumerate(pairs)]
)


@given(spans)
def test_groups_of_spans_never_overlap_and_lose_none(all_spans: list[tuple[int, int, int]]) -> None:
    groups = list(overlapping(all_spans))
    assert sorted(ident for group in groups for ident in group) == [span[0] for span in all_spans]
    edges = [(min(all_spans[i][1] for i in group), max(all_spans[i][2] for i in group)) for group in groups]
    assert all(before[1] < after[0] for before, after in pairwise(edges))


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(-1e6, 1e6)), max_size=50), st.integers(1, 50))
def test_buckets_count_each_value_once(pairs: list[tuple[int, float]], every: int) -> None:
    times, numbers = [t * SECOND for t, _ in pairs], [v for _, v in pairs]
    rows = merged([(times, list(numbers))], 0, 101 * SECOND)
    found = list(buckets(rows, every))
    assert sum(row.count for row in found) == len({*times})
    assert [row.ts_ns for row in found] == sorted({t // (every * SECOND) * every * SECOND for t in times})
