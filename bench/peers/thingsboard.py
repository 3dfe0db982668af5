"""ThingsBoard's IoT gateway up to its storage: MQTT in, SQLite, and a far side that cannot be reached.

It fills its storage only after it has been connected once, so a broker stands in for ThingsBoard while it
starts, and is gone before the load comes. Settings are those that cost it least: no report strategy, no
statistics, the time of arrival as time, a durable session, and a log of errors only.
"""

import fcntl
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

LOCK = Path(__file__).with_suffix(".lock")
_SEQ = re.compile(r'"seq": ?(\d+)')
_INSTALL_S = 500
_FOR_EVER = 1_000_000_000  # readings a second: no limit of rates


_ALWAYS = {"gw": "string", "ep": "string", "seq": "integer", "q": "string"}
_FIELDS = {
    "gateway": {},
    "waste": dict.fromkeys(("fillingLevel", "temperature"), "double"),
    "water": dict.fromkeys(("pH", "turbidity", "freeChlorine", "temperature"), "double"),
    "lighting": {
        **dict.fromkeys(("powerState", "status"), "string"),
        **dict.fromkeys(("powerConsumption", "voltage", "current"), "double"),
    },
}
"""What the load's readings say: a wildcard for all values loses every message in 3.8.5."""


def installed() -> Path:
    """Return the folder of a virtual environment that has what the lock names; made once a machine."""
    folder = Path(tempfile.gettempdir()) / f"commune-bench-pip-{os.getuid()}" / LOCK.stem
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ready = folder / "ready"
        if not ready.exists() or ready.read_text() != LOCK.read_text():
            venv = [sys.executable, "-m", "venv", "--clear", str(folder / "venv")]
            subprocess.run(venv, check=True, timeout=_INSTALL_S)
            pip = [str(folder / "venv/bin/python"), "-m", "pip", "--quiet", "install", "--require-hashes"]
            subprocess.run([*pip, "-r", str(LOCK)], check=True, timeout=_INSTALL_S, capture_output=True)
            ready.write_text(LOCK.read_text())
    return folder / "venv"


def _mapping(domain: str, keys: dict[str, str]) -> dict[str, Any]:
    values = [{"type": kind, "key": key, "value": f"${{{key}}}"} for key, kind in (_ALWAYS | keys).items()]
    return {
        "topicFilter": f"ntm/v1/+/+/{domain}/+/telemetry",
        "subscriptionQos": 1,
        "converter": {
            "type": "json",
            "useReceivedTs": True,
            "deviceInfo": {
                "deviceNameExpressionSource": "topic",
                "deviceNameExpression": "([^/]+)(?=/telemetry)",
                "deviceProfileExpressionSource": "message",
                "deviceProfileExpression": "${type}",
            },
            "attributes": [],
            "timeseries": values,
        },
    }


def write(folder: Path, broker: int, far: int) -> None:
    """Write its three files of settings."""
    config = folder / "config"
    config.mkdir(exist_ok=True)
    limit = f"{_FOR_EVER}:1,"
    general = {
        "thingsboard": {
            "host": "127.0.0.1",
            "port": far,
            "remoteShell": False,
            "remoteConfiguration": False,
            "statistics": {"enable": False},
            "reportStrategy": {"type": "DISABLED"},
            "security": {"type": "accessToken", "accessToken": "bench"},
            "qos": 1,
            "rateLimits": limit,
            "dpRateLimits": limit,
        },
        "storage": {
            "type": "sqlite",
            "data_file_path": f"{folder}/data/",
            "writing_batch_size": 5_000,
            "max_read_records_count": 5_000,
        },
        "grpc": {"enabled": False},
        "connectors": [{"type": "mqtt", "name": "feed", "configuration": "mqtt.json"}],
    }
    feed = {
        "broker": {
            "host": "127.0.0.1",
            "port": broker,
            "clientId": "thingsboard",
            "version": 5,
            "cleanSession": False,
            "cleanStart": False,
            "sessionExpiryInterval": 86_400,
            "maxMessageNumberPerWorker": 1_000,
            "maxNumberOfWorkers": 4,
            "security": {"type": "anonymous"},
        },
        "logLevel": "ERROR",
        "mapping": [_mapping(domain, keys) for domain, keys in _FIELDS.items()],
    }
    quiet = {
        "version": 1,
        "handlers": {"console": {"class": "logging.StreamHandler"}},
        "root": {"level": "ERROR", "handlers": ["console"]},
    }
    for name, words in (("tb_gateway", general), ("mqtt", feed), ("logs", quiet)):
        (config / f"{name}.json").write_text(json.dumps(words))
    (folder / "logs").mkdir(exist_ok=True)


def numbers(text: str) -> set[int]:
    """Return the numbers of the readings in a row, or in a message to the platform."""
    return set(map(int, _SEQ.findall(text)))


def kept(folder: Path) -> set[int]:
    """Return the numbers of all readings that its storage holds, as they stand in its rows."""
    found: set[int] = set()
    for file in sorted((folder / "data").glob("*.db")):
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            for (message,) in database.execute("SELECT message FROM messages"):
                found |= numbers(message)
        database.close()
    return found
