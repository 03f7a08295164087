"""What is needed to repeat a study: settings, commands, data, programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping
import re
import shlex
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import Phase
from optuna_xmcnas.genome import DEFAULT_OPS
from optuna_xmcnas.report.blocks import Block
from optuna_xmcnas.report.blocks import Listing
from optuna_xmcnas.report.blocks import name
from optuna_xmcnas.report.blocks import Paragraph
from optuna_xmcnas.report.blocks import printable
from optuna_xmcnas.report.blocks import Section
from optuna_xmcnas.report.blocks import Table
from optuna_xmcnas.study import hide_password


if TYPE_CHECKING:
    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.report.findings import Findings
    from optuna_xmcnas.study import StudyConfig


_SETTINGS_FILE = "settings.toml"
_EMBEDDED = "docstrings"
_OF_THE_DATA = ("fingerprint", "vectors")  # what it is, and not how it is read
_ALL_DOCUMENTS = 0  # how a settings file writes that there is no limit
_MOST_PROGRAMS = 10
_MOST_GIVEN = 20  # architectures in a command
_CAUTION = (
    "What is not repeatable bit for bit: on a GPU, sums are made in an order that changes, so the "
    "scores of two trainings with one seed can differ. With several workers, the order in which "
    "children finish decides which ones breed. Another version of PyTorch, another number of "
    "threads or another processor rounds otherwise. One worker on a CPU, with the versions, the "
    "texts and the settings above and the same number of threads, trains the same children."
)


def repeat_section(findings: Findings, storage: str | None) -> Section:
    """Return all that is needed to repeat a study.

    Args:
        findings: What is known of it.
        storage: Where it is kept, as given; None if that is not to be said.
    """
    return Section("How to repeat it", tuple(_blocks(findings, storage)))


def settings_toml(config: StudyConfig, n_trials: int | None) -> str:
    """Return the settings of a study as a file that ``--config`` reads back.

    Args:
        config: The settings.
        n_trials: Finished children that the study shall have; None leaves it out.

    Example:
        >>> from optuna_xmcnas.study import StudyConfig
        >>> text = settings_toml(StudyConfig({"sampler": {"name": "tpe", "seed": 3}}), 20)
        >>> print(text)
        [search]
        n_trials = 20
        sampler = "tpe"
        seed = 3
        <BLANKLINE>
    """
    import tomli_w

    sections = {
        section: dict(values)
        for section, values in config.sections.items()
        if isinstance(values, Mapping)
    }
    sampler = sections.pop("sampler", {})
    sampler.pop("name", None)
    search: dict[str, Any] = {} if n_trials is None else {"n_trials": n_trials}
    search |= {"sampler": config.sampler_name, **sampler}
    data = sections.get("data", {})
    for one in _OF_THE_DATA:
        data.pop(one, None)
    if "train_documents" in data and data["train_documents"] is None:
        data["train_documents"] = _ALL_DOCUMENTS
    return tomli_w.dumps(_without_none({"search": search, **sections}))


def _blocks(findings: Findings, storage: str | None) -> Iterator[Block]:
    history = findings.history
    yield Table("What it is", ("what", "value"), tuple(_facts(history, storage)))
    if history.is_of_another_version:
        yield Paragraph(
            "The study has the settings of another version of this package, which this one cannot "
            "read; that version repeats it."
        )
    elif history.config is None:
        yield Paragraph(
            "The study keeps no settings of a search, so there is no command that repeats it."
        )
    else:
        n_trials = history.n_wanted or len(history.complete) or None
        text = settings_toml(history.config, n_trials)
        yield Listing("toml", text, f"Its settings; save them as {_SETTINGS_FILE}")
        yield Listing("sh", _commands(findings, history.config, storage), "Commands")
        yield from _cautions(history.config)
    programs = _programs(history)
    if programs:
        yield Table(
            "Programs and devices of the trainings",
            ("programs", "device", "trials"),
            tuple(
                (name(software), name(device), f"{n:,}")
                for (software, device), n in programs.most_common(_MOST_PROGRAMS)
            ),
            note=""
            if len(programs) <= _MOST_PROGRAMS
            else f"The {_MOST_PROGRAMS} most frequent of {len(programs)}.",
        )
    yield Paragraph(_CAUTION)


def _facts(history: History, storage: str | None) -> Iterator[tuple[str, str]]:
    yield "study", name(history.name)
    if storage is not None:
        yield "storage", name(hide_password(storage))
    sections: Mapping[str, Mapping[str, Any]] = history.config.sections if history.config else {}
    data = sections.get("data", {})
    if history.texts is not None:
        yield "texts", name(history.texts.name)
        yield "fingerprint of texts and labels", name(history.texts.fingerprint)
    if "fingerprint" in data:
        yield "fingerprint of the data as children see it", name(data["fingerprint"])
    if "vectors" in data:
        yield "word vectors", name(data["vectors"])
    if history.config is not None:
        yield "fingerprint of the settings", history.config.fingerprint
    for section in ("sampler", "data", "training"):
        if "seed" in sections.get(section, {}):
            yield f"seed of the {section}", name(sections[section]["seed"])
    begun = [row.began for row in history.rows if row.began is not None]
    ended = [row.ended for row in history.rows if row.ended is not None]
    if begun:
        yield "first trial began", f"{min(begun):%Y-%m-%d %H:%M}"
    if ended:
        yield "last trial ended", f"{max(ended):%Y-%m-%d %H:%M}"


def _commands(findings: Findings, config: StudyConfig, storage: str | None) -> str:
    history = findings.history
    texts = None if history.texts is None else history.texts.name
    data = [] if texts == _EMBEDDED else ["--data", f"path/to/{_word(texts or 'texts')}"]
    if str(config.sections.get("data", {}).get("vectors", "")).startswith("given"):
        data += ["--vectors", "path/to/vectors.txt"]
    space = config.space
    ops = () if space is None else (*space.ops, *(node.op for node in space.frozen))
    if not set(ops) <= set(DEFAULT_OPS):
        data += ["--import", "your_operations"]
    own = ["--study-name", f"{history.name}-again"]
    given = _given(history)
    wished = ["--enqueue", ",".join(given)] if given else []
    here = [] if storage is None else ["--storage", hide_password(storage)]
    name_of = ["--study-name", history.name]
    commands = [
        (
            "Search once more, as a study of another name:",
            ["search", *data, "--config", _SETTINGS_FILE, *wished, *own],
        ),
        ("Go on with this study, on the same texts:", ["search", *data, *name_of, *here]),
        ("Train its best networks again, with fresh seeds:", ["confirm", *data, *name_of, *here]),
        ("Train the winner in full, as a model:", ["retrain", *data, *name_of, *here]),
    ]
    lines = []
    for what, arguments in commands:
        lines += [f"# {what}", shlex.join(["optuna-xmcnas", *arguments])]
    return printable("\n".join(lines)) + "\n"


def _given(history: History) -> list[str]:
    """Return the architectures that somebody wished for, each once."""
    found: dict[str | None, str] = {}
    for row in history.rows:
        if row.phase is Phase.GIVEN and row.genome is not None:
            found.setdefault(row.identity, str(row.genome))
    return list(found.values())[:_MOST_GIVEN]


def _cautions(config: StudyConfig) -> Iterator[Block]:
    is_given = str(config.sections.get("data", {}).get("vectors", "")).startswith("given")
    made = "were given as a file; its SHA-256 is above" if is_given else "were made from the texts"
    yield Paragraph(
        f"The word vectors {made}. Which rows of a data set were selected by `--train-rows` and "
        "`--test-rows` is part of the fingerprint of the texts, and not kept as such."
    )


def _programs(history: History) -> Counter[tuple[str, str]]:
    return Counter(
        (row.record.software or "not written down", row.record.device or "not written down")
        for row in history.rows
        if row.record is not None and (row.record.software or row.record.device)
    )


def _without_none(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values without those that TOML cannot write; they are the defaults."""
    return {key: _cleaned(value) for key, value in values.items() if value is not None}


def _cleaned(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _without_none(value)
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value if item is not None]
    return value


def _word(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text)[:80] or "texts"
