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
WORKERS = "Workers and storage"
_RESULT = "What comes out"


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
        help="The texts and their labels: a folder in any of the known layouts, or 'docstrings', "
        "the documentation of the Python packages on this machine.",
        metavar="DIR|docstrings",
    ),
]
StudyName = Annotated[
    str | None,
    typer.Option(
        help="Name of the study. (default: the only one of the storage)",
        metavar="NAME",
    ),
]
StudyOfData = Annotated[
    str | None,
    typer.Option(
        help="Name of the study. (default: the only one of the storage; of several, the one that "
        "a search of --data makes)",
        metavar="NAME",
    ),
]
Vectors = Annotated[
    Path | None,
    typer.Option(
        help="Word vectors as a GloVe or word2vec text file (plain, .gz or .zip). (default: "
        "vectors are made from the training texts)",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
TrainRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): train on these documents only. "
        "(default: all)",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
TestRows = Annotated[
    Path | None,
    typer.Option(
        help="File of row numbers (from 0, one per line): test on these documents only. "
        "(default: all)",
        metavar="FILE",
        rich_help_panel=_DATA,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Words of a text that are read, from its beginning: more takes longer. "
        "(quick: 32, paper: 500)",
        metavar="WORDS",
        rich_help_panel=_DATA,
    ),
]
TrainDocuments = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Train each child on a random subset of so many documents; 0 takes all. "
        "(quick: 8000, paper: 0)",
        metavar="N",
        rich_help_panel=_DATA,
    ),
]
ValidationDocuments = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Documents kept from training that children are scored on, unless the data has a "
        "validation split: more tell good from better more surely. (quick: 1000, paper: 200)",
        metavar="N",
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
        "options override it. (default: none)",
        metavar="FILE.toml",
    ),
]
Trials = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Finished children the study shall have, over all workers and runs. (quick: 12, "
        "paper: 70)",
        metavar="N",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        help="Seconds after which no further child begins; the one in training is finished. "
        "(default: only --trials ends the search)",
        metavar="SECONDS",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Seed of the splits, the sampler and all children: with one worker, the same seed "
        "repeats a search. "
        "(default: 0)",
        metavar="N",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        help="Where to compute: cpu, cuda, cuda:1, ...; auto takes a GPU if there is one. "
        "(default: auto)",
        metavar="NAME",
    ),
]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Numbers to compute with: float32, bfloat16 (less exact; takes less memory on a "
        "GPU), or auto, which is bfloat16 on a GPU that has it. (default: auto)",
        metavar="NAME",
    ),
]

Epochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Passes over the train documents, at most: a training without progress ends before. "
        "(quick: 4, paper: 30)",
        metavar="N",
        rich_help_panel=_CHILD,
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Documents in a training step: more takes more memory. (quick: 64, paper: 40)",
        metavar="N",
        rich_help_panel=_CHILD,
    ),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        help="Step size of Adam; it stays the same throughout. (quick: 0.004, paper: 0.001)",
        metavar="NUMBER",
        rich_help_panel=_CHILD,
    ),
]
Hidden = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Units of a recurrent layer per direction; every layer is twice as wide. "
        "(quick: 64, paper: 256)",
        metavar="UNITS",
        rich_help_panel=_CHILD,
    ),
]
AttentionKind = Annotated[
    Attention | None,
    typer.Option(
        "--attention",
        help="How words are weighed. label: for each label by itself, strong and slow. self: in "
        "a few ways that all labels share. (quick: self, paper: label)",
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
    typer.Option(
        min=1,
        help="Layers of an architecture, at least. (default: 2)",
        metavar="N",
        rich_help_panel=_SEARCH,
    ),
]
MaxLayers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Layers of an architecture, at most. (default: 6)",
        metavar="N",
        rich_help_panel=_SEARCH,
    ),
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
        help="Children that can breed: the first ones are random, then the oldest leave. Of "
        "guided, evolution and nsgaii. (quick: 6, paper: 20)",
        metavar="N",
        rich_help_panel=_SEARCH,
    ),
]
SampleSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Children drawn from them, of which the best breeds: more is greedier. Of guided "
        "and evolution. (quick: 3, paper: 10)",
        metavar="N",
        rich_help_panel=_SEARCH,
    ),
]
Imports = Annotated[
    list[str] | None,
    typer.Option(
        "--import",
        help="Python module to import first, for operations of your own; may be repeated. "
        "(default: none)",
        metavar="MODULE",
    ),
]

Storage = Annotated[
    str,
    typer.Option(
        help="Where studies are kept: a database URL, redis://HOST, grpc://HOST:PORT, or a "
        "journal file (study.log). Put a URL with a password into the environment variable.",
        metavar="URL",
        envvar=STORAGE_VARIABLE,
        rich_help_panel=WORKERS,
    ),
]
ChildrenDir = Annotated[
    Path,
    typer.Option(
        help="Folder for the weights of the best child and for checkpoints, one folder per study "
        "in it. Workers that share it go on from each other's checkpoints.",
        metavar="DIR",
        rich_help_panel=WORKERS,
    ),
]
DEFAULT_CHILDREN_DIR = Path("optuna-xmcnas-children")
Retries = Annotated[
    int,
    typer.Option(
        min=0,
        help="How often the child of a worker that died is tried again.",
        metavar="N",
        rich_help_panel=WORKERS,
    ),
]
GracePeriod = Annotated[
    float,
    typer.Option(
        min=1.0,
        help="Seconds after which a silent worker is taken for dead. On one machine it is noticed "
        "at once.",
        metavar="SECONDS",
        rich_help_panel=WORKERS,
    ),
]
MaxFailures = Annotated[
    int,
    typer.Option(
        min=1,
        help="End with an error when so many children failed one after another.",
        metavar="N",
        rich_help_panel=WORKERS,
    ),
]
StoragePatience = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="Seconds to wait for a storage that does not answer, before giving up.",
        metavar="SECONDS",
        rich_help_panel=WORKERS,
    ),
]
CheckpointEvery = Annotated[
    float,
    typer.Option(
        min=0.0,
        help="Seconds of training that may be lost when a worker is killed; one that is asked to "
        "stop loses none.",
        metavar="SECONDS",
        rich_help_panel=WORKERS,
    ),
]
ArtifactDir = Annotated[
    Path,
    typer.Option(
        help="Folder for the pictures of the architectures that optuna-dashboard shows: give it "
        "the same. Workers on several machines share it.",
        metavar="DIR",
        rich_help_panel=_RESULT,
    ),
]
DEFAULT_ARTIFACT_DIR = Path("optuna-xmcnas-artifacts")
NoDashboard = Annotated[
    bool,
    typer.Option(
        "--no-dashboard",
        help="Write no pictures and no figures for optuna-dashboard; scores are there anyway.",
        envvar="OPTUNA_XMCNAS_NO_DASHBOARD",
        rich_help_panel=_RESULT,
    ),
]
AsJson = Annotated[
    bool,
    typer.Option(
        "--json",
        help="Print the result as one JSON document on standard output, and everything for "
        "people on standard error.",
        rich_help_panel=_RESULT,
    ),
]


GenomeName = Annotated[
    str | None,
    typer.Option(
        help="Train this architecture: attentionxml, xmcnas, xml-cnn, a file with a genome, or "
        "one written as '1:bilstm(0) 2:conv3(1)'. (default: the best of the study)",
        metavar="NAME|FILE|GENOME",
    ),
]
ModelOut = Annotated[
    Path | None,
    typer.Option(
        help="Folder to write the model to. (default: optuna-xmcnas-models/ and a name)",
        metavar="DIR",
        rich_help_panel=_RESULT,
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "--overwrite",
        help="Replace the model that is in the folder, instead of refusing.",
        rich_help_panel=_RESULT,
    ),
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
        min=1,
        help="Trainings that differ by their seed; together they are an ensemble, which is better "
        "and takes so many times as long.",
        metavar="N",
    ),
]
FirstSeed = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Seed of the first training; others count up from it. (default: the study's)",
        metavar="N",
    ),
]
WithLinear = Annotated[
    bool,
    typer.Option(
        "--linear/--no-linear",
        help="Train a linear model on the same documents too, and set it beside the network; it "
        "wants the extra `linear`.",
        rich_help_panel=_RESULT,
    ),
]
FullMaxTokens = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Words of a text that are read, from its beginning: more takes longer. "
        "(default: the study's)",
        metavar="WORDS",
        rich_help_panel=_DATA,
    ),
]
FullTrainDocuments = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Train on a random subset of so many documents; 0 takes all. (default: 0)",
        metavar="N",
        rich_help_panel=_DATA,
    ),
]
FullValidationDocuments = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Documents kept from training by which the best moment of a training is chosen, "
        "unless the data has a validation split. (default: the study's)",
        metavar="N",
        rich_help_panel=_DATA,
    ),
]
FullEpochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Passes over the train documents, at most: a training without progress ends before. "
        "(default: 30)",
        metavar="N",
        rich_help_panel=_CHILD,
    ),
]
FullBatchSize = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Documents in a training step: more takes more memory. (default: the study's)",
        metavar="N",
        rich_help_panel=_CHILD,
    ),
]
FullLearningRate = Annotated[
    float | None,
    typer.Option(
        help="Step size of Adam; it stays the same throughout. (default: the study's)",
        metavar="NUMBER",
        rich_help_panel=_CHILD,
    ),
]
FullHidden = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Units of a recurrent layer per direction; every layer is twice as wide. (default: "
        "the study's)",
        metavar="UNITS",
        rich_help_panel=_CHILD,
    ),
]
FullAttention = Annotated[
    Attention | None,
    typer.Option(
        "--attention",
        help="How words are weighed. label: for each label by itself, strong and slow. self: in "
        "a few ways that all labels share. (default: the study's)",
        rich_help_panel=_CHILD,
    ),
]
