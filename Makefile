# Everything a newcomer needs. `make demo` talks; `make test` proves.
.PHONY: demo test check bench soak clean requirements setup
.DEFAULT_GOAL := demo

PYTHON ?=
export PYTHON

# By file. Fast tests mostly wait for each other, so more of them fit side by side than models do.
SHARED_OUT = --dist loadfile --no-loadscope-reorder

demo: ## set up, train two personas from the sample chat, ask them, then talk
	@deploy/setup.sh bot adapters inference
	@.venv/bin/python -m deploy.demo

test: ## every test, with the real vLLM and a real training run
	@deploy/setup.sh bot adapters inference dev
	@.venv/bin/python -m pytest -m "not slow and not soak" -n 4 $(SHARED_OUT)
	@.venv/bin/python -m pytest -m "slow and not soak" -n 2 $(SHARED_OUT)

check: ## lint, format, types, walls, fast tests
	@deploy/setup.sh bot adapters inference dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python -m pytest -m "not slow and not soak" -n 4 $(SHARED_OUT)

bench: ## figures of this machine, against bare vLLM and the least that could do: about 10 minutes
	@deploy/setup.sh bot adapters inference dev
	@.venv/bin/python -m tests.bench

soak: ## what takes too long for every run: kill -9 again and again, 200 rollouts, fuzzing
	@deploy/setup.sh bot adapters inference dev
	@.venv/bin/python -m pytest -m soak -rP

setup: ## only the virtual environment
	@deploy/setup.sh bot adapters inference dev

requirements: ## resolve every role's requirements anew
	@requirements/compile.sh

clean: ## the virtual environment and caches; ./data (personas, keys, memory) stays
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache *.egg-info
	find . -name __pycache__ -type d -not -path './data/*' -prune -exec rm -rf {} +
