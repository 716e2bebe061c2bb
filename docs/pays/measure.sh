#!/usr/bin/env bash
# Measures what docs/where-learning-pays.md shows, on one core in about half an hour, and fills the page.
#   docs/pays/measure.sh            goes on where it was stopped
#   docs/pays/measure.sh fill       only tables and pictures, from what has been measured
# On a machine with more to do: taskset -c 1 docs/pays/measure.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
export OMP_NUM_THREADS=1
schedlab=${SCHEDLAB:-.venv/bin/schedlab}
python=${PYTHON:-.venv/bin/python}
out=${OUT:-results/pays}
only=${1:-everything}

race() { # FOLDER PROBLEM OPTIONS
    [ "$only" = fill ] || "$schedlab" race "${@:2}" --workers 1 --resume --out "$out/$1"
}

budgets() { # NAME TITLE FOLDERS AND OPTIONS
    "$schedlab" budgets "${@:3}" --title "$2" --part "$1" \
        --out "docs/pays/$1.json" --plot "docs/pays/$1.png" --page docs/where-learning-pays.md
}

rules=spt,lpt,fifo,mwkr,mor,fdd-mwkr,spt-twk,spt-twkr
race job-shop job-shop --instances ta01,ta06,ta11,ta16,ta21,ta26,ta31,ta41 --time-limit 10 \
    --agents $rules,ppo,ppo@16,ppo@128,tabu,cp-sat
race job-shop-large job-shop --instances ta51,ta56,ta61,ta66,ta71,ta76 --time-limit 10 \
    --agents $rules,ppo,ppo@16,tabu,cp-sat
[ "$only" = fill ] || "$python" - "$out/instances" <<'END'
import sys
from pathlib import Path

import numpy as np

from schedlab.envs.core.problem import load_problem
from schedlab.envs.job_shop.formats import write_instance

problem, folder = load_problem("job-shop"), Path(sys.argv[1])
sample = problem.sampler(problem.configure({"num_jobs": 200, "num_machines": 50}))
folder.mkdir(parents=True, exist_ok=True)
for seed in range(3):
    write_instance(sample(np.random.default_rng(seed)), folder / f"200x50-{seed}.txt")
END
race job-shop-very-large job-shop --instances "$out/instances" --time-limit 10 \
    --agents $rules,ppo,tabu,cp-sat
race job-shop-improvement job-shop-improvement --instances ta01,ta21,ta41,ta61 --moves 1000000 --time-limit 10 \
    --agents greedy-tabu,look-ahead,ppo,tabu,cp-sat
race single-machine single-machine --instances n100 --seeds 0-19 \
    --agents spt,edd,mst,mdd,mddc,atc,covert,panneerselvam,psk,eddc,aug-mdd,aug-mddc,mdd-swap,mdd-rollout,rollout,ppo,ppo@16,exact
stream_rules=fifo,spt,lwkr,edd,mdd,odd,mod,slack,s-opn,s-rpt,cr,cr-spt,s-rpt-spt,covert,atc,winq,pt-winq,pt-winq-sl,2pt-winq-npt,pt-winq-at,at-rpt,pt-winq-s,2pt-lwkr-s
race dynamic-job-shop dynamic-job-shop --instances load90-twk4 --seeds 0-5 --agents $stream_rules,ppo
race dynamic-breakdowns dynamic-job-shop --instances load90-twk4-breakdowns --seeds 0-3 --agents $stream_rules,ppo
shop_rules=spt,lpt,mwkr,lwkr,mor,lor,fifo,fdd-mwkr,spt-twkr,free-next,least-blocking,unblock,pressure,blocked-first-fifo,blocked-first-mwkr,blocked-first-lwkr,blocked-first-spt,wip-third,wip-half,wip-most,wip-most-unblock,wip-most-pressure,patient-mwkr,patient-pressure
race blocking-job-shop blocking-job-shop --instances la01-la10 --agents $shop_rules,rollout,ppo,ppo@16,cp-sat
race blocking-failures blocking-job-shop --instances la01-la10 --breakdown-probability 0.01 --agents $shop_rules,rollout,ppo
race soc soc --instances top1-top10 --time-limit 10 --temperature 2 \
    --agents met,stf,eft,etf,heft-rt,rank-rt,late-oldest,late-srpt,heft,lookahead-heft,cpop,peft,rollout,ppo,ppo@16,cp-sat
race soc-stream soc --instances top5-pss --seeds 0-3 --time-limit 5 \
    --agents met,stf,eft,etf,heft-rt,rank-rt,late-oldest,late-srpt,rollout,deepsocs,ppo,rolling-cp-sat
race 50-ms-a-plan soc --instances top5-pss --seeds 0-3 --time-limit 0.5 --agents rolling-cp-sat
race vm vm --instances medium-high --seeds 0-4 --time-limit 10 \
    --agents no-op,ha,ha-pair,vbpp,local-search,pop,patterns,mip,mip-fragmented,cp-sat,vmr2l,ppo,ppo@16
race uam uam --instances balanced-40 --seeds 0-5 --time-limit 10 \
    --agents greedy-trip,greedy-hour,look-ahead,random-no-wait,rollout,lp-dual,rolling-mip,plain,captain,ppo,lp-dual-known,ga

# on other instances: who stands for its kind, where there are several
race choose/job-shop job-shop --instances ta02,ta07,ta12,ta17,ta22,ta27,ta32,ta42 --agents $rules,ppo,ppo@16,ppo@128
race choose/job-shop-large job-shop --instances ta52,ta57,ta62,ta67,ta72,ta77 --agents $rules,ppo,ppo@16
race choose/single-machine single-machine --instances n100 --seeds 100-119 \
    --agents spt,edd,mst,mdd,mddc,atc,covert,panneerselvam,psk,eddc,aug-mdd,aug-mddc,mdd-swap,mdd-rollout,rollout,ppo,ppo@16
race choose/dynamic-job-shop dynamic-job-shop --instances load90-twk4 --seeds 100-103 --agents $stream_rules
race choose/dynamic-breakdowns dynamic-job-shop --instances load90-twk4-breakdowns --seeds 100-103 --agents $stream_rules
race choose/blocking-job-shop blocking-job-shop --instances la11-la20 --agents $shop_rules,ppo,ppo@16
race choose/blocking-failures blocking-job-shop --instances la11-la20 --breakdown-probability 0.01 --agents $shop_rules
race choose/soc soc --instances wifi-tx,wifi-rx,range-detection,sc-tx,sc-rx,temporal-mitigation,canonical,peft --temperature 2 \
    --agents met,stf,eft,etf,heft-rt,rank-rt,late-oldest,late-srpt,heft,lookahead-heft,cpop,peft,ppo,ppo@16
race choose/soc-stream soc --instances top5-pss --seeds 100-103 \
    --agents met,stf,eft,etf,heft-rt,rank-rt,late-oldest,late-srpt,deepsocs,ppo
race choose/vm vm --instances medium-high --seeds 100-102 --agents no-op,ha,ha-pair,vmr2l,ppo,ppo@16
race choose/uam uam --instances balanced-40 --seeds 100-105 --time-limit 10 \
    --agents greedy-trip,greedy-hour,look-ahead,random-no-wait,rollout,lp-dual,rolling-mip,plain,captain,ppo

budgets job-shop "Job shop: eight instances of Taillard, 15x15 to 30x20" "$out/job-shop" --choose-on "$out/choose/job-shop"
budgets job-shop-large "Large job shops: six instances of Taillard, 50x15 to 100x20" "$out/job-shop-large" --choose-on "$out/choose/job-shop-large"
budgets job-shop-very-large "Very large job shops: three of 200 jobs on 50 machines" "$out/job-shop-very-large" --choose-on "$out/choose/job-shop-large"
budgets job-shop-improvement "Improving schedules: ta01, ta21, ta41, ta61" "$out/job-shop-improvement"
budgets single-machine "One machine, 100 jobs, total tardiness: twenty instances" "$out/single-machine" --choose-on "$out/choose/single-machine"
budgets dynamic-job-shop "Dynamic job shop, 90 % load, tardiness: six runs of 3,000 jobs" "$out/dynamic-job-shop" --choose-on "$out/choose/dynamic-job-shop" \
    --decisions-of mod --instances load90-twk4 --seeds 0-5
budgets dynamic-breakdowns "Dynamic job shop with breakdowns, tardiness: four runs" "$out/dynamic-breakdowns" --choose-on "$out/choose/dynamic-breakdowns" \
    --decisions-of mod --instances load90-twk4-breakdowns --seeds 0-3
budgets blocking-job-shop "Blocking job shop without failures: la01-la10" "$out/blocking-job-shop" --choose-on "$out/choose/blocking-job-shop"
budgets blocking-failures "Blocking job shop, failures of 1 %, makespan: la01-la10" "$out/blocking-failures" --choose-on "$out/choose/blocking-failures" \
    --decisions-of mwkr --instances la01-la10
budgets soc "System on a chip, one job alone: top1-top10" "$out/soc" --choose-on "$out/choose/soc"
budgets soc-stream "System on a chip, jobs keep arriving, latency: four streams" "$out/soc-stream" "$out/50-ms-a-plan" --choose-on "$out/choose/soc-stream" \
    --decisions-of etf --instances top5-pss --seeds 0-3
budgets vm "VM rescheduling, 279 hosts, 50 moves: five clusters" "$out/vm" --choose-on "$out/choose/vm"
budgets uam "Air taxis, 40 aircraft, profit in dollars: six days" "$out/uam" --choose-on "$out/choose/uam" \
    --decisions-of greedy-hour --instances balanced-40 --seeds 0-5 --hindsight lp-dual-known,ga
"$python" docs/pays/summary.py
