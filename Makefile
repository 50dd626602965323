# make run: set up everything and open the dashboard. make test: set up everything and run all tests. Both are quick when repeated.
.POSIX:
.DEFAULT_GOAL := help
VENV := .venv
PYTHON := $(VENV)/bin/python
PORT := 8501
# 3.11 is what everything was tried with; the others are taken where it is missing.
BASE := $(shell command -v python3.11 || command -v python3.12 || command -v python3.13)
HOST := 127.0.0.1
OPEN := whoever reaches it can inspect, train and publish
SECONDS := 600
SETS := ../shared/data
HOW :=

help:
	@echo "make run    set up, then open the dashboard on port $(PORT) of this machine alone"
	@echo "make api    set up, then serve the API on http://127.0.0.1:8000, for this machine alone"
	@echo "            HOST=0.0.0.0 opens either to the network: $(OPEN)"
	@echo "make test   set up, then lint, type-check and run all tests"
	@echo "make types  type-check as Linux, Windows and macOS see it"
	@echo "make test-postgres  run all tests with every history in PostgreSQL"
	@echo "make test-ray  install Ray, then kill one of two nodes that judge a batch"
	@echo "make coverage  run all tests and tell which lines and branches none has run"
	@echo "make fuzz   kill 400 processes that keep verdicts, and search $(SECONDS) seconds for random examples that no test has met (make fuzz SECONDS=60)"
	@echo "make benchmark-quality  measure members and their vote on the sets below SETS=$(SETS), into docs/measurements.md"
	@echo "make bench  measure how fast it is, into benchmarks/latest.json and the README; let nothing else run meanwhile"
	@echo "make plan   draw the picture of the house in CONTRIBUTING.md anew"
	@echo "make texts  bring the texts to translate up to date"
	@echo "make setup  set up .venv alone"

# A stamp that is newer than the requirements means that there is nothing to install.
$(VENV)/.app: requirements.txt
	@test -x $(PYTHON) || test -n "$(BASE)" || { echo "Quorum needs Python 3.11: install python3.11 with its venv module, then repeat."; exit 1; }
	@test -x $(PYTHON) || $(BASE) -m venv $(VENV)
	@# Where uv is, it takes the torch that fits this machine: without an NVIDIA card nothing of CUDA. Else, the plain way.
	@! command -v uv >/dev/null || uv pip install --quiet --python $(PYTHON) --torch-backend=auto -r requirements.txt || true
	@# A mirror that cannot be reached is asked once a package, not five times.
	PIP_RETRIES=$${PIP_RETRIES:-1} $(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.app
	PIP_RETRIES=$${PIP_RETRIES:-1} $(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

setup: $(VENV)/.app

# The machine's own name is given where it is opened: Streamlit would otherwise ask a server elsewhere for its address.
run: setup
	@test $(HOST) != 127.0.0.1 || echo "Only this machine can open it. HOST=0.0.0.0 opens it to others: $(OPEN)."
	@test $(HOST) = 127.0.0.1 || echo "Open to others on $(HOST): $(OPEN)."
	$(PYTHON) -m streamlit run streamlit_app.py --server.port $(PORT) --server.address $(HOST) \
	  --browser.serverAddress $$(test $(HOST) = 127.0.0.1 && echo 127.0.0.1 || hostname)

api: setup
	@test $(HOST) = 127.0.0.1 || echo "Open to others on $(HOST): whoever reaches it can inspect."
	$(PYTHON) -m uvicorn ensemble.api:app --host $(HOST) --port 8000

# Tests drive a real browser: Debian's Chromium without windows, installed where none is there and the user may.
browser:
	@command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null || \
	  command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium-headless-shell >/dev/null; \
	  else \
	    echo "The browser tests need Chromium: install it (on Debian: sudo apt-get install chromium), then repeat."; exit 1; \
	  fi; }

# One test watches which sockets are opened: Debian's strace, in the same way.
strace:
	@test "$$(uname)" != Linux || command -v strace >/dev/null || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq strace >/dev/null; \
	  else \
	    echo "One test needs strace: install it (on Debian: sudo apt-get install strace), then repeat."; exit 1; \
	  fi; }

# The history is tried with PostgreSQL too: Debian's, in the same way; the tests start a server of their own.
postgres:
	@test "$$(uname)" != Linux || command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; \
	  else \
	    echo "The history is tested with PostgreSQL: install it (on Debian: sudo apt-get install postgresql), then repeat."; exit 1; \
	  fi; }

lint: style types-here
style: $(VENV)/.dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
types-here: $(VENV)/.dev
	$(VENV)/bin/mypy --cache-dir .mypy_cache/here

# Each system sees branches of its own, and has a cache of its own: what may land must be well typed on all of them.
types: types-linux types-win32 types-darwin
types-linux types-win32 types-darwin: $(VENV)/.dev
	$(VENV)/bin/mypy --platform $(@:types-%=%) --cache-dir .mypy_cache/$(@:types-%=%)

# One more than the two cores that the suite is timed on: tests also wait, for browsers, processes and a watched minute.
# What pytest has made of the tests' files is kept: to make it anew takes each worker seconds.
WORKERS ?= 3
# Types are checked meanwhile: without a cache that keeps one core busy for half a minute, and tests also wait.
test: $(VENV)/.dev browser strace postgres style
	@$(MAKE) --jobs=2 types-here tests
tests: $(VENV)/.dev
	PYTHONDONTWRITEBYTECODE= $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The same with every history in PostgreSQL, where a test does not ask for SQLite.
test-postgres: $(VENV)/.dev browser strace postgres
	QUORUM_TESTED_ON=PostgreSQL $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# What no other test needs: Ray, with two nodes on this machine.
$(VENV)/.ray: requirements-ray.txt $(VENV)/.dev
	PIP_RETRIES=$${PIP_RETRIES:-1} $(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements-ray.txt
	@touch $@

test-ray: $(VENV)/.ray
	$(PYTHON) -m pytest -n 0 tests/cluster/two_nodes.py --timeout 3600

# Which lines and branches no test has run, as pages in build/coverage.
coverage: $(VENV)/.dev browser strace postgres
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov --cov-branch --cov-report=term --cov-report=html

fuzz: $(VENV)/.dev postgres
	rm -rf build/killed
	$(PYTHON) -m tests.support.killed build/killed/sqlite --rounds 200
	$(PYTHON) -m tests.support.killed build/killed/postgres --rounds 200 --postgres
	$(PYTHON) -m tests.fuzz --seconds $(SECONDS)

# Hours on two cores; HOW holds further options, such as --set tile-by-part --seed 0 --seed 1 --seed 2.
benchmark-quality: $(VENV)/.dev
	$(PYTHON) -m benchmarks.quality $(SETS) $(HOW)

bench: $(VENV)/.dev
	$(PYTHON) -m benchmarks.run --write

# The picture in CONTRIBUTING.md, drawn from the imports.
plan: $(VENV)/.dev
	$(PYTHON) -m tests.support.plan

texts: $(VENV)/.dev
	$(PYTHON) -m tests.support.catalogue

.PHONY: help setup run api browser strace postgres lint style types types-here types-linux types-win32 types-darwin test tests test-postgres test-ray coverage fuzz plan texts bench benchmark-quality
