"""Because three machines take minutes to set up: whatever is tried on them shares them."""

import os
import re
import time
from collections.abc import Iterator

import pytest

from tests.deploy.lab import Lab, bundle, key_pair


def changes(said: str) -> dict[str, int]:
    """Return how many things a playbook changed on each machine."""
    return {
        name: int(number)
        for name, number in re.findall(r"^(\S+)\s+: ok=\d+\s+changed=(\d+)", said, re.MULTILINE)
    }


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Lend three machines that site.yml has set up from blank cards."""
    if os.geteuid() != 0:
        pytest.fail("the machines of the lab need root")
    folder = tmp_path_factory.mktemp("deploy")
    key = key_pair(folder)
    with Lab(folder, key, bundle(folder, key)) as made:
        began = time.monotonic()
        first = made.play("site")
        took = time.monotonic() - began
        print(f"\nsite.yml on three blank machines: {took:.0f} s, changed {changes(first.stdout)}")
        yield made
