"""Because the tests share real parts: one package, so that `tests.parts` means the same everywhere."""
