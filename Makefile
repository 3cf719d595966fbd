# make demo    the product with its demo organization, from a fresh clone, in one command; docs/demo.md has more
# make test    the whole suite, on SQLite and then on PostgreSQL with Redis
# make check   format, lint, types, migrations, import direction, translations, API schema
# make bench   the figures we promise, measured
# make focus-validate   FOCUS exports held to the published validator; FILE=export.parquet takes one of yours
# make lock    requirements/*.in -> *.txt with hashes (LOCK="--upgrade" takes newer versions)
# make messages   new texts from code and templates into the Russian catalogue
# make clean   caches and compiled files; the data in .data/ stays

.PHONY: demo test check bench focus-validate lock messages clean help
.NOTPARALLEL:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
CATALOGUE := infrazen/locale/ru/LC_MESSAGES/django
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal
APPS = accounts common costs infrazen inventory providers recommendations syncs
CHECK_SETTINGS := DJANGO_SETTINGS_MODULE=infrazen.test_settings

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

# The first Python that is new enough; PYTHON=/path/to/python chooses another.
$(BIN)/python:
	@for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "Python 3.11 or newer is needed; found $$(python3 --version 2>/dev/null || echo none)." >&2; exit 1; \
	fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$found has no venv module: install it (Debian, Ubuntu: apt-get install python3-venv)." >&2; exit 1; \
	fi; \
	"$$found" -m venv $(VENV)

$(VENV)/.base: requirements/base.txt pyproject.toml | $(BIN)/python
	@echo "Installing InfraZen into $(VENV)." >&2
	@$(PIP) install --require-hashes -r requirements/base.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "Installing what the tests need." >&2
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(CATALOGUE).mo: $(CATALOGUE).po | $(VENV)/.base
	@$(CHECK_SETTINGS) $(BIN)/python manage.py translations --compile

demo: $(VENV)/.base $(CATALOGUE).mo
	@DEMO_MODE=true exec $(BIN)/python manage.py demo

test: $(VENV)/.dev $(CATALOGUE).mo
	@$(BIN)/python -m common.testing.prepare
	@echo "SQLite"
	@$(PYTEST)
	@echo "PostgreSQL and Redis"
	@$(BIN)/python -m common.testing.services $(PYTEST)

check: $(VENV)/.dev $(CATALOGUE).mo
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/bandit -q -ll -r $(APPS) -x '*/tests/*,*/migrations/*'
	$(BIN)/mypy .
	$(CHECK_SETTINGS) $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/pytest -q infrazen/tests/test_import_direction.py
	$(CHECK_SETTINGS) $(BIN)/python manage.py translations --check
	$(CHECK_SETTINGS) $(BIN)/python manage.py check
	$(CHECK_SETTINGS) $(BIN)/python manage.py spectacular --fail-on-warn --validate --file /dev/null

bench: $(VENV)/.dev $(CATALOGUE).mo
	@$(BIN)/python -m benchmarks $(BENCH)

focus-validate: $(VENV)/.base $(CATALOGUE).mo
	@$(BIN)/python -m benchmarks.focus_validate $(FILE)

lock: $(VENV)/.dev
	@for name in base dev; do \
	    $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 $(LOCK) \
	        --custom-compile-command "make lock" requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

messages: $(VENV)/.dev
	@$(CHECK_SETTINGS) $(BIN)/python manage.py translations --update

clean:
	@find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov build staticfiles test-results $(CATALOGUE).mo
