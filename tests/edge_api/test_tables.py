"""The tables of history and of the alarm book are declared in SQLModel, and an edge does not load it."""

import subprocess
import sys

import pytest

from edge_api.tables import schemas


def test_each_schema_is_what_the_tables_say():
    for file, text in schemas().items():
        assert file.read_text() == text, f"{file} is old: python -m edge_api.tables"


@pytest.mark.slow
def test_an_edge_loads_no_sqlmodel_no_pins_and_no_charts_to_start():
    program = (
        "import sys, edge_api.edge, edge_api.server, edge_api.cli_security, edge_api.upstream.influx_v2\n"
        "heavy = {'sqlmodel', 'sqlalchemy', 'pygal', 'gpiozero', 'influxdb_client', 'segno', 'xlsxwriter',"
        " 'astral', 'pymodbus', 'cryptography', 'simulators'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
