"""A secret is one line in a file that others cannot read; anything else is said with the remedy."""

import pytest

from sensors.errors import ConfigError
from sensors.secrets import read_secret


@pytest.mark.parametrize(("mode", "fine"), [(0o600, True), (0o640, True), (0o644, False), (0o602, False)])
def test_only_owner_and_group_may_read_it(tmp_path, mode, fine):
    path = tmp_path / "mật khẩu"
    path.write_text("tôm hùm\n")
    path.chmod(mode)
    if fine:
        assert read_secret(path, "[mqtt] password_file") == "tôm hùm"
        return
    with pytest.raises(ConfigError) as error:
        read_secret(path, "[mqtt] password_file")
    assert str(error.value).startswith("[mqtt] password_file: everybody on this machine can read or change ")
    assert str(error.value).endswith(f"run: chmod o-rwx '{path}'")
    assert "tôm hùm" not in str(error.value)
