"""The feed's two pages show what the code makes, and say the same."""

import re
from pathlib import Path

import pytest

from gateway.feed import KINDS, encode, examples
from gateway.feed.topics import CHANNELS

FEED = Path(__file__).parents[2] / "docs" / "feed"
PAGES = ("README.md", "README.vi.md")
MADE = [*examples.by_name().values(), [examples.doubtful()]]


def page(name: str) -> str:
    return (FEED / name).read_text(encoding="utf-8")


def shown(name: str) -> list[str]:
    blocks = re.findall(r"```json\n(.*?)```", page(name), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("name", PAGES)
def test_every_example_is_one_that_the_code_makes_and_none_is_missing(name: str) -> None:
    made = [encode(body).decode() for bodies in MADE for body in bodies]
    assert sorted(shown(name)) == sorted(made)


@pytest.mark.parametrize("name", PAGES)
def test_every_channel_and_kind_is_named(name: str) -> None:
    assert [word for word in (*CHANNELS, *KINDS) if f"`{word}`" not in page(name)] == []


def test_both_pages_have_the_same_headings_and_commands() -> None:
    outlines, commands = [], []
    for name in PAGES:
        prose = re.sub(r"```.*?```", "", page(name), flags=re.DOTALL)
        outlines.append([len(marks) for marks in re.findall(r"^(#+) ", prose, re.MULTILINE)])
        commands.append(re.findall(r"```sh\n.*?```", page(name), re.DOTALL))
    assert outlines[0] == outlines[1]
    assert commands[0] == commands[1]
