# ruff: noqa: E501 tables and line protocol read better on one line
"""A day in a commune as line protocol: what the page is shown in tests and pictures. Small, and the same always."""

import math
from collections.abc import Iterator

from gateway.feed import Meta
from gateway.feed.bodies import Location

PROVINCE, COMMUNE = "42", "18562"
MINUTE_NS = 60 * 10**9
STEP_MIN = 5
# domain, id, type, name, north and east of the middle in m, units, limits
ASSETS = [
    ("waste", "bin-0001", "WasteContainer", "Thùng chợ Thạch Hà", 0, 0, {}, {"fillingLevel": [0.0, 0.9]}),
    ("waste", "bin-0002", "WasteContainer", "Thùng trường tiểu học", 420, 310, {}, {"fillingLevel": [0.0, 0.9]}),
    ("waste", "bin-0003", "WasteContainer", "Thùng ngã ba Đò Điệm", -610, 150, {}, {"fillingLevel": [0.0, 0.9]}),
    ("waste", "scale-01", "WasteObserved", "Trạm cân rác", 820, -700, {}, {}),
    ("water", "quality-01", "WaterQualityObserved", "Nước sạch đầu mạng", -240, -560, {},
     {"pH": [6.0, 8.5], "turbidity": [0.0, 2.0], "freeChlorine": [0.2, 1.0]}),
    ("water", "network-01", "WaterDistributionNetwork", "Bể chứa trung tâm", -300, -640, {}, {}),
    ("water", "meter-01", "WaterConsumptionObserved", "Đồng hồ tổng thôn 3", 160, 700, {}, {}),
    ("lighting", "cabinet-01", "StreetlightControlCabinet", "Tủ đèn đường 19/5", 300, -120, {}, {}),
    ("lighting", "lamp-0001", "Streetlight", "Đèn cổng ủy ban", 340, -60, {}, {}),
    ("gateway", "gw-01", "Device", "Trạm đo UBND xã", 330, -80, {}, {}),
]  # fmt: skip


def metas() -> Iterator[tuple[str, Meta]]:
    """Yield each asset's domain and what its node says that it is."""
    for domain, name, kind, title, north, east, units, limits in ASSETS:
        place = Location(lat=18.3472 + north / 111_195, lon=105.8955 + east / 105_500)
        yield domain, Meta(
            v=1, type=kind, id=name, name=title, gw="gw-01", interval=300, staleAfter=900,
            location=place, units=units, limits=limits,
        )  # fmt: skip


def lines(now_ns: int, hours: float = 24.0, first_seq: int = 1) -> Iterator[str]:
    """Yield the readings up to now, one asset after the other each five minutes."""
    steps = round(hours * 60 / STEP_MIN)
    seq = first_seq
    for step in range(steps, -1, -1):
        ts_ns = (now_ns // 1_000_000 - step * STEP_MIN * 60_000) * 1_000_000
        hour = (ts_ns / 3.6e12 + 7) % 24
        if 1.0 < step / 12 < 2.2 and hours > 6:
            continue  # the power was off
        for domain, name, kind, *_ in ASSETS:
            fields = values(kind, name, hour, step)
            yield (
                f"{kind},asset={name},commune={COMMUNE},domain={domain},province={PROVINCE} "
                f'{fields},gw="gw-01",ep="7f3a9c",seq={seq}i {ts_ns}'
            )
            seq += 1


def values(kind: str, name: str, hour: float, step: int) -> str:
    """Return the fields of one reading: good ones, some doubtful, some missing."""
    wave = math.sin((hour - 6) * math.pi / 12)
    wobble = math.sin(step * 1.7) * 0.5 + math.sin(step * 0.31)
    if kind == "WasteContainer":
        start = {"bin-0001": 0.28, "bin-0002": 0.1, "bin-0003": 0.05}[name]
        level = min(start + (hour / 24) * 0.7, 0.97)
        if name == "bin-0002" and step < 8:
            return 'status="ok",q="bad",qr="fillingLevel:no-echo"'
        doubt = ',q="uncertain",qr="temperature:stuck"' if name == "bin-0003" and step < 20 else ',q="good"'
        return f'fillingLevel={level:.3f},temperature={29 + 4 * wave:.1f},status="ok"{doubt}'
    if kind == "WasteObserved":
        return (
            f'weight={3120 + 40 * wobble:.1f},grossWeight={9420 + 40 * wobble:.1f},tareWeight=6300.0,q="good"'
        )
    if kind == "WaterQualityObserved":
        doubt = ',q="uncertain",qr="turbidity:spread"' if 60 < step < 90 else ',q="good"'
        return (
            f"pH={7.2 + 0.12 * wave + 0.02 * wobble:.2f},turbidity={0.8 + 0.3 * wave + 0.15 * abs(wobble):.2f},"
            f"freeChlorine={0.45 + 0.08 * wobble:.3f},temperature={27 + 2 * wave:.1f}{doubt}"
        )
    if kind == "WaterDistributionNetwork":
        return f'waterLevel={2.4 + 0.6 * wave:.2f},waterPressure={286 + 14 * wobble:.1f},waterFlow={4.2 + 2.4 * wave:.2f},q="good"'
    if kind == "WaterConsumptionObserved":
        return f'waterConsumption={18_734.512 - step * 0.35:.3f},q="good"'
    lit = hour > 17.7 or hour < 5.2
    if kind == "Streetlight":
        return f'powerState="{"on" if lit else "off"}",status="ok",powerConsumption={96.4 if lit else 0.3},q="good"'
    if kind == "StreetlightControlCabinet":
        power = 1.41 if lit else 0.01
        return f'totalActivePower={power},voltageR={229 + wobble:.1f},energyConsumed={812.4 - step * 0.06:.2f},powerState="{"on" if lit else "off"}",doorOpen=false,q="good"'
    return f'cpuTemperature={51 + 3 * wave:.1f},diskFree=21.4,spoolDepth=0i,spoolOldestAge=0.0,clockState="synced",q="good"'


def alarm(
    now_ns: int, kind: str, asset: str, domain: str, *, minutes: float, state: str = "raised", **more: object
) -> str:
    """Return one word on an alarm, so long ago."""
    ts_ns = (now_ns - round(minutes * MINUTE_NS)) // 1_000_000 * 1_000_000
    fields = {"severity": "warning", "state": state, "id": f"{kind}-{asset}-1", "gw": "gw-01"} | more
    told = ",".join(
        f'{key}="{each}"' if isinstance(each, str) else f"{key}={each}" for key, each in fields.items()
    )
    return f"Alert,asset={asset},commune={COMMUNE},domain={domain},kind={kind},province={PROVINCE} {told} {ts_ns}"
