"""Because volume and the v2 write path need a real database: VictoriaMetrics on a port of its own."""

import json
import re
from typing import Any, ClassVar

from tests.parts.http import Answer, answers, as_body, ask
from tests.parts.process import Part


class VictoriaMetrics(Part):
    """A single-node VictoriaMetrics that keeps a hundred years."""

    program: ClassVar[str] = "victoria-metrics"

    def arguments(self) -> list[str]:
        """Return the flags: own folder, own port, modest memory."""
        return [
            f"-storageDataPath={self.folder / 'data'}",
            f"-httpListenAddr=127.0.0.1:{self.port}",
            "-retentionPeriod=100y",
            "-memory.allowedBytes=256MB",
        ]

    def ready(self) -> bool:
        """Tell whether it calls itself healthy."""
        return answers(self.port, "/health", 200)

    def write(self, lines: str | bytes, *, precision: str = "ns", zipped: bool = False) -> Answer:
        """Write line protocol by the v2 path and return the answer; bytes go out untouched."""
        body, headers = as_body(lines, zipped=zipped)
        params = {"org": "commune", "bucket": "commune", "precision": precision}
        return ask(self.port, "POST", "/api/v2/write", params, body, headers)

    def export(self, match: str) -> list[dict[str, Any]]:
        """Return the series of a selector: `metric` labels, `values`, `timestamps` in milliseconds."""
        ask(self.port, "GET", "/internal/force_flush")  # else the newest second cannot be seen yet
        answer = ask(self.port, "GET", "/api/v1/export", {"match[]": match})
        if answer.status != 200:
            raise RuntimeError(answer.text)
        return [json.loads(line) for line in answer.body.splitlines()]

    def count(self, match: str) -> int:
        """Count the values of a selector over all its series."""
        return sum(len(row["values"]) for row in self.export(match))

    def metric(self, name: str) -> float:
        """Return one of its own counters, summed over labels; 0 when it never counted."""
        text = ask(self.port, "GET", "/metrics").text
        found = re.findall(rf"^{re.escape(name)}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE)
        return sum(float(value) for value in found)
