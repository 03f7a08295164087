"""Several studies side by side: which sampler finds better children, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
import json
import re
from typing import Any
from typing import final

from optuna_xmcnas.analysis import costs_of
from optuna_xmcnas.analysis import Estimate
from optuna_xmcnas.analysis import estimate
from optuna_xmcnas.analysis import Gap
from optuna_xmcnas.analysis import gap_between
from optuna_xmcnas.analysis import History
from optuna_xmcnas.analysis import Measure
from optuna_xmcnas.analysis import measure_of
from optuna_xmcnas.analysis import paired_gap
from optuna_xmcnas.exceptions import ConfigMismatchError


FEWEST_SEEDS = 3
"""Studies of a sampler before it is told from another one (ours)."""

_METRIC = "P@5"
_SEED = "seed"
_MOST_BUDGETS = 8
_UNKNOWN = "not written down"
_UNUSED = {  # settings that a search writes down for every sampler
    "tpe": ("population_size", "sample_size"),
    "random": ("population_size", "sample_size"),
    "nsgaii": ("sample_size",),
}


@final
@dataclass(frozen=True, kw_only=True)
class Contestant:
    """A study that is compared.

    Attributes:
        name: The study's name.
        seed: Seed of its sampler; None if nobody wrote it down.
        best_so_far: The best value after each finished child.
        test: Test P@5 of its winner; None if nobody judged it, or if another trial was judged than
            the best one of the search: a confirmation chose that.
        child_hours: Hours of all its trainings.
        children_to_level: Children until the level of the comparison was reached; None if never.
    """

    name: str
    seed: int | None
    best_so_far: tuple[float, ...]
    test: float | None
    child_hours: float
    children_to_level: int | None


@final
@dataclass(frozen=True, kw_only=True)
class Group:
    """The studies of one sampler with the same settings.

    Attributes:
        label: What to call it.
        studies: They.
        at: The best value so far after each of the budgets.
        curve: The same after every number of children that all of its studies have.
        test: Test P@5 of the winners that were judged; None if none was.
        child_hours: Hours of all trainings of a study.
        children_to_level: Children until the level was reached; None unless all of its studies
            did: those that did not are not the fast ones.
    """

    label: str
    studies: tuple[Contestant, ...]
    at: tuple[Estimate, ...]
    curve: tuple[Estimate, ...]
    test: Estimate | None
    child_hours: Estimate
    children_to_level: Estimate | None

    @property
    def seeds(self) -> frozenset[int] | None:
        """The seeds of the studies; None if they cannot tell them apart."""
        seeds = {study.seed for study in self.studies}
        known = {seed for seed in seeds if seed is not None}
        return frozenset(known) if len(known) == len(self.studies) else None


@final
@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far one sampler is ahead of another.

    Attributes:
        one: Label of the first group.
        other: Label of the second group.
        gap: The first one's mean best value minus the second one's, after the last budget; the
            intervals of all differences hold together with 95 % (Bonferroni).
        is_matched: Whether studies of the same seed were set against each other.
    """

    one: str
    other: str
    gap: Gap
    is_matched: bool


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Studies side by side.

    Attributes:
        measure: What their values are.
        groups: By sampler, the best mean at the last budget first.
        budgets: Numbers of finished children that every study has.
        level: The mean best value of the worst group at the last budget.
        differences: Of every two groups of enough studies each.
        mismatches: What is not the same in all studies and makes values hard to compare.
        notes: What else is to be known to read it.
    """

    measure: Measure
    groups: tuple[Group, ...]
    budgets: tuple[int, ...]
    level: float
    differences: tuple[Difference, ...]
    mismatches: tuple[str, ...]
    notes: tuple[str, ...]


def compare_studies(histories: Sequence[History], *, anyway: bool = False) -> Comparison:
    """Return what studies of different samplers on the same data reached.

    Studies with the same sampler settings but for the seed are a group. Seeds may differ between
    studies: a seed also chooses the documents, so that studies of one seed have the same ones.

    Args:
        histories: Two studies or more, each with a finished child.
        anyway: Whether to compare studies whose values are hard to compare, too.

    Raises:
        ConfigMismatchError: If they cannot be compared: there are fewer than two, one has no
            finished child, they have different directions, or, unless ``anyway``, their texts,
            data, space, child or training settings differ; the message lists how.

    Example:
        >>> import optuna
        >>> from optuna_xmcnas.analysis import read_history
        >>> compare_studies([read_history(optuna.create_study(study_name="mine"))])
        Traceback (most recent call last):
        ...
        optuna_xmcnas.exceptions.ConfigMismatchError: a comparison wants two studies; got 1.
    """
    _check(histories)
    mismatches = tuple(_mismatches(histories))
    if mismatches and not anyway:
        lines = "\n".join(f"  {line}" for line in mismatches)
        raise ConfigMismatchError(
            f"the values of these studies cannot be compared:\n{lines}\nCompare studies of the "
            "same texts and settings, or say --anyway."
        )
    measure = _measure_of_all(histories)
    names = _names(histories)
    curves = [_best_so_far(history, measure) for history in histories]
    budgets = _budgets(min(map(len, curves)))
    by_sampler: dict[str, list[int]] = {}
    for position, history in enumerate(histories):
        by_sampler.setdefault(_sampler(history), []).append(position)
    finals = [
        estimate(curves[position][budgets[-1] - 1] for position in positions).mean
        for positions in by_sampler.values()
    ]
    level = min(finals) if measure.maximize else max(finals)
    contestants = [
        _contestant(history, name, curve, measure, level)
        for history, name, curve in zip(histories, names, curves, strict=True)
    ]
    labels = _labels(list(by_sampler))
    groups = [
        _group(labels[sampler], [contestants[position] for position in positions], budgets)
        for sampler, positions in by_sampler.items()
    ]
    sign = 1.0 if measure.maximize else -1.0
    groups.sort(key=lambda group: (-sign * group.at[-1].mean, group.label))
    return Comparison(
        measure=measure,
        groups=tuple(groups),
        budgets=budgets,
        level=level,
        differences=tuple(_differences(groups)),
        mismatches=mismatches,
        notes=tuple(_notes(histories, groups)),
    )


def _check(histories: Sequence[History]) -> None:
    if len(histories) < 2:
        raise ConfigMismatchError(f"a comparison wants two studies; got {len(histories)}.")
    for history in histories:
        if not history.complete:
            raise ConfigMismatchError(
                f"study {history.name!r} has no finished child; there is nothing to compare."
            )
    if len({history.maximize for history in histories}) > 1:
        directions = ", ".join(
            f"{one.name!r} {'maximises' if one.maximize else 'minimises'}" for one in histories
        )
        raise ConfigMismatchError(f"studies of one direction can be compared; {directions}.")


def _mismatches(histories: Sequence[History]) -> Iterator[str]:
    """Yield, in words, what of the other studies is not as in the first one."""
    first = histories[0]
    known = _settings(first)
    for other in histories[1:]:
        if measure_of(first) != measure_of(other):
            yield (
                f"what is measured: {first.name!r} has {_measure(first)}, {other.name!r} "
                f"{_measure(other)}"
            )
        its = _settings(other)
        same_seed = _seed(first, "data") == _seed(other, "data")
        for name in sorted({*known, *its}):
            if name == "data.fingerprint" and not same_seed:
                continue  # other documents were drawn, and the texts are compared as well
            if known.get(name) != its.get(name):
                yield (
                    f"{name}: {first.name!r} has {_json(known.get(name))}, {other.name!r} "
                    f"{_json(its.get(name))}"
                )


def _measure_of_all(histories: Sequence[History]) -> Measure:
    """Return what all values are; values of different kinds are mere values."""
    first, *others = map(measure_of, histories)
    if all(other == first for other in others):
        return first
    return Measure(name="value", is_share=False, maximize=first.maximize)


def _measure(history: History) -> str:
    measure = measure_of(history)
    return measure.name if measure.is_share else "values of another kind"


def _settings(history: History) -> dict[str, Any]:
    """Return what the values of a study depend on, but for its sampler and its seeds."""
    found: dict[str, Any] = {}
    sections = {} if history.config is None else history.config.to_record()
    for section, values in sections.items():
        if section == "sampler" or not isinstance(values, Mapping):
            continue
        for name, value in values.items():
            if name != _SEED:
                found[f"{section}.{name}"] = value
    if isinstance(found.get("data.vectors"), str):
        found["data.vectors"] = re.sub(r", seed \d+$", "", found["data.vectors"])
    if history.texts is not None:
        found["texts"] = history.texts.fingerprint
    return found


def _seed(history: History, section: str) -> int | None:
    if history.config is None:
        return None
    seed = history.config.sections.get(section, {}).get(_SEED)
    return seed if type(seed) is int else None


def _sampler(history: History) -> str:
    """Return the settings of a study's sampler but for the seed, as text."""
    if history.config is None:
        return json.dumps([_UNKNOWN])
    section = dict(history.config.sections.get("sampler", {}))
    name = str(history.config.sampler_name)
    for unused in (_SEED, "name", *_UNUSED.get(name, ())):
        section.pop(unused, None)
    return json.dumps([name, section], sort_keys=True)


def _labels(samplers: Sequence[str]) -> dict[str, str]:
    """Return what to call samplers: their names, and what else tells them apart."""
    parsed = {sampler: json.loads(sampler) for sampler in samplers}
    names = [name for name, *_ in parsed.values()]
    labels = {}
    for sampler, (name, *settings) in parsed.items():
        labels[sampler] = name
        if names.count(name) > 1 and settings:
            twins = [its[0] for other, *its in parsed.values() if other == name]
            differing = [
                f"{key.replace('_', ' ')} {_json(value)}"
                for key, value in settings[0].items()
                if any(twin.get(key) != value for twin in twins)
            ]
            labels[sampler] = f"{name} ({', '.join(differing) or 'other settings'})"
    return labels


def _best_so_far(history: History, measure: Measure) -> tuple[float, ...]:
    found: list[float] = []
    for row in history.complete:
        value = row.value or 0.0
        is_new = not found or measure.is_better(value, found[-1])
        found.append(value if is_new else found[-1])
    return tuple(found)


def _budgets(most: int) -> tuple[int, ...]:
    """Return numbers of children to look at.

    Example:
        >>> _budgets(35), _budgets(7), _budgets(700)
        ((10, 20, 30, 35), (7,), (10, 20, 50, 100, 200, 500, 700))
    """
    tens = range(10, most + 1, 10)
    if len(tens) >= _MOST_BUDGETS:
        tens_only = [n * 10**power for power in range(1, 7) for n in (1, 2, 5)]
        return tuple(sorted({*(n for n in tens_only if n < most), most}))
    return tuple(sorted({*tens, most}))


def _contestant(
    history: History, name: str, curve: tuple[float, ...], measure: Measure, level: float
) -> Contestant:
    reached = (n for n, value in enumerate(curve, start=1) if not measure.is_better(level, value))
    return Contestant(
        name=name,
        seed=_seed(history, "sampler"),
        best_so_far=curve,
        test=_test(history),
        child_hours=costs_of(history).child_seconds / 3600,
        children_to_level=next(reached, None),
    )


def _test(history: History) -> float | None:
    """Return the test P@5 of a study's winner: the trial that it judged."""
    best = history.best
    if best is None or _is_judged_elsewhere(history):
        return None
    return history.test.get(best.number, {}).get(_METRIC)


def _is_judged_elsewhere(history: History) -> bool:
    """Return whether another trial was judged than the one with the best value.

    Then it is not known which one the winner is: a confirmation may have chosen another one, or
    the search went on after it had been judged.
    """
    best = history.best
    return any(best is None or number != best.number for number in history.test)


def _group(label: str, studies: Sequence[Contestant], budgets: Sequence[int]) -> Group:
    n_common = min(len(study.best_so_far) for study in studies)
    curve = tuple(
        estimate(study.best_so_far[position] for study in studies) for position in range(n_common)
    )
    tests = [study.test for study in studies if study.test is not None]
    reached = [
        float(study.children_to_level) for study in studies if study.children_to_level is not None
    ]
    return Group(
        label=label,
        studies=tuple(studies),
        at=tuple(curve[budget - 1] for budget in budgets),
        curve=curve,
        test=estimate(tests) if tests else None,
        child_hours=estimate(study.child_hours for study in studies),
        children_to_level=estimate(reached) if len(reached) == len(studies) else None,
    )


def _differences(groups: Sequence[Group]) -> Iterator[Difference]:
    n = min(len(study.best_so_far) for group in groups for study in group.studies)
    pairs = _pairs(groups)
    for one, other in pairs:
        is_matched = one.seeds is not None and one.seeds == other.seeds
        if is_matched:
            its = {study.seed: study.best_so_far[n - 1] for study in other.studies}
            gap = paired_gap(
                (study.best_so_far[n - 1] - its[study.seed] for study in one.studies),
                n_picked_from=len(pairs),
            )
        else:
            gap = gap_between(one.at[-1], other.at[-1], n_picked_from=len(pairs))
        yield Difference(one=one.label, other=other.label, gap=gap, is_matched=is_matched)


def _pairs(groups: Sequence[Group]) -> list[tuple[Group, Group]]:
    """Return every two groups of enough studies each."""
    enough = [group for group in groups if len(group.studies) >= FEWEST_SEEDS]
    return list(combinations(enough, 2))


def _notes(histories: Sequence[History], groups: Sequence[Group]) -> Iterator[str]:
    if any(history.config is None for history in histories):
        yield (
            "Of studies without settings of a search nobody knows whether they are of the same "
            "data and trainings."
        )
    elif any(history.texts is None for history in histories):
        yield "Not all studies have written down which texts they are of."
    if len(groups) == 1:
        yield "All studies are of one sampler with the same settings: they differ by luck alone."
    few = [group.label for group in groups if len(group.studies) < FEWEST_SEEDS]
    if few and len(groups) > 1:
        yield (
            f"Fewer than {FEWEST_SEEDS} studies: {', '.join(few)}. How far it is ahead of others, "
            "or behind them, cannot be told from luck."
        )
    n_pairs = len(_pairs(groups))
    if n_pairs > 1:
        yield (
            f"{n_pairs} pairs of samplers are compared, and the intervals of the differences are "
            "so wide that all of them hold together in 95 of 100 cases (Bonferroni)."
        )
    unclear = [history.name for history in histories if _is_judged_elsewhere(history)]
    if unclear:
        yield (
            "No test P@5 is given where another trial was judged than the best one of the search, "
            f"as after a confirmation: {', '.join(unclear)}. The report of the study has it."
        )
    seeds = {group.seeds for group in groups}
    if len(seeds) > 1 and len({_seed(history, "data") for history in histories}) > 1:
        yield (
            "The samplers do not have the same seeds. A seed also chooses the documents that "
            "children are trained and scored on, so part of the differences is that of documents."
        )


def _names(histories: Sequence[History]) -> list[str]:
    """Return the studies' names, each once."""
    found: list[str] = []
    for history in histories:
        name, n = history.name, 1
        while name in found:
            n += 1
            name = f"{history.name} ({n})"
        found.append(name)
    return found


def _json(value: object) -> str:
    return json.dumps(value)
