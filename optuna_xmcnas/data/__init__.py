"""Texts, label sets and what is known about labels, as arrays (no PyTorch)."""

from optuna_xmcnas.data.cooccurrence import cooccurrence_vectors
from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.dataset import TokenSplit
from optuna_xmcnas.data.dataset import XmcDataset
from optuna_xmcnas.data.docstrings import load_docstrings
from optuna_xmcnas.data.embeddings import read_word_vectors
from optuna_xmcnas.data.embeddings import VectorCoverage
from optuna_xmcnas.data.embeddings import WordVectors
from optuna_xmcnas.data.formats import read_dataset
from optuna_xmcnas.data.prepare import choose_documents
from optuna_xmcnas.data.prepare import DataConfig
from optuna_xmcnas.data.prepare import prepare
from optuna_xmcnas.data.statistics import DatasetStatistics
from optuna_xmcnas.data.statistics import describe
from optuna_xmcnas.data.statistics import SplitStatistics
from optuna_xmcnas.data.statistics import TextStatistics
from optuna_xmcnas.data.synthetic import synthetic_dataset
from optuna_xmcnas.data.vocabulary import count_words
from optuna_xmcnas.data.vocabulary import TokenLists
from optuna_xmcnas.data.vocabulary import Vocabulary
from optuna_xmcnas.data.vocabulary import WordCounts


__all__ = [
    "DataConfig",
    "DatasetStatistics",
    "SplitStatistics",
    "TextDataset",
    "TextSplit",
    "TextStatistics",
    "TokenLists",
    "TokenSplit",
    "VectorCoverage",
    "Vocabulary",
    "WordCounts",
    "WordVectors",
    "XmcDataset",
    "choose_documents",
    "cooccurrence_vectors",
    "count_words",
    "describe",
    "label_matrix",
    "load_docstrings",
    "prepare",
    "read_dataset",
    "read_word_vectors",
    "synthetic_dataset",
]
