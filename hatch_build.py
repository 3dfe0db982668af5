"""Because people read Vietnamese and machines read .mo: compile the text catalogues whenever we are built."""

from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CatalogueHook(BuildHookInterface):  # type: ignore[type-arg]
    """Write each ROOM/locale/LANGUAGE/LC_MESSAGES/NAME.mo beside its .po, wheel or editable install alike."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile before the files are collected."""
        root = Path(self.root)
        if version == "standard":  # a checkout's page reads the documents themselves
            build_data["force_include"][str(root / "docs" / "wiring")] = "edge_api/web/wiring"
        for source in sorted(root.glob("*/locale/*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            compile_catalogue(source, target)
            build_data["artifacts"].append(
                f"/{target.relative_to(root).as_posix()}"
            )  # although git ignores it


def compile_catalogue(source: Path, target: Path) -> None:
    """Turn one .po into its .mo; a broken catalogue stops the build."""
    with source.open("rb") as text:
        catalogue = read_po(text, locale=source.parent.parent.name, abort_invalid=True)
    with target.open("wb") as binary:
        write_mo(binary, catalogue)
