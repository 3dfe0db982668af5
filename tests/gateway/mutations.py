"""Because a check is worth what it catches: every way here to spoil a good session of the feed.

`python -m tests.gateway.mutations` prints docs/feed/conformance.md.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gateway.feed import TYPES, examples
from gateway.feed.kit import RULES
from sensors.text import translator
from tests.gateway.feed_session import (
    BIN,
    CABINET,
    LAST,
    NODE,
    NOON,
    S,
    Session,
    custody,
    heard,
)  # fmt: skip
from tests.gateway.spoiling import again, both, flags, keys, reading, then, without


def nothing_but_the_node_is_online(messages: Session) -> Session:
    return [
        replace(it, payload=b"fault") if it.topic.endswith("/status") and it.topic != f"{NODE}/status" else it
        for it in messages
    ]


@dataclass(frozen=True)
class Mutation:
    kind: str
    does: str
    rule: str
    spoil: Callable[[Session], Session]


def of_types() -> Iterator[Mutation]:
    for kind, struct in TYPES.items():
        field = next(iter(struct.units))
        yield Mutation(kind, f"{field} is text", "schema", keys("telemetry", kind, **{field: "much"}))
        yield Mutation(
            f"meta of {kind}",
            f"unit of {field} is XXX",
            "meta-units",
            keys("meta", kind, units={field: "XXX"}),
        )
        away = "water" if struct.domain != "water" else "waste"
        topic = f"{examples.PLACE}/{away}/{examples.asset_of(kind).partition('/')[2]}/telemetry"
        stray = replace(reading(kind, LAST + 1, 150), topic=topic)
        yield Mutation(kind, f"published in domain {away}", "type-domain", then(stray))


BIN_KIND = "WasteContainer"
LATE = heard(f"{NODE}/custody", custody(LAST), 1800)

MUTATIONS = [
    *of_types(),
    Mutation("topic", "a level is missing", "topic", then(heard("ntm/v1/42/waste/b/telemetry", b"{}", 151))),
    Mutation(
        "topic",
        "the asset has a capital letter",
        "topic",
        then(heard(f"{examples.PLACE}/waste/Bin/meta", b"", 151)),
    ),
    Mutation(
        "topic", "an unknown channel", "topic", then(heard(f"{examples.PLACE}/waste/bin-1/data", b"{}", 151))
    ),
    Mutation("command", "to a bin", "channel-domain", then(heard(f"{BIN}/cmd", examples.command(), 150))),
    Mutation("telemetry", "QoS 0", "qos", flags("telemetry", qos=0)),
    Mutation("telemetry", "QoS 2", "qos", flags("telemetry", qos=2)),
    Mutation("state", "QoS 0", "qos", flags("state", qos=0)),
    Mutation("event", "QoS 0", "qos", flags("event", qos=0)),
    Mutation("telemetry", "retained", "retain", flags("telemetry", retain=True)),
    Mutation("event", "retained", "retain", flags("event", retain=True)),
    Mutation("command", "retained", "retain", flags("cmd", retain=True)),
    Mutation("ack", "retained", "retain", flags("ack", retain=True)),
    Mutation("state", "not retained", "retain", flags("state", retain=False)),
    Mutation("meta", "not retained", "retain", flags("meta", retain=False)),
    Mutation("status", "not retained", "retain", flags("status", retain=False)),
    Mutation("custody", "not retained", "retain", flags("custody", retain=False)),
    Mutation("status", "the word up", "payload", flags("status", payload=b"up")),
    Mutation("telemetry", "cut in the middle", "payload", flags("telemetry", payload=b'{"v":1,"ty')),
    Mutation("telemetry", "not UTF-8", "payload", flags("telemetry", payload=b'{"v":"\xff"}')),
    Mutation("telemetry", "a number instead of an object", "payload", flags("telemetry", payload=b"0.73")),
    Mutation("telemetry", "NaN", "payload", flags("telemetry", payload=b'{"v":1,"fillingLevel":NaN}')),
    Mutation("telemetry", "empty", "payload", flags("telemetry", payload=b"")),
    Mutation("telemetry", "a nested object", "flat", both(BIN_KIND, position={"x": 1})),
    Mutation("event", "a list", "flat", keys("event", values=[1, 2])),
    Mutation("telemetry", "an unknown type", "schema", keys("telemetry", BIN_KIND, type="Bin")),
    Mutation("telemetry", "version 2", "schema", keys("telemetry", BIN_KIND, v=2)),
    Mutation("telemetry", "without ts", "schema", keys("telemetry", BIN_KIND, ts=None)),
    Mutation("telemetry", "without ep", "schema", keys("telemetry", BIN_KIND, ep=None)),
    Mutation(
        "telemetry", "fillingLevel 73 (percent)", "schema", keys("telemetry", BIN_KIND, fillingLevel=73)
    ),
    Mutation("telemetry", "seq 1.5", "schema", keys("telemetry", BIN_KIND, seq=1.5)),
    Mutation("telemetry", "an unknown word in q", "schema", keys("telemetry", BIN_KIND, q="fine")),
    Mutation("meta", "without staleAfter", "schema", keys("meta", "WasteObserved", staleAfter=None)),
    Mutation("event", "severity high", "schema", keys("event", "gap", severity="high")),
    Mutation("command", "illuminanceLevel 80 (percent)", "schema", keys("cmd", illuminanceLevel=80)),
    Mutation("command", "without expires", "schema", keys("cmd", expires=None)),
    Mutation("ack", "an unknown outcome", "schema", keys("ack", outcome="ok")),
    Mutation("custody", "seq as text", "schema", keys("custody", seq="184470")),
    Mutation("telemetry", "ts without milliseconds", "ts", both("WasteObserved", ts="2026-11-23T05:40:00Z")),
    Mutation("telemetry", "ts of 1970", "ts", both("WasteObserved", ts="1970-01-01T00:00:00.000Z")),
    Mutation("telemetry", "ts with +07:00", "ts", both("WasteObserved", ts="2026-11-23T12:40:00.000+07:00")),
    Mutation("command", "expires is a number of seconds", "ts", keys("cmd", expires="300")),
    Mutation("telemetry", "ts an hour ahead", "future", both(BIN_KIND, ts="2026-11-23T06:40:00.000Z")),
    Mutation(
        "telemetry",
        "an hour late without hist",
        "hist",
        keys("telemetry", "", nth=-1, hist=None, ts="2026-11-23T04:40:00.000Z"),
    ),
    Mutation("telemetry", "uncertain without qr", "quality", both(BIN_KIND, q="uncertain")),
    Mutation("telemetry", "good with qr", "quality", both(BIN_KIND, qr="temperature:crc")),
    Mutation("telemetry", "qr without a field", "quality", both(BIN_KIND, q="uncertain", qr="crc")),
    Mutation(
        "telemetry",
        "a bad value is still there",
        "bad-value",
        keys("telemetry", "", nth=-1, fillingLevel=0.4),
    ),
    Mutation("telemetry", "raw of an unknown field", "raw", both("WaterQualityObserved", raw="ph=7.1")),
    Mutation("telemetry", "raw is not a number", "raw", both("WaterQualityObserved", raw="pH=high")),
    Mutation(
        "telemetry",
        "the same number, another value",
        "seq-content",
        again("telemetry", BIN_KIND, fillingLevel=0.5),
    ),
    Mutation(
        "state", "another value than in telemetry", "seq-content", keys("state", BIN_KIND, fillingLevel=0.5)
    ),
    Mutation(
        "telemetry",
        "one reading is never published",
        "seq-hole",
        without(f"{examples.PLACE}/water/works-1/telemetry", f"{examples.PLACE}/water/works-1/state"),
    ),
    Mutation(
        "telemetry", "a number too far, custody behind", "seq-open", then(reading("Device", LAST + 3, 149))
    ),
    Mutation(
        "state",
        "an older one comes after",
        "state-back",
        again("state", BIN_KIND, ts="2026-11-23T05:30:00.000Z", seq=LAST + 1),
    ),
    Mutation("state", "hist is true", "state-hist", keys("state", BIN_KIND, hist=True)),
    Mutation("meta", "none for the bin", "meta-missing", without(f"{BIN}/meta")),
    Mutation("meta", "another asset's id", "meta-id", keys("meta", BIN_KIND, id="bin-0008")),
    Mutation("meta", "a type of another domain", "meta-type", keys("meta", BIN_KIND, type="Streetlight")),
    Mutation("meta", "another node", "meta-gw", keys("meta", BIN_KIND, gw="gw-02")),
    Mutation("meta", "staleAfter below interval", "meta-times", keys("meta", BIN_KIND, staleAfter=200)),
    Mutation(
        "meta", "limits upside down", "meta-limits", keys("meta", BIN_KIND, limits={"fillingLevel": [0.9, 0]})
    ),
    Mutation("meta", "limits of no field", "meta-limits", keys("meta", BIN_KIND, limits={"level": [0, 1]})),
    Mutation("status", "none for the bin", "status-missing", without(f"{BIN}/status")),
    Mutation(
        "status",
        "online, though the newest reading is bad",
        "status-quality",
        then(
            reading(BIN_KIND, LAST + 1, 149, fillingLevel=0.1, q="bad", qr="temperature:crc cargoWeight:crc")
        ),
    ),
    Mutation("status", "online, though nothing comes", "stale", then(reading("Device", LAST + 1, 1800))),
    Mutation(
        "status",
        "the node's last will has not come",
        "last-will",
        lambda messages: [*nothing_but_the_node_is_online(messages), LATE],
    ),
    Mutation(
        "status",
        "the node is offline and speaks",
        "offline-speaks",
        then(heard(f"{NODE}/status", b"offline", 149), reading("Device", LAST + 1, 149)),
    ),
    Mutation("event", "an unknown kind", "event-kind", keys("event", "gap", type="gapOfReadings")),
    Mutation(
        "event",
        "a limit without field and value",
        "event-fields",
        again("event", "gap", type="limit", id="l", seq=LAST + 1),
    ),
    Mutation("event", "a gap without from", "event-fields", keys("event", "gap", from_=None)),
    Mutation("event", "a gap from above to", "event-fields", keys("event", "gap", from_=184_011)),
    Mutation("event", "a gap in time without its end", "event-fields", keys("event", "gap", 1, before=None)),
    Mutation(
        "event",
        "a gap in time that ends before it begins",
        "event-fields",
        keys("event", "gap", 1, before="2026-11-23T02:15:00.000Z"),
    ),
    Mutation(
        "event",
        "a gap in time without milliseconds",
        "ts",
        keys("event", "gap", 1, after="2026-11-23T02:16:00Z"),
    ),
    Mutation("event", "a gap is cleared", "event-pair", keys("event", "gap", state="cleared")),
    Mutation("event", "raised twice", "event-pair", again("event", "binFull", seq=LAST + 1)),
    Mutation("event", "cleared as another kind", "event-pair", keys("event", "binFull", nth=1, type="fire")),
    Mutation(
        "event",
        "cleared before it was raised",
        "event-order",
        keys("event", "binFull", nth=1, ts="2026-11-23T05:40:30.000Z"),
    ),
    Mutation("custody", "of another node", "custody-gw", keys("custody", gw="gw-02")),
    Mutation("custody", "goes back", "custody-back", then(heard(f"{NODE}/custody", custody(184_470), 151))),
    Mutation(
        "custody",
        "beyond the node's numbers",
        "custody-ahead",
        then(heard(f"{NODE}/custody", custody(200_000), 151), reading("Device", LAST + 1, 151)),
    ),
    Mutation("command", "set says nothing", "cmd-empty", keys("cmd", powerState=None)),
    Mutation(
        "command", "expires before its ts", "cmd-times", keys("cmd", expires="2026-11-23T05:39:00.000Z")
    ),
    Mutation("command", "another asset in the body", "cmd-asset", keys("cmd", asset="cabinet-3")),
    Mutation("ack", "refused without a reason", "ack-reason", keys("ack", outcome="refused")),
    Mutation("ack", "done with a reason", "ack-reason", keys("ack", reason="fault")),
    Mutation("ack", "done twice", "ack-twice", again("ack")),
    Mutation(
        "ack",
        "never comes",
        "ack-missing",
        lambda messages: [*without(f"{CABINET}/ack")(messages), replace(LATE, at_ns=NOON + 175 * S)],
    ),
    Mutation("ack", "to a command that nobody sent", "ack-unknown", without(f"{CABINET}/cmd")),
    Mutation("the whole", "nothing is published", "silence", lambda _: []),
]


def page() -> str:
    """Return docs/feed/conformance.md."""
    say = translator("vi")
    head = (
        "# What `commune feed validate` checks\n\n"
        "Made by the tests from the code. A rule's id never changes its meaning.\n"
        "A *notice* is worth a look and does not change the exit code.\n\n"
        "Lệnh nói tiếng Việt; `--lang en` nói tiếng Anh. *notice* là điều nên xem, không phải vi phạm.\n\n"
        "## Rules\n\n| rule | đúng ra | what is right |\n| --- | --- | --- |\n"
    )
    rules = "".join(
        f"| `{name}` | {say(rule.right)} | {rule.right}{' (*notice*)' if rule.notice else ''} |\n"
        for name, rule in RULES.items()
    )
    table = "".join(f"| {it.kind} | {it.does} | `{it.rule}` |\n" for it in MUTATIONS)
    return (
        f"{head}{rules}\n## {len(MUTATIONS)} ways to break it, each caught\n\n"
        "A good session of the feed is spoiled in one place; a test sees that this rule, and no other, "
        "is broken.\n\n"
        f"| in | what is spoiled | caught by |\n| --- | --- | --- |\n{table}"
    )


if __name__ == "__main__":
    print(page(), end="")
