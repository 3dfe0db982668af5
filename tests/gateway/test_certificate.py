"""Because a certificate is shown years later: who, when and what, honestly, and that nobody changed it."""

import msgspec
import pytest
from click.testing import CliRunner

from gateway.check.certificate import certify, page, read, save
from gateway.check.checking import check
from gateway.cli_check import node
from gateway.feed.desk import Checked
from gateway.runner import Runner
from sensors.calibration import Record
from simulators.bench import Bench
from simulators.mishaps import mishap

MORNING_NS = 1_795_000_000_000_000_000
RECORDS = [
    Record(of="ph.pH", kind="ph", at="2026-11-20T02:00:00Z", by="Trần Bình", gain=1.02, offset=0.1),
    Record(of="ph.pH", kind="ph", at="2026-11-24T02:00:00Z", by="Lê An", gain=1.01, offset=0.0),
]


@pytest.fixture(scope="module")
def looked():
    """What a check finds on a bench where unit 7 is silent."""
    bench = Bench()
    try:
        mishap("turbidity:silent").happens(bench)
        config = bench.config()
        bench.clock.sleep(12)
        runner = Runner(config, bench.io, lambda _reading: None)
        found = [each for each in check(config, runner, bench.machine) if isinstance(each, Checked)]
    finally:
        bench.close()
    return config, found


def made(looked, **other):
    config, found = looked
    told = {"who": "Lê Thị <b>An</b>", "wall_ns": MORNING_NS, "clock_set": True, **other}
    return certify(config, found, RECORDS, **told)


def test_it_says_who_when_what_and_with_which_calibration(looked):
    shown = page(made(looked), "vi")
    assert "Biên bản kiểm tra lắp đặt" in shown
    assert "Lê Thị &lt;b&gt;An&lt;/b&gt;" in shown, "a name is text, not markup"
    assert "im lặng, số 3 vẫn trả lời" in shown
    assert "pH 7,21" in shown
    assert "2026-11-24" in shown
    assert "2026-11-20" not in shown, "only the calibration that holds"
    assert "http" not in shown.replace("http-equiv", ""), "it needs nothing from elsewhere"


def test_it_is_honest_about_a_clock_that_was_not_set(looked):
    assert "chưa đúng giờ" in page(made(looked, clock_set=False), "vi")
    assert "chưa đúng giờ" not in page(made(looked), "vi")


def test_its_verdict_is_that_of_the_worst_device(looked):
    assert made(looked).verdict == "bad"
    config, found = looked
    well = [each for each in found if each.quality == "good"]
    assert certify(config, well, [], who="", wall_ns=MORNING_NS, clock_set=True).verdict == "good"


def test_a_single_changed_letter_is_noticed(looked, tmp_path):
    html, data = save(made(looked), tmp_path / "gw-01.html", "vi")
    assert html.exists()
    assert read(data.read_bytes()) == made(looked)
    with pytest.raises(ValueError, match="changed after it was made"):
        read(data.read_bytes().replace(b"7,21", b"7,20"))


def test_the_command_tells_a_whole_certificate_from_a_changed_one(looked, tmp_path):
    _html, data = save(made(looked), tmp_path / "gw-01", "vi")
    whole = CliRunner().invoke(node, ["certificate", str(data)])
    assert (whole.exit_code, "gw-01" in whole.output) == (0, True)
    changed = msgspec.json.decode(data.read_bytes())
    changed["verdict"] = "good"
    data.write_bytes(msgspec.json.encode(changed))
    spoiled = CliRunner().invoke(node, ["certificate", str(data)])
    assert spoiled.exit_code == 1
    assert "Traceback" not in spoiled.output
