"""Whatever is asked of a running edge, it answers: no 5xx, no exception, and the next one is served."""

import logging
from contextlib import suppress
from pathlib import Path

import pytest
import schemathesis
import urllib3
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from tests.edge_api.edge_rig import edge_at_work, edge_config

pytestmark = pytest.mark.parts

EXAMPLES = 10  # for each call of the API, of right and of wrong requests each
ENDLESS = "/v1/stream"  # answers for ever, and has tests of its own

BOUNDED = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_no_request_makes_an_edge_stumble(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    answers: dict[str, set[int]] = {}
    with edge_at_work(edge_config(tmp_path), serve=True) as (_, url):
        schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
        calls = [found.ok() for found in schema.get_all_operations()]
        for call in calls:
            for mode in GenerationMode:
                if call.path != ENDLESS:
                    _ask(call, mode, answers.setdefault(call.label, set()))
        assert urllib3.request("GET", f"{url}/health").status == 200
    assert len(answers) > 12
    assert {label for label, statuses in answers.items() if any(each >= 500 for each in statuses)} == set()
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def _ask(call: schemathesis.APIOperation, mode: GenerationMode, statuses: set[int]) -> None:
    @BOUNDED
    @given(call.as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        statuses.add(case.call(timeout=30).status_code)

    with suppress(Unsatisfiable):  # a call without parameters cannot be asked wrongly
        ask()
