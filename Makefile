# Everything one does with this project. A machine needs python3 (3.11 or newer), make and the usual
# package registries; each target sets up what it needs by itself and asks nothing.

PYTHON ?= python3
BIN := .venv/bin
IN_VENV := PATH="$(CURDIR)/$(BIN):$$PATH"
ROOMS := sensors gateway edge_api simulators
CATALOGUES := $(wildcard */locale/*/LC_MESSAGES/*.po)
PYTEST := $(IN_VENV) pytest -n 2 --dist loadgroup

# The tests start some hundred processes; without kept bytecode each would compile the whole house again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test check lint bench lab lock bundle screenshots

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

demo: .venv/.demo .venv/.project ## a whole commune on this machine, simulated (ARGS="--for 60 --json" goes to it)
	@$(BIN)/commune demo $(ARGS)

test: lint ## everything but the lab: formatting, types, imports, unit tests, real brokers and databases
	@bash tests/parts/install.sh
	@$(PYTEST) -m "not lab" $(ARGS)

check: lint ## what to run before every commit: formatting, types, imports, quick unit tests (under 90 s)
	@$(PYTEST) -m "not parts and not slow and not lab" $(ARGS)

lint: .venv/.dev .venv/.project
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy --strict $(ROOMS) bench
	@$(IN_VENV) lint-imports --no-logo

bench: .venv/.dev .venv/.project ## how fast it is, beside its peers
	@$(BIN)/python -m bench $(ARGS)

lab: .venv/.dev .venv/.project ## the tests that need root, network namespaces or a long time
	@bash tests/parts/install.sh lab
	@$(PYTEST) -m lab $(ARGS)

lock: .venv/.dev ## make the lock files anew (ARGS=--upgrade takes newer versions)
	@$(IN_VENV) bash scripts/lock.sh $(ARGS)

bundle: .venv/.dev ## one signed archive that installs without Internet (KEY=/path/to/private/key.pem)
	@bash scripts/bundle.sh "$(KEY)"

screenshots: .venv/.dev .venv/.project ## the pictures in docs/images, from a running demo (BROWSER=/path/to/chromium)
	@$(BIN)/python scripts/screenshots.py $(BROWSER)

.venv/.demo: requirements-demo.lock scripts/venv.sh
	@bash scripts/venv.sh "$(PYTHON)" requirements-demo.lock && touch $@

.venv/.dev: requirements-dev.lock scripts/venv.sh
	@bash scripts/venv.sh "$(PYTHON)" requirements-dev.lock && touch .venv/.demo $@

.venv/.project: .venv/.demo pyproject.toml hatch_build.py $(CATALOGUES)
	@$(BIN)/python -m pip --disable-pip-version-check --quiet install --no-deps -e . && touch $@
