"""Tests of the settings reader: what a technician writes, and what is said when it cannot work."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from sensors.errors import ConfigError, SensorError
from sensors.settings import Bytes, Seconds, Settings, convert, load


class Broker(Settings):
    host: str = "localhost"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 1883
    keepalive: Seconds = Seconds(30)
    custody: Literal["edge", "broker"] = "edge"
    password_file: Path | None = None
    tls: bool = False


class Lamp(Settings):
    id: str
    watts: float = 60.0


class Config(Settings):
    mqtt: Broker = Broker()
    quota: Bytes = Bytes(1000)
    lamps: list[Lamp] = msgspec.field(default_factory=list, name="lamp")
    limits: dict[str, list[float]] = msgspec.field(default_factory=dict)


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path, Config, environ or {})
    return [line.removeprefix(f"{path}: ") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('"90s"', 90),
        ('"5min"', 300),
        ('"2h"', 7200),
        ('"7d"', 604_800),
        ('"250ms"', 0.25),
        ("1.5", 1.5),
        ("0", 0),
    ],
)
def test_a_time_span_is_a_number_of_seconds_or_has_a_unit(tmp_path, text, seconds):
    config = load(written(tmp_path, f"[mqtt]\nkeepalive = {text}"), Config, {})
    assert config.mqtt.keepalive == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"), [("1000", 1000), ('"512MB"', 512_000_000), ('"2 GiB"', 2**31), ('"1.5kB"', 1500)]
)
def test_a_size_is_a_number_of_bytes_or_has_a_unit(tmp_path, text, size):
    assert load(written(tmp_path, f"quota = {text}"), Config, {}).quota == size


@pytest.mark.parametrize(
    "text", ["inf", "nan", "-1", "true", '"5 parsecs"', '""', '"' + "9" * 400 + '"', "[]"]
)
@pytest.mark.parametrize("key", ["quota", "mqtt.keepalive"])
def test_a_quantity_that_is_none_is_refused_with_an_example(tmp_path, key, text):
    (line,) = problems(tmp_path, f"{key} = {text}")
    assert "is not understood; write" in line or "Expected" in line
    assert line.startswith(("quota: ", "[mqtt] keepalive: "))


def test_every_problem_of_a_file_is_said_at_once_one_a_line(tmp_path):
    text = """
        [mqtt]
        hots = "edge"
        port = 70000
        custody = "cloud"
        [[lamp]]
        id = "lamp-1"
        wats = 3
        [[lamp]]
        watts = "many"
        [limits]
        pH = [6.0, "high"]
    """
    assert problems(tmp_path, text) == [
        "[mqtt] unknown key 'hots'; did you mean 'host'?",
        "[mqtt] port: Expected a whole number <= 65535",
        "[mqtt] custody: 'cloud' is none of 'edge', 'broker'",
        "lamp lamp-1: unknown key 'wats'; did you mean 'watts'?",
        "lamp 2: the key 'id' is missing",
        "lamp 2: watts: Expected a number, got text in quotes",
        "[limits] pH: [1]: Expected a number, got text in quotes",
    ]


def test_a_line_that_is_not_toml_is_named_by_its_number(tmp_path):
    (line,) = problems(tmp_path, "[mqtt]\nhost = edge\n")
    assert "not TOML" in line
    assert "line 2" in line


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load(tmp_path / "gone.toml", Config, {})


def test_bytes_that_are_no_text_are_an_error_not_a_crash(tmp_path):
    path = tmp_path / "node.toml"
    path.write_bytes(b'host = "\xff"')
    with pytest.raises(ConfigError, match="not TOML"):
        load(path, Config, {})


def test_a_file_from_an_editor_that_begins_with_a_byte_order_mark_is_read(tmp_path):
    path = tmp_path / "node.toml"
    path.write_bytes(b'\xef\xbb\xbf[mqtt]\nhost = "edge"\n')
    assert load(path, Config, {}).mqtt.host == "edge"


def test_a_path_that_is_a_number_is_refused(tmp_path):
    (line,) = problems(tmp_path, "mqtt.password_file = 5")
    assert line.startswith("[mqtt] password_file: 5 is not a path")


def test_the_environment_overrides_a_key_of_a_table(tmp_path):
    environ = {"COMMUNE_MQTT_HOST": "edge.local", "COMMUNE_MQTT_PORT": "8883", "COMMUNE_MQTT_TLS": "true"}
    config = load(written(tmp_path, '[mqtt]\nhost = "old"\n'), Config, environ)
    assert (config.mqtt.host, config.mqtt.port, config.mqtt.tls) == ("edge.local", 8883, True)


def test_the_environment_sets_a_key_whose_name_has_an_underscore_and_a_key_without_a_table(tmp_path):
    environ = {"COMMUNE_MQTT_PASSWORD_FILE": "secret", "COMMUNE_QUOTA": "2GiB"}
    config = load(written(tmp_path, ""), Config, environ)
    assert (config.mqtt.password_file, config.quota) == (Path("secret"), 2**31)


def test_a_text_key_takes_a_variable_that_looks_like_a_number(tmp_path):
    config = load(written(tmp_path, ""), Config, {"COMMUNE_MQTT_HOST": "42"})
    assert config.mqtt.host == "42"


def test_a_wrong_value_from_the_environment_names_the_variable(tmp_path):
    with pytest.raises(ConfigError, match=r"^COMMUNE_MQTT_PORT: Expected a whole number"):
        load(written(tmp_path, ""), Config, {"COMMUNE_MQTT_PORT": "many"})


def test_an_unknown_key_from_the_environment_names_the_variable_and_the_nearest_key(tmp_path):
    with pytest.raises(ConfigError, match=r"COMMUNE_MQTT_HOTS: unknown key 'hots' of \[mqtt\].*'host'"):
        load(written(tmp_path, ""), Config, {"COMMUNE_MQTT_HOTS": "edge"})


def test_a_list_is_not_set_from_the_environment_by_a_key(tmp_path):
    with pytest.raises(ConfigError, match="COMMUNE_LAMP_WATTS: 'lamp' is not a table"):
        load(written(tmp_path, ""), Config, {"COMMUNE_LAMP_WATTS": "5"})


def test_variables_of_other_programs_are_left_alone(tmp_path):
    environ = {"COMMUNE_UPSTREAM_TOKEN": "x", "PATH": "/bin"}
    assert load(written(tmp_path, ""), Config, environ) == Config()


def test_a_table_from_elsewhere_is_checked_under_the_callers_name():
    with pytest.raises(ConfigError, match=r"^device bin-1: watts: Expected a number, got text in quotes$"):
        convert({"id": "a", "watts": "b"}, Lamp, "device bin-1: ")


def test_a_config_error_is_a_value_error_and_a_sensor_error():
    assert issubclass(ConfigError, ValueError)
    assert issubclass(ConfigError, SensorError)
