"""Many searches in several processes, and the options that go with them; not a script."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
import sys

from histories import checkpoints  # type: ignore[import-not-found]  # a file beside this one
from histories import comparison
from histories import heading
from histories import History
from histories import joined
from histories import line
from histories import read_results
from histories import report
from histories import Result
from histories import write_results


@dataclass(frozen=True, kw_only=True)
class Work:
    """What one sampler has to do on one table.

    Args:
        table: Name of the table.
        sampler: Name of the sampler.
        searches: Seeds -> one history each; a process of its own calls it.
    """

    table: str
    sampler: str
    searches: Callable[[Sequence[int]], list[History]]


def add_options(
    parser: argparse.ArgumentParser, samplers: Collection[str], usual: Sequence[str]
) -> None:
    """Add the options that every script with searches has."""
    parser.add_argument("--samplers", nargs="+", choices=samplers, default=usual)
    parser.add_argument("--seeds", type=int, default=30, help="how many searches each")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--evaluations", type=int, default=70)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results there")
    parser.add_argument(
        "--merge", type=Path, nargs="+", metavar="FILE", help="search nothing, show such files"
    )


def carry_out(works: Iterable[Work], arguments: argparse.Namespace) -> None:
    """Do all work, table by table, and print a line as soon as a sampler is done."""
    columns = checkpoints(arguments.evaluations)
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    shares = [seeds[i :: arguments.processes] for i in range(arguments.processes)]
    results: list[Result] = []
    with get_context("spawn").Pool(arguments.processes) as pool:
        by_table: dict[str, list[Work]] = {}
        for work in works:
            by_table.setdefault(work.table, []).append(work)
        for table, here in by_table.items():
            print(f"\n{heading(table, columns)}", flush=True)
            for work in here:
                histories = [h for share in pool.map(work.searches, shares) for h in share]
                histories.sort(key=lambda history: history.seed)
                result = Result(table=table, sampler=work.sampler, histories=tuple(histories))
                results.append(result)
                print(line(result, columns), flush=True)
                if arguments.json is not None:
                    write_results(arguments.json, results)  # each time: a campaign takes hours
            for text in comparison(results[-len(here) :]):
                print(text, flush=True)


def show(paths: Iterable[Path]) -> None:
    """Print what files of results say together."""
    try:
        results = joined(result for path in paths for result in read_results(path))
    except (OSError, ValueError) as error:
        sys.exit(str(error))
    for text in report(results):
        print(text)
