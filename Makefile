# Everything runs in .venv, made at the first target that needs it. Only make and Python >= 3.11 must be there.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
KAFKA_LIBS := .cache/kafka/libs
COMPILED := build/compiled

SOURCES := stream tests bench docs $(wildcard grafana)
KAFKA := FLOORCAST_KAFKA_LIBS="$${FLOORCAST_KAFKA_LIBS:-$(CURDIR)/$(KAFKA_LIBS)}"
PYTEST := $(CURDIR)/$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: demo generate test test-plain core-plain simulate simulate-mutants chaos mutants compile lint fuzz bench bench-plain \
	kafka-libs clean

# The simulated floor on the embedded broker and Redis; ends with Ctrl-C.
demo: $(VENV)/.demo
	@exec $(BIN)/floorcast demo

# Every test on the core compiled by mypyc, and those of the core in plain Python too. While the compiler runs, the
# other core checks and tests plainly. What needs a real Apache Kafka, Redis, ... is skipped where there is none,
# saying how to get it. Three processes also on two cores, as most tests wait for servers; those of a file share
# theirs.
test: $(VENV)/.dev
	$(MAKE) -j2 --output-sync=target $(COMPILED)/.stamp core-plain
	cd $(COMPILED) && $(KAFKA) $(PYTEST)

# Every test in plain Python: without a C compiler, and at once after a change.
test-plain: lint
	$(PYTEST)

core-plain: lint
	FLOORCAST_TEST_EXAMPLES=15 $(BIN)/python -m pytest -q tests/test_core_*.py tests/test_scenario_*.py

# Simulated runs, each with faults that its seed draws (docs/certainty.md); of a seed that fails, its shortest
# history. ONLY=3,17: of one seed these steps alone.
SEED ?= 1
RUNS ?= 1
simulate: $(COMPILED)/.stamp
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -m tests.simulation --seed $(SEED) --runs $(RUNS) $(if $(ONLY),--only $(ONLY))

# The product broken on purpose: each way must be found within 200 seeds.
simulate-mutants: $(VENV)/.dev
	$(BIN)/python -m tests.simulation.mutants

# The pure core as C, beside its sources: half the CPU. Needs a C compiler. `make clean` undoes it.
compile: $(VENV)/.dev
	FLOORCAST_COMPILE=1 $(BIN)/python setup.py -q build_ext --inplace

# What Grafana, Prometheus and Alertmanager read, anew in grafana/.
generate: $(VENV)/.dev
	$(BIN)/python -m stream generate

# 100,000 broken payloads over all entrances (60,000 of them records of Kafka), the counts by outcome. Another run:
# FLOORCAST_FUZZ_SEED=2 make fuzz.
fuzz: $(VENV)/.dev
	FLOORCAST_FUZZ_PAYLOADS=100000 FLOORCAST_FUZZ_SEED=$${FLOORCAST_FUZZ_SEED:-1} $(BIN)/python -m pytest -q -s --show-capture=no \
		tests/test_fuzz.py tests/test_fuzz_http.py

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# On the compiled core; `make bench-plain` on plain Python. Needs the real servers: redis-server, Java and
# `make kafka-libs`. Results: bench/out/.
bench: $(COMPILED)/.stamp
	cd $(COMPILED) && $(KAFKA) $(CURDIR)/$(BIN)/python -m bench
	mkdir -p bench/out && cp $(COMPILED)/bench/out/latest.json bench/out/

bench-plain: $(VENV)/.dev
	$(BIN)/python -m bench

# A real Kafka, a real Redis and three workers, hurt for so many seconds; then the image must be the log's. Needs
# the real servers, as the benchmark does.
chaos: SECONDS := 600
chaos: SEED := 1
chaos: $(VENV)/.dev
	$(KAFKA) $(BIN)/python -m tests.chaos --seconds $(SECONDS) --seed $(SEED) $(if $(JSON),--json $(JSON))

# Draws N small faults into the sources, one at a time, and says which ones no test notices.
mutants: N := 50
mutants: SEED := 1
mutants: $(VENV)/.dev
	$(KAFKA) $(BIN)/python -m tests.mutants --count $(N) --seed $(SEED)

# A copy with the core compiled, so that the sources stay what runs here.
$(COMPILED)/.stamp: $(VENV)/.dev setup.py $(shell find $(SOURCES) -type f -not -path '*/__pycache__/*')
	@command -v cc >/dev/null || { echo "make: a C compiler is missing: apt-get install gcc, or make test-plain" >&2; exit 1; }
	rm -rf $(COMPILED) && mkdir -p $(COMPILED)
	tar --exclude=__pycache__ --exclude=./.git --exclude=./.venv --exclude=./.hypothesis --exclude='./.*cache' \
		--exclude=./build --exclude='./*.egg-info' -cf - . | tar -xf - -C $(COMPILED)
	cd $(COMPILED) && FLOORCAST_COMPILE=1 $(CURDIR)/$(BIN)/python setup.py -q build_ext --inplace
	cd $(COMPILED) && $(CURDIR)/$(BIN)/python -c 'import stream.shard.shard as core; assert core.__file__.endswith(".so")'
	@[ ! -d ../shared ] || ln -sfn "$(CURDIR)/../shared" build/shared  # the contract's scenarios lie beside the project
	@touch $@

# The jars of the tests' Apache Kafka, by Maven.
kafka-libs: $(KAFKA_LIBS)/.stamp

clean:
	rm -rf $(VENV) .cache build *.egg-info
	find . -name '*.so' -not -path './.git/*' -delete

$(KAFKA_LIBS)/.stamp: tests/rig/pom.xml
	@command -v mvn >/dev/null || { echo "make: Maven is missing: apt-get install maven" >&2; exit 1; }
	mvn -q -B -f tests/rig/pom.xml dependency:copy-dependencies -DoutputDirectory="$(CURDIR)/$(KAFKA_LIBS)"
	@touch $@

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q -e '.[demo,dev]'
	@touch $@ $(VENV)/.demo

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here: install Python >= 3.11, or name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("make: %s is Python %d.%d, floorcast needs >= 3.11; name another: make PYTHON=/path/to/python3.11" % (sys.executable, v[0], v[1]))'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "make: $(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }
