"""What the tests of history's bodies and pieces share: readings, and the bodies in which they come."""

from collections.abc import Mapping

from hypothesis import strategies as st

from edge_api.history import History
from edge_api.history.bodies import Body
from edge_api.lineprotocol import encode, feed_lines
from edge_api.lines import join_lines
from edge_api.point import Point
from sensors.sample import Value

SECOND = 10**9
DAY = 86_400 * SECOND
T = 1_795_412_400 * SECOND
PLACES = ("18562", "18563")
KEYS = [f"42/{commune}/waste/bin-{n}" for commune in PLACES for n in (1, 2)]
MIMIC = "x,asset=bin-1,commune=18562,domain=waste,province=42"


def reading(
    seconds: float, fields: Mapping[str, Value], commune: str = "18562", asset: str = "bin-1", q: str = "good"
) -> Point:
    tags = {"asset": asset, "commune": commune, "domain": "waste", "province": "42"}
    numbered: dict[str, Value] = {**fields, "gw": "gw-01", "ep": "7f", "seq": int(seconds) % 1000}
    if q != "none":
        numbered["q"] = q
    if q in {"bad", "uncertain"}:
        numbered["qr"] = "a:range"
    return Point("WasteContainer", tags, T + round(seconds * SECOND), numbered)


def body(points: list[Point], came_ns: int = 0) -> Body:
    lines = [encode(point).encode() for point in points]
    read = feed_lines(b"\n".join([*lines, b""]))
    assert read is not None
    return Body(read, join_lines(lines), came_ns)


def add_body(history: History, points: list[Point]) -> None:
    lines = [encode(point).encode() for point in points]
    read = feed_lines(b"\n".join([*lines, b""]))
    assert read is not None
    history.add([], bodies=[(read, join_lines(lines))])


texts = st.sampled_from(["on", "", "a, b=1 c", "o=0", MIMIC, "\x0b", "late", "0,a1=7", "gw="])
fields = st.dictionaries(
    st.sampled_from(["a", "a1", "a2", "b", "raw"]),
    st.one_of(
        st.floats(-1e9, 1e9).map(lambda x: round(x, 3)),
        st.sampled_from([1e-7, 1e21]),
        st.integers(-5, 10**15),
        st.booleans(),
        texts,
    ),
    max_size=3,
)
