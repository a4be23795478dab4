"""Which crossings are one alert: for rules whose subject differs though the thing is the same.

A region that holds part of a ring names another set of members than all four together do, and what
grows by another member has another set each time: the subject alone would make many alerts of one
thing. For a rule with `match = "evidence"`:

- joint crossings of a variant that share at least the rule's `merges_from` transactions are one
  thing (0: never), under the subject of the first of them;
- a solo crossing takes the subject of the joint crossings with which it shares most transactions,
  at a draw the lowest subject;
- solo crossings that share nothing with a joint one are merged among themselves.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.episodes.kernel import components
from pipelines.rules.registry import Rule
from schemas.records import CROSSING
from schemas.regions import JOINT_BIT

Ids = npt.NDArray[np.int64]


def matched(crossings: pa.Table, rules: Mapping[str, Rule]) -> pa.Table:
    """The crossings (CROSSING) with the subjects under which they become alerts, in their order."""
    names = [name for name, rule in rules.items() if rule.match == "evidence"]
    mine = pc.is_in(crossings["rule"], value_set=pa.array(names, pa.string()))
    mine = mine.to_numpy(zero_copy_only=False)
    if not mine.any():
        return crossings
    at = np.flatnonzero(mine)
    some = crossings.take(pa.array(at))
    subject = crossings["subject"].to_numpy().copy()
    least = np.array([rules[name].merges_from for name in some["rule"].to_pylist()], np.int64)
    subject[at] = _subjects(some, least)
    place = crossings.schema.get_field_index("subject")
    return crossings.set_column(place, CROSSING.field("subject"), pa.array(subject))


def _subjects(crossings: pa.Table, least: Ids) -> Ids:
    """The subjects of crossings of rules that match by evidence."""
    label = pc.binary_join_element_wise(crossings["rule"], crossings["variant"], "\n")
    code = label.combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    joint = crossings["vantage"].to_numpy() == JOINT_BIT
    lists = crossings["evidence"].combine_chunks()
    lengths = pc.list_value_length(lists).to_numpy().astype(np.int64)
    of = np.repeat(np.arange(len(lists)), lengths)
    transaction = lists.flatten().to_numpy()
    found = _merged(crossings, code, of, transaction, least, joint)
    whole = _distinct(*(part[joint[of]] for part in (code[of], transaction, found[of])))
    alone = np.flatnonzero(~joint[of])
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
    found[rows[last]] = subjects[last]
    left = ~joint
    left[rows[last]] = False
    if left.any():
        found = np.where(left, _merged(crossings, code, of, transaction, least, left), found)
    return found


def _merged(
    crossings: pa.Table,
    code: Ids,
    of: Ids,
    transaction: Ids,
    least: Ids,
    rows: npt.NDArray[np.bool_],
) -> Ids:
    """Subjects after merging some of the crossings; the others keep theirs."""
    subject: Ids = crossings["subject"].to_numpy().copy()
    some = np.flatnonzero(rows & (least > 0))
    if not len(some):
        return subject
    sums = np.zeros(len(subject), np.int64)
    np.add.at(sums, of, transaction)  # so that nothing depends on the order of equal crossings
    measure, instant = (crossings[name].to_numpy() for name in ("measure", "instant"))
    order = some[np.lexsort((sums[some], measure[some], subject[some], instant[some]))]
    _, numbers = np.unique(np.stack([code[of], transaction]), axis=1, return_inverse=True)
    starts = np.searchsorted(of, np.arange(len(subject) + 1))
    sizes = np.diff(starts)[order]
    offsets = np.append(0, np.cumsum(sizes))
    inner = np.arange(offsets[-1]) - np.repeat(offsets[:-1], sizes)
    mine = numbers.reshape(-1)[np.repeat(starts[:-1][order], sizes) + inner].astype(np.int64)
    known = int(mine.max()) + 1 if len(mine) else 0
    subject[order] = subject[order][components(offsets, mine, known, least[order])]
    return subject


def _distinct(*columns: Ids) -> Ids:
    return np.unique(np.stack([column.astype(np.int64) for column in columns]), axis=1)
