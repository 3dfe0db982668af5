"""What is wrong with a node.toml is said in the language of whoever reads it: a technician, or a journal."""

import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import node
from gateway.cli_check import check
from gateway.config_check import load
from sensors.errors import ConfigError
from sensors.text import said, speaking
from tests.gateway.test_config import changed


def problems(file: Path, lang: str) -> str:
    with speaking(lang), pytest.raises(ConfigError) as caught:
        load(file)
    return str(caught.value)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A line is held twice, and a key is misspelt."""
    file = tmp_path / "node.toml"
    file.write_text(changed('"GPIO24"', '"GPIO23"'), encoding="utf-8")
    return file


def test_a_technician_reads_file_device_key_pin_and_what_to_do_in_vietnamese(wrong: Path) -> None:
    told = problems(wrong, "vi")
    assert told == (
        f"{wrong}: device ranger-7: [config] echo: GPIO23 đã là trigger của thiết bị ranger-7;"
        " mỗi cái cần một chân riêng"
    )
    assert "is already the trigger of device ranger-7; give each its own line" in problems(wrong, "en")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"hcsr04"', '"hcsr05"', "không có driver 'hcsr05'; đã cài: "),
        ("trigger =", "triger =", "[config] không có mục 'triger'; có phải là 'trigger' không?"),
        ('"5min"', '"5 phút"', 'không hiểu \'5 phút\'; hãy ghi 90, "90s", "5min" hoặc "2h"'),
        ('"5min"', "true", "không hiểu True"),
        ("every =", "every = =", "sai cú pháp TOML ở dòng "),
        ('"GPIO23"', "23", "[config] trigger: Ở đây phải là chữ trong dấu nháy, không phải một số nguyên"),
    ],
)
def test_mistakes_are_told_in_vietnamese_with_what_would_be_right(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    file = tmp_path / "node.toml"
    file.write_text(changed(old, new), encoding="utf-8")
    assert told in problems(file, "vi")


def test_the_check_speaks_the_language_that_it_is_asked_for_and_the_journal_english(wrong: Path) -> None:
    vietnamese = CliRunner().invoke(check, [str(wrong)])
    assert vietnamese.exit_code == 2
    assert "mỗi cái cần một chân riêng" in vietnamese.output
    assert "give each its own line" in CliRunner().invoke(check, [str(wrong), "--lang", "en"]).output
    journal = CliRunner().invoke(node, ["run", str(wrong)])  # its standard error is no terminal
    assert journal.exit_code == 2
    assert "give each its own line" in journal.output


def test_another_thread_goes_on_in_english_while_a_person_is_spoken_to() -> None:
    heard: list[str] = []
    with speaking("vi"):
        thread = threading.Thread(target=lambda: heard.append(said("a number")))
        thread.start()
        thread.join()
        heard.append(said("a number"))
    heard.append(said("a number"))
    assert heard == ["a number", "một số", "a number"]
