# Everything a user or a developer runs. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH_VENV := .venv-bench
# Most tests wait for something: more of them than cores.
TEST_JOBS ?= 3
PYTEST = $(BIN)/pytest -n $(TEST_JOBS) --dist loadfile
FAST = not postgres and not mariadb and not odbc and not process and not browser and not soak
# The Pythons that vipgate supports. $(VENV) runs all tests, the others the unit tests but those of documents and layout.
PYTHONS ?= 3.11 3.12 3.13 3.14

.DEFAULT_GOAL := help
.PHONY: help demo test test-all test-failed test-pythons torture fuzz check audit format cli-docs bench bundle lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(VENV)/ready ## start a gateway on temporary data, push to it, serve until Ctrl-C
	@$(BIN)/vipgate demo

test: $(VENV)/ready ## run the fast tests: no browser, no database server, no processes, no long runs
	@$(PYTEST) -m "$(FAST)"
	@echo "left out: tests with PostgreSQL, with MariaDB, through ODBC, with processes, in a browser, and long runs. make test-all runs them too (it needs Debian's chromium, a Chinese font, mariadb-server and odbc-mdbtools)"

test-all: $(VENV)/ready ## run every test; needs chromium, a Chinese font, mariadb-server and odbc-mdbtools
	@$(BIN)/python -m compileall -q src tests  # hundreds of processes would compile them again where none may write
	@$(PYTEST) --no-loadscope-reorder; status=$$?; echo $$status > .pytest_cache/exit_status; exit $$status

# A test that fails because its processes waited for those of others is no reason to run 11,000 again; a fault of the code
# repeats. More than FAILED_MAX failures are not tried again.
FAILED_MAX ?= 5

test-failed: $(VENV)/ready ## run the tests again that failed in test-all, with no others beside them; names those that pass now
	@$(BIN)/python -c 'import json, pathlib, sys; cache = pathlib.Path(".pytest_cache"); \
		failed = sorted(json.loads((cache / "v/cache/lastfailed").read_text())); \
		complete = (cache / "exit_status").read_text().strip() == "1"; \
		print("failed, tried once more with no others beside them:", *failed, sep="\n  "); \
		sys.exit(not complete and "test-all did not run to its end: nothing is tried again." \
			or len(failed) > $(FAILED_MAX) and "More than $(FAILED_MAX) tests failed: not tried again.")'
	@$(BIN)/pytest --last-failed --last-failed-no-failures none
	@echo "All of these passed now. They failed beside others: find out why before it is forgotten."

test-pythons: $(VENV)/ready ## run the fast unit tests on every other Python of PYTHONS that is installed, each in an environment of its own
	@here=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); tested= absent=; \
	if [ -z "$${PYENV_VERSION:-}" ] && command -v pyenv >/dev/null; then \
		export PYENV_VERSION=$$(pyenv versions --bare | paste -sd: -); \
	fi; \
	for version in $(PYTHONS); do \
		if [ $$version = $$here ]; then continue; fi; \
		if ! { command -v python$$version && python$$version -c ''; } >/dev/null 2>&1; then absent="$$absent $$version"; continue; fi; \
		$(MAKE) --no-print-directory .venv-$$version/ready && echo "unit tests on Python $$version …" && \
			.venv-$$version/bin/pytest -n $(TEST_JOBS) --dist loadfile -m "$(FAST)" tests/unit --ignore tests/unit/repository || exit 1; \
		tested="$$tested $$version"; \
	done; \
	echo "unit tests passed on Python:$${tested:- none} (besides $$here); not installed, not tested:$${absent:- none}"

torture: $(VENV)/ready ## kill, starve and cut off real gateways for TORTURE_S seconds, from TORTURE_SEED on; exit 1 where anything is lost
	@PYTHONPATH=tests:. $(BIN)/python -m torture

fuzz: $(VENV)/ready ## bad input for FUZZ_S seconds, from FUZZ_SEED on; exit 1 where anything but an answer or a refusal comes out
	@PYTHONPATH=tests:. $(BIN)/python -m fuzz

check: $(VENV)/ready ## lint, formatting, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: ## compare the pinned packages with the published advisories, where they can be reached
	@$(PYTHON) -m venv .venv-audit
	@.venv-audit/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@# Strict, or packages that could not be looked up would pass. The report is empty where there was none to make.
	@.venv-audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes -r requirements/run.txt \
			> .venv-audit/report 2> .venv-audit/said && status=0 || status=$$?; \
		cat .venv-audit/report; tail -n 1 .venv-audit/said; \
		if [ $$status -ne 0 ] && [ ! -s .venv-audit/report ]; then \
			echo "Nothing was compared: the advisories could not be read. Run make audit where https://pypi.org/pypi/ is reached;" >&2; \
			echo "a mirror that has the packages alone does not do. All that pip-audit said: .venv-audit/said" >&2; \
		fi; exit $$status

format: $(VENV)/ready ## format the code and fix what can be fixed by machine
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

cli-docs: $(VENV)/ready ## write docs/cli.md from the commands
	@$(BIN)/python -m vipgate.cli.reference > docs/cli.md

bench: $(BENCH_VENV)/ready ## measure gateway, peer and floor; rewrites the table in docs/performance.md
	@$(BENCH_VENV)/bin/python -m bench

bundle: $(VENV)/ready ## build dist/vipgate-VERSION-windows-x64.zip and -linux-x64.tar.gz: the agent, installed without a network
	@$(BIN)/python deploy/bundle/build.py

lock: $(VENV)/ready ## pin the newest dependencies with their hashes
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/lock.txt
	@for name in run build dev bench audit lock bundle; do \
		source=requirements/$$name.in; [ $$name = run ] && source=pyproject.toml; \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			--upgrade $$source -o requirements/$$name.txt; \
	done

clean: ## delete the environments and what tools left behind
	@rm -rf $(VENV) $(BENCH_VENV) .venv-audit .venv-3.* build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "vipgate needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@echo "making the environment in $(VENV), one to two minutes …"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv-3.%/ready: requirements/dev.txt pyproject.toml
	@echo "making the environment in .venv-3.$* …"
	@python3.$* -m venv .venv-3.$*
	@.venv-3.$*/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@.venv-3.$*/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BENCH_VENV)/ready: requirements/bench.txt pyproject.toml
	@echo "making the environment in $(BENCH_VENV) …"
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
