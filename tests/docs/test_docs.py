"""The documents: every key, driver, metric, command and file is in them; examples load, links lead on."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import pytest

from edge_api import config as edge_config
from edge_api.api.app import create_app
from edge_api.metrics import Metrics
from gateway import config as node_config
from gateway import config_check
from gateway.cli import main
from gateway.feed import KINDS, TYPES, Ack, Command, Topic, decode_event, decode_reading
from gateway.feed.bodies import Custody, Meta, decode
from gateway.feed.topics import CHANNELS
from sensors import assets, registry
from tests.edge_api.fake_edge import FakeEdge

ROOT = Path(__file__).parents[2]
ROOMS = ("sensors", "gateway", "edge_api", "simulators")
LOADERS = {"node.toml": config_check.load, "edge.toml": edge_config.load}
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page of ours, none of a virtual environment."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs").rglob("*.md"))


def examples() -> list[tuple[str, str, str]]:
    """Return page, file name and content of each whole TOML example."""
    found = []
    for page in pages():
        for language, block in FENCE.findall(page.read_text(encoding="utf-8")):
            name = block.partition("\n")[0].removeprefix("# ").strip()
            if language == "toml" and name in LOADERS:
                found.append((str(page.relative_to(ROOT)), name, block))
    return found


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield the Structs that a type holds: itself, a member of a union, the items of a list."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from structs(part)


def declared(struct: type[msgspec.Struct], before: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(struct):
        yield before + field.encode_name
        for inner in structs(field.type):
            yield from declared(inner, f"{before}{field.encode_name}.")


def shown(table: dict[str, Any], before: str = "") -> Iterator[str]:
    for key, value in table.items():
        yield before + key
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from shown(each, f"{before}{key}.")


def tables(name: str) -> list[dict[str, Any]]:
    return [tomllib.loads(block) for _, file, block in examples() if file == name]


@pytest.mark.parametrize(("page", "name", "block"), examples())
def test_an_example_loads(page: str, name: str, block: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_text(block, encoding="utf-8")
    LOADERS[name](file, {})


@pytest.mark.parametrize(
    ("name", "kind"), [("node.toml", node_config.NodeConfig), ("edge.toml", edge_config.EdgeConfig)]
)
def test_every_key_stands_in_an_example(name: str, kind: type[msgspec.Struct]) -> None:
    seen = {key for table in tables(name) for key in shown(table)}
    assert set(declared(kind)) - seen == set()


@pytest.mark.parametrize("driver", registry.drivers())
def test_a_driver_has_its_page_and_every_key_of_it_stands_in_an_example(driver: str) -> None:
    page = ROOT / "docs" / "wiring" / f"{driver}.md"
    assert page.exists(), "a page with its wiring, Vietnamese first"
    assert f"]({page.name})" in (page.parent / "README.md").read_text(encoding="utf-8")
    devices = [device for table in tables("node.toml") for device in table.get("device", [])]
    configs = [device.get("config", {}) for device in devices if device["driver"] == driver]
    seen = {key for config in configs for key in shown(config)}
    assert set(declared(registry.driver(driver).Config)) - seen == set()


@pytest.mark.parametrize("kind", assets.asset_types())
def test_every_key_of_an_asset_stands_in_an_example(kind: str) -> None:
    found = [asset for table in tables("node.toml") for asset in table.get("asset", [])]
    configs = [asset.get("config", {}) for asset in found if asset["type"] == kind]
    assert configs, "an asset of this type in some example"
    seen = {key for config in configs for key in shown(config)}
    assert set(declared(assets.asset_class(kind).Config)) - seen == set()


def test_every_metric_is_explained(tmp_path: Path) -> None:
    edge = FakeEdge(tmp_path)
    edge.count_for_a_programme(tmp_path)
    names = re.findall(r"^# TYPE (commune_\w+)", Metrics(edge).text().decode(), re.MULTILINE)
    edge.history.close()
    assert len(names) > 20
    documented = text()
    assert [name for name in names if f"`{name}`" not in documented] == []


def test_every_path_of_the_api_is_named(tmp_path: Path) -> None:
    edge = FakeEdge(tmp_path)
    paths = create_app(edge).openapi()["paths"]
    edge.history.close()
    documented = (ROOT / "docs" / "operate-edge.md").read_text(encoding="utf-8")
    assert [path for path in paths if path not in documented] == []


def commands(group: click.Group, name: str) -> Iterator[str]:
    context = click.Context(group)
    for verb in group.list_commands(context):
        command = group.get_command(context, verb)
        if isinstance(command, click.Group):
            yield from commands(command, f"{name} {verb}")
        else:
            yield f"{name} {verb}"


def test_every_command_is_named() -> None:
    documented = text()
    assert [each for each in commands(main, "commune") if each not in documented] == []


def test_every_channel_is_named() -> None:
    documented = (ROOT / "docs" / "feed" / "README.md").read_text(encoding="utf-8")
    assert [channel for channel in CHANNELS if f"`{channel}`" not in documented] == []


def test_every_kind_of_event_is_named() -> None:
    documented = (ROOT / "docs" / "feed" / "README.md").read_text(encoding="utf-8")
    assert [kind for kind in KINDS if f"`{kind}`" not in documented] == []


def test_every_message_in_the_feeds_page_is_one_of_the_feed() -> None:
    page = (ROOT / "docs" / "feed" / "README.md").read_text(encoding="utf-8")
    assert Topic.parse("ntm/v1/42/18562/waste/bin-0007/telemetry")
    shown_types = set()
    for language, block in FENCE.findall(page):
        for line in block.splitlines() if language == "json" else []:
            body = json.loads(line)
            if "q" in body:
                decode_reading(line.encode())
                shown_types.add(body["type"])
            elif "interval" in body:
                decode(line.encode(), Meta)
            elif "expires" in body:
                decode(line.encode(), Command)
            elif "outcome" in body:
                decode(line.encode(), Ack)
            elif "id" in body:
                decode_event(line.encode())
            else:
                decode(line.encode(), Custody)
    assert shown_types == set(TYPES)


def test_the_architecture_names_every_file() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = {
        str(file.relative_to(ROOT))
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        if file.parent != ROOT / room or file.name != "__init__.py"
    }
    listed = re.findall(r"^\| `([\w/]+\.py)` \|", page, re.MULTILINE)
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) - files == set(), "listed, but not there"
    assert files - set(listed) == set(), "there, but not listed"


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    content = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", content):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in [re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings]


def outline(name: str) -> list[int]:
    content = FENCE.sub("", (ROOT / name).read_text(encoding="utf-8"))
    return [len(marks) for marks in re.findall(r"^(#+) ", content, re.MULTILINE)]


def test_the_vietnamese_readme_has_every_heading_of_the_english_one() -> None:
    assert outline("README.vi.md") == outline("README.md")


def test_both_readmes_show_the_same_commands_and_examples() -> None:
    blocks = []
    for name in ("README.md", "README.vi.md"):
        found = FENCE.findall((ROOT / name).read_text(encoding="utf-8"))
        blocks.append(found[1:])  # the first is the drawing, which speaks
    assert blocks[0] == blocks[1]


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in folder.glob("[0-9]*.md") if f"]({page.name})" not in listed] == []
