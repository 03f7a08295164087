"""The benchmarks of the sampler run, on tables and histories made here."""

from __future__ import annotations

import csv
import gzip
from itertools import product
import os
from pathlib import Path
import subprocess
import sys

from tests.servers import postgresql_url


BENCHMARKS = Path(__file__).parent.parent.parent / "examples" / "benchmarks"


def run(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / script), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_table(path: Path) -> None:
    """Write a table in which the sum of the digits is the accuracy, of two runs or three."""
    names = ["arch", "cifar10_r0", "cifar10_r1", "cifar10_r2"]
    with gzip.open(path, "wt", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(names)
        for code in product(range(5), repeat=6):
            score = sum(code)
            third = score if code[0] else ""
            rows.writerow(["".join(map(str, code)), score - 0.1, score + 0.1, third])


def test_tabular_search_compares_samplers_and_merges_what_it_wrote(tmp_path: Path) -> None:
    write_table(tmp_path / "nas_bench_201_full.csv.gz")
    settings = ["--tables=201-cifar10", "--seeds=3", "--evaluations=50", "--processes=1"]
    settings += [f"--data-dir={tmp_path}", f"--json={tmp_path}/one.json"]
    said = run("tabular_search.py", *settings, "--samplers", "evolution", "random")
    heading, evolution, by_chance, _, goal, _, _, compared = said.splitlines()[-8:]
    assert "after 30" in heading
    assert "after 50" in heading
    assert evolution.split()[:2] == ["evolution", "3"]
    assert by_chance.split()[:2] == ["random", "3"]
    assert float(evolution.split()[-4]) > float(by_chance.split()[-4])  # the mean after 50
    assert goal.startswith(f"evolution after 50: {evolution.split()[-4]};")
    assert compared.split()[:2] == ["random", "never"]

    settings = [argument.replace("one.json", "two.json") for argument in settings]
    run("tabular_search.py", *settings, "--samplers=evolution", "--first-seed=3")
    files = (f"{tmp_path}/one.json", f"{tmp_path}/two.json")
    merged = run("tabular_search.py", "--merge", *files)
    assert [part.split()[:2] for part in merged.splitlines()[2:4]] == [
        ["evolution", "6"],
        ["random", "3"],
    ]


def test_tabular_search_runs_the_guided_samplers(tmp_path: Path) -> None:
    write_table(tmp_path / "nas_bench_201_full.csv.gz")
    settings = ["--tables=201-cifar10", "--seeds=1", "--evaluations=25", "--processes=1"]
    samplers = ["guided", "guided-inverted", "guided-off", "evolution"]
    said = run("tabular_search.py", *settings, f"--data-dir={tmp_path}", "--samplers", *samplers)
    lines = [part.split() for part in said.splitlines() if part]
    assert [words[0] for words in lines[2:6]] == samplers
    assert lines[4][1:-1] == lines[5][1:-1]  # a guide that is off leaves plain evolution


def test_planted_landscape_prints_what_is_missing_to_the_optimum() -> None:
    settings = ["--seeds=2", "--evaluations=25", "--processes=1", "--noise=0.5"]
    said = run("planted_landscape.py", *settings, "--samplers", "guided", "random")
    heading, *regrets = said.splitlines()[-3:]
    assert heading.startswith("noise 0.5 ")
    assert [regret.split()[0] for regret in regrets] == ["guided", "random"]
    assert all(-10 < float(regret.split()[2]) <= 0 for regret in regrets)


def test_sampler_overhead_prints_what_a_sampler_adds() -> None:
    settings = ["--finished", "4", "6", "--rounds=2", "--samplers", "evolution, genomes"]
    said = run("sampler_overhead.py", *settings)
    lines = said.splitlines()
    assert [line.split()[0] for line in lines if "finished" in line] == ["memory", "sqlite"]
    assert sum(line.startswith("nothing, genomes") for line in lines) == 2
    assert sum(line.startswith("evolution, genomes") and "%" in line for line in lines) == 2


def test_asynchronous_search_prints_a_line_per_number_of_workers(tmp_path: Path) -> None:
    write_table(tmp_path / "nas_bench_201_full.csv.gz")
    settings = ["--tables=201-cifar10", "--seeds=1", "--evaluations=30", "--processes=1"]
    settings += [f"--data-dir={tmp_path}", "--samplers", "guided", "--workers", "1", "8"]
    said = run("asynchronous_search.py", *settings)
    heading, alone, together = said.splitlines()[-3:]
    assert "after 30" in heading
    assert alone.startswith("guided, 1 worker ")
    assert together.startswith("guided, 8 workers ")
    assert [line.split()[-3:-1] for line in (alone, together)] == [["0.00", "0.00"]] * 2
    assert float(alone.split()[-1]) > 3 * float(together.split()[-1])  # when the last one is done


def test_worker_startup_prints_what_a_worker_adds_to_optuna() -> None:
    settings = ["--finished", "30", "--repeats=1", "--children=3"]
    check_startup(run("worker_startup.py", *settings), "sqlite")


def test_worker_startup_measures_on_a_server() -> None:
    settings = ["--finished", "30", "--repeats=1", "--children=3", "--storages=postgresql"]
    url = postgresql_url()
    check_startup(run("worker_startup.py", *settings, f"--postgresql={url}"), "postgresql")


def check_startup(said: str, storage: str) -> None:
    heading, _, nothing, sampler, worker = said.splitlines()[-5:]
    assert heading == f"{storage}, 30 finished trials"
    assert nothing.startswith("nothing ")
    assert sampler.startswith("sampler ")
    assert worker.startswith("worker ")
    assert [line.count("%") for line in (nothing, sampler, worker)] == [0, 4, 4]


def test_worker_throughput_prints_what_workers_use_of_their_time() -> None:
    settings = ["--workers", "2", "--seconds=0.01", "--repeats=1", "--warm-up=0", "--lasting=5"]
    said = run("worker_throughput.py", *settings)
    heading, _, nothing, worker = said.splitlines()[-4:]
    assert heading == "sqlite, children of 0.01 s"
    assert nothing.startswith("2 x nothing ")
    assert worker.startswith("2 x worker ")
