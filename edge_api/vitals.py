"""Whether an edge still moves, and how it stands in a few words: for systemd."""

import threading

from edge_api.edge import Edge
from edge_api.server import HttpServer


def standing(edge: Edge, server: HttpServer) -> list[str]:
    """Name the loops that do not move any more."""
    running = {thread.name for thread in threading.enumerate()}
    relays = [*edge.relays, *(roller.relay for roller in edge.rollers)]
    rollers = [f"rollups {roller.name}" for roller in edge.rollers]
    threads = ["custody", "keeper", *(f"relay {relay.name}" for relay in relays), *rollers]
    still = [name for name in threads if name not in running]
    moving = {"commit": edge.committer.alive(), "http": server.alive()}
    if edge.mqtt is not None:
        moving["mqtt"] = edge.mqtt.link.alive
    return [*still, *(name for name, moves in moving.items() if not moves)]


def words(edge: Edge) -> str:
    """Say how much waits for whom."""
    parts = []
    for relay in edge.relays:
        waiting = sum(lane.points for lane in relay.outbox.waiting.values())
        parts.append(f"{waiting} readings wait for {relay.name} ({relay.state.value})")
    if edge.mqtt is not None:
        parts.append(f"broker: {edge.mqtt.link.state}")
    failing = edge.committer.failing
    return "; ".join([f"disk: {failing}", *parts] if failing else parts) or "takes in and keeps"
