# Every target does its own set-up, once, and says what it is doing. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help demo test check lab lab-down prove prove-rollout prove-lb prove-firewall prove-dns clean bench base packages test-packages bench-packages can-run-lab

# Node 24 and the tools of node_modules first on the PATH; not exported, npm ci must not run on what it replaces.
NODE := PATH="$(CURDIR)/node_modules/.bin:$$PATH" node
# npm writes this file as the last act of an install: it is the stamp.
MODULES := node_modules/.package-lock.json
LAB ?= default
export LAB

help:
	@echo 'make demo           a fleet comes up, a release rolls out under load, a broken one is reverted'
	@echo 'make test           all tests, each lab scenario once'
	@echo 'make check          types, lint, format, dead code and fast tests (no lab, no root)'
	@echo 'make lab            bring up a lab to play with'
	@echo 'make lab-down       remove every lab'
	@echo 'make prove          the lab scenarios and the properties with their full counts (hours)'
	@echo 'make prove-rollout  the full counts of the rollout scenarios'
	@echo 'make prove-lb       the full counts of the load balancing scenarios'
	@echo 'make bench          what firewalls cost: compiling a thousand hosts, changing six, beside ansible (minutes)'
	@echo 'make prove-firewall the full counts of the firewall scenarios, and what packets say of every policy'
	@echo 'make prove-dns      the full counts of service discovery: rollouts and drains, kills, races, random messages'
	@echo 'make clean          remove the labs, their base and everything that was installed or built here'

demo: can-run-lab $(MODULES) packages base
	@$(NODE) lab/demo/demo.ts

test: can-run-lab $(MODULES) test-packages base
	@$(NODE) scripts/test.ts

check: $(MODULES)
	@npm run --silent check

lab: can-run-lab $(MODULES) packages base
	@scripts/setup.sh say "bringing up the lab '$(LAB)'"
	@lab/lab up
	@scripts/setup.sh lab-usage

lab-down:
	@scripts/setup.sh lab-down

prove: can-run-lab $(MODULES) test-packages base
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only prove
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only fast test/property

prove-rollout: can-run-lab $(MODULES) test-packages base
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only prove test/prove/rollout

prove-lb: can-run-lab $(MODULES) test-packages base
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only prove test/prove/lb

bench: can-run-lab $(MODULES) bench-packages base
	@$(NODE) scripts/bench.ts

prove-firewall: can-run-lab $(MODULES) test-packages base
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only lab test/lab/firewall-
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only prove test/prove/firewall

prove-dns: can-run-lab $(MODULES) test-packages base
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only contract test/contract/dns
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only lab test/lab/dns-failures
	@DROVER_PROVE=1 $(NODE) scripts/test.ts --only prove test/prove/dns

clean:
	@scripts/setup.sh clean

can-run-lab:
	@scripts/setup.sh can-run-lab

packages: $(MODULES)
	@scripts/setup.sh packages

test-packages: $(MODULES)
	@scripts/setup.sh packages --test

bench-packages: $(MODULES)
	@scripts/setup.sh packages --bench

base: packages
	@scripts/setup.sh base

$(MODULES): package-lock.json
	@scripts/setup.sh modules
