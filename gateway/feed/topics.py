"""Topics of the feed: ntm/v1/{province}/{commune}/{domain}/{asset}/{channel}."""

import re
from functools import lru_cache

from msgspec import Struct

from gateway.feed.errors import FeedError
from sensors.text import said

ROOT = "ntm/v1"
DOMAINS = ("waste", "water", "lighting", "gateway")
CHANNELS = ("telemetry", "state", "meta", "status", "event", "cmd", "ack", "custody")

_PROVINCE = re.compile(r"[0-9]{2}")
_COMMUNE = re.compile(r"[0-9]{5}")
_LEVEL = re.compile(r"[a-z0-9-]{1,64}")


class Topic(Struct, frozen=True):
    """One topic of the feed, taken apart."""

    province: str
    commune: str
    domain: str
    asset: str
    channel: str

    def __post_init__(self) -> None:
        if not _PROVINCE.fullmatch(self.province):
            raise FeedError(
                said("province {code!r} is not a 2-digit unit code such as 42", code=self.province)
            )
        if not _COMMUNE.fullmatch(self.commune):
            raise FeedError(
                said("commune {code!r} is not a 5-digit unit code such as 18562", code=self.commune)
            )
        if self.domain not in DOMAINS:
            raise FeedError(f"domain {self.domain!r} is none of {', '.join(DOMAINS)}")
        if not _LEVEL.fullmatch(self.asset):
            raise FeedError(f"asset {self.asset!r} is not made of a-z, 0-9 and '-' only (1 to 64 of them)")
        if self.channel not in CHANNELS:
            raise FeedError(f"channel {self.channel!r} is none of {', '.join(CHANNELS)}")

    def __str__(self) -> str:
        return f"{ROOT}/{self.province}/{self.commune}/{self.domain}/{self.asset}/{self.channel}"

    @classmethod
    def parse(cls, text: str) -> "Topic":
        """Take a topic apart; raise FeedError that says which level is wrong."""
        return _parse(text)


@lru_cache(maxsize=65_536)
def _parse(text: str) -> Topic:
    levels = text.split("/")
    if len(levels) != 7 or not text.startswith(ROOT + "/"):
        raise FeedError(f"topic {text!r} is not {ROOT}/province/commune/domain/asset/channel")
    return Topic(*levels[2:])
