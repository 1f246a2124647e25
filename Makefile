.DEFAULT_GOAL := help
.PHONY: help install demo test test-all test-slurm test-faults fuzz lint docs pictures bench clean

PYTHON ?= python3
EXTRAS ?= dev
MER := .venv/bin/mer
PYTEST := OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto
DEMO := demo
EXAMPLES ?= 300

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## virtual environment with mer and what its tests need

.venv/.installed: pyproject.toml setup.py constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "expected Python 3.11 or later; got $$($(PYTHON) --version); set PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

demo: install ## synthesise clips, train LOSO with and without magnification, compare, report
	$(MER) synth dataset=casme2 out=$(DEMO)/casme2
	$(MER) train -m experiment=demo dataset.root=$(DEMO)/casme2 store=$(DEMO)/store outputs=$(DEMO)/outputs \
		+sweep=magnification magnify=evm,none
	$(MER) compare $(DEMO)/outputs/demo/magnification
	$(MER) report $(DEMO)/outputs/demo/magnification --out $(DEMO)/report.html
	$(MER) export run="$$(ls -td $(DEMO)/outputs/demo/magnification/magnify=evm-* | head -n 1)" \
		out=$(DEMO)/model.safetensors

test: install ## the tests that take seconds
	$(PYTEST) -m "not slow"

test-all: install ## all tests
	$(PYTEST)

test-slurm: install ## sweeps through a Slurm of one machine; root where Slurm is to be installed
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[submitit]'
	tests/slurm/run.sh

test-faults: install ## kill, fill disks, press Ctrl-C: what real commands lose by it; root for the disks
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.faults

fuzz: install ## files and settings from elsewhere, EXAMPLES=300 of each property; counts what was taken and refused
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.hostile --examples $(EXAMPLES)

lint: install ## ruff and mypy
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

docs: install ## the documentation as a site, in site/
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

pictures: demo ## the README's pictures, of the demo
	.venv/bin/python docs/generate/pictures.py $(DEMO)

bench: install ## mer's speed beside what a user would use instead
	$(MER) bench

clean: ## remove the environment, caches and the demo
	rm -rf .venv build site *.egg-info .mypy_cache .pytest_cache .ruff_cache $(DEMO)
