"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


STALL_S = 3600.0  # a training that takes so long for a step, or an evaluation, hangs
STORAGE_VARIABLE = "OPTUNA_XMCNAS_STORAGE"
DEFAULT_STORAGE = "sqlite:///optuna-xmcnas.db"
EMBEDDED_DATA = "docstrings"

_DATA = "Data"
_CHILD = "Children and their training"
_SEARCH = "Architectures and their search"
_WORKERS = "Workers and storage"


class Preset(StrEnum):
    """Named settings."""

    quick = "quick"
    paper = "paper"


class FullPreset(StrEnum):
    """Settings for training in full, by the data set that they were tuned on."""

    eurlex = "eurlex-4k"
    wiki10 = "wiki10-31k"
    amazoncat = "amazoncat-13k"


class Sampler(StrEnum):
    """Who proposes children."""

    guided = "guided"
    evolution = "evolution"
    tpe = "tpe"
    random = "random"
    nsgaii = "nsgaii"


class Attention(StrEnum):
    """How the tokens of a text are summarised."""

    label = "label"
    self = "self"


Data = Annotated[
    str,
    typer.Option(
        help="A folder with a data set in any of the known layouts, or 'docstrings': the "
        "documentation of the Python packages on this machine.",
        metavar="DIR|docstrings",
    ),
]
StudyName = Annotated[
    str | None,
    typer.Option(help="Name of the study; may be left out if the storage has only one."),
]
Vectors = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors as a GloVe or word2vec text file (plain, .gz or .zip). Without it, "
        "vectors are made from the training texts.",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
TrainRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): train on these documents only.",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
TestRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): test on these documents only.",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Tokens of a text that are read. (quick: 32, paper: 500)",
        rich_help_panel=_DATA,
    ),
]
TrainDocuments = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Train on a random subset of this size; 0 takes all. (quick: 8000, paper: 0)",
        rich_help_panel=_DATA,
    ),
]
ValidationDocuments = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Documents to select by. (quick: 1000, paper: 200)",
        rich_help_panel=_DATA,
    ),
]

PresetName = Annotated[
    Preset | None,
    typer.Option(
        help="quick: minutes on two processor cores. paper: the settings of XMC-NAS (70 children "
        "of up to 30 epochs; wants a GPU). The configuration file and every option below "
        "override it. (default: quick)",
        show_default=False,
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        help="Settings as a TOML file with the sections search, space, data, child, training; "
        "options override it.",
        metavar="FILE.toml",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Finished children the study shall have, over all workers and runs. (quick: 12, "
        "paper: 70)",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Seconds after which no further child begins; the one in training is finished. "
        "Without it, only --trials ends the search.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the splits, the sampler and all children. (default: 0)"),
]
Device = Annotated[
    str | None,
    typer.Option(help="cpu, cuda, cuda:1, ...; auto takes a GPU if there is one. (default: auto)"),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="auto, float32 or bfloat16; auto is bfloat16 on a GPU that has it. (default: auto)",
        metavar="NAME",
    ),
]

Epochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Passes over the documents, at most. (quick: 4, paper: 30)",
        rich_help_panel=_CHILD,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1, help="Documents in a training step. (quick: 64, paper: 40)", rich_help_panel=_CHILD
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        help="Of Adam, constant. (quick: 0.004, paper: 0.001)",
        rich_help_panel=_CHILD,
    ),
]
Hidden = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Width of a recurrent layer per direction; every layer is twice as wide. "
        "(quick: 64, paper: 256)",
        rich_help_panel=_CHILD,
    ),
]
AttentionKind = Annotated[
    Attention | None,
    typer.Option(
        "--attention",
        help="label: one query per label, strong and slow. self: a few shared queries. "
        "(quick: self, paper: label)",
        rich_help_panel=_CHILD,
    ),
]

Ops = Annotated[
    str | None,
    typer.Option(
        help="Operations to search over, separated by commas. (default: all)",
        metavar="OP,OP,...",
        rich_help_panel=_SEARCH,
    ),
]
MinLayers = Annotated[
    int | None,
    typer.Option(min=1, help="Layers at least. (default: 2)", rich_help_panel=_SEARCH),
]
MaxLayers = Annotated[
    int | None,
    typer.Option(min=1, help="Layers at most. (default: 6)", rich_help_panel=_SEARCH),
]
SamplerChoice = Annotated[
    Sampler | None,
    typer.Option(
        "--sampler",
        help="Who proposes children. guided: evolution that tries the most promising ones of many "
        "mutants. evolution: plain regularized evolution. tpe, random, nsgaii: Optuna's. A study "
        "that exists keeps its own. (quick: guided, paper: evolution)",
        rich_help_panel=_SEARCH,
    ),
]
PopulationSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Trials that can breed; of guided, evolution and nsgaii. (quick: 6, paper: 20)",
        rich_help_panel=_SEARCH,
    ),
]
SampleSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Trials drawn, of which the best breeds; of guided and evolution. (quick: 3, "
        "paper: 10)",
        rich_help_panel=_SEARCH,
    ),
]
Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        help="Python module to import first, for operations of your own; may be repeated.",
        metavar="MODULE",
        rich_help_panel=_SEARCH,
    ),
]

Storage = Annotated[
    str,
    typer.Option(
        help="Where studies are kept: a database URL, redis://HOST, grpc://HOST:PORT, or a "
        "journal file (study.log). Put a URL with a password into the environment variable.",
        metavar="URL",
        envvar=STORAGE_VARIABLE,
        rich_help_panel=_WORKERS,
    ),
]
ChildrenDir = Annotated[
    Path,
    typer.Option(
        help="Folder for the weights of the best child and for checkpoints, one folder per study "
        "in it. Workers that share it go on from each other's checkpoints.",
        metavar="DIR",
        rich_help_panel=_WORKERS,
    ),
]
DEFAULT_CHILDREN_DIR = Path("optuna-xmcnas-children")
Retries = Annotated[
    int,
    typer.Option(
        min=0,
        help="How often the child of a worker that died is tried again.",
        rich_help_panel=_WORKERS,
    ),
]
GracePeriod = Annotated[
    float,
    typer.Option(
        min=1.0,
        help="Seconds after which a silent worker is taken for dead. On one machine it is noticed "
        "at once.",
        rich_help_panel=_WORKERS,
    ),
]
MaxFailures = Annotated[
    int,
    typer.Option(
        min=1,
        help="End with an error when so many children failed one after another.",
        rich_help_panel=_WORKERS,
    ),
]
StoragePatience = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="Seconds to wait for a storage that does not answer.",
        rich_help_panel=_WORKERS,
    ),
]
CheckpointEvery = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="Seconds of training that may be lost when a worker is killed; one that is asked to "
        "stop loses none.",
        rich_help_panel=_WORKERS,
    ),
]


GenomeName = Annotated[
    str | None,
    typer.Option(
        help="Train this architecture: attentionxml, xmcnas, xml-cnn, or a file with the JSON of "
        "a genome.",
        metavar="NAME|FILE",
    ),
]
ModelOut = Annotated[
    Path | None,
    typer.Option(
        help="Folder of the model. (default: optuna-xmcnas-models/ and a name)", metavar="DIR"
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace the model that is in the folder.")
]
FullPresetName = Annotated[
    FullPreset | None,
    typer.Option(
        help="Settings of XMC-NAS and AttentionXML for data of this kind; they want a GPU. The "
        "configuration file and every option below override it. (default: as in the study; "
        "without one, as in a quick search: 32 words)",
        show_default=False,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        min=1, help="Trainings that differ by their seed; together they are an ensemble."
    ),
]
FirstSeed = Annotated[
    int | None,
    typer.Option(min=0, help="Seed of the first training. (default: the study's)"),
]
WithLinear = Annotated[
    bool,
    typer.Option(
        "--linear/--no-linear", help="Set a linear model on the same documents beside it."
    ),
]
FullMaxTokens = Annotated[
    int | None,
    typer.Option(min=1, help="Tokens of a text that are read.", rich_help_panel=_DATA),
]
FullTrainDocuments = Annotated[
    int | None,
    typer.Option(
        min=0, help="Train on a random subset of this size; 0 takes all.", rich_help_panel=_DATA
    ),
]
FullValidationDocuments = Annotated[
    int | None,
    typer.Option(min=1, help="Documents to select by.", rich_help_panel=_DATA),
]
FullEpochs = Annotated[
    int | None,
    typer.Option(
        min=1, help="Passes over the documents, at most. (default: 30)", rich_help_panel=_CHILD
    ),
]
FullBatchSize = Annotated[
    int | None,
    typer.Option(min=1, help="Documents in a training step.", rich_help_panel=_CHILD),
]
FullLearningRate = Annotated[
    float | None, typer.Option(help="Of Adam, constant.", rich_help_panel=_CHILD)
]
FullHidden = Annotated[
    int | None,
    typer.Option(min=1, help="Width of a recurrent layer per direction.", rich_help_panel=_CHILD),
]
FullAttention = Annotated[
    Attention | None,
    typer.Option(
        "--attention",
        help="label: one query per label, strong and slow. self: a few shared queries.",
        rich_help_panel=_CHILD,
    ),
]
