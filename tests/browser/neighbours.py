# ruff: noqa: E501 tables and line protocol read better on one line
"""Some communes of a province as line protocol: most are well, one is silent, one loses readings, one lags behind."""

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.feed import Meta
from tests.browser.village import MINUTE_NS, PROVINCE

STEP_MIN = 10
BINS = 6


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One commune: of ten readings `lost` never came, the last came `silent_min` ago, `waiting` are on their way."""

    code: str
    lost: int = 0
    silent_min: int = 0
    waiting: int = 0
    doubtful: int = 0
    alarms: tuple[str, ...] = ()


NEIGHBOURS = (
    Neighbour("18073"),
    Neighbour("18100", doubtful=1),
    Neighbour("18133", lost=3, waiting=4_210),
    Neighbour("18229", silent_min=190, waiting=0),
    Neighbour("18352", alarms=("binFull", "fire")),
    Neighbour("18406"),
    Neighbour("18562", alarms=("binFull",)),
)


def metas() -> Iterator[tuple[str, str, Meta]]:
    """Yield commune, domain and what the node says of each asset."""
    for place in NEIGHBOURS:
        for number in range(1, BINS + 1):
            yield place.code, "waste", Meta(
                v=1, type="WasteContainer", id=f"bin-{number:04}", name=f"Thùng thôn {number}", gw="gw-01",
                interval=STEP_MIN * 60, staleAfter=STEP_MIN * 180, limits={"fillingLevel": [0.0, 0.9]},
            )  # fmt: skip
        yield place.code, "gateway", Meta(
            v=1, type="Device", id="gw-01", name="Trạm đo", gw="gw-01", interval=STEP_MIN * 60, staleAfter=STEP_MIN * 180,
        )  # fmt: skip


def lines(now_ns: int, hours: float = 36.0) -> Iterator[str]:
    """Yield the readings up to now: yesterday's and today's are to be counted."""
    for place in NEIGHBOURS:
        seq = 1
        for step in range(round(hours * 60 / STEP_MIN), -1, -1):
            if step * STEP_MIN < place.silent_min or step % 10 >= 10 - place.lost:
                continue
            ts_ns = (now_ns // 1_000_000 - step * STEP_MIN * 60_000) * 1_000_000
            tail = 'gw="gw-01",ep="7f3a9c"'
            for number in range(1, BINS + 1):
                doubt = "uncertain" if number <= place.doubtful else "good"
                level = (step * 7 + number * 13) % 80 / 100
                yield (
                    f"WasteContainer,asset=bin-{number:04},commune={place.code},domain=waste,province={PROVINCE} "
                    f'fillingLevel={level},q="{doubt}",{tail},seq={seq}i {ts_ns}'
                )
                seq += 1
            yield (
                f"Device,asset=gw-01,commune={place.code},domain=gateway,province={PROVINCE} "
                f'cpuTemperature=51.2,spoolDepth={place.waiting}i,clockState="synced",q="good",{tail},seq={seq}i {ts_ns}'
            )
            seq += 1
        for number, kind in enumerate(place.alarms, 1):
            raised_ns = (now_ns - number * 37 * MINUTE_NS) // 1_000_000 * 1_000_000
            yield (
                f"Alert,asset=bin-{number:04},commune={place.code},domain=waste,kind={kind},province={PROVINCE} "
                f'severity="{"critical" if kind == "fire" else "warning"}",state="raised",id="{kind}-1",gw="gw-01" {raised_ns}'
            )
