# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# torch and numba would each start a thread per core and wait for one another
export OMP_NUM_THREADS ?= 1

.PHONY: demo test lint install peers speed pays docs notebooks clean help fuzz audit sbom

help:
	@echo "make demo   install, train two small agents (1 minute), benchmark them and the shipped ones, draw a Gantt chart"
	@echo "make test   install, lint, type-check, run the tests"
	@echo "make fuzz   100,000 random cases per problem: files, episodes, solutions; make audit asks for known vulnerabilities"
	@echo "make docs   build the documentation into site/; make notebooks runs the tutorials on tiny budgets"
	@echo "make speed  environment steps per second beside other packages (make peers installs those)"
	@echo "make pays   the best agent of each kind at 1 ms to 10 s, for docs/where-learning-pays.md (half an hour)"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

DEMO_INSTANCES := ta01-ta03,ta11,ta21
DEMO_AGENTS := spt,mwkr,fdd-mwkr,spt-twkr,edd,mdd,mod,cp-sat

demo: install
	rm -rf runs/demo results/demo
	$(BIN)/schedlab train job-shop --minutes 0.5 --out runs/demo/makespan
	$(BIN)/schedlab train job-shop --minutes 0.5 --out runs/demo/tardiness --objective total-tardiness --due-date-factor 1.3
	$(BIN)/schedlab benchmark job-shop --instances $(DEMO_INSTANCES) --due-date-factor 1.3 --time-limit 5 \
		--agents $(DEMO_AGENTS),ppo:runs/demo/makespan,ppo,ppo@16 --out results/demo/makespan
	$(BIN)/schedlab benchmark job-shop --instances $(DEMO_INSTANCES) --due-date-factor 1.3 --time-limit 5 \
		--objective total-tardiness --agents $(DEMO_AGENTS),ppo:runs/demo/tardiness,ppo,ppo@16 --out results/demo/tardiness
	$(BIN)/schedlab race job-shop-improvement --instances ta01,ta21 --moves 1000000 --workers 1 --time-limit 3 --at 0.3,1,3 \
		--agents best-improvement,greedy-tabu,look-ahead,ppo,annealing,tabu,cp-sat --plots --out results/demo/race
	$(BIN)/schedlab benchmark blocking-job-shop --instances la01-la05 --breakdown-probability 0.01 --seeds 0-3 --batch 20 \
		--agents mwkr,wip-most-pressure,ppo --against wip-most-pressure --out results/demo/blocking
	$(BIN)/schedlab benchmark single-machine --instances n100 --seeds 0-19 --batch 20 \
		--agents edd,mdd,mddc,aug-mddc,rollout,ppo,exact --out results/demo/single-machine
	$(BIN)/schedlab benchmark dynamic-job-shop --instances load90-twk4 --seeds 0-1 --batch 2 \
		--agents fifo,edd,mod,cr-spt,s-rpt-spt,ppo --out results/demo/dynamic --plots
	$(BIN)/schedlab benchmark soc --instances top1-top10,wifi-tx,wifi-rx \
		--agents heft,cpop,peft,etf,rollout,ppo,ppo@16,cp-sat --time-limit 2 --out results/demo/soc-jobs
	$(BIN)/schedlab benchmark soc --instances top5-pss --seeds 0-3 --batch 4 \
		--agents met,etf,late-srpt,rollout,deepsocs,ppo --against etf --out results/demo/soc-stream
	$(BIN)/schedlab benchmark vm --instances medium-high --seeds 0-3 --time-limit 5 --workers 1 \
		--agents no-op,ha,ha-pair,ppo,ppo@16,patterns --plots --out results/demo/vm
	$(BIN)/schedlab benchmark uam --instances balanced-40 --seeds 0-9 --batch 10 \
		--agents random,greedy-hour,rollout,ppo,lp-dual-known --against greedy-hour --plots --out results/demo/uam
	$(BIN)/schedlab solve soc --instance wifi-rx --agent ppo@16 --out results/demo/wifi-rx.json --plot results/demo/wifi-rx.png
	$(BIN)/schedlab solve job-shop --instance ta01 --agent ppo@64 \
		--out results/demo/ta01.json --plot results/demo/ta01.png
	$(BIN)/schedlab compare results/demo/makespan
	$(BIN)/schedlab report results/demo --title "make demo" --out results/demo/report.html
	@echo "Everything on one page: results/demo/report.html"
	@echo "Pictures: results/demo/ta01.png, results/demo/wifi-rx.png, results/demo/race/race.png, results/demo/vm/seconds.png, results/demo/uam/objectives.png"

docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: install
	$(BIN)/python -m pytest tests/docs/test_notebooks.py

test: install lint
	$(BIN)/python -m pytest -n 2

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@# type checkers and import-linter do not follow the folder mapping of an editable install; they read an installed copy
	@rm -rf build && $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/typing .
	cd build && PYTHONPATH=typing ../$(BIN)/lint-imports --config ../pyproject.toml
	cd build && MYPYPATH=typing ../$(BIN)/mypy --config-file ../pyproject.toml -p schedlab

PEERS := JSSEnv==1.1.0 job-shop-lib==1.7.2 graph-jsp-env==1.1.1 jumanji==1.1.2 rl4co==0.7.0

# each has a virtual environment of its own: their requirements exclude one another
peers: $(foreach peer,jssenv job-shop-lib graph-jsp-env jumanji rl4co,.peers/$(peer)/.installed)

.peers/%/.installed:
	$(PYTHON) -m venv .peers/$*
	@# matplotlib without get_cmap breaks graph-jsp-env
	.peers/$*/bin/python -m pip install --quiet --disable-pip-version-check \
		$(shell echo $(PEERS) | tr ' ' '\n' | grep -i '^$*==') $(if $(filter graph-jsp-env,$*),matplotlib==3.8.4) \
		$(if $(filter rl4co,$*),-c constraints.txt torch)
	@touch $@

# the long run (half an hour on a core of its own, or more); the quick one is a test
fuzz: install
	$(BIN)/python -m tests.fuzz.run

audit: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	$(BIN)/python -m tests.security.audit

sbom: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[audit]'
	$(BIN)/cyclonedx-py environment $(BIN)/python -o build/sbom.json

speed: install
	$(BIN)/schedlab speed job-shop --against all --repeats 5 --out docs/peers.json
	$(BIN)/python -m schedlab.eval.speed_page docs/peers.json docs/peers.md

pays: install
	docs/pays/measure.sh

clean:
	find envs agents -name __pycache__ -prune -exec rm -rf {} +
	rm -rf build dist site runs/demo results/demo .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
