"""Whoever tries the demo may do there what a technician may: check live, calibrate, mend, acknowledge."""

import re
from pathlib import Path

import pytest
import urllib3

from simulators.demo import show
from simulators.demo.brokers import broker
from simulators.demo.commune import running
from simulators.demo.visitor import NAME, Visitor
from tests.parts.wait import until


@pytest.mark.slow
def test_a_visitor_logs_in_with_the_printed_password_and_finds_devices_and_a_line_to_mend(
    tmp_path: Path,
) -> None:
    (tmp_path / "other").mkdir()
    visitor, other = Visitor(tmp_path), Visitor(tmp_path / "other")
    assert visitor.password != other.password, "never a fixed one"
    printed = show.login(NAME, visitor.password, str)
    assert visitor.password in printed
    pool = urllib3.PoolManager()
    with (
        broker("embedded", tmp_path) as address,
        running(tmp_path, address, None, nodes=1, speed=60.0, for_s=None, seed=1, visitor=visitor) as demo,
    ):
        url = demo.pages["commune"]

        def post(path: str, **fields: str) -> urllib3.BaseHTTPResponse:
            return pool.request_encode_body(
                "POST", url + path, fields=fields, headers=mine, encode_multipart=False, redirect=False
            )

        def page(path: str) -> str:
            answer = pool.request("GET", url + path, headers=mine, redirect=False)
            assert answer.status == 200, (path, answer.status)
            return answer.data.decode()

        mine: dict[str, str] = {}
        answer = post("login", name=NAME, password=visitor.password)
        assert answer.status == 303, "logged in"
        mine = {"Cookie": answer.headers["Set-Cookie"].partition(";")[0]}
        assert "modbus-probe" in page("install")
        assert re.search(r"<dd>pH \d", page("install/check?device=ph")), "read while the demo runs on"
        visitor.refuse_one(demo.commune)
        html = page("link")
        csrf = re.search(r'name="csrf" value="([^"]+)"', html)
        number = re.search(r"link/quarantine/(\d+)/replay", html)
        assert csrf
        assert number
        mended = next(iter(demo.commune.quarantine())).line.replace('"0.84"', "0.84")
        assert post(f"link/quarantine/{number[1]}/replay", csrf=csrf[1], line=mended).status == 303
        assert list(demo.commune.quarantine()) == []
        visitor.raise_one(demo.commune)
        (alarm,) = until(
            demo.commune.alarms.open_alarms, what="the alarm, which is known a moment after its commit"
        )
        assert "nắp" in page("alarms")
        assert post(f"alarms/{alarm.key}/seen", csrf=csrf[1], note="đã đậy nắp").status == 303
        assert "đã đậy nắp" in page("alarms")
