"""A tape's labels, scored through intake and rules in one process."""

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from yrd.processes.scoring import Options, score_file

RULES = ("pass_through", "invoice_double_financing")  # one of each lane


def test_a_tape_is_scored_without_a_run(tape: Path, labels: pa.Table) -> None:
    told = score_file(tape, Options(rules=RULES, quick=True))
    for rule in RULES:
        one = told["by_rule"][rule]
        schemes = pc.and_(pc.equal(labels["rule"], rule), pc.equal(labels["kind"], "scheme"))
        assert one["joint"]["n"] == pc.sum(schemes).as_py()
        assert one["joint"]["recall"]["value"] > 0.5
        # What is split is seen by the joint view only.
        assert one["joint"]["recall"]["hits"] > one["solo"]["union"]["recall"]["hits"]
        assert one["hidden_by_split"] > 0
    assert told["baselines"]["crosses_a_region"]["f1"] < told["transfers"]["f1"]
