"""The page of capacity holds what follows from its own assumptions, and nothing else."""

import inspect
import re

from bench import capacity


def test_the_result_on_the_page_is_what_its_assumptions_come_to() -> None:
    page = capacity.PAGE.read_text(encoding="utf-8")
    assert capacity.filled(page) == page, "python -m bench.capacity"


def test_every_assumption_is_used_and_none_is_hidden_in_the_program() -> None:
    page = capacity.PAGE.read_text(encoding="utf-8")
    used = set(re.findall(r'it\["(\w+)"\]|it\[\'(\w+)\'\]', inspect.getsource(capacity)))
    assert {one or other for one, other in used} == set(capacity.assumptions(page))


def test_twice_the_communes_send_twice_as_much() -> None:
    it = capacity.assumptions(capacity.PAGE.read_text(encoding="utf-8"))
    assert capacity.needs(it, 138)["readings a second"] == "690"
    assert capacity.needs(it, 69)["readings a second"] == "345"
