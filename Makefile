# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
#
#   make link     set everything up and run the link on the synthetic set: out/link.*, out/media.*
#   make test     set everything up and run all tests
#   make check    the linter, and the tests that take under three minutes together
#   make lint     ruff, codespell, and the terminology list of tests/words.py
#   make build    the set-up alone; then .venv/bin/python apps/run_link.py --help
#   make grc      GNU Radio Companion with these blocks; FLOWGRAPH=FILE opens that one
#   make screenshots  the pictures of docs/windows.md, on a virtual screen
#   make bench    the benchmarks, each beside a named peer
#   make crosscheck   our detectors and estimators against Sionna's, in an environment of its own
#   make models DATA=DIR   tune and train every system on an AVE-layout folder, three seeds (hours)
#   make results DATA=DIR  the same, then every experiment: docs/results.md; finished points are
#                 kept.  MODELS="DIR ...": use these checkpoints, a folder per training seed
#   make localisers DATA=DIR [MATCH=DIR]  train every localiser in every setting: docs/localisers.md
#                 MATCH: a folder with AVE's splits for cross-modal localisation
#   make media RAW=DIR MORE=DIR IMAGENET=FILE CLIPS="DIR ..."  train the features and systems of
#                 media on single sounds and pictures, measure them on composed and natural clips:
#                 docs/media.md
#   make films CLIPS="DIR ..."  what a receiver understands of those clips, as films: out/films
#   make soak [MINUTES=60]  three sides and a mock radio: no memory grows, no frame is missing
#   make hosts [POINTS=1000]  a sweep on three hosts, which are network namespaces (needs root),
#                 while workers are killed and stopped; the document must equal that of one process
#   make fuzz [MINUTES=60]  malformed input to every reader and to lib/phy: docs/reliability.md
#   make sanitize the C++ tests under ASan and UBSan, the blocks' QA under TSan: docs/reliability.md
#   make sync     measure the synchronisation of bursts: docs/synchronisation.md
#   make docs     the documentation, in build/docs/html, without network
#   make docs-check   the same with warnings as errors, links checked; commands, Python and tutorials run
#   make deb      a package of this module for Debian 13: apt install ./gr-semcom_*.deb
#   make install PREFIX=DIR, make uninstall PREFIX=DIR: the module, and programs in DIR/bin
#                 (semcom-run-link, ...) that run with the Python of .venv
#   make clean    delete what was built, out/, and the generated pages of the reference
#
# SYSTEM names the list of packages to install, packages/SYSTEM.txt; the default is the code name of
# this system, or trixie (Debian 13) where there is no such list.
# TORCH names the build of Torch to install: make link TORCH="torch==2.13.0" for the default of
# your package index (with CUDA on PyPI).  Without it Debian's package is installed from Debian 13 on;
# on Debian 12 the CPU build where the index has one.

SHELL  := /bin/bash
PREFIX ?= /usr/local
TORCH  ?=
DATA   ?=
FLOWGRAPH ?= apps/flowgraphs/simulated_link.grc
MODELS ?=
MATCH  ?=
MINUTES ?= 60
POINTS ?= 1000
RAW    ?=
TEACHERS ?=
CLIPS  ?=

VENV   := .venv
PYTHON := $(VENV)/bin/python
STAMP  := $(VENV)/.gr-semcom
SYSTEM ?= $(shell . /etc/os-release && test -e packages/$$VERSION_CODENAME.txt && echo $$VERSION_CODENAME || echo trixie)
PACKAGES := packages/$(SYSTEM).txt
PIP    := $(PYTHON) -m pip install --quiet --disable-pip-version-check
JOBS   := $(shell nproc 2>/dev/null || echo 2)

# build/ contains absolute paths: it is deleted after the checkout was copied or moved
BUILT := $(shell sed -n "s/^CMAKE_HOME_DIRECTORY:INTERNAL=//p" build/CMakeCache.txt 2>/dev/null)
ifneq ($(shell test -z "$(BUILT)" -o "$(BUILT)" -ef "$(CURDIR)" && echo ours),ours)
$(shell rm -rf build)
endif

# GNU Radio keeps preferences in the home directory, and fails without one
ifneq ($(shell test -d "$$HOME" -a -w "$$HOME" && echo usable),usable)
export HOME := $(CURDIR)/build/home
$(shell mkdir -p $(HOME))
endif

.PHONY: build/docs/doxygen link test check build grc screenshots bench crosscheck models results localisers media films soak hosts fuzz sanitize sync install uninstall deb docs docs-check clean lint

link: build
	$(PYTHON) apps/run_link.py --snr=-10:20:5 --json out/link.json --plot out/link.png
	$(PYTHON) apps/make_media.py --out out/media --seed 62
	$(PYTHON) apps/run_link.py --media out/media/clip0?.mp4 --snr 10 --json out/media.json
	$(PYTHON) apps/run_link.py --media out/media/clip03.mp4 --snr 10 --render out/media.mp4
	@echo "wrote out/link.json, out/link.png, out/media.json and the film out/media.mp4"

# several threads of one operation wait for each other at full load, and other programs starve
test check: export OMP_NUM_THREADS = 1

test: build
	ctest --test-dir build --output-on-failure
	$(PYTHON) -m pytest tests -m "not alone" --numprocesses auto --dist loadfile
	$(PYTHON) -m pytest tests -m alone

# for daily work: without the files that tests/conftest.py lists as SLOW
check: build lint
	ctest --test-dir build --output-on-failure
	$(PYTHON) -m pytest tests --quick

soak: build
	$(PYTHON) tools/three_hosts.py --minutes $(MINUTES) --one-host

hosts: build
	$(PYTHON) tools/sweep_hosts.py --points $(POINTS)

CLANG := clang++-19
# without the tracing of comparisons, which takes four fifths of the time in loops over samples
FUZZED := fuzzer-no-link,address,undefined,float-cast-overflow -fno-sanitize-recover=all \
  -fno-sanitize-coverage=trace-cmp

fuzz: build
	tools/install_packages.sh $(PACKAGES) fuzz
	$(PIP) atheris hypothesis
	cmake -S . -B build-fuzz -DSEMCOM_FUZZ=ON -DCMAKE_CXX_COMPILER=$(CLANG) \
	  -DPYTHON_EXECUTABLE=/usr/bin/python3 \
	  -DCMAKE_CXX_FLAGS="-g -fsanitize=$(FUZZED) -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS" > /dev/null
	cmake --build build-fuzz/tests/fuzz --parallel $(JOBS)
	$(PYTHON) -m tests.fuzz --minutes $(MINUTES)

sanitize: build
	tools/sanitize.sh $(PYTHON) $(JOBS)

sync: build
	$(PYTHON) -m studies synchronisation

# files whose spelling codespell checks
PROSE := README.md CHANGELOG.md CONTRIBUTING.md docs studies python lib include apps tests tools grc models/*.md

lint: $(STAMP)
	$(PYTHON) -m ruff check . && $(PYTHON) -m ruff format --check .
	$$(command -v $(VENV)/bin/codespell codespell | head -n 1) $(PROSE)
	$(PYTHON) -m tests.words

build: $(STAMP) build/CMakeCache.txt
	@MAKEFLAGS=--no-print-directory cmake --build build --parallel $(JOBS) \
	  | grep -vE "Built target|^Consolidate|^Scanning" || test $${PIPESTATUS[0]} -eq 0

$(STAMP): $(PACKAGES) tools/install_packages.sh
	tools/install_packages.sh $(PACKAGES) apt
	/usr/bin/python3 -m venv --system-site-packages $(VENV)
	@test -z "$(TORCH)" && grep -qx "apt python3-torch" $(PACKAGES) || tools/install_torch.sh $(PYTHON) $(TORCH)
	sed -n "s/^pip //p" $(PACKAGES) | $(PIP) -r /dev/stdin
	cd "$$($(PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" && \
	  realpath -m --relative-to . "$(CURDIR)/build/test_modules" > gr-semcom.pth
	touch $@

build/CMakeCache.txt: CMakeLists.txt | $(STAMP)
	cmake -S . -B build -Wno-dev -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX=$(PREFIX) \
	  -DPYTHON_EXECUTABLE=/usr/bin/python3 > build.log || { cat build.log; exit 1; }
	@rm -f build.log; touch $@

grc: build
	GRC_BLOCKS_PATH=$(CURDIR)/grc $(PYTHON) "$$(command -v gnuradio-companion)" \
	  "$(FLOWGRAPH)"

screenshots: build
	timeout 600 xvfb-run -a -s "-screen 0 1680x960x24" $(PYTHON) tools/screenshots.py

install: build
	cmake -S . -B build -DCMAKE_INSTALL_PREFIX=$(PREFIX) \
	  -DSEMCOM_PROGRAM_PYTHON=$(CURDIR)/$(PYTHON) > /dev/null
	cmake --install build
	-[ "$$(id -u)" = 0 ] && ldconfig

# in a copy of the sources, because dpkg-buildpackage writes files beside them
deb:
	tools/install_packages.sh $(PACKAGES) apt
	tools/install_packages.sh $(PACKAGES) deb
	rm -rf build/deb && mkdir -p build/deb/gr-semcom
	tar -c --exclude-vcs --exclude=./build --exclude=./$(VENV) --exclude=./out --exclude=./runs \
	  --exclude=__pycache__ --exclude=./*.deb . | tar -x -C build/deb/gr-semcom
	cd build/deb/gr-semcom && DEB_BUILD_OPTIONS="parallel=$(JOBS)" \
	  dpkg-buildpackage --build=binary --no-sign > ../log 2>&1 || { tail -40 ../log; exit 1; }
	mv build/deb/gr-semcom_*.deb . && ls gr-semcom_*.deb

# packages for the documentation alone; Breathe reads the XML that Doxygen writes
DOCS_STAMP := $(VENV)/.gr-semcom-docs
SPHINX = $(PYTHON) -m sphinx --doctree-dir build/docs/doctrees

$(DOCS_STAMP): $(PACKAGES) $(STAMP)
	tools/install_packages.sh $(PACKAGES) docs
	sed -n "s/^docs-pip //p" $(PACKAGES) | $(PIP) -r /dev/stdin
	touch $@

build/docs/doxygen: build $(DOCS_STAMP)
	mkdir -p $@ && doxygen docs/Doxyfile

docs: build/docs/doxygen
	$(SPHINX) --builder html docs build/docs/html

docs-check: export OMP_NUM_THREADS = 1
docs-check: build/docs/doxygen
	$(SPHINX) --builder html --fail-on-warning --keep-going -D nb_execution_mode=cache docs build/docs/html
	$(SPHINX) --builder linkcheck --fail-on-warning docs build/docs/links
	$(PYTHON) -m pytest tests/test_docs*.py
	$(PYTHON) -m tests.docs_commands

uninstall:
	cmake --build build --target uninstall

bench: build crosscheck
	$(PYTHON) -m tests.benchmarks --json out/bench.json

crosscheck: build
	tools/crosscheck.sh

SET   = $(notdir $(abspath $(DATA)))
SEEDS = $(or $(MODELS),$(sort $(wildcard runs/$(SET)/seed*)))
FIRST = $(firstword $(SEEDS))

models: build
	@test -n "$(DATA)" || { echo "give the folder of an AVE-layout set: make models DATA=DIR"; exit 2; }
	$(PYTHON) -m studies tuning --data "$(DATA)"

results: $(if $(MODELS),build,models)
	@test -n "$(DATA)" || { echo "give the folder of an AVE-layout set: make results DATA=DIR"; exit 2; }
	$(PYTHON) -m studies results --data "$(DATA)" --models $(SEEDS)
	$(PYTHON) -m studies attention --data "$(DATA)" --systems $(foreach name,pilot_ave_plus-full \
	  pilot_ave-full avel-sel psp-sel,$(FIRST)/$(name)-$(SET).safetensors)

localisers: build
	@test -n "$(DATA)" || { echo "give the folder of an AVE-layout set: make localisers DATA=DIR"; exit 2; }
	$(PYTHON) -m studies localisers --data "$(DATA)" $(if $(MATCH),--match "$(MATCH)")

# finished trainings and composed clips are kept
media: build
	@test -n "$(RAW)" -a -n "$(MORE)" -a -n "$(IMAGENET)" -a -n "$(CLIPS)" || { echo "give the \
	folders and the file: make media RAW=DIR MORE=DIR IMAGENET=FILE CLIPS=DIR"; exit 2; }
	$(PYTHON) -m studies media --raw "$(RAW)" --more "$(MORE)" --imagenet "$(IMAGENET)" \
		--clips $(CLIPS)

films: build
	@test -n "$(CLIPS)" || { echo "give folders with clips.json: make films CLIPS=DIR"; exit 2; }
	$(PYTHON) -m studies films --clips $(CLIPS)

clean:
	rm -rf build build-fuzz build-asan build-tsan out docs/reference/api
