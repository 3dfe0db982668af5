"""Rules come from type, regulation, asset and node.toml, in that order; wrong ones are refused."""

import datetime as dt

import pytest

from gateway import config as node_config
from gateway import config_check
from gateway.alarms.plan import rules_of
from gateway.feed.limits import Limit, shipped, valid
from sensors.errors import ConfigError

HEAD = """
[site]
province = "42"
commune = "18562"
gw = "gw-01"
[[device]]
id = "probe"
driver = "modbus-probe"
[device.config]
port = "/dev/ttyUSB0"
unit = 1
registers = [{ metric = "pH", address = 0, unit = "Q30" }]
[[asset]]
id = "quality-01"
type = "WaterQualityObserved"
every = "60s"
inputs = { pH = "probe.pH" }
"""


def loaded(tmp_path, more):
    file = tmp_path / "node.toml"
    file.write_text(HEAD + more)
    return config_check.load(file, {})


def rules(tmp_path, more, day=None):
    config = loaded(tmp_path, more)
    limits = [*shipped(), *config.limits]
    return {rule.name: rule for rule in rules_of(config.assets[0], config.rules, limits, day)}


RULE = '[[alarm]]\nkind = "limit"\nasset = "quality-01"\nfield = "pH"\n'


LIMIT = """[[limit]]
type = "WaterQualityObserved"
field = "pH"
low = 6.5
from = 2026-01-01
source = "decision 1"
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[[alarm]]\nkind = "bimFull"\ntype = "WasteContainer"', "did you mean 'binFull'?"),
        ('[[alarm]]\nkind = "gap"\ntype = "WasteContainer"', "unknown kind 'gap'"),
        ('[[alarm]]\nkind = "binFull"', "give either `type`"),
        (RULE.replace("quality-01", "quality-1"), "did you mean 'quality-01'?"),
        (RULE.replace("pH", "turbidty") + "above = 8", "did you mean 'turbidity'?"),
        ('[[alarm]]\nkind = "fire"\ntype = "WasteContainer"\nabove = 70', "above of which field?"),
        ('[[alarm]]\nkind = "tankLow"\ntype = "WaterDistributionNetwork"', "say when it is raised"),
        (RULE + "above = 6\nbelow = 8", "not less than"),
        (RULE + "above = 8\nbelow = 6\nhysteresis = 1.0", "must be less"),
        (RULE + 'above = 8\nequals = "ok"', "equals goes with no other comparison"),
        (LIMIT.replace("pH", "ph"), "WaterQualityObserved has no field 'ph'"),
        (LIMIT.replace("WaterQ", "WterQ"), "did you mean 'WaterQualityObserved'?"),
        (LIMIT.replace("low = 6.5", ""), "low, high or both"),
        (LIMIT.replace("2026-01-01", '"soon"'), "from"),
        ("[alarms]\nmost_an_hour = 1", "most_an_hour"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_would_be_right(tmp_path, more, said):
    with pytest.raises(ConfigError, match=r"node\.toml") as refused:
        loaded(tmp_path, more)
    assert said in str(refused.value)


def test_without_a_word_water_has_the_limits_of_the_regulation(tmp_path):
    found = rules(tmp_path, "")
    assert set(found) == {"limit-pH", "limit-turbidity", "limit-freeChlorine", "sensorFault"}
    (chlorine,) = found["limit-freeChlorine"].conditions
    assert (chlorine.below, chlorine.above) == (0.2, 1.0)


def test_a_provinces_own_limit_is_a_row_more_in_node_toml(tmp_path):
    (ph,) = rules(tmp_path, LIMIT)["limit-pH"].conditions
    assert (ph.below, ph.above) == (6.5, None)


def test_what_is_said_of_an_asset_outweighs_its_type_and_what_is_left_out_stays(tmp_path):
    of_type = '[[alarm]]\nkind = "limit"\ntype = "WaterQualityObserved"\n'
    found = rules(
        tmp_path,
        f"{RULE}above = 8.0\n"
        f'{of_type}field = "pH"\nabove = 8.2\nseverity = "critical"\n'
        f'{of_type}field = "turbidity"\noff = true\n'
        f'{of_type}field = "conductivity"\nabove = 900\n'
        '[[alarm]]\nkind = "sensorFault"\ntype = "WaterQualityObserved"\nreadings = 10\n',
    )
    (ph,) = found["limit-pH"].conditions
    assert (ph.above, ph.below, found["limit-pH"].severity) == (8.0, 6.0, "critical")
    assert "limit-turbidity" not in found
    assert found["sensorFault"].readings == 10
    assert found["limit-conductivity"].conditions[0].above == 900


def test_an_assets_own_limits_are_its_alarms_and_a_tanks_have_names_of_their_own(tmp_path):
    found = rules(tmp_path, "[asset.limits]\npH = [6.5, 8.0]\n")
    assert found["limit-pH"].conditions[0].above == 8.0
    tank = node_config.AssetConfig(
        id="tank", type="WaterDistributionNetwork", every=60, limits={"waterLevel": [1.0, 3.8]}
    )
    assert {"tankLow", "tankHigh"} <= {rule.name for rule in rules_of(tank, [], [])}


def test_of_a_limits_table_the_row_counts_that_is_in_force_on_the_day():
    rows = shipped()
    assert all(row.source and row.since.year >= 2018 for row in rows)
    newer = Limit(
        type="WaterQualityObserved", field="pH", since=dt.date(2027, 1, 1), source="a later one", low=6.5
    )
    day = (dt.date(2026, 11, 25) - dt.date(1970, 1, 1)).days
    ph = {row.field: row for row in valid([*rows, newer], "WaterQualityObserved", day)}["pH"]
    assert ph.low == 6.0
    ph = {row.field: row for row in valid([*rows, newer], "WaterQualityObserved", day + 60)}["pH"]
    assert ph.low == 6.5
