"""Because bytes a reading would be too few if the readings of a long wait were the same ones again."""

import json
from itertools import pairwise

from bench.demo import over_again
from gateway.feed import to_ns

_HALF_DAY_NS = 43_200_000_000_000


def test_a_wait_is_of_its_first_days_again_with_the_times_and_numbers_that_are_then_due() -> None:
    topic = "ntm/v1/42/18562/waste/bin-0001/telemetry"
    own = [
        (topic, b'{"ts":"2026-11-20T00:00:00.000Z","seq":1,"temperature":31.0}'),
        (topic, b'{"ts":"2026-11-20T12:00:00.000Z","seq":2,"temperature":31.5}'),
    ]
    found = over_again(own, 1.0, 2.5)
    assert found[:2] == own
    bodies = [json.loads(body) for _, body in found]
    assert [body["seq"] for body in bodies] == [1, 2, 3, 4, 5]
    times = [to_ns(body["ts"]) for body in bodies]
    assert {after - before for before, after in pairwise(times)} == {_HALF_DAY_NS}
