# make demo    the main job in your terminal, against the embedded loopback model
# make test    everything that must hold: linters, types, layers, the whole suite
# make check   in a minute: linters and types of Python, and the unit tests on the oldest and newest here
# make setup   what both need: leaves .venv/bin/claude-agent-lsp
# make editors the real editors that its tests use, in a cache outside the tree
# make editors-table   write the table of editors/README.md anew, from its tests' results
# make bench   this server beside its peers, in one interleaved run
# make torture   500 times: kill something at a random moment, resume, and see what is lost; damage,
#                fill and overload all that can be; kill, restore and cut off each kind of shared
#                store; try 1000 examples of each property; work for 20 minutes and see what grows
# make fuzz    200 000 messages that no editor would send; FUZZ_SEED=… does it again
# make vsix    the extension for VS Code, with the server in it: editors/vscode/dist/claude-agent.vsix
# make lock    compile the pinned, hashed requirements anew
# make generated   write anew what is derived from the server's tables, and the version everywhere
# make screenshots   draw the editors' pictures anew, EDITORS=neovim for one of them
# make pictures   draw the pictures of the README anew, from real runs

SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: setup demo test lint editors services bench lock clean

# A server that compiles itself anew at each start takes twice as long over it.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The machine's own uv, else one inside the private environment.
UV = $$(command -v uv || echo $(BIN)/uv)

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python 3.11 or newer is needed; this is %d.%d. Name one: make PYTHON=python3.12" % v[:2])'
	@echo "make setup: installing the requirements into $(VENV)"
	@sh scripts/python.sh venv $(VENV) $(PYTHON)
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check uv
	@VIRTUAL_ENV=$(VENV) $(UV) pip install -q --require-hashes -r requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install -q --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY)
	@$(BIN)/claude-agent-lsp demo $(if $(LIVE),--live)

LINTERS := lint-python lint-types lint-layers lint-words lint-workflows lint-neovim lint-extension
.PHONY: $(LINTERS)

lint: $(LINTERS)

lint-python: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# The server as each system has it; the tests run on this one. Each has a cache of its own.
TYPES := $(BIN)/mypy && for system in win32 darwin linux; do \
	$(BIN)/mypy --platform $$system --cache-dir .mypy_cache/$$system server || exit 1; done

lint-types: $(READY)
	$(TYPES)

lint-layers: $(READY)
	$(BIN)/lint-imports

lint-words: $(READY)
	$(BIN)/codespell

lint-workflows: $(READY)
	@$(BIN)/zizmor -q --offline --no-progress .github

lint-neovim:
	@sh scripts/lint-neovim.sh

lint-extension:
	@sh scripts/extension.sh check

# Its environments are in .venvs/; it is warm when they are there.
.PHONY: check
check: $(READY)
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(TYPES)
	@$(BIN)/lint-imports >/dev/null || $(BIN)/lint-imports
	@$(BIN)/codespell
	@sh scripts/check.sh "$(UV)"

editors:
	@sh scripts/editors.sh
	@sh scripts/vscode.sh
	@sh scripts/extension.sh setup

# The version of the extension is in its package.json.
.PHONY: vsix
vsix: $(READY)
	@sh scripts/extension.sh package

# The databases that tests/stores runs against, where they can be installed.
services: $(READY)
	@$(BIN)/python scripts/services.py

# Many of the tests wait, for a model that takes its time or for a process that ends. With one more
# worker than there are cores, a third of two cores had nothing to do: there are two more.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

# As far as this make can.
SYNC := $(if $(filter output-sync,$(.FEATURES)),-Otarget)

# What can be checked without a run of the tests comes first, all of it at once; what each says
# stays together.
test: $(READY)
	@$(MAKE) --no-print-directory -k -j 4 $(SYNC) services wanted-editors
	@$(MAKE) --no-print-directory -k -j 4 $(SYNC) lint
	$(BIN)/pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

# Where there are no editors, their tests say so.
.PHONY: wanted-editors
wanted-editors:
	@sh scripts/editors.sh || true
	@sh scripts/vscode.sh && sh scripts/extension.sh setup || true

.PHONY: fuzz
fuzz: $(READY)
	FUZZ_MESSAGES=$(or $(MESSAGES),200000) $(BIN)/pytest tests/e2e/hostile/test_fuzz.py

.PHONY: torture
torture: $(READY)
	TORTURE_MOMENTS=500 TORTURE_STORE_KILLS=20 $(BIN)/pytest -n 2 -s \
		tests/e2e/faults/test_torture.py tests/stores/test_kills.py tests/stores/test_faults.py
	TORTURE_DAMAGE=1 TORTURE_DESCRIPTORS=1 TORTURE_DISKS=1 $(BIN)/pytest -n 2 \
		tests/e2e/faults/test_damaged_state.py tests/e2e/faults/test_descriptors.py tests/e2e/faults/test_full_disk.py
	TORTURE_CANCELS=1000 $(BIN)/pytest -s tests/e2e/stopping/test_cancel_moments.py -k 'hundred or short_run'
	TORTURE_TURNS=200 $(BIN)/pytest -s tests/e2e/faults/test_survival.py -k hammer
	TORTURE_LARGE=1 $(BIN)/pytest -s tests/e2e/load/test_large.py
	TORTURE_EXAMPLES=1000 $(BIN)/pytest -n 2 --timeout 1200 -m "not starts" \
		tests/agent tests/base tests/lsp tests/sessions tests/workspace
	TORTURE_MINUTES=20 $(BIN)/pytest -s tests/e2e/load/test_growth.py

bench: $(READY)
	$(BIN)/python -m benchmarks --acp $(BENCH_ARGS)

lock:
	@sh scripts/python.sh venv $(VENV) $(PYTHON)
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install -q --disable-pip-version-check uv
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --upgrade \
		--custom-compile-command 'make lock' \
		--group dev pyproject.toml -o requirements/dev.txt
	@$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --no-annotate --constraint requirements/dev.txt \
		--custom-compile-command 'make lock' pyproject.toml -o requirements/server.txt

clean:
	rm -rf $(VENV) .venvs .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

.PHONY: generated
generated: $(READY)
	@$(BIN)/python scripts/generated.py

.PHONY: editors-table
editors-table: $(READY)
	$(BIN)/python scripts/editors_table.py

.PHONY: pictures
pictures: $(READY)
	$(BIN)/python scripts/pictures.py

.PHONY: screenshots
screenshots: $(READY) editors vsix
	$(BIN)/python scripts/screenshots.py $(EDITORS)
