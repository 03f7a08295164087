"""``optuna-xmcnas plan``: what a search or a child will cost, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
import os
from typing import Annotated
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
import typer

from optuna_xmcnas.cli import options
from optuna_xmcnas.cli.amounts import duration
from optuna_xmcnas.cli.amounts import size
from optuna_xmcnas.cli.loading import load_data
from optuna_xmcnas.cli.output import console_for
from optuna_xmcnas.cli.output import emit
from optuna_xmcnas.cli.records import plan_record
from optuna_xmcnas.cli.settings import import_modules
from optuna_xmcnas.cli.settings import option_sections
from optuna_xmcnas.cli.settings import preset_of
from optuna_xmcnas.cli.settings import read_config
from optuna_xmcnas.cli.settings import settings_from


if TYPE_CHECKING:
    from optuna_xmcnas.data import XmcDataset
    from optuna_xmcnas.planning import Plan
    from optuna_xmcnas.planning import Seconds
    from optuna_xmcnas.workflows import SearchSettings


_PARTS = {
    "process": "process and libraries",
    "data": "data and its word vectors",
    "vectors": "word vectors of the child",
    "weights": "weights, Adam, best copy",
    "encoder": "encoder, for the way back",
    "head": "gradients, a chunk of labels",
    "evaluation": "evaluation, beyond that",
    "slack": "holes in the heap",
}


def plan(
    context: typer.Context,
    data: options.Data = options.EMBEDDED_DATA,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    genome: Annotated[
        str | None,
        typer.Option(
            help="Plan this child instead of a search: attentionxml, xmcnas, xml-cnn, a file with "
            "a genome, or one written as '1:bilstm(0) 2:conv3(1)'. (default: the search)",
            metavar="NAME|FILE|GENOME",
        ),
    ] = None,
    trials: options.Trials = None,
    seed: options.Seed = None,
    device: options.Device = None,
    precision: options.Precision = None,
    vectors: options.Vectors = None,
    train_rows: options.TrainRows = None,
    test_rows: options.TestRows = None,
    max_tokens: options.MaxTokens = None,
    train_documents: options.TrainDocuments = None,
    validation_documents: options.ValidationDocuments = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    hidden: options.Hidden = None,
    attention: options.AttentionKind = None,
    ops: options.Ops = None,
    min_layers: options.MinLayers = None,
    max_layers: options.MaxLayers = None,
    sampler: options.SamplerChoice = None,
    population_size: options.PopulationSize = None,
    sample_size: options.SampleSize = None,
    imports: options.Imports = None,
    as_json: options.AsJson = False,
) -> None:
    """Predict parameters, memory and seconds before anything is trained.

    Takes the options of `search`. The data is read and prepared, and a throw-away child takes a
    few steps on random words; no study is made. Memory is predicted within 25 % on a CPU; seconds
    are those of this machine as busy as it is now.
    """
    console = console_for(as_json=as_json)
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # as in `search`
    in_file = read_config(config)
    import_modules(imports)
    with console.status("starting PyTorch"):
        from optuna_xmcnas import planning
        from optuna_xmcnas import workflows
        from optuna_xmcnas.data import prepare

    base = workflows.PRESETS[(preset_of(preset, in_file) or options.Preset.quick).value]
    architecture = None
    if genome is not None:
        architecture = workflows.named_architecture(genome)
        base = base.changed({"child": dict(architecture.child)})
    sections = option_sections(context)
    sections["search"] |= {"n_trials": trials}
    sections["training"] |= {"device": device, "precision": precision}
    settings = settings_from(base, in_file, **sections)
    process_bytes = planning.resident_memory()
    raw = load_data(data, train_rows, test_rows, console)
    with console.status("preparing the data"):
        prepared = prepare(raw, settings.data, vectors=vectors)
    request = planning.PlanRequest(
        data=prepared,
        child=settings.child,
        training=settings.training,
        process_bytes=process_bytes,
        resident_bytes=planning.resident_memory(),
    )
    with console.status("rehearsing (about 15 seconds)"):
        if architecture is not None:
            found = planning.plan_child(request, architecture.genome)
        else:
            found = planning.plan_search(
                request, settings.space, settings.n_trials, seed=settings.seed
            )
    _print_sizes(console, prepared, settings)
    _print_children(console, found)
    _print_verdict(console, found)
    if as_json:
        emit("plan", {"data": prepared.name, **plan_record(found)})


def _print_sizes(console: Console, data: XmcDataset, settings: SearchSettings) -> None:
    import numpy as np

    lengths = data.train.lengths
    median, most = np.quantile(lengths, (0.5, 0.95)).tolist()
    child, training = settings.child, settings.training
    lines = {
        data.name: f"{len(data.train):,} train and {len(data.validation):,} validation documents, "
        f"{data.n_labels:,} labels, {data.vectors.shape[0]:,} words of width "
        f"{data.vectors.shape[1]}",
        "tokens": f"{lengths.mean():.0f} mean, {median:.0f} median, 95 % have at most {most:.0f}, "
        f"the longest {lengths.max()}",
        "children": f"{child.hidden} units per direction, {child.attention} attention, "
        f"node outputs: {child.combine}",
        "training": f"{training.epochs} epochs at most, {training.batch_size} documents per step",
    }
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name, value in lines.items():
        table.add_row(f"[bold]{escape(name)}[/]", escape(value))
    console.print(table)


def _print_children(console: Console, plan: Plan) -> None:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("")
    for child in plan.children:
        heading = {"usual": "usual child", "largest": "largest child", "given": "this child"}
        table.add_column(heading[child.role], justify="right")
    on_cuda = plan.device.type == "cuda"
    table.add_row("parameters", *(f"{child.parameters.total:,}" for child in plan.children))
    table.add_section()
    where = f"on {plan.device}" if on_cuda else "of the process"
    table.add_row(
        f"[bold]peak memory {where}[/]",
        *(f"[bold]{size(child.memory.total)}[/]" for child in plan.children),
    )
    for part, words in _PARTS.items():
        sizes = [getattr(child.memory, part) for child in plan.children]
        if any(sizes):
            table.add_row(f"  {words}", *(size(n_bytes) for n_bytes in sizes))
    table.add_section()
    for words, values in _times(plan):
        table.add_row(words, *values)
    console.print(table)
    for child in plan.children:
        name = "" if child.role == "given" else f"{child.role}: "
        console.print(f"{name}{child.genome}", highlight=False, markup=False)
    if plan.search_s is not None:
        console.print(
            f"\nsearch: {plan.n_trials} children, [bold]{_range(plan.search_s)}[/] with one "
            "worker (all usual and ended by patience, to all like the largest)",
            highlight=False,
        )
    if all(child.is_measured for child in plan.children):
        console.print("seconds: timed on this machine as busy as it is now", highlight=False)
    else:
        console.print(
            "seconds: a rough guess from multiplications and the rate of a matrix product; steps "
            "that may not fit into memory are not tried",
            highlight=False,
        )
    if on_cuda:
        console.print("memory: what PyTorch's allocator hands out on the device", highlight=False)


def _times(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    yield "training step", [duration(child.step_s) for child in plan.children]
    yield "epoch, evaluation apart", [duration(child.epoch_s) for child in plan.children]
    yield "evaluation", [duration(child.evaluation_s) for child in plan.children]
    yield "[bold]whole child[/]", [f"[bold]{_range(c.child_s)}[/]" for c in plan.children]


def _print_verdict(console: Console, plan: Plan) -> None:
    peak = max(child.memory.total for child in plan.children)
    whose = "the largest child" if plan.n_trials is not None else "the child"
    console.print()
    if plan.limit is None:
        console.print(f"{whose} takes {size(peak)}; this system does not tell what is free")
        return
    words = {
        "fits": "[bold green]fits[/]",
        "tight": "[bold yellow]is tight: it may not fit[/]",
        "does not fit": "[bold red]does not fit[/]",
    }[plan.verdict]
    console.print(
        f"memory: {whose} {words}: {size(peak)} of {size(plan.limit)} free for it on "
        f"{plan.device}",
        highlight=False,
    )
    if plan.verdict == "fits":
        return
    if not plan.suggestions:
        console.print(
            "no setting of the child helps: read fewer documents (--train-documents) or take a "
            "larger machine"
        )
        return
    console.print("what to change, each by itself:")
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 1))
    for one in plan.suggestions:
        result = "[green]fits[/]" if one.fits else "not enough alone"
        table.add_row(escape(one.change), size(one.total), result)
    console.print(table)


def _range(seconds: Seconds) -> str:
    low, high = duration(seconds.low), duration(seconds.high)
    return low if low == high else f"{low} to {high}"
