"""The note of a study in optuna-dashboard: what is searched, the best child, how to read on."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
import hashlib
from typing import Any
from typing import TYPE_CHECKING

from optuna_xmcnas.analysis import measure_of
from optuna_xmcnas.dashboard.pictures import PICTURE_NAME
from optuna_xmcnas.dashboard.storage import picture_path
from optuna_xmcnas.drawing import draw_text
from optuna_xmcnas.drawing import fitting_weights


if TYPE_CHECKING:
    from optuna import Study
    from optuna import Trial

    from optuna_xmcnas.analysis import History
    from optuna_xmcnas.analysis import Measure
    from optuna_xmcnas.analysis import Row


_KEY = "xmcnas:note"
_FORMAT = 1
_READING = """\
## How to read the pages

The first page of the study has these figures below those of Optuna; they are refreshed while the
search goes on.

- **Best {measure}**: each point is a finished child, in the order in which they finished. The line
  is the best so far, the band the middle half of the population, or of the latest children if
  nothing breeds. In the shaded part of an evolution genomes were drawn at random; after it, each
  is a mutant of another one, or a random one that a guide preferred.
- **Family tree**: who came from whom, from left to right. The line of a child is the mutation that
  made it, its colour is its score.
- **Operations in the population**: the share of each operation among the nodes. What grows is what
  the search finds useful; in a small population shares move by chance, too.
- **Learned weights of the nodes**: how much of each node's output trained children use, by
  operation and position.

The page of each **trial** shows its architecture, small; the picture is large in a new tab, and in
the notes of some that were the best when they were finished. The thick path leads from the
embedding to the node of the largest weight, and what differs from the parent is marked. A single
score is noisy: two children {close} may well be equally good.
`optuna-xmcnas confirm` trains the best ones again.
"""


def save_study_note(study: Study, history: History) -> bool:
    """Write the note of a study; return whether it was written.

    A note that a person has written, or changed, stays as it is.

    Args:
        study: The study.
        history: Its trials.
    """
    from optuna_dashboard import get_note
    from optuna_dashboard import save_note

    best = history.best
    if best is None:
        return False
    before, text = get_note(study), note_text(history, best, _picture_of(study, best))
    if before == text or (before and _hash(before) not in _ours(study)):
        return False
    # first, and with the note that it replaces: a worker may die between the two writings
    ours = [_hash(text), _hash(before)]
    study.set_user_attr(_KEY, {"format": _FORMAT, "sha256": ours})
    save_note(study, text)
    return True


def save_child_note(trial: Trial, artifact_id: str) -> None:
    """Write a note that shows the picture of a trial in full size; its page has a small one.

    Not for every trial: Optuna's dashboard keeps all notes in attributes of the study, so each
    costs more than the one before.

    Args:
        trial: A trial that runs; a note that a person has written stays.
        artifact_id: Of its picture.
    """
    from optuna_dashboard import get_note
    from optuna_dashboard import save_note
    from optuna_dashboard.artifact import get_artifact_path

    if not get_note(trial):
        path = get_artifact_path(trial, artifact_id)
        save_note(
            trial,
            f"The best child of the search when it was finished.\n\n![its architecture]({path})\n",
        )


def note_text(history: History, best: Row, picture: str | None = None) -> str:
    """Return the note, in Markdown.

    Args:
        history: The trials of the study.
        best: The one that the note shows.
        picture: Where the dashboard has its picture; None if it has none.
    """
    shown = [] if picture is None else ["", f"![its architecture]({picture})"]
    measure = measure_of(history)
    found = [*_best(best, measure), *shown, *_text(best)]
    close = "a few tenths of a percent apart" if measure.is_share else "of almost the same value"
    reading = _READING.format(measure=measure.name, close=close)
    lines = [f"# {_plain(history.name)}", "", *_search(history), "", *found, "", reading]
    return "\n".join(lines)


def _search(history: History) -> Iterator[str]:
    if history.texts is not None:
        yield f"- texts: {_plain(history.texts.name)}"
    sections: Mapping[str, Mapping[str, Any]] = history.config.sections if history.config else {}
    space = history.config.space if history.config else None
    if space is not None:
        yield f"- operations: {', '.join(space.ops)}"
        yield f"- nodes: {space.min_layers} to {space.max_layers}"
    sampler = sections.get("sampler", {})
    if history.config is not None:
        size = f", population of {history.population_size}" if history.population_size else ""
        yield f"- sampler: {_plain(history.config.sampler_name)}{size}"
    if history.n_wanted is not None:
        yield f"- budget: {history.n_wanted} finished children"
    if "epochs" in sections.get("training", {}):
        yield f"- epochs of a training: {sections['training']['epochs']}, at most"
    if sampler.get("seed") is not None:
        yield f"- seed: {sampler['seed']}"


def _best(best: Row, measure: Measure) -> Iterator[str]:
    yield f"## Best child so far: trial {best.number}"
    if best.value is not None:
        name = f"Validation {measure.name}" if measure.is_share else measure.name.capitalize()
        yield ""
        yield f"{name}: **{measure.text(best.value)}**"


def _text(best: Row) -> Iterator[str]:
    if best.record is None:
        return
    weights = fitting_weights(best.record.genome, best.record.node_weights)
    yield ""
    yield "```"
    yield draw_text(best.record.genome, weights)
    yield "```"
    if weights is not None:
        yield ""
        yield "The bars are the shares of the nodes in what the labels are read from."


def _picture_of(study: Study, best: Row) -> str | None:
    return picture_path(study, best.number, PICTURE_NAME)


def _plain(text: object) -> str:
    """Return a text on one line, in which Markdown finds nothing to format."""
    line = " ".join(str(text).split())
    return "".join(f"\\{one}" if one in r"\`*_{}[]<>()#+!|~" else one for one in line)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:16]


def _ours(study: Study) -> list[object]:
    """Return the hashes of the notes that we may have written last."""
    record = study.user_attrs.get(_KEY)
    if not isinstance(record, Mapping) or record.get("format") != _FORMAT:
        return []
    found = record.get("sha256")
    return found if isinstance(found, list) else []
