# Everything runs in .venv, which `make setup` makes; the other targets call it. Needs make, python3 with venv, pip.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST_ARGS ?=

.PHONY: help setup demo test test-slow lint docs format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## make .venv and install the package with the tested versions of what it needs

$(STAMP): pyproject.toml setup.py constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,docs,benchmarks,siemens,dicom]'
	touch $@

demo: setup ## reconstruct an average brain (MNI152) at 10 % and 50 % sampling and segment it; results in outputs/demo
	$(BIN)/monai-gan-recon demo

lint: setup ## style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## lint, then the fast tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(PYTEST_ARGS)

test-slow: setup ## the tests that take minutes
	$(BIN)/python -m pytest -m slow $(PYTEST_ARGS)

docs: setup ## build the documentation in site/
	$(BIN)/mkdocs build --strict

format: setup ## apply ruff's fixes and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove .venv, caches and build results; outputs/ and runs/ stay
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache build dist site *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
