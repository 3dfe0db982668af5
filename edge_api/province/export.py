"""The figures of a period as a table for other programs: CSV, and XLSX for whoever works in a spreadsheet."""

import csv as table
import io
from collections.abc import Iterator

from edge_api.province.office import Period
from edge_api.province.wording import name_and_plant, side_of
from sensors.text import translator

Row = tuple[str | float | None, ...]
_FORMULA = ("=", "+", "-", "@")  # a spreadsheet would compute a text that begins so


def csv(period: Period, lang: str) -> bytes:
    """Write a period as CSV (RFC 4180) in UTF-8, with a mark that tells a spreadsheet so."""
    out = io.StringIO(newline="")
    writer = table.writer(out)
    writer.writerows([_plain(cell) for cell in row] for row in _rows(period, lang))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def xlsx(period: Period, lang: str) -> bytes:
    """Write a period as an Excel workbook."""
    from xlsxwriter import Workbook  # noqa: PLC0415 - some megabytes, asked for now and then

    _ = translator(lang)
    out = io.BytesIO()
    with Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(_("Indicators"))
        bold = book.add_format({"bold": True, "text_wrap": True})
        share = book.add_format({"num_format": "0.0%"})
        for number, row in enumerate(_rows(period, lang)):
            for column, cell in enumerate(row):
                if cell is not None:
                    sheet.write(number, column, cell, _format(number, column, bold, share))
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, 1, 44)
        sheet.set_column(2, 9, 13)
        sheet.set_column(10, 10, 20)
        sheet.freeze_panes(1, 0)
    return out.getvalue()


def _format(row: int, column: int, bold: object, share: object) -> object:
    return bold if row == 0 else share if column == 4 else None


def _rows(period: Period, lang: str) -> Iterator[Row]:
    _ = translator(lang)
    yield (
        *(_("Code"), _("Indicator"), _("Figure"), _("Unit"), _("Coverage"), _("From doubtful values")),
        *(_("Target"), _("Commune"), _("From"), _("To"), _("Region")),
    )
    for each in period.figures:
        name = name_and_plant(each, _)
        place = period.name or _("All communes")
        numbers = (each.value, each.unit, each.coverage, each.doubtful, each.target)
        yield (each.name, name, *numbers, place, period.first, period.last, side_of(each, _))


def _plain(cell: str | float | None) -> str | float | None:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
