"""What `plan` predicts, against what trainings then take.

Each case runs in a process of its own: random texts are prepared as a search does, the child is
planned, then trained for an epoch by the same code as in a search.

    python examples/benchmarks/plan_accuracy.py
    python examples/benchmarks/plan_accuracy.py quick gru

Columns: parameters, which must agree exactly; the peak of memory in MiB as predicted, as measured
by `PeakMemory` and their ratio; the same of the seconds of the training.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
import json
import os
import subprocess
import sys
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Case:
    """A child, and the data it is trained on."""

    genome: str
    hidden: int
    attention: str
    n_labels: int
    n_tokens: int  # of the longest document; the shortest has a quarter
    batch_size: int
    n_train: int
    n_validation: int
    combine: str = "sum"
    vector_width: int = 100
    n_words: int = 20_000


CASES = {
    "tiny": Case(
        genome="bilstm:0 conv3:1",
        hidden=32,
        attention="self",
        n_labels=50,
        n_tokens=16,
        batch_size=32,
        n_train=200,
        n_validation=50,
        n_words=500,
    ),
    "quick": Case(
        genome="bilstm:0 conv3:0 maxpool3:2 conv5:1",
        hidden=64,
        attention="self",
        n_labels=100,
        n_tokens=32,
        batch_size=64,
        n_train=4_000,
        n_validation=500,
    ),
    "attentionxml": Case(
        genome="bilstm:0",
        hidden=256,
        attention="label",
        n_labels=4_000,
        n_tokens=500,
        batch_size=40,
        n_train=160,
        n_validation=80,
        vector_width=300,
    ),
    "xmcnas": Case(
        genome="bilstm:0 bilstm:0",
        hidden=256,
        attention="label",
        n_labels=4_000,
        n_tokens=300,
        batch_size=40,
        n_train=160,
        n_validation=80,
        combine="concat",
        vector_width=300,
    ),
    "wide": Case(
        genome="bilstm:0 conv3:1",
        hidden=128,
        attention="label",
        n_labels=30_000,
        n_tokens=128,
        batch_size=40,
        n_train=200,
        n_validation=80,
    ),
    "convolutions": Case(
        genome="conv3:0 conv5:1 conv7:2",
        hidden=128,
        attention="self",
        n_labels=4_000,
        n_tokens=200,
        batch_size=64,
        n_train=640,
        n_validation=200,
    ),
    "pooling": Case(
        genome="maxpool3:0 avgpool3:1 maxpool3:2 conv1:2",
        hidden=256,
        attention="self",
        n_labels=4_000,
        n_tokens=500,
        batch_size=64,
        n_train=320,
        n_validation=128,
    ),
    "gru": Case(
        genome="bigru:0 bigru:1",
        hidden=128,
        attention="self",
        n_labels=4_000,
        n_tokens=200,
        batch_size=64,
        n_train=320,
        n_validation=128,
    ),
}
MIB = 2**20


def random_texts(case: Case) -> Any:
    """Return texts of random words, of many lengths, with a few random labels each."""
    import numpy as np

    from optuna_xmcnas.data import label_matrix
    from optuna_xmcnas.data import TextDataset
    from optuna_xmcnas.data import TextSplit

    rng = np.random.default_rng(0)

    def split(n_documents: int) -> TextSplit:
        lengths = rng.integers(case.n_tokens // 4, case.n_tokens + 1, n_documents)
        texts = tuple(
            " ".join(f"w{number}" for number in rng.integers(case.n_words, size=length))
            for length in lengths.tolist()
        )
        rows = [rng.choice(case.n_labels, 3, replace=False).tolist() for _ in texts]
        return TextSplit(texts=texts, labels=label_matrix(rows, case.n_labels))

    return TextDataset(
        name="random",
        format="generated",
        train=split(case.n_train),
        validation=split(case.n_validation),
        test=None,
        label_names=tuple(str(number) for number in range(case.n_labels)),
    )


def run_case(name: str) -> dict[str, float]:
    """Plan the child of a case, then train it."""
    import optuna  # noqa: F401  # a search has it

    from optuna_xmcnas.child import ChildConfig
    from optuna_xmcnas.data import DataConfig
    from optuna_xmcnas.data import prepare
    from optuna_xmcnas.genome import Genome
    from optuna_xmcnas.genome import Node
    from optuna_xmcnas.objective import train_genome
    from optuna_xmcnas.planning import plan_child
    from optuna_xmcnas.planning import PlanRequest
    from optuna_xmcnas.planning import resident_memory
    from optuna_xmcnas.training import TrainingConfig

    case = CASES[name]
    nodes = (node.split(":") for node in case.genome.split())
    genome = Genome(tuple(Node(op, int(source)) for op, source in nodes))
    child = ChildConfig(
        hidden=case.hidden,
        attention=case.attention,  # type: ignore[arg-type]
        combine=case.combine,  # type: ignore[arg-type]
    )
    training = TrainingConfig(epochs=1, batch_size=case.batch_size, device="cpu")
    process = resident_memory()
    raw = random_texts(case)
    sizes = DataConfig(
        max_tokens=case.n_tokens,
        validation_documents=case.n_validation,
        vector_size=case.vector_width,
    )
    data = prepare(raw, sizes)
    # what planning takes must not be there when the peak of the training is read
    resident = resident_memory()
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(reader)
        request = PlanRequest(
            data=data,
            child=child,
            training=training,
            process_bytes=process,
            resident_bytes=resident,
        )
        planned = plan_child(request, genome).children[0]
        result = {
            "parameters": planned.parameters.total,
            "bytes": planned.memory.total,
            "seconds": planned.child_s.high,
        }
        parts = vars(planned.memory)
        print(name, {k: v // MIB for k, v in parts.items()}, file=sys.stderr)
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        predicted = json.load(pipe)
    os.wait()
    network, outcome = train_genome(genome, data, child, training)
    measured = {
        "parameters": network.n_parameters,
        "bytes": outcome.peak_memory_bytes,
        "seconds": outcome.seconds,
    }
    return {f"predicted {k}": v for k, v in predicted.items()} | {
        f"measured {k}": v for k, v in measured.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("cases", nargs="*", help="; ".join(CASES))
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        print(json.dumps(run_case(args.alone)))
        return
    if unknown := set(args.cases).difference(CASES):
        parser.error(
            f"there is no case {', '.join(sorted(unknown))}; there are {', '.join(CASES)}"
        )
    print(
        f"{'case':>13} {'parameters':>22} {'MiB: plan':>10} {'measured':>9} {'ratio':>6}"
        f" {'s: plan':>8} {'measured':>9} {'ratio':>6}"
    )
    for name in args.cases or CASES:
        command = [sys.executable, __file__, "--alone", name]
        found = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        is_equal = found["predicted parameters"] == found["measured parameters"]
        print(f"{name:>13} {found['measured parameters']:>12,}", end=" ")
        print(f"{'equal' if is_equal else 'NOT EQUAL':>9}", end=" ")
        for what, unit, places, widths in (("bytes", MIB, 0, (10, 9)), ("seconds", 1, 1, (8, 9))):
            planned, taken = found[f"predicted {what}"] / unit, found[f"measured {what}"] / unit
            print(f"{planned:{widths[0]}.{places}f} {taken:{widths[1]}.{places}f}", end=" ")
            print(f"{planned / taken:6.2f}", end=" ")
        print(flush=True)


if __name__ == "__main__":
    main()
