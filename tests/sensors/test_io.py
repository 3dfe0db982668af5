"""Because each body of the seam keeps its promises: bounded waits, one owner a line, nothing half kept."""

import pytest

from sensors.errors import BusError, ConfigError, IOUnavailable
from sensors.io.keeper import FileKeeper
from simulators.clock import VirtualClock
from simulators.io import SimIO


def test_a_serial_read_waits_for_the_first_byte_and_no_longer_than_told(io, clock):
    line = io.wire_uart("/dev/ttyAMA0")
    port = io.uart("/dev/ttyAMA0")
    clock.after(0.2, lambda: line.put(b"abcdef"))
    began = clock.monotonic_ns()
    assert port.read(4, 1.0) == b"abcd"
    assert (clock.monotonic_ns() - began) / 1e9 == pytest.approx(0.2, abs=0.011)
    assert port.read(4, 1.0) == b"ef"
    assert port.read(4, 0.5) == b""
    line.put(b"old")
    port.flush()
    assert port.read(4, 0.1) == b""


def test_a_port_has_one_owner_and_a_lost_adapter_is_no_communication(io):
    line = io.wire_uart("/dev/ttyAMA0")
    port = io.uart("/dev/ttyAMA0")
    with pytest.raises(IOUnavailable):
        io.uart("/dev/ttyAMA0")
    line.unplugged = True
    with pytest.raises(BusError) as caught:
        port.read(1, 0.1)
    assert caught.value.reason == "no-comm"
    port.close()
    line.unplugged = False
    assert io.uart("/dev/ttyAMA0").read(1, 0.0) == b""
    with pytest.raises(IOUnavailable, match="ttyAMA0"):
        io.uart("/dev/nowhere")


def test_the_converter_is_read_through_gpiozeros_own_class(io):
    io.wire_spi(0, lambda channel: channel * 100)
    first, second = io.mcp3008(3), io.mcp3008(7)
    assert (first.code(), second.code()) == (300, 700)
    first.close()
    assert second.code() == 700


def test_a_word_is_clocked_out_bit_by_bit_and_a_stretched_pulse_is_known(io):
    bits = iter([1, 0, 1, 1, 1])
    data = io.pin("GPIO6")
    data.wire(level=False)

    def rising(high):
        if high:
            data.wire(level=bool(next(bits)))

    io.pin("GPIO5").on_output = rising
    chip = io.clocked("GPIO5", "GPIO6")
    assert chip.ready()
    word = chip.read(4, 4)
    assert (word.word, word.longest_high_s) == (0b1011, 0.0)
    io.pin("GPIO5").on_output = lambda high: high and io.pins.steal(80e-6)
    assert chip.read(1, 1).longest_high_s == pytest.approx(80e-6)


def test_what_is_kept_outlives_the_io_and_damage_is_not_believed(tmp_path, caplog):
    keeper = FileKeeper(tmp_path, "pulse GPIO4/../x")
    assert keeper.load() is None
    keeper.save({"pulses": 12345.0})
    (file,) = tmp_path.iterdir()
    assert FileKeeper(tmp_path, "pulse GPIO4/../x").load() == {"pulses": 12345.0}
    file.write_text(file.read_text().replace("12345", "92345"))
    assert keeper.load() is None
    file.write_bytes(b"\xff\xfe\x00")
    assert keeper.load() is None
    assert "lost" in caplog.text


def test_a_folder_that_cannot_be_written_is_logged_and_no_reason_to_stop(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    FileKeeper(tmp_path / "file", "x").save({"a": 1.0})
    assert "cannot be written" in caplog.text


def test_a_simulated_pi_keeps_over_a_restart_of_the_node():
    io = SimIO(VirtualClock())
    io.keeper("a").save({"x": 1.0})
    assert io.keeper("a").load() == {"x": 1.0}
    assert io.keeper("b").load() is None
    io.close()


def test_a_taken_line_is_named(io):
    io.digital_out("GPIO5")
    for taking in (lambda: io.digital_in("GPIO5"), lambda: io.clocked("GPIO5", "GPIO6")):
        with pytest.raises(ConfigError, match="GPIO5"):
            taking()
