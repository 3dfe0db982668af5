"""The check itself: every device is looked at on its bus's thread, and each port is judged as a whole."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from gateway.check.look import Looked, Place, hung, look
from gateway.check.reasoning import Machine, conclude
from gateway.check.words import checked
from gateway.config import NodeConfig
from gateway.device import Device
from gateway.feed.desk import Answer, Checked, Done, Looking
from sensors.sample import Metric, Quality

T = TypeVar("T")

Source = Callable[[str, str], Iterator[Answer]]
"""(device or "" for all, language) -> what a check answers, from this process or from a running node."""

LIMIT_S = 20.0  # a ranger takes half a second, a dead unit two timeouts; what takes longer hangs


class Visits(Protocol):
    """What lets a check come to a device: the runner that owns the buses."""

    def visit(self, device: str, action: Callable[[Device], T], limit_s: float) -> T:
        """Do something on the device's bus; raise TimeoutError when it does not come to it in time."""

    def kinds(self, device: str) -> Sequence[Metric]:
        """Return what a device measures."""


def check(
    config: NodeConfig, visits: Visits, machine: Machine, *, device: str = "", lang: str = "vi"
) -> Iterator[Looking | Checked | Done]:
    """Look at one device or all; yield each as soon as its bus has been heard, and at the end the worst.

    Raise KeyError for no such device. With one device the others on its port are asked too, so that it can be
    said whether they answer.
    """
    places = [Place.of(each) for each in config.devices]
    wanted = [place for place in places if place.device == device] if device else places
    if not wanted:
        raise KeyError(device)
    quality = Quality.GOOD
    number = 0
    together = sorted(wanted, key=lambda place: places.index(_first(place, places)))
    for _key, group in groupby(together, key=lambda place: _first(place, places)):
        asked = list(group)
        beside = [place for place in places if place.port and place.port == asked[0].port]
        looks: list[Looked] = []
        for place in asked + [each for each in beside if each not in asked]:
            if place in asked:
                number += 1
                yield Looking(place.device, number, len(wanted))
            looks.append(look_at(place, visits))
        for looked in conclude(looks, machine)[: len(asked)]:
            quality = max(quality, looked.quality)
            yield checked(looked, lang)
    yield Done(quality.word)


def look_at(place: Place, visits: Visits) -> Looked:
    """Look at a device on its bus; one that does not come back is a finding, not a wait."""
    try:
        return visits.visit(place.device, lambda device: look(place, device), LIMIT_S)
    except TimeoutError:
        return hung(place, LIMIT_S)


def _first(place: Place, places: Sequence[Place]) -> Place:
    """Return the first device on the same port, else the device itself: what has one first is one group."""
    return next(each for each in places if each is place or (place.port and each.port == place.port))
