"""A wrong edge.toml is told file, key and what would be right, before anything starts."""

from pathlib import Path

import pytest

from edge_api.config import Upstream, load
from edge_api.upstream import make_sink
from sensors.errors import ConfigError
from sensors.secrets import read_secret

GOOD = """
[site]
level = "commune"
province = "42"
commune = "18562"
[mqtt]
[[upstream]]
name = "province"
url = "https://influx.hatinh.example:8086/api"
timeout = "20s"
max_bytes = "256kB"
"""
CENTRAL = '[site]\nlevel = "central"\n'
UP = '[[upstream]]\nname = "a"\nurl = "http://h:1"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "edge.toml"
    path.write_text(text)
    return path


def test_a_good_file_is_understood(tmp_path: Path) -> None:
    config = load(write(tmp_path, GOOD), {"COMMUNE_MQTT_HOST": "broker"})
    assert config.mqtt is not None
    assert (config.mqtt.host, config.mqtt.port) == ("broker", 1883)
    assert (config.upstreams[0].timeout, config.upstreams[0].max_bytes) == (20, 256_000)
    assert config.upstreams[0].secret() == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the key 'site' is missing"),
        ('[site]\nlevel = "village"', "[site] level: 'village' is none of 'commune', 'district'"),
        ('[site]\nlevel = "commune"', "[site]: an edge at commune level needs province and commune"),
        (
            '[site]\nlevel = "province"\nprovince = "Hà Tĩnh"',
            "[site] province 'Hà Tĩnh' is not a 2-digit unit code such as 42",
        ),
        (CENTRAL + "[mqtt]\nhots = 'x'", "[mqtt] unknown key 'hots'; did you mean 'host'?"),
        (CENTRAL + "[mqtt]\nport = 0", "[mqtt] port: "),
        (CENTRAL + "[mqtt]\nkeepalive = '1d'", "[mqtt] keepalive: MQTT knows at most 65535 s"),
        (CENTRAL + "[http]\nport = 70000", "[http] port: "),
        (CENTRAL + "[spool]\nkeep = 'long'", "[spool] keep: 'long' is not understood; write 90"),
        (CENTRAL + '[history]\npath = "/var/lib/commune/edge.db"', "[history] path: it is the spool's"),
        (CENTRAL + UP + UP, "upstream a: there are two of that name"),
        (CENTRAL + UP + 'token_file = "t"\napi = "v1"', "upstream a: token_file: v1 takes username"),
        (CENTRAL + UP + 'username = "u"', "upstream a: username and password_file belong to v1"),
        (CENTRAL + UP + "timeout = 0", "upstream a: timeout: at least 0.1 s"),
        (CENTRAL + UP + 'api = "v3"', "upstream 1: api: 'v3' is none of 'v2', 'v1'"),
        (CENTRAL + UP.replace("http://h:1", "h:1"), "upstream 1: url: "),
        (CENTRAL + UP.replace("h:1", "h:port"), "upstream a: url: 'http://h:port' is not an address"),
        (CENTRAL + UP.replace("h:1", "h:1/?db=x"), "is not an address; write http://HOST:PORT"),
        (CENTRAL + "[limits]\nrequests = -1", "[limits] requests: "),
        (CENTRAL + '[[token]]\nname = "t"\nsha256 = "x"\nscopes = ["read"]', "token 1: sha256: "),
        ("[site", "not TOML: "),
    ],
)
def test_an_error_names_the_file_the_key_and_what_would_be_right(
    tmp_path: Path, text: str, said: str
) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as error:
        load(path, {})
    assert all(line.startswith(f"{path}: ") for line in str(error.value).splitlines())
    assert said in str(error.value)


@pytest.mark.parametrize("text", [b"", b"  \n", b"one\ntwo\n", b"\xff"])
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match=r"^upstream a: .*token"):
        read_secret(path, "upstream a")


def test_a_missing_secret_and_a_token_with_strange_letters_are_found_before_the_start(tmp_path: Path) -> None:
    path = tmp_path / "token"
    upstream = Upstream(name="a", url="http://h:1", token_file=path)
    with pytest.raises(ConfigError, match=r"upstream a: token_file: .*cannot be read"):
        make_sink(upstream)
    path.write_text("mật khẩu\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="holds letters that no token has"):
        make_sink(upstream)
    path.write_text(" secret\n")
    assert upstream.secret() == "secret"
