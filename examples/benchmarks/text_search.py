"""Does a sampler find better taggers? Small searches on real texts, several seeds each.

The texts are the docstrings that the package brings along, the children small and trained for
little: documents, words, widths and epochs are cut so that one search takes minutes on a
processor core. A seed sets the splits, the sampler and all trainings, and is the same for all
samplers. A search selects on validation; the test split is read once, for its best child.

    python examples/benchmarks/text_search.py --seeds 5 --trials 24

At full size, on a GPU: --train-documents 0 --tokens 500 --hidden 256 --epochs 30 --trials 70.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
import json
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
import time
from typing import Any

import numpy as np
import optuna

from optuna_xmcnas.data import load_docstrings
from optuna_xmcnas.study import open_storage
from optuna_xmcnas.workflows import PRESETS
from optuna_xmcnas.workflows import search
from optuna_xmcnas.workflows import SearchSettings


SAMPLERS = ("evolution", "guided", "tpe")
T_QUANTILE = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26, 20: 2.09}


def settings_of(arguments: argparse.Namespace, sampler: str, seed: int) -> SearchSettings:
    """Return what one search tries."""
    quick = PRESETS["quick"]
    return quick.changed(
        {
            "search": {
                "sampler": sampler,
                "seed": seed,
                "n_trials": arguments.trials,
                "population_size": 10,
                "sample_size": 5,
            },
            "data": {
                "train_documents": arguments.train_documents,
                "validation_documents": arguments.validation_documents,
                "max_tokens": arguments.tokens,
            },
            "child": {"hidden": arguments.hidden, "fully_connected": [arguments.hidden]},
            "training": {"epochs": arguments.epochs},
        }
    )


def run(arguments: argparse.Namespace, job: tuple[str, int]) -> dict[str, Any]:
    """Search once; what one process does at a time."""
    import torch

    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler, seed = job
    settings = settings_of(arguments, sampler, seed)
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        outcome = search(
            load_docstrings(),
            settings,
            storage=open_storage(f"sqlite:///{folder}/study.db"),
            study_name="search",
            children_dir=Path(folder),
        )
        values = [t.values[0] for t in outcome.study.get_trials(deepcopy=False) if t.values]
    assert outcome.verdict is not None
    assert outcome.verdict.test is not None
    return {
        "sampler": sampler,
        "seed": seed,
        "best": np.maximum.accumulate(values).round(5).tolist(),
        "test": outcome.verdict.test["P@5"],
        "genome": str(outcome.verdict.genome),
        "n_genomes": len({t.user_attrs.get("genome_hash") for t in outcome.study.trials}),
        "seconds": time.perf_counter() - start,
    }


def interval(values: Sequence[float]) -> str:
    """Return the mean and the half width of its 95 % interval over seeds, in percent."""
    half = T_QUANTILE.get(len(values), 1.96) * np.std(values, ddof=1) / len(values) ** 0.5
    return f"{100 * np.mean(values):.2f} ± {100 * half:.2f}"


def main() -> None:
    """Run all searches and print one line per sampler."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samplers", nargs="+", default=SAMPLERS)
    parser.add_argument("--seeds", type=int, default=5, choices=sorted(T_QUANTILE))
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--train-documents", type=int, default=2000)
    parser.add_argument("--validation-documents", type=int, default=1000)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, help="also write the searches there")
    arguments = parser.parse_args()

    jobs = [(sampler, seed) for seed in range(arguments.seeds) for sampler in arguments.samplers]
    found = []
    with get_context("spawn").Pool(arguments.processes) as pool:
        for result in pool.imap_unordered(partial(run, arguments), jobs):
            found.append(result)
            print(
                f"{result['sampler']:<10} seed {result['seed']}  validation "
                f"{100 * result['best'][-1]:.2f}  test {100 * result['test']:.2f}  "
                f"{result['n_genomes']} genomes  {result['seconds']:.0f} s  {result['genome']}",
                flush=True,
            )
            if arguments.json is not None:
                arguments.json.write_text(json.dumps(found), encoding="utf-8")

    half = arguments.trials // 2
    print("\nP@5 of the best child in percent, mean ± half width of its 95 % interval over seeds")
    heads = (f"validation, {half}", f"validation, {arguments.trials}", "test")
    print(f"{'':<12}{''.join(f'{head:>20}' for head in heads)}")
    by_sampler = {name: [r for r in found if r["sampler"] == name] for name in arguments.samplers}
    for name, results in by_sampler.items():
        columns = (
            [r["best"][half - 1] for r in results],
            [r["best"][-1] for r in results],
            [r["test"] for r in results],
        )
        print(f"{name:<12}{''.join(f'{interval(column):>20}' for column in columns)}")
    first = {r["seed"]: r for r in by_sampler[arguments.samplers[0]]}
    print(f"\nless {arguments.samplers[0]} with the same seed")
    for name, results in list(by_sampler.items())[1:]:
        pairs = [(r, first[r["seed"]]) for r in results]
        columns = (
            [one["best"][half - 1] - other["best"][half - 1] for one, other in pairs],
            [one["best"][-1] - other["best"][-1] for one, other in pairs],
            [one["test"] - other["test"] for one, other in pairs],
        )
        print(f"{name:<12}{''.join(f'{interval(column):>20}' for column in columns)}")


if __name__ == "__main__":
    main()
