# `make` lists what there is. Nothing has to be installed first but Python 3.10 or newer and git.

PYTHON ?= python3
# More than there are processors: tests wait for servers. Stealing evens out what the long ones leave.
WORKERS ?= 3

VENV := .venv
OLDEST := .venv-oldest
LOCKS := requirements-dev.lock requirements-oldest.lock
SOURCES := ci_migrate tests $(wildcard demo benchmarks)

# uv does in a second what pip does in twenty; both take the same lock files.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
COMPILE = uv pip compile --quiet --universal --generate-hashes --no-header --python-version 3.10

# Without bytecode every process of the tests compiles SQLAlchemy anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help test test-newest test-oldest test-slow test-real test-faults test-all check format demo bench lock mariadb pgbouncer clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 16

test: test-newest test-oldest ## run the tests, on the newest and on the oldest supported versions

test-newest: $(VENV)/.ready mariadb ## run the tests on the newest versions
	$(VENV)/bin/pytest -n $(WORKERS) --dist worksteal -m "not slow and not real and not faults"

test-oldest: $(OLDEST)/.ready mariadb ## run the unit and integration tests on the oldest versions
	@if [ -x $(OLDEST)/bin/pytest ]; then \
		set -x; $(OLDEST)/bin/pytest -n $(WORKERS) --dist worksteal -m "not slow and not real and not action and not faults" $(wildcard tests/unit tests/integration tests/servers); \
	fi

test-real: $(VENV)/.ready mariadb ## promote real projects from their published packages
	@if grep -rqE 'mark\.real\b' --include='test_*.py' tests; then \
		set -x; $(VENV)/bin/pytest -m real; \
	else echo "test-real: no test is marked real yet"; fi

test-slow: $(VENV)/.ready mariadb ## run the tests that take long, and more random values
	$(VENV)/bin/pytest -n $(WORKERS) --dist worksteal -m "slow and not real and not faults"
	$(VENV)/bin/pytest -n $(WORKERS) --dist worksteal -m hypothesis --hypothesis-profile=thorough tests/unit

test-faults: $(VENV)/.ready mariadb pgbouncer ## break things on purpose and see that nothing is lost
	$(VENV)/bin/pytest -n $(WORKERS) --dist worksteal -m faults tests/faults

test-all: test test-slow test-real test-faults ## every suite, also the slow ones

check: $(VENV)/.ready ## lint, formatting, types, workflows, lock files
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/mypy
	@tests/check_workflows $(VENV)/bin
	@if grep -nE 'https?://|index.url|find.links|file:' $(LOCKS); then \
		echo "check: a lock file names a host or a path; run 'make lock'"; exit 1; \
	fi

format: $(VENV)/.ready ## format the code and mend what ruff can mend
	$(VENV)/bin/ruff check --fix $(SOURCES)
	$(VENV)/bin/ruff format $(SOURCES)

demo: $(VENV)/.ready ## promote a small shop through three environments, in a temporary folder
	$(VENV)/bin/python demo/run.py

bench: $(VENV)/.ready ## measure the figures of benchmarks/results.md (takes some minutes)
	$(VENV)/bin/python -m benchmarks.run

lock: ## compile the lock files anew (needs uv)
	$(COMPILE) --upgrade --group dev pyproject.toml -o requirements-dev.lock
	$(COMPILE) --upgrade --group pyproject.toml:oldest pyproject.toml requirements-oldest.in -o requirements-oldest.lock

mariadb: ## install Debian's MariaDB server where that is possible and it is missing
	@tests/servers/install_mariadb

pgbouncer: ## install pgbouncer where that is possible and it is missing
	@tests/servers/install_pgbouncer

clean: ## remove the virtual environments and what tools leave behind
	rm -rf $(VENV) $(OLDEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(1) the Python, $(2) the folder, $(3) the lock file. The build backend is in the lock too, so that installing the
# project itself fetches nothing that is not locked.
define make_venv
	rm -rf $(2)
	"$(1)" -m venv $(2)
	$(if $(UV),uv pip install --quiet --python $(2)/bin/python,$(2)/bin/python -m pip install --quiet --disable-pip-version-check) --require-hashes -r $(3)
	$(2)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endef

$(VENV)/.ready: requirements-dev.lock pyproject.toml
	$(call make_venv,$(PYTHON),$(VENV),requirements-dev.lock)
	@touch $@

# The oldest versions have wheels for Python 3.10 and 3.11 only.
OLDEST_PYTHON = $(shell tests/find_oldest_python $(PYTHON))

$(OLDEST)/.ready: requirements-oldest.lock pyproject.toml
	$(if $(OLDEST_PYTHON),,@rm -rf $(OLDEST); mkdir $(OLDEST); echo "test-oldest: skipped, it needs Python 3.10 or 3.11"; [ "$$CI" != true ])
	$(if $(OLDEST_PYTHON),$(call make_venv,$(OLDEST_PYTHON),$(OLDEST),requirements-oldest.lock))
	@touch $@
