"""What a command and its answers must be together: answered, and carried out once."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.feed.commands import Ack, Command
from gateway.feed.kit.said import Said
from gateway.feed.kit.said import marked as _
from gateway.feed.kit.single import Message, Problem
from gateway.feed.kit.streams import Found

_ANSWER_NS = 30 * 1_000_000_000


@dataclass(slots=True)
class _Told:
    """One command of one asset, and how often it was carried out or tried."""

    topic: str
    at_ns: int
    outcomes: list[str] = field(default_factory=list)


class Commands:
    """Remembers every command by its asset and id."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], _Told] = {}

    def command(self, message: Message, body: Command) -> None:
        """Note a command; the same again is a repetition."""
        told = _Told(message.heard.topic, message.heard.at_ns)
        self._of.setdefault((message.asset, body.id), told)

    def broken(self, message: Message) -> None:
        """Note a command that breaks the contract: its answer is still an answer, and none is owed."""
        name = message.keys.get("id")
        if message.topic.channel == "cmd" and isinstance(name, str):
            told = _Told(message.heard.topic, message.heard.at_ns, ["refused"])
            self._of.setdefault((message.asset, name), told)

    def ack(self, message: Message, body: Ack) -> Iterator[Problem]:
        """Note an answer; say so when it answers nothing, or the command was carried out before."""
        told = self._of.get((message.asset, body.id))
        if told is None:
            yield "ack-unknown", Said(_("id {id} was not seen on cmd"), id=repr(body.id))
            return
        if body.outcome != "refused" and set(told.outcomes) - {"refused"}:
            what = _("id {id} is {outcome}, and was {before} before")
            yield "ack-twice", Said(what, id=repr(body.id), outcome=body.outcome, before=told.outcomes[-1])
        told.outcomes.append(body.outcome)

    def finish(self, now_ns: int) -> Iterator[Found]:
        """Say which commands nobody has answered."""
        for (_asset, name), told in self._of.items():
            if not told.outcomes and now_ns - told.at_ns > _ANSWER_NS:
                yield told.topic, "ack-missing", Said(_("id {id} had no answer"), id=repr(name))
