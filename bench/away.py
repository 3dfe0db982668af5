"""The work of a store: take in by MQTT while nobody takes out, and have it all then, or after a SIGKILL."""

import time
from contextlib import ExitStack

from bench.keepers import Keeper
from bench.meter import files_bytes, use
from bench.rig import Figures, Helper, Rig, spent, used
from bench.writer import connect, packet

_LOOK_S = 0.2
_QUIET_S = 10.0
_WARM_S = 120.0
_WARM_FROM = 1_000_000_000  # numbers that no load has
_WARM = (
    b'{"v":1,"type":"Device","ts":"2026-11-23T00:00:00.000Z","gw":"warm","ep":"aa","seq":%d,"q":"good",'
    b'"rssi":1}'
)


def away(kind: type[Keeper], *, count: int, kill: bool = False, **load: int) -> Figures:
    """Let `count` readings be kept; with `kill`, end it when the publisher has all acknowledgements."""
    with ExitStack() as stack:
        rig = Rig(stack, feed=not kind.is_broker, tapped=False)
        rig.database.kill()
        keeper = stack.enter_context(kind(rig.places))
        warm(rig, keeper)
        port = rig.broker.port if rig.broker else keeper.port
        helper = Helper("writer", port=port, count=count, **load)
        stack.callback(helper.end)
        helper.ready()
        at_rest, held = files_bytes(keeper.store(), "*"), keeper.taken()
        before, broker = used(keeper), _broker_s(rig)
        helper.go()
        facts = helper.facts()
        if kill:
            keeper.kill()
            keeper.start()
            warm(rig, keeper, alone=False)
            _kept(keeper, held + count)
            return {"lost": count - keeper.found(rig, count)}
        last = facts["ended"] if kind.is_broker else _kept(keeper, held + count)
        figures = spent(before, used(keeper), count)
        figures["cpu_all_s_per_million"] = (
            figures["cpu_s_per_million"] + (_broker_s(rig) - broker) / count * 1e6
        )
        figures["disk_bytes"] = (files_bytes(keeper.store(), "*") - at_rest) / count
        began_s = used(keeper).cpu_s
        found = keeper.found(rig, count)
        if keeper.drains:
            figures["drain_cpu_s_per_million"] = (used(keeper).cpu_s - began_s) / count * 1e6
        return {"per_s": count / (last - facts["began"]), "lost": count - found, **figures}


def warm(rig: Rig, keeper: Keeper, *, alone: bool = True) -> None:
    """Feed readings of no account until one is kept; `alone`: then nobody is there any more to take it."""
    began, held, n = time.monotonic(), keeper.taken(), _WARM_FROM
    while rig.broker is not None and keeper.taken() <= held:
        n += 1
        with connect(rig.broker.port, "warm") as wire:
            wire.sendall(packet("ntm/v1/42/18000/gateway/warm/telemetry", _WARM % n, 1))
            wire.recv(4)
        if time.monotonic() - began > _WARM_S or not keeper.running:
            raise RuntimeError(f"{keeper.name} keeps nothing:\n{keeper.log[-3000:]}")
        time.sleep(_LOOK_S)
    if alone:
        keeper.alone()
    time.sleep(1)


def _kept(keeper: Keeper, goal: int) -> float:
    """Wait until so many are kept, or no more come for long; return when the last was seen."""
    last, at = -1, time.monotonic()
    while last < goal and time.monotonic() - at < _QUIET_S:
        now = keeper.taken()
        if now != last:
            last, at = now, time.monotonic()
        time.sleep(_LOOK_S)
    return at


def _broker_s(rig: Rig) -> float:
    return use(rig.broker.pid).cpu_s if rig.broker else 0.0
