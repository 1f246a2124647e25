.DEFAULT_GOAL := help
.PHONY: help install demo test test-all test-slurm test-faults fuzz lint docs pictures bench lock licences audit clean

PYTHON ?= python3
EXTRAS ?= dev
# 1: the files that requirements/ names by their sha256, for EXTRAS=dev alone; make demo LOCKED= does without.
LOCKED ?=
MER := .venv/bin/mer
PYTEST := OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n auto
DEMO := demo
EXAMPLES ?= 300

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## virtual environment with mer and what its tests need; LOCKED=1 checks hashes

.venv/.installed: pyproject.toml setup.py constraints.txt
	@[ -z '$(LOCKED)' ] || [ '$(EXTRAS)' = dev ] || \
		{ echo "expected EXTRAS=dev with LOCKED=1; got EXTRAS=$(EXTRAS); install other extras with LOCKED="; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "expected Python 3.11 or later; got $$($(PYTHON) --version); set PYTHON=python3.11"; exit 2; }
	$(PYTHON) -m venv .venv
	$(if $(LOCKED),requirements/install.sh .venv/bin/python,.venv/bin/python -m pip install --quiet \
		--constraint constraints.txt --editable '.[$(EXTRAS)]')
	@touch $@

demo: LOCKED = 1
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
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.faults --table docs/reliability.md

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

lock: install ## requirements/: exact versions and hashes anew; LOCK=--upgrade for the newest
	.venv/bin/python -m pip install --quiet --constraint constraints.txt uv
	PATH="$(CURDIR)/.venv/bin:$$PATH" .venv/bin/python requirements/lock.py $(LOCK)

licences: install ## docs/licences.md, from what is installed; fails on a licence that nobody has allowed
	.venv/bin/python -m pip install --quiet --constraint constraints.txt \
		--editable '.[dashboard,dev,dlib,docs,joblib,onnx,optuna,submitit]'
	.venv/bin/python requirements/licences.py

audit: install ## known holes in the locked versions; 3 where no registry could be asked
	.venv/bin/python -m pip install --quiet --constraint constraints.txt pip-audit
	.venv/bin/python requirements/audit.py

clean: ## remove the environment, caches and the demo
	rm -rf .venv build site *.egg-info .mypy_cache .pytest_cache .ruff_cache $(DEMO)
