"""The conformance kit: quiet about a good session, and never quiet about a spoiled one."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.cli import main
from gateway.feed.kit import RULES, Check, Heard, read_capture, write_line
from gateway.feed.kit.listen import Broker, listen
from gateway.feed.kit.said import Said
from gateway.feed.topics import CHANNELS
from tests.gateway.feed_session import BIN, LAST, judge, session
from tests.gateway.mutations import MUTATIONS, page
from tests.gateway.spoiling import both, reading
from tests.parts.mosquitto import Mosquitto

PAGE = Path(__file__).parents[2] / "docs" / "feed" / "conformance.md"


def test_a_good_session_breaks_nothing():
    assert judge(session()) == set()


@pytest.mark.parametrize("it", MUTATIONS, ids=lambda it: f"{it.kind}: {it.does}")
def test_each_mutation_is_caught_by_its_rule_and_no_other(it):
    assert judge(it.spoil(session())) == {it.rule}


def test_every_rule_is_broken_by_some_mutation():
    # A broker that hangs up is no message; that rule has its own test.
    assert set(RULES) - {it.rule for it in MUTATIONS} == {"broker"}


def test_the_page_of_rules_and_mutations_is_the_one_that_the_code_makes():
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "python -m tests.gateway.mutations > docs/feed/conformance.md"
    )


def test_readings_that_come_again_late_or_in_any_order_break_nothing():
    messages = session()
    late = reading("Device", LAST + 1, 140, hist=True)
    again = [it for it in messages if it.topic.endswith("/telemetry")]
    assert judge([*messages, late, *reversed(again)]) == set()


def test_a_hole_that_a_gap_event_names_is_none():
    messages = [it for it in session() if b"184470" not in it.payload or it.topic.endswith("/meta")]
    assert judge(messages) == {"seq-hole"}
    gap = [it for it in messages if b'"gap"' in it.payload]
    told = [
        Heard(
            it.topic,
            it.payload.replace(b"184000", b"184470").replace(b"184010", b"184470"),
            it.qos,
            it.retain,
            it.at_ns,
        )
        for it in gap
    ]
    assert judge([*[it for it in messages if it not in gap], *told]) == set()


def test_a_number_as_large_as_can_be_costs_no_time():
    assert judge([*session(), reading("Device", 2**53, 149)]) == {"seq-open"}


def test_a_retained_topic_that_is_taken_back_takes_its_asset_away():
    empty = [Heard(f"{BIN}/{channel}", b"", 1, True, 0) for channel in ("state", "status", "meta")]
    assert judge([*session(), *empty]) == set()


def test_a_subscriber_of_mqtt_3_can_judge_only_flags_that_are_set():
    check = Check(as_published=False)
    for it in session():
        check.take(Heard(it.topic, it.payload, it.qos, False, it.at_ns))
    assert check.finish() == []


def test_of_a_replay_ages_are_told_by_the_newest_reading():
    check = Check(wall=False)
    for it in session():
        check.take(Heard(it.topic, it.payload, it.qos, it.retain, it.at_ns + 10**18))
    assert check.finish() == []


@settings(max_examples=40)
@given(st.sampled_from(CHANNELS), st.binary(max_size=60) | st.text(max_size=30).map(str.encode))
def test_no_payload_whatsoever_stops_the_check(channel, payload):
    check = Check()
    check.take(Heard(f"{BIN}/{channel}", payload, 1, False, 0))
    check.finish()


_VALUES = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.lists(st.none())


@settings(max_examples=40)
@given(
    st.sampled_from(CHANNELS),
    st.sampled_from(session()),
    st.dictionaries(st.text(max_size=6), _VALUES, max_size=3),
    st.data(),
)
def test_no_body_whatsoever_stops_the_check(channel, first, more, data):
    body = json.loads(first.payload) if first.payload.startswith(b"{") else {}
    for key in data.draw(st.sets(st.sampled_from(sorted(body) or ["v"]))):
        body[key] = data.draw(_VALUES)
    check = Check()
    for domain in ("lighting/cabinet-2", "gateway/gw-01"):
        check.take(
            Heard(f"ntm/v1/42/18562/{domain}/{channel}", json.dumps(body | more).encode(), 1, False, 0)
        )
    check.finish()


def test_a_capture_comes_back_as_it_was_written(tmp_path):
    file = tmp_path / "capture.jsonl"
    messages = [*session(), Heard("ntm/v1/x", b"\xff\x00", 2, True, 1_795_412_345_678_000_000)]
    file.write_text("\n".join(write_line(it) for it in messages), encoding="utf-8")
    assert list(read_capture(file)) == messages


@pytest.mark.parametrize("stamp", ["2026-11-23T05:40:00.250000Z+0000", "2026-11-23T12:40:00.250000+0700"])
def test_the_times_of_every_mosquitto_sub_are_read(tmp_path, stamp):
    file = tmp_path / "capture.jsonl"
    file.write_text(json.dumps({"tst": stamp, "topic": "a", "qos": 1, "retain": 0, "payload": "x"}))
    assert [it.at_ns for it in read_capture(file)] == [1_795_412_400_250_000_000]


def validate(tmp_path, messages, *more, lang="en"):
    file = tmp_path / "capture.jsonl"
    file.write_text("\n".join(write_line(it) for it in messages), encoding="utf-8")
    return CliRunner().invoke(main, ["feed", "validate", "--file", str(file), "--lang", lang, *more])


def test_the_command_says_that_all_is_well(tmp_path):
    answer = validate(tmp_path, session())
    assert answer.exit_code == 0
    assert answer.output.endswith(" 0 breaches\n")


def test_the_command_says_where_which_rule_what_and_what_would_be_right(tmp_path):
    answer = validate(tmp_path, both("WasteContainer", q="uncertain")(session()))
    assert answer.exit_code == 1
    line = answer.output.splitlines()[0]
    assert line == (
        f"{BIN}/telemetry: quality: q is uncertain, and qr is absent; right: {RULES['quality'].right}"
    )


def test_the_command_speaks_vietnamese_unless_told_otherwise(tmp_path):
    file = tmp_path / "capture.jsonl"
    spoiled = both("WasteContainer", q="uncertain")(session())
    file.write_text("\n".join(write_line(it) for it in spoiled), encoding="utf-8")
    answer = CliRunner().invoke(main, ["feed", "validate", "--file", str(file)], env={"COMMUNE_LANG": None})
    first, *_, last = answer.output.splitlines()
    assert first.startswith(f"{BIN}/telemetry: quality: q là uncertain, mà không có qr; đúng ra: qr gồm")
    assert last.endswith(", 2 chỗ vi phạm")


OF_A_PARSER = {"topic", "payload", "schema", "ts"}
"""Rules whose findings may quote what reads a topic, JSON, a body or a time: those words are English."""
THE_SAME = {"QoS {qos}"}


def test_what_every_mutation_breaks_is_said_in_vietnamese_too():
    for mutation in MUTATIONS:
        check = Check()
        for message in mutation.spoil(session()):
            check.take(message)
        for finding in check.finish():
            what, right = finding.say("vi")
            assert right != finding.right, finding.rule
            if isinstance(finding.what, Said):
                same = what == finding.what
                assert same is (finding.what.sentence in THE_SAME), finding
            else:
                assert finding.rule in OF_A_PARSER, finding


def test_the_command_prints_its_findings_as_json_and_the_facts_last(tmp_path):
    answer = validate(tmp_path, both("WasteContainer", q="uncertain")(session()), "--json")
    *findings, facts = [json.loads(line) for line in answer.output.splitlines()]
    assert {it["rule"] for it in findings} == {"quality"}
    assert facts["breaches"] == 2
    assert facts["ok"] is False


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "give --host"),
        (["--host", "a", "--file", "b"], "give --host"),
        (["--file", "/nowhere"], "No such file"),
        (["--host", "127.0.0.1", "--port", "1"], "no connection to 127.0.0.1:1"),
        (["--host", "127.0.0.1", "--cert", "a"], "need --cafile"),
        (["--host", "127.0.0.1", "--cafile", "/nowhere"], "cannot be used"),
        (["--host", "127.0.0.1", "--password-file", "a"], "needs --username"),
    ],
)
def test_a_wrong_call_is_exit_code_2_and_says_what_would_be_right(arguments, says):
    answer = CliRunner().invoke(main, ["feed", "validate", *arguments])
    assert (answer.exit_code, says in answer.output) == (2, True), answer.output


@pytest.mark.parametrize(
    "line", ["no json", "[]", '{"topic":"a"}', '{"tst":"x","topic":"a","qos":1,"retain":0,"payload":""}']
)
def test_a_line_that_is_no_message_is_named(tmp_path, line):
    file = tmp_path / "capture.jsonl"
    file.write_text(f"{write_line(session()[0])}\n{line}\n")
    answer = CliRunner().invoke(main, ["feed", "validate", "--file", str(file)])
    assert answer.exit_code == 2
    assert "line 2" in answer.output


@pytest.mark.parts
def test_a_broker_that_gives_no_names_is_listened_to():
    with Mosquitto(["allow_zero_length_clientid false"]) as broker:
        place = Broker(host="127.0.0.1", port=broker.port)
        assert list(listen(place, ["ntm/v1/#"], 0.2)) == []
