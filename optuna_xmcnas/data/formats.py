"""Reads a folder of data in any of the layouts that the field uses, recognised by its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
import re
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from optuna_xmcnas.data.dataset import label_matrix
from optuna_xmcnas.data.dataset import TextDataset
from optuna_xmcnas.data.dataset import TextSplit
from optuna_xmcnas.data.folder import DataFolder
from optuna_xmcnas.data.json_readers import distinct_names
from optuna_xmcnas.data.json_readers import read_json_documents
from optuna_xmcnas.data.json_readers import read_json_labels
from optuna_xmcnas.data.lines import error_at
from optuna_xmcnas.data.lines import parse_number
from optuna_xmcnas.data.lines import read_lines
from optuna_xmcnas.data.sparse_readers import infer_label_count
from optuna_xmcnas.data.sparse_readers import read_feature_file
from optuna_xmcnas.data.sparse_readers import read_filters
from optuna_xmcnas.data.sparse_readers import read_label_matrix
from optuna_xmcnas.data.sparse_readers import read_matrix
from optuna_xmcnas.data.text_readers import number_labels
from optuna_xmcnas.data.text_readers import read_paired_lines
from optuna_xmcnas.data.text_readers import read_tabbed_lines
from optuna_xmcnas.exceptions import DataError


if TYPE_CHECKING:
    import numpy.typing as npt


def read_dataset(
    path: Path | str,
    *,
    train_rows: Path | str | None = None,
    test_rows: Path | str | None = None,
) -> TextDataset:
    """Return the data set of a folder; its layout is found from the names of its files.

    Every file may be plain or gzip (its name then ends in ``.gz``; if both are there, the plain
    one is read). A pickle is never opened, because that would run code.

    Args:
        path: The folder.
        train_rows: A file of row numbers, from 0, one per line: keep only these train documents,
            for published cuts. Labels that no document has any more are left out.
        test_rows: The same for the test documents.

    Raises:
        DataError: If no layout fits the folder, or a file is malformed (with its line).
    """
    folder = DataFolder(Path(path))
    for read in _LAYOUTS.values():
        dataset = read(folder)
        if dataset is not None:
            return _select(dataset, train_rows, test_rows)
    raise DataError(_not_recognised(folder))


_TEXT_SPLITS = {  # split -> how file names call it
    "train": ("train",),
    "validation": ("dev", "valid", "validation", "val"),
    "test": ("test",),
}
_SHORT_SPLITS = {"train": ("trn",), "validation": ("val",), "test": ("tst",)}


def _read_text_lines(folder: DataFolder) -> TextDataset | None:
    files = {}
    for split in _TEXT_SPLITS:
        name = _name_of_split(folder, split)
        texts = folder.file(*_text_names(name))
        labels = folder.file(f"{name}_labels.txt")
        if split == "train" and (texts is None or labels is None):
            return None
        if (texts is None) != (labels is None):
            raise DataError(f"{texts or labels} has no partner; {split} needs texts and labels.")
        if texts is not None and labels is not None:
            files[split] = (texts, labels)
    return read_paired_lines(folder.name, "text lines", files, folder.file("label_texts.tsv"))


_TITLES = re.compile(  # a word of its own, or as in LF-AmazonTitles-131K, lf-wikititles-500k
    r"(?i:(?<![a-z])(amazon|wiki|wikiseealso)?titles(?![a-z]))|[a-z]Titles-[0-9.]+[KM]"
)


def _read_json(folder: DataFolder) -> TextDataset | None:
    train = folder.file("trn.json")
    if train is None:
        return None
    label_file = folder.file("lbl.json")
    if label_file is None:
        raise DataError(f"{folder.path} has no lbl.json; its lines say how many labels there are.")
    label_names = read_json_labels(label_file)
    title_only = _TITLES.search(folder.name) is not None
    splits = {}
    for split, (name,) in _SHORT_SPLITS.items():
        if (file := folder.file(f"{name}.json")) is not None:
            documents = read_json_documents(file, len(label_names), title_only=title_only)
            splits[split] = _with_filters(documents, folder, split, name)
    format_name = "JSON lines (titles only)" if title_only else "JSON lines"
    return TextDataset.from_splits(folder.name, format_name, label_names, splits)


def _read_label_matrix(folder: DataFolder) -> TextDataset | None:
    label_files = {}
    for split, (name,) in _SHORT_SPLITS.items():
        names = (f"{name}_X_Y.txt", f"{name}_X_Y.npz", f"Y.{name}.npz")
        if (file := folder.file(*names)) is not None:
            label_files[split] = file
    if "train" not in label_files:
        return None
    splits = {
        split: _read_matrix_split(folder, split, name, label_files[split])
        for split, (name,) in _SHORT_SPLITS.items()
        if split in label_files
    }
    widths = {label_files[split]: documents.labels.shape[1] for split, documents in splits.items()}
    if len(set(widths.values())) > 1:
        raise DataError(
            "the splits have different numbers of label columns: "
            + ", ".join(f"{file} {width}" for file, width in widths.items())
            + "."
        )
    has_texts = all(documents.texts is not None for documents in splits.values())
    return TextDataset.from_splits(
        folder.name,
        "raw texts with a label matrix" if has_texts else "feature and label matrices",
        _matrix_label_names(folder, splits["train"].labels.shape[1]),
        splits,
    )


def _read_matrix_split(folder: DataFolder, split: str, name: str, label_file: Path) -> TextSplit:
    labels = read_label_matrix(label_file)
    feature_file = folder.file(
        f"{name}_X_Xf.txt", f"{name}_X_Xf.npz", f"X.{name}.npz", f"tfidf-attnxml/X.{name}.npz"
    )
    features = None if feature_file is None else read_matrix(feature_file)
    if features is not None and features.shape[0] != labels.shape[0]:
        raise DataError(
            "the files of one split have different numbers of documents: "
            f"{label_file} {labels.shape[0]}, {feature_file} {features.shape[0]}."
        )
    texts = _texts_beside(folder, split, label_file, labels.shape[0])
    if texts is None and features is None:
        raise DataError(
            f"{label_file} has neither texts ({name}_X.txt, X.{name}.txt, ...) nor features "
            f"({name}_X_Xf.txt, X.{name}.npz, ...) beside it."
        )
    return _with_filters(TextSplit(texts, labels, features), folder, split, name)


def _texts_beside(
    folder: DataFolder, split: str, label_file: Path, n_documents: int
) -> tuple[str, ...] | None:
    """Return the raw texts of documents whose labels are in another file, if there are any."""
    names = [f"{name}_X.txt" for name in _SHORT_SPLITS[split]]
    names += [f"X.{name}.txt" for name in _SHORT_SPLITS[split]]
    names += _text_names(_name_of_split(folder, split))
    file = folder.file(*names)
    if file is None:
        return None
    texts = tuple(read_lines(file))
    if len(texts) != n_documents:
        raise DataError(
            "the files of one split have different numbers of documents: "
            f"{label_file} {n_documents}, {file} {len(texts)}."
        )
    return texts


def _text_names(name: str) -> list[str]:
    # raw texts first: ours is another way of finding words
    return [f"{name}_raw_texts.txt", f"{name}_texts.txt"]


def _name_of_split(folder: DataFolder, split: str) -> str:
    """Return how the files of texts and labels call a split, so that all are of one name."""
    files = {
        name: file
        for name in _TEXT_SPLITS[split]
        if (file := folder.file(*_text_names(name), f"{name}_labels.txt")) is not None
    }
    if len(files) > 1:
        raise DataError(
            f"{folder.path} has several names for the {split} split: "
            f"{', '.join(file.name for file in files.values())}; keep the files of one."
        )
    return next(iter(files), _TEXT_SPLITS[split][0])


def _matrix_label_names(folder: DataFolder, n_labels: int) -> tuple[str, ...]:
    file = folder.file("Y.txt", "label_map.txt", "output-items.txt")
    if file is None:
        return tuple(map(str, range(n_labels)))
    names = list(read_lines(file))
    if len(names) != n_labels:
        raise DataError(
            f"{file} has {len(names)} lines but the label matrix has {n_labels} columns."
        )
    return distinct_names(names)


def _with_filters(documents: TextSplit, folder: DataFolder, split: str, name: str) -> TextSplit:
    file = folder.file(f"filter_labels_{split}.txt", f"{name}_filter_labels.txt")
    if file is None:
        return documents
    return replace(documents, filters=read_filters(file, documents.labels.shape))


def _single_files(folder: DataFolder, suffixes: str) -> dict[str, Path]:
    """Return the file of each split where one file has both labels and documents."""
    files = {}
    for split, names in _TEXT_SPLITS.items():
        either = "|".join((*names, *_SHORT_SPLITS[split]))
        file = folder.matching(rf"(?!filter)(.*[_-])?({either})(_v1)?\.({suffixes})")
        if file is not None:
            files[split] = file
    return files if "train" in files else {}


def _first_line(file: Path) -> str:
    line = next(read_lines(file), None)
    if line is None:
        raise DataError(f"{file} is empty; expected one document per line.")
    return line


def _read_tabbed(folder: DataFolder) -> TextDataset | None:
    files = _single_files(folder, "txt")
    if not files or "\t" not in (first := _first_line(files["train"])):
        return None
    *_, labels, text = first.split("\t")
    if any(_are_pairs(field) for field in (labels, text)):
        raise error_at(
            files["train"],
            1,
            "features `index:value` must be separated by spaces, and from the labels by a space; "
            f"got tabs: {first[:60]!r}.",
        )
    return read_tabbed_lines(folder.name, "labels and text on a line", files)


def _are_pairs(field: str) -> bool:
    """Return whether a field holds ``index:value`` pairs and nothing else."""
    tokens = field.split()
    return bool(tokens) and all(re.fullmatch(r"[0-9]+:\S+", token) for token in tokens)


def _read_bag_of_words(folder: DataFolder) -> TextDataset | None:
    files = _single_files(folder, "txt")
    if not files:
        return None
    first = _first_line(files["train"])
    has_header = re.fullmatch(r"[0-9]+ [0-9]+ [0-9]+ *", first) is not None
    if not has_header and not re.match(r"([0-9]+(,[0-9]+)*)? *[0-9]+:", first):
        raise error_at(
            files["train"],
            1,
            "expected a header `documents features labels`, or `label,label index:value ...`, or "
            f"`labels<TAB>text`; got {first[:60]!r}.",
        )
    found = {
        split: read_feature_file(file, has_header=has_header, first_feature=0)
        for split, file in files.items()
    }
    sizes = {part.n_labels for part in found.values()}
    widths = {part.features.shape[1] for part in found.values()}
    if has_header and (len(sizes) > 1 or len(widths) > 1):
        raise DataError(
            "the headers of "
            + ", ".join(str(part.file) for part in found.values())
            + " disagree about the number of features or labels."
        )
    n_labels = sizes.pop() if has_header else None
    if n_labels is None:
        n_labels = infer_label_count(found.values())
    splits = {
        split: TextSplit(
            texts=_texts_beside(folder, split, part.file, len(part.labels)),
            labels=label_matrix(part.numbered_labels(n_labels), n_labels),
            features=_widened(part.features, max(widths)),
        )
        for split, part in found.items()
    }
    label_names = tuple(map(str, range(n_labels)))
    format_name = "bag of words" if has_header else "bag of words without header"
    return TextDataset.from_splits(folder.name, format_name, label_names, splits)


def _read_libsvm(folder: DataFolder) -> TextDataset | None:
    files = _single_files(folder, "svm|libsvm")
    if not files:
        return None
    found = {
        split: read_feature_file(file, has_header=False, first_feature=1)
        for split, file in files.items()
    }
    label_names, rows = number_labels(part.labels for part in found.values())
    width = max(part.features.shape[1] for part in found.values())
    splits = {
        split: TextSplit(
            texts=_texts_beside(folder, split, part.file, len(part.labels)),
            labels=label_matrix(numbered, len(label_names)),
            features=_widened(part.features, width),
        )
        for (split, part), numbered in zip(found.items(), rows, strict=True)
    }
    return TextDataset.from_splits(folder.name, "libsvm", label_names, splits)


_LAYOUTS: dict[str, Callable[[DataFolder], TextDataset | None]] = {  # the files of train -> reader
    "train_texts.txt (or train_raw_texts.txt), train_labels.txt": _read_text_lines,
    "trn.json, lbl.json": _read_json,
    "trn_X_Y.txt (.npz) or Y.trn.npz; texts in trn_X.txt, X.trn.txt or train_raw_texts.txt; "
    "features in trn_X_Xf.txt (.npz) or X.trn.npz": _read_label_matrix,
    "train.txt with lines `[id<TAB>]labels<TAB>text`": _read_tabbed,
    "train.txt with lines `label,label index:value ...`, with or without a header": (
        _read_bag_of_words
    ),
    "train.svm": _read_libsvm,
}


def _not_recognised(folder: DataFolder) -> str:
    known = "".join(f"\n- {files}" for files in _LAYOUTS)
    pickles = " A .pkl file is never opened: that would run code; save it as .npz."
    return (
        f"{folder.path} holds no data set of a known layout; there is {folder.listing()}."
        f"{pickles if '.pkl' in folder.listing(most=1000) else ''} "
        f"Known layouts (each file may be .gz):{known}"
    )


def _select(
    dataset: TextDataset, train_rows: Path | str | None, test_rows: Path | str | None
) -> TextDataset:
    if train_rows is None and test_rows is None:
        return dataset
    train, test = dataset.train, dataset.test
    if train_rows is not None:
        train = train.select(_read_rows(Path(train_rows), len(train)))
    if test_rows is not None:
        if test is None:
            raise DataError(f"{dataset.name} has no test split to take the rows {test_rows} of.")
        test = test.select(_read_rows(Path(test_rows), len(test)))
    return replace(dataset, train=train, test=test).without_unused_labels()


def _read_rows(file: Path, n_documents: int) -> npt.NDArray[np.int64]:
    seen: dict[int, None] = {}
    for number, line in enumerate(read_lines(file), start=1):
        row = parse_number(line.strip(), file, number, "a row number, from 0")
        if row >= n_documents:
            raise error_at(file, number, f"row {row}; allowed: 0..{n_documents - 1}.")
        if row in seen:
            raise error_at(file, number, f"row {row} stands there twice.")
        seen[row] = None
    if not seen:
        raise DataError(f"{file} is empty; expected one row number per line.")
    return np.array(list(seen))


def _widened(features: csr_array[np.float32], width: int) -> csr_array[np.float32]:
    shape = (features.shape[0], width)
    return csr_array((features.data, features.indices, features.indptr), shape=shape)
