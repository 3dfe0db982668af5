"""Because what an asset has learnt depends on the hour and the day: a clock on the wall of Ha Tinh."""

from sensors.assets import Moment, asset_class
from sensors.assets.moment import NS
from sensors.settings import convert

DAY_NS = 86_400 * NS
MIDNIGHT_NS = 20_000 * DAY_NS - 7 * 3600 * NS  # local
PLACE = {"lat": 18.34, "lon": 105.9}
MIN = 60 * NS


def asset(type_name, **config):
    kind = asset_class(type_name)
    return kind(convert(config, kind.Config))


def at(hour, day=0):
    wall_ns = MIDNIGHT_NS + day * DAY_NS + round(hour * 3600 * NS)
    return Moment(wall_ns - MIDNIGHT_NS, wall_ns, **PLACE)
