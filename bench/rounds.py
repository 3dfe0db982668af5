"""The workloads: each runs one round of one contender and returns its figures."""

import time

from bench.contenders import Contender
from bench.meter import files_bytes
from bench.rig import Figures, Helper, Watch, round_of, settled, spent, used

_STEP_S = 10.0
_HOUSE_S = 12.0  # an edge joins what waits every ten seconds
_WAIT_S = 40.0


def feed(kind: type[Contender], *, count: int, database: str = "victoria", **load: int) -> Figures:
    """Readings by MQTT as fast as they go; `run` of them back to back an asset."""
    with round_of(kind, feed=True, database=database) as (rig, contender, _):
        assert rig.broker is not None
        helper = Helper("writer", port=rig.broker.port, count=count, **load)
        helper.ready()
        before, watch = used(contender), Watch(rig)
        helper.go()
        began = helper.facts()["began"]
        rig.arrived(count)
        rate = watch.per_s(count, began)
        figures = spent(before, settled(contender), count)
        return {"per_s": rate, "lost": count - rig.stored(), **figures}


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
            took += [arrived[each] - at for each in range(n, until) if each in arrived]
            n = until
        took.sort()
        return {
            "p50_ms": took[len(took) // 2] * 1e3,
            "p99_ms": took[len(took) * 99 // 100] * 1e3,
            "wire_bytes": (rig.wire_bytes() - wire) / count,
            "lost": count - rig.stored(),
            **figures,
        }


def post(kind: type[Contender], *, count: int, rate: float = 0.0, **load: int) -> Figures:
    """Ready line protocol by HTTP, as children send it; with `rate`, so many readings a second."""
    with round_of(kind, feed=False, tapped=rate > 0) as (rig, contender, _):
        helper = Helper("poster", port=contender.port, count=count, rate=rate, **load)
        helper.ready()
        wire = rig.wire_bytes() if rate else 0
        before, watch = used(contender), Watch(rig)
        helper.go()
        facts = helper.facts()
        rig.arrived(count)
        per_s = watch.per_s(count, facts["began"])
        arrived = used(contender)
        figures = spent(before, settled(contender), count)
        figures["cpu_by_arrival_s_per_million"] = (arrived.cpu_s - before.cpu_s) / count * 1e6
        if rate:
            figures["wire_bytes"] = (rig.wire_bytes() - wire) / count
        else:
            figures["per_s"] = per_s
            figures["taken_per_s"] = count / (facts["ended"] - facts["began"])
        return {
            "answer_p50_ms": facts["p50_ms"],
            "answer_p99_ms": facts["p99_ms"],
            "lost": count - rig.stored(),
            **figures,
        }


def drain(kind: type[Contender], *, count: int, steps: int, **load: int) -> Figures:
    """A backlog that grows in steps while the upstream is away, waits, and is then let go.

    Before it as much as a step is sent up at once: with an edge that has only begun no memory compares.
    """
    with round_of(kind, feed=False) as (rig, contender, _):
        at_rest = files_bytes(contender.folder, "*")
        share = count // steps
        helper = Helper("poster", port=contender.port, count=count + share, steps=steps + 1, **load)
        helper.ready()
        helper.go()
        helper.facts()
        rig.arrived(share)
        empty = now = settled(contender, _STEP_S)
        rig.database.stop()
        figures: Figures = {"rss_empty_mb": empty.rss_mb}
        for step in range(1, steps + 1):
            before = now
            helper.go()
            helper.facts()
            time.sleep(_HOUSE_S)  # what is joined, and history's file, belong to the step that brought them
            now = settled(contender, _STEP_S)
            figures[f"step_{step}_cpu_s_per_million"] = (now.cpu_s - before.cpu_s) / share * 1e6
            figures[f"step_{step}_rss_mb"] = now.rss_mb
        time.sleep(_HOUSE_S)
        full = settled(contender, _WAIT_S)
        buffered = files_bytes(contender.folder, "*") - at_rest
        rig.database.start()
        before, rows = used(contender), rig.rows()
        while rig.rows() <= rows:
            time.sleep(0.01)
        began, watch = time.monotonic(), Watch(rig)
        rig.arrived(count + share)
        rate = watch.per_s(count, began)
        after = used(contender)
        return {
            "per_s": rate,
            "fill_cpu_s_per_million": (now.cpu_s - empty.cpu_s) / count * 1e6,
            "wait_cpu_s_per_million": (full.cpu_s - now.cpu_s) / count * 1e6,
            "drain_cpu_s_per_million": (after.cpu_s - before.cpu_s) / count * 1e6,
            "disk_bytes": buffered / count,
            "rss_full_mb": full.rss_mb,
            "rss_mb": after.rss_mb,
            "peak_mb": after.peak_mb,
            "lost": count + share - rig.stored(),
            **figures,
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
