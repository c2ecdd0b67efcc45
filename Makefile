# The two commands of the README. Both set up everything that they need, on a fresh Debian machine too.
#
#   make demo          a running host with connectors to CSV files and SQLite, groups included, rehearsed; Ctrl-C ends it
#   make demo ONCE=1   the same, ending by itself: 0 when everything is green, otherwise 1
#   make test          lint, types, layers and all tests
#   make dist          the sdist and the wheel of every distribution, in dist/
#   make servers       installs the database servers that the tests start (make test does it too, as root on Debian)
#
# PYTHON names another interpreter (3.11 or newer) than python3.

PYTHON ?= python3
VENV := .venv
SOURCES := setup.py $(wildcard plugins/*/pyproject.toml)

.PHONY: demo test dist servers clean
.DELETE_ON_ERROR:

demo: $(VENV)/packages
	$(VENV)/bin/ecmahost demo $(if $(ONCE),--once,)

test: $(VENV)/tox
	@$(VENV)/bin/tox run -qq $(TOX_ARGS)

dist: $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check "build>=1.2" "setuptools>=77"
	rm -rf dist
	$(VENV)/bin/python packaging/write-distributions dist

servers:
	@tests/install-servers

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "ecmahost needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@# Debian ships venv and pip for its own Python as packages of their own.
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "installing python3-venv"; apt-get update -qq && apt-get install -y -qq python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/packages: $(VENV)/bin/python $(SOURCES)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check \
		-e . -e plugins/ecmahost-csv -e plugins/ecmahost-sql -e plugins/ecmahost-entra
	@touch $@

$(VENV)/tox: $(VENV)/bin/python
	$(VENV)/bin/pip install --quiet --disable-pip-version-check "tox>=4.20"
	@touch $@

clean:
	rm -rf $(VENV) .tox build dist demo-home
