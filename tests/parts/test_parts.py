"""Because a test is worth what its instruments are worth: each part does what the others rely on."""

import gzip
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from tests.parts.influxd import InfluxDB
from tests.parts.mosquitto import Mosquitto
from tests.parts.ports import free_port
from tests.parts.process import MissingPartError, Part
from tests.parts.victoria import VictoriaMetrics
from tests.parts.wait import until

pytestmark = pytest.mark.parts

T0 = 1_795_412_345_678_901_234  # a time that needs all nineteen digits
JOINED = gzip.compress(b"m,asset=a v=1 1795412345000000000\n") + gzip.compress(
    b"m,asset=a v=2 1795412346000000000\n"
)


def say(broker: Mosquitto, topic: str, payload: str, *, retain: bool = False) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()


def hear_retained(broker: Mosquitto, topic: str) -> list[str]:
    heard: list[str] = []
    subscribed = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _c, _u, message: heard.append(message.payload.decode())
    client.on_subscribe = lambda *_: subscribed.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe([(topic, 1), ("end", 1)])
    assert subscribed.wait(10)
    client.publish("end", "end", qos=1)
    until(lambda: "end" in heard, what="the end mark")
    client.disconnect()
    client.loop_stop()
    return heard[:-1]


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


def test_no_two_callers_get_the_same_port() -> None:
    with ThreadPoolExecutor(8) as pool:
        ports = list(pool.map(lambda _: free_port(), range(40)))
    script = "from tests.parts.ports import free_port; print(*(free_port() for _ in range(40)))"
    other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert len(set(ports)) == 40
    assert not set(ports) & {int(port) for port in other.stdout.split()}


def test_a_missing_program_fails_with_the_way_to_get_it() -> None:
    class Nowhere(Mosquitto):
        program = "no-such-broker"

    with pytest.raises(MissingPartError, match="`make test` installs it"), Nowhere():
        pass


def test_a_part_that_dies_at_its_start_shows_what_it_said() -> None:
    with pytest.raises(RuntimeError, match="Unknown configuration variable"), Mosquitto(["nonsense true"]):
        pass


@pytest.mark.parametrize("kind", [Mosquitto, InfluxDB, VictoriaMetrics])
def test_a_part_is_gone_when_its_test_is_killed(kind: type[Part], tmp_path: Path) -> None:
    script = f"""
import sys
from {kind.__module__} import {kind.__name__} as Kind
part = Kind()
part.start()
print(part.pid, flush=True)
sys.stdin.read()
"""
    test = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    )
    with test:
        assert test.stdout
        pid = int(test.stdout.readline())
        assert not is_gone(pid)
        test.kill()
    until(lambda: is_gone(pid), what=f"{kind.__name__} to go with its parent")


def test_mosquitto_comes_back_on_the_same_port_after_kill_and_restart(mosquitto: Mosquitto) -> None:
    port, first = mosquitto.port, mosquitto.pid
    say(mosquitto, "a", "1")
    mosquitto.kill()
    assert not mosquitto.running
    assert is_gone(first)
    assert not mosquitto.ready()
    mosquitto.restart()
    assert mosquitto.port == port
    assert mosquitto.pid != first
    say(mosquitto, "a", "2")
    assert mosquitto.log.count("running") == 2


def test_mosquitto_with_persistence_keeps_retained_messages_over_a_stop_but_not_over_a_kill() -> None:
    with Mosquitto(["max_inflight_messages 50"], persistence=True) as broker:
        say(broker, "kept", "1", retain=True)
        broker.restart()
        assert hear_retained(broker, "kept") == ["1"]
        say(broker, "kept", "2", retain=True)
        broker.kill()
        broker.start()
        assert hear_retained(broker, "kept") == ["1"]


def test_mosquitto_freezes_and_thaws(mosquitto: Mosquitto) -> None:
    mosquitto.freeze()
    state = Path(f"/proc/{mosquitto.pid}/stat")
    until(lambda: state.read_text().rsplit(")", 1)[1].split()[0] == "T", what="the broker to hold still")
    mosquitto.thaw()
    say(mosquitto, "a", "1")


def test_a_frozen_part_still_stops(mosquitto: Mosquitto) -> None:
    pid = mosquitto.pid
    mosquitto.freeze()
    mosquitto.stop()
    assert is_gone(pid)


def test_influxdb_returns_every_type_and_the_nanoseconds_exactly(influxdb: InfluxDB) -> None:
    line = f'm,asset=bin-1 s="a \\"b\\" , =c\\\\ đầy",i=9007199254740993i,t=true,f=0.1 {T0}'
    assert influxdb.write(line, zipped=True).status == 204
    (row,) = influxdb.query("SELECT * FROM m")
    assert row == {
        "time": T0,
        "asset": "bin-1",
        "s": 'a "b" , =c\\ đầy',
        "i": 9007199254740993,
        "t": True,
        "f": 0.1,
    }
    assert influxdb.field_types("m") == {"s": "string", "i": "integer", "t": "boolean", "f": "float"}


def test_influxdb_writing_a_point_twice_changes_nothing(influxdb: InfluxDB) -> None:
    for _ in range(2):
        influxdb.write(JOINED, zipped=True)
    assert influxdb.count("m") == 2
    assert influxdb.count("m", "v") == 2
    assert influxdb.count("nothing") == 0


def test_influxdb_refuses_a_type_conflict_and_keeps_the_rest(influxdb: InfluxDB) -> None:
    assert influxdb.write("m v=1 1").status == 204
    answer = influxdb.write('m v="one" 2\nm v=3 3')
    assert answer.status == 400
    assert "field type conflict" in answer.text
    assert influxdb.count("m") == 2


def test_influxdb_refuses_a_malformed_line_and_keeps_the_rest(influxdb: InfluxDB) -> None:
    answer = influxdb.write("m v=1 1\nthis is not a line\nm v=3 3")
    assert answer.status == 400
    assert "partial write" in answer.text
    assert "this is not a line" in answer.text
    assert influxdb.count("m") == 2


def test_influxdb_answers_404_for_a_missing_database_and_for_the_v2_path(influxdb: InfluxDB) -> None:
    assert influxdb.write("m v=1 1", database="nowhere").status == 404
    influxdb.create_database("nowhere")
    assert influxdb.write("m v=1 1", database="nowhere").status == 204
    assert influxdb.query("SELECT v FROM m", database="nowhere") == [{"time": 1, "v": 1}]


def test_influxdb_keeps_what_it_confirmed_over_a_kill(influxdb: InfluxDB) -> None:
    influxdb.write("m v=1 1")
    influxdb.kill()
    influxdb.restart()
    assert influxdb.count("m") == 1


def test_victoria_takes_the_v2_path_with_joined_gzip_members(victoria: VictoriaMetrics) -> None:
    assert victoria.write(JOINED, zipped=True).status == 204
    (row,) = victoria.export('{__name__="m_v"}')
    assert row["metric"]["asset"] == "a"
    assert row["values"] == [1, 2]
    assert row["timestamps"] == [1795412345000, 1795412346000]
    assert victoria.count('{__name__=~"m_.*"}') == 2
    assert victoria.metric("vm_rows_inserted_total") == 2


def test_victoria_swallows_a_bad_line_with_a_204_or_in_newer_versions_refuses_all(
    victoria: VictoriaMetrics,
) -> None:
    answer = victoria.write("m v=1 1795412345000000000\nthis is not a line")
    if answer.status == 204:  # Debian 12's 1.79
        assert victoria.metric("vm_rows_invalid_total") == 1
        assert victoria.count('{__name__="m_v"}') == 1
    else:  # Debian 13's 1.112
        assert answer.status == 400
        assert "this is not a line" in answer.text
        assert victoria.count('{__name__="m_v"}') == 0


def test_victoria_forgets_the_newest_lines_when_killed(victoria: VictoriaMetrics) -> None:
    assert victoria.write("m v=1 1795412345000000000").status == 204
    victoria.kill()
    victoria.start()
    assert victoria.export('{__name__="m_v"}') == []


def test_a_part_ends_by_an_ordinary_signal_without_being_killed(victoria: VictoriaMetrics) -> None:
    process = victoria._process
    assert process
    victoria.stop()
    assert process.returncode in (0, -signal.SIGTERM)
