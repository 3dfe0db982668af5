"""A real database in the province's place: which dialect it speaks, and a place in it for the demo."""

from dataclasses import dataclass, replace

import urllib3

from sensors.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Database:
    """Where `--influx` leads. `api` is v1, v2 or auto; `bucket` is the database of a v1."""

    url: str
    api: str = "auto"
    token: str = ""
    org: str = "commune"
    bucket: str = "commune"


def reach(database: Database) -> Database:
    """Ask the database for its dialect and, of InfluxDB 1.x, make the demo's database if it is missing.

    Raises ConfigError that says what does not answer.
    """
    url = database.url.rstrip("/")
    try:
        ping = urllib3.request("GET", f"{url}/ping", timeout=10.0, retries=False)
        version = ping.headers.get("X-Influxdb-Version", "").lstrip("v")
        api = database.api
        if api == "auto":
            # 1.8 has the v2 write path too; what is older has not.
            api = "v1" if version.startswith("1.") and not version.startswith("1.8") else "v2"
        if api == "v1":
            create = {"q": f'CREATE DATABASE "{database.bucket}"'}
            answer = urllib3.request("POST", f"{url}/query", fields=create, timeout=10.0, retries=False)
            if answer.status != 200:
                raise ConfigError(f"--influx {url}: cannot make the database: {answer.data.decode()[:200]}")
    except urllib3.exceptions.HTTPError as error:
        raise ConfigError(f"--influx {url}: no database answers there: {error}") from None
    return replace(database, url=url, api=api)
