"""The workloads: each runs one round of one contender and returns its figures."""

import time

from bench.contenders import Contender
from bench.meter import files_bytes
from bench.rig import Figures, Helper, round_of, spent, used

_DAY_S = 86_400


def feed(kind: type[Contender], *, count: int, database: str = "victoria", **load: int) -> Figures:
    """Readings by MQTT as fast as they go; `run` of them back to back an asset."""
    with round_of(kind, feed=True, database=database) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, **load)
        helper.ready()
        before = used(contender)
        helper.go()
        began = helper.facts()["began"]
        last = rig.arrived(count)
        figures = spent(before, used(contender), count)
        return {"per_s": count / (last - began), "lost": count - rig.stored(), **figures}


def paced(kind: type[Contender], *, count: int, rate: float, **load: int) -> Figures:
    """Readings by MQTT at a steady rate: the time from publish to the upstream's 204."""
    with round_of(kind, feed=True, tapped=True) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, rate=rate, **load)
        helper.ready()
        before, wire = used(contender), rig.wire_bytes()
        helper.go()
        left = helper.facts()["left"]
        rig.arrived(count)
        figures = spent(before, used(contender), count)
        arrived = rig.times()
        took, n = [], 0
        for until, at in left:
            took += [arrived[seq + 1] - at for seq in range(n, until) if seq + 1 in arrived]
            n = until
        took.sort()
        return {
            "p50_ms": took[len(took) // 2] * 1e3,
            "p99_ms": took[len(took) * 99 // 100] * 1e3,
            "wire_bytes": (rig.wire_bytes() - wire) / count,
            "lost": count - rig.stored(),
            **figures,
        }


def post(kind: type[Contender], *, count: int, **load: int) -> Figures:
    """Ready line protocol by HTTP, as children send it."""
    with round_of(kind, feed=False) as (rig, contender, _):
        helper = Helper("poster", port=contender.port, count=count, **load)
        helper.ready()
        before = used(contender)
        helper.go()
        facts = helper.facts()
        last = rig.arrived(count)
        figures = spent(before, used(contender), count)
        return {
            "per_s": count / (last - facts["began"]),
            "taken_per_s": count / (facts["ended"] - facts["began"]),
            "answer_p50_ms": facts["p50_ms"],
            "answer_p99_ms": facts["p99_ms"],
            "lost": count - rig.stored(),
            **figures,
        }


def drain(kind: type[Contender], *, count: int, **load: int) -> Figures:
    """A backlog that grew while the upstream was away, and is then let go."""
    with round_of(kind, feed=False) as (rig, contender, _):
        empty = used(contender)
        at_rest = files_bytes(contender.folder, "*")
        rig.database.kill()
        helper = Helper("poster", port=contender.port, count=count, **load)
        helper.ready()
        helper.go()
        helper.facts()
        time.sleep(5)  # what is only in memory by now stays there
        full = used(contender)
        buffered = files_bytes(contender.folder, "*") - at_rest
        rig.database.start()
        before, rows = used(contender), rig.rows()
        while rig.rows() <= rows:
            time.sleep(0.01)
        began = time.monotonic()
        last = rig.arrived(count)
        after = used(contender)
        return {
            "per_s": count / (last - began),
            "cpu_s_per_million": (after.cpu_s - before.cpu_s) / count * 1e6,
            "disk_bytes": buffered / count,
            "rss_empty_mb": empty.rss_mb,
            "rss_full_mb": full.rss_mb,
            "rss_mb": after.rss_mb,
            "peak_mb": after.peak_mb,
            "lost": count - rig.stored(),
        }


def killed(kind: type[Contender], *, count: int, **load: int) -> Figures:
    """SIGKILL in the middle, then a new start: what the broker had handed over and nobody has any more."""
    with round_of(kind, feed=True) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, **load)
        helper.ready()
        rows = rig.rows()
        helper.go()
        while rig.rows() <= rows:
            time.sleep(0.002)
        time.sleep(0.5)
        contender.kill()
        helper.facts()  # the broker takes the rest for the session that is away
        contender.start()
        rig.warm(contender)
        rig.arrived(count)
        return {"lost": count - rig.stored()}


def killed_http(kind: type[Contender], *, count: int, **load: int) -> Figures:
    """SIGKILL while the upstream is away, right after all has been answered with 204; then a new start."""
    with round_of(kind, feed=False) as (rig, contender, _):
        rig.database.kill()
        helper = Helper("poster", port=contender.port, count=count, **load)
        helper.ready()
        helper.go()
        helper.facts()
        contender.kill()
        rig.database.start()
        contender.start()
        rig.warm(contender)
        rig.arrived(count)
        return {"lost": count - rig.stored()}


def idle(kind: type[Contender], *, seconds: float, fed: bool) -> Figures:
    """Nothing to do."""
    with round_of(kind, feed=fed) as (_, contender, _taken):
        time.sleep(2)
        before = used(contender)
        time.sleep(seconds)
        after = used(contender)
        return {
            "idle_cpu_percent": (after.cpu_s - before.cpu_s) / seconds * 100,
            "rss_mb": after.rss_mb,
            "written_bytes": float(after.written - before.written),
        }


def card(kind: type[Contender], *, count: int, assets: int) -> Figures:
    """So many assets, each once a minute: what is handed to the disk, and what that would be in a day."""
    with round_of(kind, feed=True) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, assets=assets, rate=assets / 60)
        helper.ready()
        before, began = used(contender), time.monotonic()
        helper.go()
        helper.facts()
        seconds = time.monotonic() - began
        written = used(contender).written - before.written
        rig.arrived(count)
        return {
            "minutes": seconds / 60,
            "gb_a_day": written / seconds * _DAY_S / 1e9,
            "written_bytes": written / count,
            "lost": count - rig.stored(),
        }
