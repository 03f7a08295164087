#!/usr/bin/env bash
# Several workers share one study; one of them is killed on the way, and nothing is lost.
#
#     examples/many_workers.sh [options of the first worker, e.g. --data DIR --preset paper]
#
# OPTUNA_XMCNAS_STORAGE  where the study is kept (an SQLite file in the present folder); put a URL
#                        with a password here, never on a command line
# STUDY, WORKERS         name of the study (many-workers), number of workers (2)
#
# Without options it searches small networks on the docstrings found on this machine, in minutes.
# On a cluster, run the line with `optuna-xmcnas worker` on each machine: see docs/guides/workers.md.
set -euo pipefail

export OPTUNA_XMCNAS_STORAGE=${OPTUNA_XMCNAS_STORAGE:-sqlite:///many-workers.db}
study=${STUDY:-many-workers}
n_workers=${WORKERS:-2}
settings=("$@")
if [ ${#settings[@]} -eq 0 ]; then
    settings=(--trials 6 --train-documents 2000 --max-tokens 16 --epochs 2 --hidden 16)
fi
# The settings are in the study; the other workers need to be told only where the data is.
data=()
for ((i = 0; i < ${#settings[@]}; i++)); do
    case ${settings[i]} in
        --data=* | --vectors=* | --train-rows=* | --test-rows=* | --children-dir=*)
            data+=("${settings[i]}")
            ;;
        --data | --vectors | --train-rows | --test-rows | --children-dir)
            data+=("${settings[i]}" "${settings[i + 1]}")
            ;;
    esac
done
# Threads of PyTorch: more than there are cores make all workers slower.
n_cores=$(nproc)
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$((n_cores > n_workers ? n_cores / n_workers : 1))}

optuna-xmcnas worker --create --study-name "$study" "${settings[@]}" &
first=$!
others=()
for ((i = 2; i <= n_workers; i++)); do
    optuna-xmcnas worker --create --study-name "$study" "${data[@]}" &
    others+=($!)
done

# A machine dies: as soon as a child is finished, kill the first worker the hard way.
while kill -0 "$first" 2>/dev/null; do
    if [[ $(optuna-xmcnas show --study-name "$study" 2>/dev/null) == *complete* ]]; then
        kill -KILL "$first" && echo "killed the first worker; the others notice"
        break
    fi
    sleep 1
done
wait "$first" || true
wait "${others[@]}"

optuna-xmcnas show --study-name "$study"
