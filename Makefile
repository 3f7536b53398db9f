# Everything a person needs, in short commands. `make help` lists them.
# Installing is done by scripts/install, which does nothing when nothing has changed.
SHELL := /bin/bash
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help docs install install-dev quickstart serve test test-fast test-environments lint format bench bench-gpu example wheel clean

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 20

install: ## Set up .venv with the service and the engine that fits this machine
	@scripts/install runtime

install-dev: ## ... and what tests, lint and benches need
	@scripts/install dev

quickstart: install ## Set up, evaluate two demo checkpoints on the smoke benchmark, print the table
	@$(PYTHON) -m evalsvc.cli.quickstart

serve: install ## Start server, dispatcher, one worker and the dashboard on this machine
	@.venv/bin/evalsvc up

test: install-dev ## Set up and run every test
	@scripts/test

test-fast: install-dev ## Only the unit tests
	@$(PYTHON) -m pytest tests/unit

test-environments: install-dev ## The hooks inside the trainers' own environments (makes two venvs)
	@$(PYTHON) -m pytest tests/environments

docs: install-dev ## Build the documentation site into build/site; a warning is an error
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict --quiet

lint: install-dev ## Style, types, import arrows, spelling
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/typos

format: install-dev ## Put the code into the house style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

bench: install-dev ## Measure every figure side by side; non-zero where a target is missed
	@$(PYTHON) -m bench

bench-gpu: install-dev ## The measurements that need a GPU
	@$(PYTHON) -m bench.gpu

example: install-dev ## Train GRPO and A-GRAE with TRL on the CPU and compare them
	@$(PYTHON) -m examples.grpo_vs_agrae

wheel: install-dev ## Build the wheel into dist/
	@$(PYTHON) -m build --wheel

clean: ## Remove what was built (not the data in var/)
	@rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
