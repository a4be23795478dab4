"""Blind spots of an answer on a few lines: what is said many times is counted once.

Nothing is dropped from an answer: JSON, the files beside an export and `--caveats all` have every
sentence. On a screen, a kind of gap with more than a few sentences becomes one that counts them.
"""

from collections.abc import Sequence

from serving.answers.blind_spots import BlindSpot

MOST = 2  # sentences of one kind on a screen


def folded(spots: Sequence[BlindSpot]) -> tuple[BlindSpot, ...]:
    """The blind spots with each kind of many as one sentence, in the order of first appearance."""
    by_kind: dict[str, list[BlindSpot]] = {}
    for spot in spots:
        by_kind.setdefault(spot.kind, []).append(spot)
    out = []
    for some in by_kind.values():
        if len(some) <= MOST:
            out += some
        else:
            out.append(_counted(some))
    return tuple(out)


def _counted(some: Sequence[BlindSpot]) -> BlindSpot:
    kind = some[0].kind
    if kind == "feed":
        # each begins with the feed's name
        feeds = dict.fromkeys(spot.en.partition(":")[0] for spot in some)
        return BlindSpot(
            kind,
            f"{len(feeds)} 个数据源有缺报、迟报或挂起，共 {len(some)} 处"
            "（--caveats all 逐条列出）。",
            f"{len(feeds)} feeds were silent, late or held somewhere, {len(some)} gaps in all "
            "(--caveats all lists them).",
        )
    if kind == "rule":
        return BlindSpot(
            kind,
            f"{len(some)} 条规则未评估（--caveats all 逐条列出）。",
            f"{len(some)} rules were not evaluated (--caveats all lists them).",
        )
    return BlindSpot(
        kind,
        f"另有 {len(some)} 条说明（--caveats all 逐条列出）。",
        f"{len(some)} more remarks of one kind (--caveats all lists them).",
    )
