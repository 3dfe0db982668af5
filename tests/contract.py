"""Because the feed is a promise to strangers: whatever a test makes us say is held against the contract."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.feed.kit.capture import Heard
from gateway.feed.kit.single import Message, look
from gateway.feed.link import Link
from gateway.feed.topics import ROOT


@pytest.fixture(autouse=True)
def what_we_say_keeps_to_the_contract(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Judge each message that this process publishes as a node or an edge; `off_contract` is the way out."""
    broken: list[str] = []
    publish = Link.publish

    def judged(self: Link, topic: str, payload: bytes, **how: Any) -> int | None:
        if topic.startswith(ROOT + "/"):
            message = look(Heard(topic, payload, qos=1, retain=bool(how.get("retain"))))
            problems = message.problems if isinstance(message, Message) else [message]
            broken.extend(f"{topic}: {rule}: {what}: {payload[:200]!r}" for rule, what in problems)
        return publish(self, topic, payload, **how)

    monkeypatch.setattr(Link, "publish", judged)
    yield
    if request.node.get_closest_marker("off_contract") is None:
        assert not broken, "\n".join(broken)
