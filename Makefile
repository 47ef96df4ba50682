# `make demo` and `make test` set everything up from nothing on Debian with Python 3.11.
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

# Installed without their requirements: both would bring packages that we do not use and that do harm here
# (silero-vad: torch into the small environment; scenedetect: a second OpenCV over the first).
BARE = silero-vad scenedetect
# insightface would bring that second OpenCV too; of speechbrain only its BEATs is used, which needs little of it.
BARE_FULL = insightface speechbrain

# What needs a clone of somebody else's code to run beside ours.
AGAINST_CLONES = tests/benchmarks/bench_talking_head.py

.PHONY: help demo test lint bench clean system system-review
help:
	@echo "make demo   set up a small environment, curate a synthetic broadcast, compare with what is true"
	@echo "make test   set up everything, run all tests"
	@echo "make lint   check style"
	@echo "make bench  run the benchmarks and print their tables"
	@echo "make clean  remove the environments and the demo's workspace"

demo: .venv-demo/ready
	.venv-demo/bin/clapper demo

test: system-review
	$(MAKE) --jobs 2 --output-sync=line .venv/ready .venv-studio/ready
	$(MAKE) lint
	CLAPPER_STUDIO=$(CURDIR)/.venv-studio .venv/bin/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

lint: .venv/ready
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

bench: .venv/ready
	for file in $(filter-out $(AGAINST_CLONES),$(wildcard tests/benchmarks/bench_*.py)); do \
		.venv/bin/python -m tests.benchmarks.$$(basename $$file .py) || exit; done
	@echo "against clones of public code: python -m tests.benchmarks.{bench_talking_head,equal_speakers,equal_taggers} --help"

.venv-demo/ready: pyproject.toml constraints.txt | system
	$(PYTHON) -m venv .venv-demo
	@echo "installing (one to three minutes)"
	.venv-demo/bin/python $(PIP_INSTALL) --editable .
	.venv-demo/bin/python $(PIP_INSTALL) --no-deps $(BARE)
	touch $@

.venv/ready: pyproject.toml constraints.txt | system
	$(PYTHON) -m venv .venv
	@echo "installing (three to six minutes)"
	.venv/bin/python $(PIP_INSTALL) torch==2.13.0
	.venv/bin/python $(PIP_INSTALL) --editable ".[light,full,review,test]"
	.venv/bin/python $(PIP_INSTALL) --no-deps $(BARE) $(BARE_FULL)
	@# Its compiled parts want CUDA whatever torch is; without them it works, in Python, and nothing here needs them.
	rm -f .venv/lib/python3.11/site-packages/torchaudio/lib/*.so
	touch $@

# Label Studio's requirements clash with ours, so it has an environment for itself; only the tests need it here.
.venv-studio/ready: annotation/server/requirements.txt | system
	$(PYTHON) -m venv .venv-studio
	@echo "installing Label Studio (one to three minutes)"
	.venv-studio/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement $<
	sha256sum $< | cut --delimiter=' ' --fields=1 > $@

# Debian keeps ffmpeg, the part of Python that makes environments and the fingerprints of sound in packages of their own.
system:
	@needed=$$( (command -v ffmpeg && command -v ffprobe) >/dev/null || echo ffmpeg; \
		$(PYTHON) -c "import ensurepip" 2>/dev/null || echo python3-venv; \
		$(PYTHON) -c "import ctypes.util as u, sys; sys.exit(not u.find_library('chromaprint'))" || echo libchromaprint1 ); \
	$(INSTALL_NEEDED)

# The review keeps its answers in PostgreSQL; its tests drive a browser, and the proxy that stands in front in production.
system-review:
	@needed=$$( (command -v initdb || ls /usr/lib/postgresql/*/bin/initdb) >/dev/null 2>&1 || echo postgresql; \
		command -v chromium >/dev/null || echo chromium; \
		[ -x /usr/sbin/nginx ] || echo nginx-light ); \
	$(INSTALL_NEEDED)

define INSTALL_NEEDED
	[ -n "$$needed" ] || exit 0; \
	command -v apt-get >/dev/null || { echo "install first, with your system's package manager:" $$needed; exit 1; }; \
	sudo=$$( [ "$$(id -u)" = 0 ] || echo sudo ); echo installing $$needed; \
	$$sudo apt-get update -qq && $$sudo apt-get install -y -qq --no-install-recommends $$needed >/dev/null
endef

clean:
	rm -rf .venv .venv-demo .venv-studio .cache demo-workspace
