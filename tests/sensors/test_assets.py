"""Because the feed believes what an asset says its samples mean."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.feed.bodies import TYPES
from sensors.assets import asset_class, asset_types
from sensors.errors import ConfigError
from sensors.sample import Quality, Sample, bad
from sensors.settings import convert

BIN = {"empty_m": 1.0, "full_m": 0.05}
TEXTS = {"status", "powerState"}


def asset(type_name, **config):
    kind = asset_class(type_name)
    return kind(convert(config, kind.Config))


def doubt(metric, value, reason):
    return Sample(metric, value, Quality.UNCERTAIN, reason)


@pytest.mark.parametrize("type_name", asset_types())
def test_every_field_of_an_asset_is_one_of_the_feeds_type_and_passes_its_decoder(type_name):
    body = TYPES[type_name]
    it = asset(type_name, **(BIN if type_name == "WasteContainer" else {}))
    samples = {name: Sample(name, 1.0) for name in it.inputs}
    fields = it.combine(samples).fields
    known = {field.name for field in msgspec.structs.fields(body)}
    assert set(fields) <= known
    assert set(it.needs) <= set(it.inputs)
    head = {"type": type_name, "v": 1, "ts": "", "gw": "gw-01", "ep": "a", "seq": 0, "q": "good"}
    assert msgspec.convert(head | fields, body)


def test_an_unknown_type_names_the_known_ones():
    with pytest.raises(ConfigError, match=r"'Bin'.*WasteContainer"):
        asset_class("Bin")


@given(st.floats(min_value=-1, max_value=6, allow_nan=False))
def test_a_level_is_always_a_share(metres):
    level = asset("WasteContainer", **BIN).combine({"distance": Sample("distance", metres)})
    assert 0 <= level.fields["fillingLevel"] <= 1


@pytest.mark.parametrize(("metres", "level"), [(1.0, 0.0), (0.05, 1.0), (0.525, 0.5), (0.03, 1.0)])
def test_a_level_follows_the_geometry_and_a_heap_over_the_brim_is_full(metres, level):
    seen = asset("WasteContainer", **BIN).combine({"distance": Sample("distance", metres)})
    assert seen.fields == {"fillingLevel": level, "status": "ok"}
    assert (seen.quality, seen.reasons) == (Quality.GOOD, None)


def test_seeing_farther_than_the_bottom_is_uncertain():
    seen = asset("WasteContainer", **BIN).combine({"distance": Sample("distance", 1.3)})
    assert (seen.fields["fillingLevel"], seen.quality) == (0.0, Quality.UNCERTAIN)
    assert seen.reasons == {"fillingLevel": "range"}


def test_an_open_lid_makes_the_level_uncertain_and_is_the_status():
    samples = {"distance": Sample("distance", 0.5), "lid": Sample("active", value=True)}
    seen = asset("WasteContainer", **BIN).combine(samples)
    assert seen.fields["status"] == "lidOpen"
    assert seen.quality is Quality.UNCERTAIN
    assert seen.reasons == {"fillingLevel": "lid-open"}


def test_a_shut_lid_changes_nothing():
    samples = {"distance": Sample("distance", 0.5), "lid": Sample("active", value=False)}
    assert asset("WasteContainer", **BIN).combine(samples).quality is Quality.GOOD


def test_without_an_echo_the_level_is_absent_and_its_reason_stays():
    seen = asset("WasteContainer", **BIN).combine({"distance": bad("distance", "no-echo")})
    assert seen.fields == {"status": "unknown"}
    assert (seen.quality, seen.reasons) == (Quality.BAD, {"fillingLevel": "no-echo"})


def test_an_open_lid_does_not_hide_that_there_was_no_echo():
    samples = {"distance": bad("distance", "no-echo"), "lid": Sample("active", value=True)}
    seen = asset("WasteContainer", **BIN).combine(samples)
    assert (seen.fields, seen.quality) == ({"status": "lidOpen"}, Quality.BAD)
    assert seen.reasons == {"fillingLevel": "no-echo"}


def test_a_lid_that_cannot_be_read_makes_the_status_uncertain_but_not_the_level():
    samples = {"distance": Sample("distance", 0.5), "lid": bad("active", "no-comm")}
    seen = asset("WasteContainer", **BIN).combine(samples)
    assert seen.fields["status"] == "ok"
    assert (seen.quality, seen.reasons) == (Quality.UNCERTAIN, {"status": "no-comm"})


def test_a_hot_bin_burns_even_with_its_lid_open():
    samples = {
        "distance": Sample("distance", 0.5),
        "lid": Sample("active", value=True),
        "temperature": Sample("temperature", 75.0),
    }
    fields = asset("WasteContainer", **BIN).combine(samples).fields
    assert (fields["status"], fields["temperature"]) == ("burning", 75.0)


def test_a_bin_that_is_full_below_its_bottom_is_refused():
    with pytest.raises(ConfigError, match=r"full_m \(1.2\) must be less than empty_m"):
        asset("WasteContainer", empty_m=1.0, full_m=1.2)


def test_the_worst_of_several_inputs_is_the_quality_and_each_field_keeps_its_reason():
    seen = asset("WaterQualityObserved").combine(
        {
            "pH": doubt("pH", 9.1, "range"),
            "turbidity": bad("turbidity", "no-comm"),
            "freeChlorine": Sample("freeChlorine", 0.4),
        }
    )
    assert seen.fields == {"pH": 9.1, "freeChlorine": 0.4}
    assert seen.quality is Quality.BAD
    assert seen.reasons == {"pH": "range", "turbidity": "no-comm", "freeChlorine": "ph-range"}


def test_network_and_meter_carry_flow_level_and_index():
    network = asset("WaterDistributionNetwork").combine(
        {"flow": Sample("flow", 12.5), "level": Sample("level", 2.8)}
    )
    assert network.fields == {"waterFlow": 12.5, "waterLevel": 2.8}
    meter = asset("WaterConsumptionObserved").combine({"volume": Sample("volume", 99.0)})
    assert meter.fields == {"waterConsumption": 99.0}


@pytest.mark.parametrize(("watts", "state"), [(0.0, "off"), (19.9, "off"), (400.0, "low"), (1425.0, "on")])
def test_a_cabinet_is_lit_as_its_power_says(watts, state):
    cabinet = asset("StreetlightControlCabinet", on_w=20, low_w=1000)
    fields = cabinet.combine({"power": Sample("power", watts)}).fields
    assert fields == {
        "totalActivePower": watts / 1000,
        "powerState": state,
        "status": "ok",
        "burningHours": 0.0,
    }


def test_a_silent_power_meter_leaves_light_and_door_to_be_told():
    seen = asset("StreetlightControlCabinet").combine(
        {
            "power": bad("power", "no-comm"),
            "illuminance": Sample("illuminance", 3.0),
            "door": Sample("active", value=True),
        }
    )
    shown = {"illuminance": 3.0, "doorOpen": True, "status": "unknown", "burningHours": 0.0}
    assert seen.fields == shown
    assert seen.reasons == {"totalActivePower": "no-comm", "powerState": "no-comm"}


def test_a_machine_that_does_not_show_its_supply_or_card_is_well_all_the_same():
    samples = {
        "cpuTemperature": Sample("cpuTemperature", 50.0),
        "underVoltage": Sample("underVoltage", True),
        "cardWear": bad("cardWear", "no-value"),
    }
    seen = asset("Device").combine(samples)
    assert (seen.fields, seen.quality) == ({"cpuTemperature": 50.0, "underVoltage": True}, Quality.GOOD)
    seen = asset("Device").combine({"cardWear": bad("cardWear", "fault")})
    assert seen.quality is Quality.BAD
