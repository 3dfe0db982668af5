"""One poisoned line in each of a thousand batches: the others all arrive, and only those are quarantined."""

import json
from pathlib import Path

import pytest

from edge_api.lines import join_lines
from gateway.spool import READINGS, Segment, Spool, span_of
from tests.faults.backlog import START_NS, STREAM, line
from tests.faults.rig import EdgeProgram, v1_upstream
from tests.faults.test_kills import SITE
from tests.parts.http import ask
from tests.parts.influxd import InfluxDB
from tests.parts.wait import until

BATCHES, A_BATCH = 1_000, 20


@pytest.mark.parts
@pytest.mark.timeout(300)
def test_a_poisoned_line_in_each_of_a_thousand_batches_costs_only_itself(tmp_path: Path) -> None:
    with InfluxDB() as database:
        database.write(line(0))  # fixes the type of `temperature`: a float
        edge = EdgeProgram(tmp_path / "e", SITE, extra=v1_upstream(database))
        spool = Spool(edge.folder / "edge.db")
        poisoned = set()
        segments = []
        for batch in range(BATCHES):
            numbers = range(1 + batch * A_BATCH, 1 + (batch + 1) * A_BATCH)
            bad = numbers[batch * 7 % A_BATCH]
            poisoned.add(bad)
            lines = [
                line(n) if n != bad else line(n).replace(b"temperature=", b't=1,temperature="x",u=')
                for n in numbers
            ]
            span = span_of((*STREAM, n) for n in numbers)
            segments.append(Segment(READINGS, A_BATCH, span, join_lines(lines), START_NS, START_NS))
        spool.append(segments)
        spool.close()
        with edge:
            until(edge.drained, within_s=200, what="everything to be delivered or quarantined")
            rows = json.loads(ask(edge.port, "GET", "/v1/quarantine").body)
            gaps = json.loads(ask(edge.port, "GET", "/v1/gaps").body)
        arrived = {row["seq"] for row in database.query('SELECT seq FROM "WasteContainer"')} - {0}
    print(f"{BATCHES * A_BATCH} lines, {BATCHES} poisoned: {len(arrived)} arrived, {len(rows)} in quarantine")
    assert arrived == set(range(1, BATCHES * A_BATCH + 1)) - poisoned
    assert {gap["from"] for gap in gaps if gap["reason"] == "quarantined"} == poisoned
    assert len(rows) == BATCHES
    assert all("type conflict" in row["reason"] for row in rows)
