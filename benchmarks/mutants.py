"""One comparison of a text turned into its neighbour, again and again: what mutation checks run.

`<` and `<=`, `>` and `>=`, `=` and `<>` take each other's place, one at a time. Comments, `BETWEEN`
and tests for membership stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from itertools import accumulate

_IN_SQL = re.compile(r"(?<![<>=!])(<>|<=|>=|<|>|=)(?![<>=])")
_SQL = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "=": "<>", "<>": "="}
_PYTHON = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
}  # fmt: skip
Change = tuple[str, str]  # (what was changed, the changed text)


def changed_sql(text: str) -> Iterator[Change]:
    """Every changed definition in SQL.

    Example:
        >>> list(changed_sql("a < 1 -- b < 2"))
        [('line 1: a [<] 1', 'a <= 1 -- b < 2')]
    """
    skipped = [m.span() for m in re.finditer(r"--[^\n]*|/\*.*?\*/", text, re.DOTALL)]
    for match in _IN_SQL.finditer(text):
        if any(a <= match.start() < b for a, b in skipped):
            continue
        new = text[: match.start()] + _SQL[match.group()] + text[match.end() :]
        yield _named(text, match.start(), match.end()), new


def changed_python(text: str, compiled: bool = False) -> Iterator[Change]:
    r"""Every changed module, comparisons within its functions and classes.

    Args:
        text: of the module.
        compiled: only what is compiled (decorated functions); the rest of a kernel makes room.

    Example:
        >>> list(changed_python("def f(a, b):\n    return a < b <= 3\n"))[1]
        ('line 2: return a < b [<=] 3', 'def f(a, b):\n    return a < b < 3\n')
    """
    starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
    tops = [
        n
        for n in ast.parse(text).body
        if isinstance(n, ast.FunctionDef | ast.ClassDef) and (n.decorator_list or not compiled)
    ]
    for node in (one for top in tops for one in ast.walk(top)):
        if not isinstance(node, ast.Compare):
            continue
        ends = [node.left, *node.comparators]
        for left, operator, right in zip(ends, node.ops, node.comparators, strict=False):
            if type(operator) not in _PYTHON:
                continue
            begin = starts[(left.end_lineno or 1) - 1] + (left.end_col_offset or 0)
            end = starts[right.lineno - 1] + right.col_offset
            found = re.search(r"[<>=!]=?", text[begin:end])
            assert found is not None, "a comparison has an operator"
            first, last = begin + found.start(), begin + found.end()
            new = text[:first] + _PYTHON[type(operator)] + text[last:]
            yield _named(text, first, last), new


def _named(text: str, first: int, last: int) -> str:
    """The line a change lies in, what is changed in brackets; a comment behind it is left out."""
    number = text.count("\n", 0, first) + 1
    line = f"{text[:first]}[{text[first:last]}]{text[last:]}".splitlines()[number - 1]
    return f"line {number}: {re.split(r'  #|  --| --', line)[0].strip()}"
