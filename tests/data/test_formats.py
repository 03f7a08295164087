"""Every layout is written by hand and read back; then every way to break it is tried."""

from __future__ import annotations

from collections.abc import Mapping
import gzip
import logging
import os
from pathlib import Path
import pickle
import zipfile
import zlib

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse import csr_array
from scipy.sparse import csr_matrix
from scipy.sparse import save_npz

from optuna_xmcnas.data import read_dataset
from optuna_xmcnas.data import TextDataset
from optuna_xmcnas.data import TextSplit
from optuna_xmcnas.data.json_readers import distinct_names
from optuna_xmcnas.exceptions import DataError


REAL_DATA = Path(os.environ.get("XMCNAS_TEST_DATA", "not given"))

TEXT_LINES = {
    "train_texts.txt": "Milk and butter\nWheat\u2028prices\nNothing\n",
    "train_labels.txt": "dairy 7\ncereals dairy dairy\n\n",
    "test_texts.txt": "Oats\n",
    "test_labels.txt": "oats dairy\n",
}
MATRICES = {
    "trn_X_Xf.txt": "3 4\n0:0.5 3:2\n\n2:1 1:3 2:1\n",
    "trn_X_Y.txt": "3 5\n4:1.0 0:1.0\n\n2:1.0 2:1.0\n",
    "tst_X_Xf.txt": "1 4\n1:1\n",
    "tst_X_Y.txt": "1 5\n3:1.0\n",
}
BAG_OF_WORDS = {
    "train.txt": "3 4 5\n4,0 0:0.5 3:2\n 1:1\n2,2 2:1 1:3 2:1\n",
    "test.txt": "1 4 5\n3 1:1\n",
}
JSON_LINES = {
    "trn.json": '{"uid": "a", "title": "T", "content": "long\\ntext", "target_ind": [2, 0, 2]}\n'
    '{"uid": "b", "title": "", "content": "U", "target_ind": []}\n',
    "tst.json": '{"uid": "c", "title": "V", "content": "", "target_ind": [3]}\n',
    "lbl.json": '{"title": "A"}\n{"title": "B"}\n{"title": "A"}\n{"title": "D"}\n{"title": "E"}\n',
}


def write(folder: Path, files: Mapping[str, str], *, packed: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if packed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content.encode()))
        else:
            (folder / name).write_bytes(content.encode())
    return folder


def named_labels(data: TextDataset, split: TextSplit | None) -> list[list[str]]:
    assert split is not None
    return [
        [data.label_names[number] for number in np.flatnonzero(row)]
        for row in split.labels.toarray()
    ]


def dense(matrix: csr_array[np.float32] | None) -> list[list[float]]:
    assert matrix is not None
    rows: list[list[float]] = matrix.toarray().tolist()
    return rows


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["texts", "raw_texts"])
def test_text_lines(tmp_path: Path, packed: bool, kind: str) -> None:
    files = {name.replace("texts", kind): content for name, content in TEXT_LINES.items()}
    data = read_dataset(write(tmp_path / "set", files, packed=packed))
    assert (data.name, data.format) == ("set", "text lines")
    assert data.label_names == ("dairy", "7", "cereals", "oats")
    assert data.train.texts == ("Milk and butter", "Wheat\u2028prices", "Nothing")
    assert named_labels(data, data.train) == [["dairy", "7"], ["dairy", "cereals"], []]
    assert named_labels(data, data.test) == [["dairy", "oats"]]
    assert data.validation is None
    assert data.label_texts is None


@pytest.mark.parametrize("name", ["dev", "valid", "val"])
def test_text_lines_with_validation_and_label_texts(tmp_path: Path, name: str) -> None:
    more = {
        f"{name}_texts.txt": "Barley\n",
        f"{name}_labels.txt": "barley\n",
        "label_texts.tsv": "oats\tOats, grain\nunused\tNothing\ndairy\tMilk products\n",
    }
    data = read_dataset(write(tmp_path, TEXT_LINES | more))
    assert data.label_names == ("dairy", "7", "cereals", "barley", "oats")
    assert data.label_texts == ("Milk products", "", "", "", "Oats, grain")
    assert named_labels(data, data.validation) == [["barley"]]


def test_raw_texts_are_preferred_to_processed_ones(tmp_path: Path) -> None:
    files = TEXT_LINES | {"train_raw_texts.txt": "Raw\nRaw\nRaw\n"}
    assert read_dataset(write(tmp_path, files)).train.texts == ("Raw", "Raw", "Raw")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("column", ["", "id\t"])
def test_labels_and_text_on_a_line(tmp_path: Path, packed: bool, column: str) -> None:
    files = {
        "train.txt": f"{column}b a\tSome  text\n{column}\tNo labels\n",
        "valid.txt": f"{column}c\tMore\n",
        "test.txt": f"{column}d b\t\n",
    }
    data = read_dataset(write(tmp_path, files, packed=packed))
    assert data.format == "labels and text on a line"
    assert data.label_names == ("b", "a", "c", "d")
    assert data.train.texts == ("Some  text", "No labels")
    assert named_labels(data, data.train) == [["b", "a"], []]
    assert data.test is not None
    assert data.test.texts == ("",)


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines(tmp_path: Path, packed: bool) -> None:
    data = read_dataset(write(tmp_path / "LF-Set", JSON_LINES, packed=packed))
    assert data.format == "JSON lines"
    assert data.label_names == ("A #0", "B", "A #2", "D", "E")  # as many as lines of lbl.json
    assert data.train.texts == ("T long\ntext", "U")
    assert named_labels(data, data.train) == [["A #0", "A #2"], []]
    assert named_labels(data, data.test) == [["D"]]


def test_json_lines_of_titles_leave_the_content_out(tmp_path: Path) -> None:
    data = read_dataset(write(tmp_path / "LF-AmazonTitles-131K", JSON_LINES))
    assert data.format == "JSON lines (titles only)"
    assert data.train.texts == ("T", "")


@pytest.mark.parametrize(
    ("name", "title_only"),
    [
        ("LF-WikiSeeAlsoTitles-320K", True),
        ("lf-amazontitles-131k", True),
        ("my_titles", True),
        ("NewsTitles-1.3M", True),
        ("film-subtitles", False),
        ("Subtitles-131K", False),
        ("entitles", False),
    ],
)
def test_content_is_left_out_only_of_titles_and_not_in_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, title_only: bool
) -> None:
    data = read_dataset(write(tmp_path / name, JSON_LINES))
    assert data.train.texts == (("T", "") if title_only else ("T long\ntext", "U"))
    assert ("the content of 2 documents is left out" in caplog.text) == title_only


def test_lone_surrogates_in_json_are_replaced_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    line = r'{"title": "bad \ud83d x", "content": "good \ud83d\ude00", "target_ind": [0]}' + "\n"
    with caplog.at_level(logging.WARNING):
        data = read_dataset(write(tmp_path, JSON_LINES | {"trn.json": 2 * line}))
    assert data.train.texts == ("bad \ufffd x good \U0001f600",) * 2
    assert caplog.text.count("lone surrogate") == 1


@pytest.mark.parametrize(
    "names", [["A", "A", "A #0"], ["A #1", "A", "A"], ["", "#0", "#0 #0"], ["A #0", "A #0", "A"]]
)
def test_distinct_names_are_distinct(names: list[str]) -> None:
    found = distinct_names(names)
    assert len(set(found)) == len(names)
    assert all(new.startswith(old) for old, new in zip(names, found, strict=True))


@pytest.mark.parametrize("packed", [False, True])
def test_matrices_of_features_and_labels(tmp_path: Path, packed: bool) -> None:
    data = read_dataset(write(tmp_path, MATRICES, packed=packed))
    assert data.format == "feature and label matrices"
    assert data.label_names == ("0", "1", "2", "3", "4")
    assert data.train.texts is None
    assert dense(data.train.features) == [[0.5, 0, 0, 2], [0, 0, 0, 0], [0, 3, 2, 0]]
    assert dense(data.train.labels) == [[1, 0, 0, 0, 1], [0] * 5, [0, 0, 1, 0, 0]]
    assert named_labels(data, data.test) == [["3"]]


def test_bag_of_words_with_and_without_header_agree_with_matrices(tmp_path: Path) -> None:
    matrices = read_dataset(write(tmp_path / "a", MATRICES))
    headless = {
        name.replace(".", "_v1."): content.split("\n", 1)[1]
        for name, content in BAG_OF_WORDS.items()
    }
    prefixed = {f"eurlex_{name}": content for name, content in BAG_OF_WORDS.items()}
    expected = dense(matrices.train.features)
    expected[1] = [0, 1, 0, 0]
    for number, (files, format_name) in enumerate(
        [
            (BAG_OF_WORDS, "bag of words"),
            (prefixed, "bag of words"),
            (headless, "bag of words without header"),
        ]
    ):
        data = read_dataset(write(tmp_path / str(number), files, packed=number == 1))
        assert data.format == format_name
        assert data.label_names == matrices.label_names
        assert dense(data.train.labels) == dense(matrices.train.labels)
        assert dense(data.train.features) == expected


def test_label_numbers_with_a_few_gaps_need_no_header(tmp_path: Path) -> None:
    files = {"train.txt": 20 * "2,3 0:1\n", "test.txt": "5000 0:1\n"}  # all files count together
    assert read_dataset(write(tmp_path, files)).n_labels == 5001


def test_texts_with_a_colon_are_no_features(tmp_path: Path) -> None:
    data = read_dataset(write(tmp_path, {"train.txt": "a:b\tAt 10:30 or 11:00\n"}))
    assert data.train.texts == ("At 10:30 or 11:00",)


def test_bag_of_words_takes_the_raw_texts_beside_it(tmp_path: Path) -> None:
    texts = {"train_raw_texts.txt": "One\nTwo\nThree\n", "test_raw_texts.txt": "Four\n"}
    data = read_dataset(write(tmp_path, BAG_OF_WORDS | texts))
    assert data.train.texts == ("One", "Two", "Three")
    assert data.test is not None
    assert data.test.texts == ("Four",)


def test_libsvm_features_start_at_one_and_labels_are_names(tmp_path: Path) -> None:
    files = {"train.svm": "7,x 1:0.5 4:2\n 2:1\n", "test.svm": "3 5:1\n"}
    data = read_dataset(write(tmp_path, files))
    assert data.format == "libsvm"
    assert data.label_names == ("7", "x", "3")
    assert dense(data.train.features) == [[0.5, 0, 0, 2, 0], [0, 1, 0, 0, 0]]
    assert named_labels(data, data.train) == [["7", "x"], []]


def test_raw_texts_with_label_matrix_and_filters(tmp_path: Path) -> None:
    files = {
        "trn_X.txt": "One\n\nThree\n",
        "tst_X.txt": "Four\n",
        "Y.txt": "a\nb\nc\nd\ne\n",
        "trn_filter_labels.txt": "2 0\n0 4\n2 0\n",
        "filter_labels_test.txt": "",
    }
    wanted = {name: text for name, text in MATRICES.items() if name.endswith("_Y.txt")}
    data = read_dataset(write(tmp_path, files | wanted))
    assert data.format == "raw texts with a label matrix"
    assert data.train.texts == ("One", "", "Three")
    assert named_labels(data, data.train) == [["a", "e"], [], ["c"]]
    assert dense(data.train.filters) == [[0, 0, 0, 0, 1], [0] * 5, [1, 0, 0, 0, 0]]
    assert data.test is not None
    assert data.test.filters is not None
    assert data.test.filters.nnz == 0


def save_matrix(file: Path, rows: list[list[float]], *, old: bool = False) -> None:
    file.parent.mkdir(exist_ok=True)
    save_npz(file, (csr_matrix if old else csr_array)(np.array(rows)))


@pytest.mark.parametrize(
    ("text_name", "label_name", "feature_name", "old"),
    [
        ("X.trn.txt", "Y.trn.npz", "X.trn.npz", False),  # PECOS
        ("X.trn.txt", "Y.trn.npz", "tfidf-attnxml/X.trn.npz", True),
        ("train_raw_texts.txt", "Y.trn.npz", "X.trn.npz", True),  # X-Transformer
        ("trn_X.txt", "trn_X_Y.npz", "trn_X_Xf.npz", False),
    ],
)
def test_npz_matrices(
    tmp_path: Path, text_name: str, label_name: str, feature_name: str, old: bool
) -> None:
    write(tmp_path, {text_name: "One\nTwo\n", "label_map.txt": "a\nb\nc\n"})
    save_matrix(tmp_path / label_name, [[0, 0.3, 1], [0, 0, 0]], old=old)
    save_matrix(tmp_path / feature_name, [[0, 0.5], [1, 0]], old=old)
    data = read_dataset(tmp_path)
    assert data.train.texts == ("One", "Two")
    assert named_labels(data, data.train) == [["b", "c"], []]
    assert dense(data.train.features) == [[0, 0.5], [1, 0]]


def test_npz_without_texts_gives_features_alone(tmp_path: Path) -> None:
    save_matrix(tmp_path / "Y.trn.npz", [[0, 1]])
    save_matrix(tmp_path / "X.trn.npz", [[2, 1]])
    data = read_dataset(tmp_path)
    assert data.format == "feature and label matrices"
    assert data.label_names == ("0", "1")


def test_rows_choose_documents_and_drop_labels_without_any(tmp_path: Path) -> None:
    write(tmp_path, TEXT_LINES | {"rows.txt": "2\n0\n", "none.txt": "0\n"})
    data = read_dataset(
        tmp_path, train_rows=tmp_path / "rows.txt", test_rows=str(tmp_path / "none.txt")
    )
    assert data.train.texts == ("Nothing", "Milk and butter")
    assert data.label_names == ("dairy", "7", "oats")
    assert named_labels(data, data.train) == [[], ["dairy", "7"]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", r"rows\.txt is empty"),
        ("0\n3\n", r"rows\.txt, line 2: row 3; allowed: 0\.\.2"),
        ("0\n-1\n", "line 2: expected a row number, from 0; got '-1'"),
        ("0\n\n", "line 2: expected a row number"),
        ("1\n0\n1\n", "line 3: row 1 stands there twice"),
    ],
)
def test_malformed_rows_are_refused(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path, TEXT_LINES | {"rows.txt": content})
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path, train_rows=tmp_path / "rows.txt")


def test_rows_of_a_missing_test_split_are_refused(tmp_path: Path) -> None:
    files = {name: text for name, text in TEXT_LINES.items() if name.startswith("train")}
    with pytest.raises(DataError, match="has no test split"):
        read_dataset(write(tmp_path, files), test_rows=tmp_path / "rows.txt")


def test_unknown_folder_is_shown_beside_what_is_known(tmp_path: Path) -> None:
    write(tmp_path, {"readme.md": "", "trn.csv": "a"})
    with pytest.raises(DataError, match=r"readme\.md, trn\.csv(?s:.*)train_texts\.txt(?s:.*)svm"):
        read_dataset(tmp_path)


def test_empty_and_missing_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is nothing"):
        read_dataset(tmp_path)
    with pytest.raises(DataError, match="is no folder"):
        read_dataset(tmp_path / "elsewhere")


def test_pickles_are_never_opened(tmp_path: Path) -> None:
    (tmp_path / "trn_X_Y.pkl").write_bytes(pickle.dumps([1]))
    with pytest.raises(DataError, match=r"A \.pkl file is never opened: that would run code"):
        read_dataset(tmp_path)


def test_pickled_objects_in_npz_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    with (tmp_path / "Y.trn.npz").open("wb") as stream:
        np.savez(stream, format=np.array([object()]), allow_pickle=True)
    with pytest.raises(DataError, match=r"Y\.trn\.npz is no sparse matrix"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not really", b"text"])
def test_damaged_npz_is_refused(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    (tmp_path / "Y.trn.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"Y\.trn\.npz is no sparse matrix"):
        read_dataset(tmp_path)


def test_npz_with_one_axis_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    save_npz(tmp_path / "Y.trn.npz", coo_array(np.ones(3)))
    with pytest.raises(DataError, match=r"Y\.trn\.npz is no sparse matrix.* shape is \(3,\)"):
        read_dataset(tmp_path)


def _local_header_field(content: bytes | bytearray, header: int, place: int) -> int:
    return int.from_bytes(content[header + place : header + place + 2], "little")


def damage_members(file: Path, damage: str) -> None:
    """Make members of a zip file encrypted, of an unknown compression, or no deflate data."""
    content = bytearray(file.read_bytes())
    with zipfile.ZipFile(file) as archive:
        headers = [member.header_offset for member in archive.infolist()]
        central = archive.start_dir
    if damage == "encrypted":
        content[central + 8] |= 1
        content[headers[0] + 6] |= 1
    elif damage == "unknown compression":
        content[central + 10] = content[headers[0] + 8] = 99
    else:
        for header in headers:
            name, extra = (_local_header_field(content, header, place) for place in (26, 28))
            start = header + 30 + name + extra
            content[start : start + 4] = b"\xff" * 4
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "cause"),
    [
        ("encrypted", RuntimeError),
        ("unknown compression", NotImplementedError),
        ("broken stream", zlib.error),
    ],
)
def test_npz_whose_members_cannot_be_unpacked_is_refused(
    tmp_path: Path, damage: str, cause: type[Exception]
) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    save_matrix(tmp_path / "Y.trn.npz", [[0, 1]])
    damage_members(tmp_path / "Y.trn.npz", damage)
    with pytest.raises(DataError, match=r"Y\.trn\.npz is no sparse matrix") as caught:
        read_dataset(tmp_path)
    assert type(caught.value.__cause__) is cause


def test_npz_with_columns_out_of_range_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    with (tmp_path / "Y.trn.npz").open("wb") as stream:
        np.savez(
            stream,
            format=np.array(b"csr"),
            shape=np.array([1, 2]),
            data=np.ones(1),
            indices=np.array([9], np.int32),
            indptr=np.array([0, 1], np.int32),
        )
    with pytest.raises(DataError, match=r"Y\.trn\.npz is no sparse matrix"):
        read_dataset(tmp_path)


def test_invalid_values_in_npz_are_refused(tmp_path: Path) -> None:
    write(tmp_path, {"X.trn.txt": "One\n"})
    save_matrix(tmp_path / "Y.trn.npz", [[0, 1]])
    save_matrix(tmp_path / "X.trn.npz", [[np.nan, 1]])
    with pytest.raises(DataError, match=r"X\.trn\.npz holds values that are not finite"):
        read_dataset(tmp_path)


BROKEN: list[tuple[Mapping[str, str], Mapping[str, str], str]] = [
    # text lines
    (TEXT_LINES, {"train_texts.txt": ""}, r"train_texts\.txt is empty"),
    (TEXT_LINES, {"test_labels.txt": ""}, r"test_labels\.txt is empty"),
    (
        TEXT_LINES,
        {"train_labels.txt": "a\nb\n"},
        r"train_texts\.txt has 3 lines and .*train_labels\.txt has 2 lines",
    ),
    (TEXT_LINES, {"dev_texts.txt": "a\n"}, r"dev_texts\.txt has no partner"),
    (TEXT_LINES, {"label_texts.tsv": "a\tb\nc\n"}, r"label_texts\.tsv, line 2: .*<TAB>"),
    # labels and text on a line
    ({}, {"train.txt": "a\tb\nc d\n"}, r"train\.txt, line 2: 0 tabs; expected 1"),
    ({}, {"train.txt": "a\tb\nc\td\te\n"}, r"train\.txt, line 2: 2 tabs"),
    ({}, {"train.txt": "a\tb\tc\td\n"}, r"train\.txt, line 1: 3 tabs"),
    ({}, {"train.txt": "a\tb\n", "test.txt": "i\ta\tb\n"}, r"test\.txt, line 1: 2 tabs"),
    ({}, {"train.txt": "a\tb\n", "test.txt": ""}, r"test\.txt is empty"),
    (
        TEXT_LINES,
        {"dev_texts.txt": "a\n", "dev_labels.txt": "a\n", "valid_raw_texts.txt": "b\n"},
        r"several names for the validation split: dev_texts\.txt, valid_raw_texts\.txt",
    ),
    (TEXT_LINES, {"dev_texts.txt": "a\n", "valid_labels.txt": "a\n"}, "several names"),
    (
        {},
        {"train_texts.txt": "a\rb\rc", "train_labels.txt": "x\ry\rz"},
        r"train_labels\.txt, line 1: a carriage return within the labels",
    ),
    ({}, {"train.txt": "x\ty\rx\ty\r"}, r"train\.txt, line 1: a carriage return"),
    ({}, {"train.txt": "0,1\t0:0.5 3:2\n"}, r"train\.txt, line 1: .*separated by spaces"),
    ({}, {"train.txt": "0\t0:0.5\t3:2\n"}, r"train\.txt, line 1: .*separated by spaces"),
    # JSON lines
    (
        JSON_LINES,
        {"trn.json": '{"text": "a", "target_ind": []}\n'},
        "line 1: the record has neither `title` nor `content`; it has `text`, `target_ind`",
    ),
    (JSON_LINES, {"lbl.json": "{}\n"}, "line 1: .*neither `title` nor `uid`; it has nothing"),
    (JSON_LINES, {"tst.json": f'{{"target_ind": [{"9" * 5000}]}}'}, "line 1: not valid JSON"),
    (JSON_LINES, {"trn.json": "{}\n{"}, r"trn\.json, line 1: `target_ind` must be a list"),
    (JSON_LINES, {"lbl.json": '{"title": "A"}\n{'}, r"lbl\.json, line 2: not valid JSON"),
    (JSON_LINES, {"lbl.json": ""}, r"lbl\.json is empty"),
    (JSON_LINES, {"trn.json": ""}, r"trn\.json is empty"),
    (JSON_LINES, {"lbl.json": "[1]\n"}, r"lbl\.json, line 1: expected a JSON object; got '\[1\]'"),
    (JSON_LINES, {"lbl.json": '{"title": 3}\n'}, r"lbl\.json, line 1: `title` must be a string"),
    (
        JSON_LINES,
        {"tst.json": '{"title": "a", "target_ind": [5]}\n'},
        r"tst\.json, line 1: label number 5 is out of range; allowed: 0\.\.4",
    ),
    (JSON_LINES, {"tst.json": '{"target_ind": [-1]}\n'}, "label number -1 is out of range"),
    (JSON_LINES, {"tst.json": '{"target_ind": [true]}\n'}, "must be a list of label numbers"),
    # matrices
    (MATRICES, {"trn_X_Y.txt": ""}, r"trn_X_Y\.txt is empty; expected a first line `rows col"),
    (MATRICES, {"trn_X_Y.txt": "3\n\n\n\n"}, r"trn_X_Y\.txt, line 1: expected a header"),
    (MATRICES, {"trn_X_Y.txt": "4 5\n\n\n\n"}, "line 1: the header says 4 rows; there are 3"),
    (
        MATRICES,
        {"trn_X_Y.txt": "3 5\n0:1\n5:1\n\n"},
        r"line 3: the index 5 is out of range; allowed: 0\.\.4",
    ),
    (MATRICES, {"trn_X_Y.txt": "3 5\n0:1\n-1:1\n\n"}, "line 3: the index -1 is out of range"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n0:1\n1\n\n"}, "line 3: expected `index:value"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n0:1\nx:1\n\n"}, "line 3: expected `index:value"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n0:1\n1:y\n\n"}, "line 3: expected `index:value"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n0:1\n1:2:3\n\n"}, "line 3: expected `index:value"),
    (MATRICES, {"trn_X_Xf.txt": "3 4\n\n0:1 1:nan\n\n"}, r"Xf\.txt, line 3: .* not finite"),
    (MATRICES, {"trn_X_Xf.txt": "2 4\n\n\n"}, r"trn_X_Y\.txt 3, .*trn_X_Xf\.txt 2"),
    (MATRICES, {"trn_X.txt": "a\nb\n"}, r"trn_X_Y\.txt 3, .*trn_X\.txt 2"),
    (MATRICES, {"tst_X_Y.txt": "1 6\n\n"}, r"trn_X_Y\.txt 5, .*tst_X_Y\.txt 6"),
    (MATRICES, {"Y.txt": "a\nb\n"}, r"Y\.txt has 2 lines but the label matrix has 5 columns"),
    (MATRICES, {"filter_labels_test.txt": "0\n"}, r"test\.txt, line 1: expected `document label`"),
    (
        MATRICES,
        {"filter_labels_train.txt": "0 1\n3 0\n"},
        r"train\.txt, line 2: document 3, label 0; allowed: documents 0\.\.2, labels 0\.\.4",
    ),
    ({}, {"trn_X_Y.txt": "1 1\n\n"}, r"has neither texts \(trn_X\.txt"),
    # numbers that are none, or too large to hold
    (MATRICES, {"trn_X_Y.txt": "0 5\n", "trn_X_Xf.txt": "0 4\n"}, "train split .* no documents"),
    (MATRICES, {"trn_X_Y.txt": f"3 {10**20}\n"}, "line 1: the number 1000.* is too large"),
    (MATRICES, {"trn_X_Y.txt": f"{'9' * 5000} 5\n"}, "line 1: the number 999.* is too large"),
    (MATRICES, {"trn_X_Y.txt": "3 20000000\n\n\n\n"}, "20000000 labels; allowed: at most"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n1_0:1\n\n\n"}, "line 2: .*plain digits"),
    (MATRICES, {"trn_X_Y.txt": "3 5\n\u0663:1\n\n\n"}, "line 2: .*plain digits"),
    (MATRICES, {"filter_labels_test.txt": f"{10**20} 0\n"}, "line 1: .* too large"),
    (BAG_OF_WORDS, {"train.txt": "3 4 20000000\n"}, "20000000 labels; allowed: at most"),
    (BAG_OF_WORDS, {"train.txt": "\u0663 4 5\n"}, "line 1: expected a header"),
    ({}, {"train.txt": "20000000 0:1\n"}, "the label number 20000000, .* only 1 label entries"),
    ({}, {"train.txt": f"{10**20} 0:1\n"}, "line 1: the number 1000.* is too large"),
    ({}, {"train.txt": f"{'9' * 5000} 0:1\n"}, "line 1: the number 999.* is too large"),
    ({}, {"train.txt": f"0 {10**20}:1\n"}, "line 1: the index 1000.* is out of range"),
    # bag of words
    (BAG_OF_WORDS, {"train.txt": ""}, r"train\.txt is empty"),
    (BAG_OF_WORDS, {"train.txt": "3 x 5\n"}, r"train\.txt, line 1: expected a header `documents"),
    (BAG_OF_WORDS, {"train.txt": "3 4 5\n0 1:1\n"}, "line 1: the header says 3 documents; .* 1 "),
    (BAG_OF_WORDS, {"train.txt": "1 4 5\n"}, r"train\.txt has no documents"),
    (
        BAG_OF_WORDS,
        {"train.txt": "1 4 5\n5 1:1\n"},
        "line 2: label number 5 is out of range",
    ),
    (
        BAG_OF_WORDS,
        {"train.txt": "1 4 5\nx 1:1\n"},
        "line 2: expected a label number, from 0; got 'x'",
    ),
    (BAG_OF_WORDS, {"train.txt": "1 4 5\n1 4:1\n"}, r"line 2: the index 4 .* 0\.\.3"),
    (BAG_OF_WORDS, {"test.txt": "1 4 6\n1 1:1\n"}, r"train\.txt, .*test\.txt disagree"),
    (BAG_OF_WORDS, {"train_texts.txt": "a\n"}, r"train\.txt 3, .*train_texts\.txt 1"),
    (BAG_OF_WORDS, {"a_train.txt": ""}, r"several files for one split: a_train\.txt, train\.txt"),
    # libsvm
    ({}, {"train.svm": "1 0:1\n"}, r"train\.svm, line 1: the index 0 is out of range; .*: 1\.\."),
    ({}, {"train.svm": ""}, r"train\.svm has no documents"),
]


@pytest.mark.parametrize(("files", "broken", "message"), BROKEN)
def test_malformed_files_are_refused_by_name_and_line(
    tmp_path: Path, files: Mapping[str, str], broken: Mapping[str, str], message: str
) -> None:
    write(tmp_path, {**files, **broken})
    with pytest.raises(DataError, match=message):
        read_dataset(tmp_path)


def test_missing_label_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, {"trn.json": JSON_LINES["trn.json"]})
    with pytest.raises(DataError, match=r"has no lbl\.json"):
        read_dataset(tmp_path)


def test_invalid_utf8_is_named_by_file_and_line(tmp_path: Path) -> None:
    write(tmp_path, TEXT_LINES)
    (tmp_path / "test_texts.txt").write_bytes(b"\xff\n")
    with pytest.raises(DataError, match=r"test_texts\.txt, line 1: not valid UTF-8"):
        read_dataset(tmp_path)


@pytest.mark.skipif(not REAL_DATA.is_dir(), reason="XMCNAS_TEST_DATA names no folder of data sets")
@pytest.mark.parametrize(
    ("name", "sizes", "n_labels"),
    [
        ("reuters21578_allcats", [13_014, 5_758], 430),
        ("stackexchange_travel", [1_600, 400], 845),
        ("stackexchange_cooking", [1_600, 400], 603),
        ("stackexchange_robotics", [1_600, 400], 225),
    ],
)
def test_real_sets_have_their_known_sizes(name: str, sizes: list[int], n_labels: int) -> None:
    data = read_dataset(REAL_DATA / name)
    assert [len(split) for split in data.splits.values()] == sizes
    assert data.n_labels == n_labels
