"""Because types and nanoseconds must arrive exactly: a real InfluxDB 1.x, the only true engine in Debian."""

import json
from pathlib import Path
from typing import Any, ClassVar

from tests.parts.http import Answer, answers, as_body, ask
from tests.parts.ports import free_port
from tests.parts.process import Part

CONFIG = """\
reporting-enabled = false
bind-address = "127.0.0.1:{rpc_port}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{port}"
log-enabled = true
"""


class InfluxQLError(RuntimeError):
    """A query that the database refused."""


class InfluxDB(Part):
    """An InfluxDB 1.x with one database already made."""

    program: ClassVar[str] = "influxd"

    def __init__(self, *, database: str = "commune", folder: Path | None = None) -> None:
        """Prepare it; every helper below uses this database unless told otherwise."""
        super().__init__(folder)
        self.database = database
        self.rpc_port = free_port()  # every influxd opens one, 8088 unless told otherwise

    def arguments(self) -> list[str]:
        """Write influxdb.conf and point the daemon to it."""
        config = self.folder / "influxdb.conf"
        config.write_text(CONFIG.format(rpc_port=self.rpc_port, port=self.port, folder=self.folder))
        return ["-config", str(config)]

    def ready(self) -> bool:
        """Tell whether it answers a ping."""
        return answers(self.port, "/ping", 204)

    def start(self) -> None:
        """Start it and make the database if it is not there."""
        super().start()
        self.create_database(self.database)

    def create_database(self, name: str) -> None:
        """Make the database; an existing one stays as it is."""
        self.query(f'CREATE DATABASE "{name}"')

    def write(
        self, lines: str | bytes, *, database: str = "", precision: str = "n", zipped: bool = False
    ) -> Answer:
        """Write line protocol and return the answer; bytes go out untouched."""
        body, headers = as_body(lines, zipped=zipped)
        params = {"db": database or self.database, "precision": precision}
        return ask(self.port, "POST", "/write", params, body, headers)

    def query(self, influxql: str, *, database: str = "") -> list[dict[str, Any]]:
        """Return one dict a row over all series: columns, tags, and `time` in whole nanoseconds."""
        params = {"db": database or self.database, "epoch": "ns", "q": influxql}
        answer = ask(self.port, "POST", "/query", params)
        results = json.loads(answer.body).get("results", [{"error": answer.text}])
        rows: list[dict[str, Any]] = []
        for result in results:
            if "error" in result:
                raise InfluxQLError(result["error"])
            for series in result.get("series", []):
                tags = series.get("tags", {})
                rows += [
                    {**tags, **dict(zip(series["columns"], values, strict=True))}
                    for values in series["values"]
                ]
        return rows

    def count(self, measurement: str, field: str = "*") -> int:
        """Count the points that have the field; without one, those of the measurement's fullest field."""
        rows = self.query(
            f'SELECT COUNT("{field}") FROM "{measurement}"'
            if field != "*"
            else f'SELECT COUNT(*) FROM "{measurement}"'
        )
        return max((v for row in rows for k, v in row.items() if k.startswith("count")), default=0)

    def field_types(self, measurement: str) -> dict[str, str]:
        """Return each field's type as the database sees it: float, integer, string or boolean."""
        rows = self.query(f'SHOW FIELD KEYS FROM "{measurement}"')
        return {row["fieldKey"]: row["fieldType"] for row in rows}
