"""Which solo crossings are the joint ones: for rules whose subject differs between vantages.

A region that holds part of a ring names another set of members than all four together do, so the
subject alone would make two alerts of one thing. For a rule with `match = "evidence"` a solo
crossing takes the subject of the joint crossings of its variant with which it shares most
transactions (at a draw the lowest subject); one that shares none keeps its own.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.rules.registry import Rule
from schemas.records import CROSSING
from schemas.regions import JOINT_BIT


def matched(crossings: pa.Table, rules: Mapping[str, Rule]) -> pa.Table:
    """The crossings (CROSSING) with the subjects under which they become alerts, in their order."""
    names = [name for name, rule in rules.items() if rule.match == "evidence"]
    mine = pc.is_in(crossings["rule"], value_set=pa.array(names, pa.string()))
    mine = mine.to_numpy(zero_copy_only=False)
    if not mine.any():
        return crossings
    subject = crossings["subject"].to_numpy().copy()
    label = pc.binary_join_element_wise(crossings["rule"], crossings["variant"], "\n")
    code = label.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    joint = crossings["vantage"].to_numpy() == JOINT_BIT
    lists = crossings["evidence"].combine_chunks()
    of = np.repeat(np.arange(len(lists)), pc.list_value_length(lists).to_numpy())
    transaction = lists.flatten().to_numpy()
    whole = _distinct(*(part[(mine & joint)[of]] for part in (code[of], transaction, subject[of])))
    alone = np.flatnonzero((mine & ~joint)[of])
    shared = pa.table(
        {"code": code[of][alone], "transaction": transaction[alone], "row": of[alone]}
    ).join(
        pa.table(dict(zip(("code", "transaction", "subject"), whole, strict=True))),
        keys=["code", "transaction"],
        join_type="inner",
    )
    pairs = np.stack([shared["row"].to_numpy(), shared["subject"].to_numpy()])
    (rows, subjects), counts = np.unique(pairs, axis=1, return_counts=True)
    best = np.lexsort((-subjects, counts, rows))  # the last of each row shares most
    last = best[np.append(rows[best][1:] != rows[best][:-1], True)] if len(best) else best
    subject[rows[last]] = subjects[last]
    at = crossings.schema.get_field_index("subject")
    return crossings.set_column(at, CROSSING.field("subject"), pa.array(subject))


def _distinct(*columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return np.unique(np.stack([column.astype(np.int64) for column in columns]), axis=1)
