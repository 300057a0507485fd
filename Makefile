# Everything a fresh machine needs, from git, make and any Python >= 3.9; `make help` lists the targets.
PYTHON ?= python3
UV := .tools/uv/bin/uv
BIN := .venv/bin
export UV_PYTHON_PREFERENCE ?= system
# Where it is set, each of the many processes would compile all of Django anew: three seconds each.
export PYTHONDONTWRITEBYTECODE :=
.DEFAULT_GOAL := help

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1|/' | awk -F'|' '{printf "  make %-14s %s\n", $$1, $$2}'

$(UV):
	$(PYTHON) -m venv .tools/uv
	.tools/uv/bin/python -m pip install --quiet uv

.venv/made: .python-version | $(UV)
	$(UV) venv --quiet --allow-existing .venv || $(UV) venv --quiet --allow-existing --python '>=3.12' .venv
	@touch $@

.venv/runtime: requirements.lock pyproject.toml .venv/made
	$(UV) pip install --quiet --require-hashes -r requirements.lock
	$(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/development: requirements-dev.lock .venv/runtime
	$(UV) pip install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

setup: .venv/runtime  ## bring what the product needs
develop: .venv/development  ## bring what the tests need

demo: .venv/runtime  ## Nom de Code and the Lever sandbox side by side, full of life
	$(BIN)/nomdecode demo

demo-check: .venv/runtime  ## the main job over HTTP, on free ports and an empty data folder
	$(BIN)/nomdecode demo --check

lint: .venv/development  ## format, types, imports, templates
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/ruff check src tests benchmarks
	$(MAKE) --no-print-directory -j2 types imports templates

types: .venv/development  ## the part of lint that mypy does
	$(BIN)/mypy --num-workers auto || { test $$? -eq 2 && $(BIN)/mypy; }  # 2: a worker began too late on a busy machine

imports: .venv/development  ## the part of lint about who imports whom
	$(BIN)/lint-imports --no-cache

templates: .venv/development  ## the part of lint about templates
	$(BIN)/djlint --quiet --lint src/nomdecode
	$(BIN)/djlint --quiet --profile jinja --ignore H006,H013,H020,H023,H030,H031,H043,J004,J018,T002 --lint src/lever_sandbox

test: lint chromium  ## lint, then all tests: browser journeys, faults and converge in small among them
	$(BIN)/pytest -n $$(($$(nproc) + 1))  # one more than cores: the journeys mostly wait

model: .venv/development  ## the export protocol in 10,000 orders that chance comes upon (N=, SEED=)
	MODEL_EXAMPLES=$(or $(N),10000) $(BIN)/pytest -n 0 -s --hypothesis-seed=$(or $(SEED),1) tests/lever/test_protocol_model.py

chromium:  ## the browser that the tests need, if none is there: without windows it costs a tenth
	@command -v chromium-headless-shell >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium-headless-shell >/dev/null; } \
	  || command -v chromium >/dev/null \
	  || { echo "The browser tests need Chromium: install your system's package 'chromium'."; exit 1; }

screenshots: .venv/development chromium  ## every page of both applications, into build/screenshots; draws docs/pictures anew
	$(BIN)/python benchmarks/screenshots.py

bench-latency: .venv/development chromium  ## seconds from scorecard to profile, and from move to page
	$(BIN)/python benchmarks/latency.py

bench-export: .venv/development  ## how fast a back-log leaves for Lever, and what that costs (N=, RATE=)
	$(BIN)/python benchmarks/export.py

bench-webhooks: .venv/development  ## deliveries a second beside two baselines, and none lost (N=, SECONDS=)
	$(BIN)/python benchmarks/webhooks.py

bench-window: .venv/development  ## how long a worker could be frozen into sending twice (N=, P=)
	$(BIN)/python benchmarks/window.py

bench-funnel: .venv/development  ## the Pipeline page and a write with 10^3 to 10^6 stage moves (N=)
	$(BIN)/python benchmarks/funnel.py

bench-signal: .venv/development  ## seconds and memory of Signal's numbers, with 10^3 to 10^6 moves (N=)
	$(BIN)/python benchmarks/compute_signal.py

bench-coverage: .venv/development  ## how often the intervals on Signal hold the truth, also with few
	$(BIN)/python benchmarks/coverage.py

faults: .venv/development  ## everything goes wrong, then what Lever has is counted: N=10000 SEED=1
	PYTHONPATH=tests $(BIN)/python -m faults.run --n $(or $(N),10000) --seed $(or $(SEED),1)
	PYTHONPATH=tests $(BIN)/python -m faults.run --n 60 --seed $(or $(SEED),1) --window

converge: .venv/development  ## a full life in Lever, deliveries lost and forged; compared in the end: N=20000 SEED=1
	PYTHONPATH=tests $(BIN)/python -m converge.run --n $(or $(N),20000) --seed $(or $(SEED),1)

lock: | $(UV)  ## write requirements*.lock anew
	$(UV) pip compile pyproject.toml --group build --universal --generate-hashes --no-emit-index-url --no-header --quiet -o requirements.lock
	$(UV) pip compile pyproject.toml --group dev --universal --generate-hashes --no-emit-index-url --no-header --quiet -c requirements.lock -o requirements-dev.lock

clean:  ## remove what was built (not the data)
	rm -rf .venv .tools build dist

.PHONY: help setup develop demo demo-check lint types imports templates test model chromium screenshots bench-latency bench-export bench-funnel bench-webhooks bench-window bench-signal bench-coverage faults converge lock clean
