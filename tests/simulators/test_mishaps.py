"""Because a technician believes the check: a fault is found, named right, and costs no other device."""

from functools import cache
from pathlib import Path

import pytest

from sensors.findings import CAUSES
from sensors.sample import Quality
from simulators.bench import Bench
from simulators.mishaps import MISHAPS, mishap
from simulators.table import happen, table
from tests.gateway.odd_checks import ODD

FAULTS = Path(__file__).parents[2] / "docs" / "faults.md"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("mishaps"),
]  # each happens once, for its own test and for the table

happened = cache(happen)


def inputs():
    """Return the devices that feed each asset."""
    bench = Bench()
    try:
        assets = bench.config().assets
    finally:
        bench.close()
    return {each.id: {source.partition(".")[0] for source in each.inputs.values()} for each in assets}


FED = inputs()


def test_on_a_bench_where_nothing_is_broken_everything_is_good():
    well = happened()
    assert set(well.readings) == set(FED)
    assert [each for each in well.readings.values() if each.quality is not Quality.GOOD] == []
    assert [each for each in well.found.values() if each.told or each.quality != "good"] == []


def test_each_fault_has_a_name_of_its_own():
    assert len({each.full_name for each in MISHAPS}) == len(MISHAPS) >= 40


@pytest.mark.parametrize("fault", MISHAPS, ids=lambda fault: fault.full_name)
def test_a_fault_is_found_named_and_contained(fault):
    well, ill = happened(), happened(fault)
    touched = {fault.device, *fault.also}
    assert ill.found[fault.device].told[0].code == fault.finding
    others = [each for each in ill.found.values() if each.device not in touched]
    assert [each for each in others if each.told or each.quality != "good"] == []
    assert set(ill.readings) == set(FED), "no asset fell silent"
    said = {why for asset in ill.readings for why in (ill.readings[asset].reasons or {}).values()}
    assert fault.reason in said if fault.reason else not said
    for asset, observation in ill.readings.items():
        reasons = observation.reasons or {}
        if not FED[asset] & touched:
            assert observation.quality is Quality.GOOD, "nobody else's reading suffers"
        elif fault.reason:
            unmarked = {field: value for field, value in observation.fields.items() if field not in reasons}
            for field, value in unmarked.items():
                true = well.readings[asset].fields[field]
                if field in {"waterConsumption", "burningHours"}:
                    assert value <= true, "an index may stand still, never run ahead"
                elif isinstance(true, str):
                    assert value in (true, "unknown"), "no false word"
                else:
                    assert value == pytest.approx(true, rel=0.05), "no false value"


def test_every_finding_that_has_a_sentence_comes_of_some_fault():
    """A sentence that nothing can say is a promise that nobody keeps."""
    said = {each.code for fault in MISHAPS for found in happened(fault).found.values() for each in found.told}
    assert set(CAUSES) - said - set(ODD) == set()
    assert said & set(ODD) == set(), "what the bench can show is shown there"


def test_the_table_in_the_documents_is_what_happens():
    made = table(happened(each) for each in MISHAPS)
    assert FAULTS.read_text(encoding="utf-8") == made, "make it anew: commune sim faults > docs/faults.md"


def test_an_unknown_fault_is_answered_with_those_of_its_device_or_with_the_devices():
    with pytest.raises(ValueError, match=r"there are echo:trigger-cut, echo:echo-high.*--list"):
        mishap("echo:nonsense")
    with pytest.raises(ValueError, match=r"there are echo:\.\.\., lid:\.\.\.,"):
        mishap("nonsense")
