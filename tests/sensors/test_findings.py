"""Because a finding is for a person with a screwdriver: each has its sentence, in both languages."""

import pytest

from sensors.findings import CAUSES, Finding, say
from sensors.sample import Quality


@pytest.mark.parametrize("lang", ["vi", "en"])
@pytest.mark.parametrize("code", CAUSES)
def test_every_finding_says_what_is_wrong_and_where_to_look(code, lang):
    facts = dict.fromkeys(CAUSES[code].names - {"where"}, "X")
    wrong, look = say(Finding(code, "GPIO24", **facts), lang)
    assert wrong
    assert look.endswith((".", "?"))
    assert "{" not in wrong + look


def test_a_line_is_said_with_its_pin_on_the_header():
    wrong, _look = say(Finding("echo-high", "GPIO24"), "vi")
    assert wrong == "GPIO24 (chân 18) luôn ở mức cao"


def test_a_number_is_written_as_people_here_do():
    assert say(Finding("loop-open", "AIN0", milliamps=0.02), "vi")[0].startswith("0,02 mA")
    assert say(Finding("loop-open", "AIN0", milliamps=0.02), "en")[0].startswith("0.02 mA")


def test_a_finding_without_a_sentence_or_a_fact_of_it_cannot_be_made():
    with pytest.raises(KeyError, match="no-such"):
        Finding("no-such")
    with pytest.raises(KeyError, match="unit"):
        Finding("unit-silent", "/dev/ttyUSB0", heard=3)


def test_a_finding_weighs_as_much_as_what_it_costs():
    assert Finding("echo-high", "GPIO24").severity is Quality.BAD
    assert Finding("pulses-lost", "GPIO4", lost=3).severity is Quality.UNCERTAIN
