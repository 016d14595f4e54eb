# Two commands: `make demo` shows the main job, `make test` proves it. Everything is installed into .venv; nothing needs root.
PYTHON ?= python3
BIN := .venv/bin
WORLD ?= var/world
PROCESSES ?= 4

# What Debian has and the wheels have not; where it may not be installed, the tests that need it say so. Only what is not
# there is asked for: another source's Node.js stands in the way of Debian's npm, and would keep Chromium out with it.
lacking = @lacking=""; for each in $(1); do command -v "$${each%%:*}" >/dev/null || lacking="$$lacking $${each\#\#*:}"; done; \
	  [ -z "$$lacking" ] || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$lacking; } || true

SERVERS = $(call lacking,/usr/sbin/sshd:openssh-server redis-server:redis-server promtool:prometheus strace:strace busybox:busybox nginx:nginx-light kubectl:kubernetes-client)

# With what the campaign kills at system calls and steps the clock; without it, it says what it leaves out.
CAMPAIGN_TOOLS = $(call lacking,strace:strace faketime:faketime)

# The same of what builds and drives the partners' desk.
BROWSER = $(call lacking,npm:npm chromium:chromium)

# By itself: a distribution that has no package of this name still gets the other two.
FIREFOX = $(call lacking,firefox-esr:firefox-esr)

.PHONY: images containers-test bundle bundle-test desk desk-packages help demo up down test ready servers test-fast coverage coverage-whole mutate same-answers fuzz campaign bench bench-regression bench-adhoc bench-celery bench-restore bench-pages bench-review bench-desk bench-at-rest screenshots guide-pictures docs check lock clean containers-upgrade-test containers-celery-test campaign-report
help:            ## this list
	@grep -E '^[a-z-]+: .*##' Makefile | sed -E 's/:.*## */\t/' | awk -F '\t' '{ \
	  line = sprintf("%-24s", $$1); n = split($$2, words, " "); \
	  for (i = 1; i <= n; i++) { \
	    if (length(line) + length(words[i]) >= 80) { print line; line = sprintf("%-24s", "") } \
	    line = line " " words[i] } \
	  print line }'

# setuptools warns of every editable installation, in twelve lines; no warning of a package is asked for here.
.venv/installed: requirements.lock pip.lock pyproject.toml
	@echo "everything is installed into .venv, without a word for one to three minutes"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement pip.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.lock
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -qq -j 0 -x 'site-packages/.*/tests/' .venv/lib || true   # pip would, on one processor, and the packages' own tests
	touch $@

demo: .venv/installed   ## the main job for real, on this machine: Airflow, PostgreSQL, SFTP, seven partners; ends by itself
	$(BIN)/exchange demo run --world var/demo

up: .venv/installed     ## keep the same world running; prints the address of the Airflow UI and its users
	$(BIN)/exchange demo up --world $(WORLD)

down: .venv/installed   ## stop it, leaving no process behind
	$(BIN)/exchange demo down --world $(WORLD)

desk/node_modules/.package-lock.json: desk/package-lock.json
	cd desk && npm ci --silent

desk-packages:   ## what the desk is built and tested with, into desk/node_modules; installs Debian's nodejs, npm, chromium, firefox-esr where it may
	$(BROWSER)
	$(FIREFOX)
	@if command -v npm >/dev/null; then $(MAKE) --silent desk/node_modules/.package-lock.json; else echo "no npm: the desk's tests are skipped"; fi

desk: desk-packages     ## build desk/built/desk.html anew from desk/src: the same sources, the same bytes
	cd desk && npm run --silent build && sha256sum built/desk.html

# Compiled before the tests: some hundred processes that they start would each do it for itself, where Python may write no bytecode.
test: ready   ## all tests, with real servers, PROCESSES (4) side by side; installs Debian's servers and promtool where it may
	$(BIN)/python -m compileall -qq exchange dags
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations 10

# What Python needs is installed while Debian and npm are asked for the rest: each is mostly one processor's work.
ready:
	@$(MAKE) --silent --jobs 2 .venv/installed servers

servers: desk-packages   # after it, as Debian installs for one at a time
	$(SERVERS)

test-fast: .venv/installed  ## what one runs while writing: the tests that need no server, PROCESSES (4) side by side
	$(BIN)/python -m pytest -m "not server and not house" --numprocesses $(PROCESSES) --dist worksteal --durations 10

COVERED = var/coverage.json
coverage: .venv/installed   ## the share of branches that the tests take, of each room that decides, and the limit (95 %): minutes, without Airflow
	$(SERVERS)
	@mkdir -p var
	COVERAGE_FILE=var/coverage $(BIN)/python -m pytest -p tests.polars_threads --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder \
	  $$($(BIN)/python -m tests.coverage_rooms) --cov-report json:$(COVERED)
	$(BIN)/python -m tests.coverage_rooms $(COVERED)

coverage-whole: .venv/installed   ## lines and branches of everything that all tests run, and which Halts and Retryables none reaches; without Airflow
	$(SERVERS)
	@mkdir -p var
	COVERAGE_FILE=var/coverage $(BIN)/python -m pytest -p tests.polars_threads -m "not house" --ignore tests/airflow --numprocesses $(PROCESSES) --dist loadfile \
	  --no-loadscope-reorder --cov exchange --cov-branch --cov-report term:skip-covered --cov-report json:$(COVERED)
	$(BIN)/python tests/raise_sites.py $(COVERED)
	$(BIN)/python -m tests.coverage_rooms $(COVERED)

mutate: .venv/installed  ## changes the rules place by place and lists each change that no test notices; MUTANTS (a pattern of their names)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --target var/mutate --require-hashes --requirement mutate.lock
	PYTHONPATH=.:$(CURDIR)/var/mutate $(BIN)/python -m mutmut run --max-children 2 $(MUTANTS)
	PYTHONPATH=.:$(CURDIR)/var/mutate $(BIN)/python -m mutmut results

same-answers: .venv/installed ## the same sets, answered by the commit OLD and by this tree; what differs, by column and code
	$(BIN)/python -m tests.same_answers $(OLD)

fuzz: .venv/installed   ## five minutes of damaged inputs on everything that is read of others; SECONDS_TO_FUZZ
	$(BIN)/python -m tests.fuzz $(SECONDS_TO_FUZZ)

campaign: .venv/installed   ## an hour of kills, races, cut lines, full disks, a dead database, forged rows, each round judged from outside; CAMPAIGN_SECONDS, SEED, PARTS; root for disks
	$(CAMPAIGN_TOOLS)
	$(BIN)/python -m tests.campaign --seconds $(or $(CAMPAIGN_SECONDS),3600) $(if $(SEED),--seed $(SEED)) $(PARTS)

campaign-report: .venv/installed   ## docs/campaign.md from all rounds under var/campaign, of as many runs and seeds as there were
	$(BIN)/python -m tests.campaign.report

bench: .venv/installed  ## measured beside what else one would use: SCALE (million people), ONLY (parts), RUNS, BENCH_WORLD, TO
	$(BIN)/python -m benchmarks $(if $(SCALE),--scale $(SCALE)) $(if $(ONLY),--only $(ONLY)) $(if $(RUNS),--runs $(RUNS)) $(if $(TO),--to $(TO))

bench-regression: .venv/installed ## three minutes: ratios to what is frozen, beside those last recorded; RECORD=1 writes them anew
	$(BIN)/python -m benchmarks.regression $(if $(RECORD),--record)

bench-adhoc: .venv/installed  ## the immediate lane measured from outside, through real Airflow; half an hour, writes benchmarks/ADHOC.md
	$(BIN)/python -m benchmarks.adhoc

bench-celery: .venv/installed ## Celery workers: throughput of one and two, one killed, a large batch by ranges; ROWS, BATCHES
	$(SERVERS)
	$(BIN)/python -m benchmarks.workers $(if $(ROWS),--rows $(ROWS)) $(if $(BATCHES),--batches $(BATCHES))

# ENGINE: docker, or podman; COMPOSE: podman-compose, or left out: the engine's own `compose`. Bases in another registry, or by digest: PYTHON_IMAGE,
# DEBIAN_IMAGE; POSTGRES_IMAGE, REDIS_IMAGE when it is started. BUILD_OPTIONS: further words for `build`.
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
bench-restore: .venv/installed ## a backup of a year's register (300,000 batches) and the way back: seconds of each part; BATCHES, LINES, FILES
	$(BIN)/python -m benchmarks.restore $(if $(BATCHES),--batches $(BATCHES)) $(if $(LINES),--lines $(LINES)) $(if $(FILES),--files $(FILES))

screenshots: .venv/installed desk-packages ## each page at two sizes, and what is printed as PDF, from a test world, into var/screenshots; Chromium
	PAGES_PICTURES=$(CURDIR)/var/screenshots $(BIN)/python -m pytest -q tests/pages/test_browser.py tests/pages/test_print.py

guide-pictures: .venv/installed desk-packages ## the pictures of the partner guide anew, from the desk in Chromium; for the eye, no test compares them
	DESK_PICTURES=$(CURDIR)/docs/pictures $(BIN)/python -m pytest -q -k "not firefox" tests/desk/test_check.py tests/desk/test_send.py tests/desk/test_read.py tests/desk/test_keys.py

bench-pages: .venv/installed ## how long the pages take over 20,000 ended and 5,000 open batches; ENDED, OPEN, BENCH_WORLD
	$(BIN)/python -m benchmarks.pages $(if $(ENDED),--ended $(ENDED)) $(if $(OPEN),--still-open $(OPEN)) $(if $(BENCH_WORLD),--world $(BENCH_WORLD))

bench-desk: .venv/installed desk-packages ## the partner's desk in Chromium over lists of 100,000 and 1,000,000 rows: seconds, longest stall, memory; ROWS, FORMS="csv xlsx"
	$(BIN)/python -m benchmarks.desk $(if $(ROWS),--rows "$(ROWS)") $(if $(FORMS),--forms "$(FORMS)")

bench-review: .venv/installed desk-packages ## how long opening and deciding a row takes in Chromium, of and beside a batch of 1,000,000 rows; ROWS, DECIDE, BENCH_WORLD
	$(BIN)/python -m benchmarks.pages.review $(if $(ROWS),--rows $(ROWS)) $(if $(DECIDE),--decide $(DECIDE)) $(if $(BENCH_WORLD),--world $(BENCH_WORLD))

bench-at-rest: .venv/installed ## a build, a look-up and a request on encrypted places, as ratios to a plain one; PLACES="plain=FOLDER luks=FOLDER", SCALE, ROWS, RUNS
	$(BIN)/python -m benchmarks.at_rest $(PLACES) $(if $(SCALE),--scale $(SCALE)) $(if $(ROWS),--rows $(ROWS)) $(if $(RUNS),--runs $(RUNS))

images:          ## build the office's and the SFTP server's image; ENGINE, PYTHON_IMAGE, DEBIAN_IMAGE, BUILD_OPTIONS
	$(or $(ENGINE),docker) build $(BUILD_OPTIONS) --file docker/Dockerfile --tag household-exchange:$(VERSION) \
	  $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) .
	$(or $(ENGINE),docker) build $(BUILD_OPTIONS) --file docker/sftp.Dockerfile --tag household-exchange-sftp:$(VERSION) \
	  $(if $(DEBIAN_IMAGE),--build-arg DEBIAN_IMAGE=$(DEBIAN_IMAGE)) .

containers-test: .venv/installed ## start the images by compose: a partner's set through, a leader of FAB's approves, secrets changed, destroyed and restored; root, half an hour; ENGINE, COMPOSE
	CONTAINERS_ENGINE="$(or $(ENGINE),docker)" CONTAINERS_COMPOSE="$(COMPOSE)" $(BIN)/python -m pytest -x -s \
	  tests/docker/test_containers.py tests/docker/test_oidc.py tests/docker/test_rotated.py tests/docker/test_restored.py

# An earlier version: the last tag, or what BEFORE names (a commit, a tag). Its image is built from its own files, once.
BEFORE = $(shell git describe --tags --abbrev=0 2>/dev/null)
AT = household-exchange:at-$(shell git rev-parse --short "$(BEFORE)^{commit}")

containers-upgrade-test: .venv/installed ## from the last tag's image (BEFORE=a commit) to this one's with open batches; root; ENGINE, COMPOSE
	@[ -n "$(BEFORE)" ] || { echo "no version has a tag yet: BEFORE=a commit"; exit 1; }
	$(or $(ENGINE),docker) image inspect $(AT) >/dev/null 2>&1 || { from=$$(mktemp -d) && git archive "$(BEFORE)" | tar -x -C "$$from" \
	  && $(or $(ENGINE),docker) build $(BUILD_OPTIONS) --file "$$from/docker/Dockerfile" --tag $(AT) \
	  $(if $(PYTHON_IMAGE),--build-arg PYTHON_IMAGE=$(PYTHON_IMAGE)) "$$from" && rm -rf "$$from"; }
	CONTAINERS_ENGINE="$(or $(ENGINE),docker)" CONTAINERS_COMPOSE="$(COMPOSE)" CONTAINERS_BEFORE=$(AT) $(BIN)/python -m pytest -x tests/docker/test_upgraded.py

containers-celery-test: .venv/installed ## tasks on a Celery worker in containers, which is killed and comes back; root; ENGINE, COMPOSE, REDIS_IMAGE
	CONTAINERS_ENGINE="$(or $(ENGINE),docker)" CONTAINERS_COMPOSE="$(COMPOSE)" CONTAINERS_CELERY=1 $(BIN)/python -m pytest -x tests/docker/test_celery.py

bundle:          ## all that an installation needs in one archive, for both kinds of machine; with images where ENGINE is given; BUNDLE_TO
	ENGINE="$(ENGINE)" sh bundle/make.sh $(or $(BUNDLE_TO),var/bundle)

bundle-test:     ## unpack the bundle and install from it where no network is; root
	sh bundle/try.sh $(or $(BUNDLE_TO),var/bundle)/household-exchange-$(VERSION).tar

docs:            ## the documents as a site in var/site, Chinese and English, no outside address; an environment of its own
	$(PYTHON) -m venv var/docs-env
	var/docs-env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement docs.lock
	NO_MKDOCS_2_WARNING=1 var/docs-env/bin/mkdocs build --quiet --strict

check: .venv/installed  ## lint, format, types, import contract, generated files; reports all failures
	@failed=0; \
	for command in "ruff check ." "ruff format --check ." "mypy" "lint-imports" "exchange schemas --check"; do \
	  echo "== $$command"; $(BIN)/$$command || failed=1; \
	done; exit $$failed

# pip before 24 takes no extra of a pinned package that is not the newest: so pip is pinned and installed first.
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links --quiet
lock:            ## resolve the dependencies again (needs uv)
	$(COMPILE) pyproject.toml --extra bench --extra celery --extra demo --extra dev --output-file requirements.lock $(LOCK_OPTIONS)
	$(COMPILE) pyproject.toml --extra celery --extra fab --constraint requirements.lock --output-file install.lock $(LOCK_OPTIONS)
	printf '%s\n' 'pip>=26' 'setuptools>=77' | $(COMPILE) - --output-file pip.lock $(LOCK_OPTIONS)
	echo 'mkdocs-material>=9.7' | $(COMPILE) - --output-file docs.lock $(LOCK_OPTIONS)
	echo 'mutmut>=3.8' | $(COMPILE) - --constraint requirements.lock --output-file mutate.lock $(LOCK_OPTIONS)

clean: down      ## remove the worlds and the environment
	rm -rf var mutants .venv
