"""The checkpoint of a closed day: the only door to Great Expectations.

The library takes ten seconds to import, so it is imported inside `run_day`. The caller sets
GX_ANALYTICS_ENABLED=false in the environment before (the command line does); the context made here
has analytics switched off as well, is in memory, and writes nothing but Data Docs.
"""

import datetime
import logging
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from schemas.errors import ConfigurationError

CHECKS = Path(__file__).parent / "checks.toml"
TABLES = ("markets", "codes", "reporters", "sets", "totals")
SEVERITIES = ("critical", "warning")


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation about a table of the day's profile."""

    id: str
    severity: str
    table: str
    zh: str
    en: str
    expect: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """How one check went. `labels` names the failing rows: markets, institutions, registries."""

    check: Check
    passed: bool
    rows: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayResult:
    """The checkpoint's outcome; `passed` unless a critical check failed."""

    day: datetime.date
    results: tuple[CheckResult, ...]
    docs: Path  # index page of the Data Docs

    @property
    def passed(self) -> bool:
        """Whether no critical check failed."""
        return all(r.passed or r.check.severity != "critical" for r in self.results)


@cache
def checks() -> tuple[Check, ...]:
    """The checks of `checks.toml`.

    Raises:
        ConfigurationError: a check lacks a part or names an unknown table or severity.
    """
    found = []
    for raw in tomllib.loads(CHECKS.read_text("utf-8"))["check"]:
        name = raw.get("id", "without an id")
        try:
            check = Check(
                raw["id"], raw["severity"], raw["table"], raw["zh"], raw["en"], raw["expect"],
                MappingProxyType(raw["with"]),
            )  # fmt: skip
        except KeyError as error:
            raise ConfigurationError(
                f"suites/checks.toml: {name}: {error.args[0]}: expected a value"
            ) from error
        if check.table not in TABLES or check.severity not in SEVERITIES:
            raise ConfigurationError(
                f"suites/checks.toml: {name}: expected a table of {', '.join(TABLES)} and a "
                f"severity of {', '.join(SEVERITIES)}"
            )
        found.append(check)
    return tuple(found)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library's own log lines to warnings while it runs."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(before)


def run_day(tables: Mapping[str, pa.Table], day: datetime.date, docs_folder: Path) -> DayResult:
    """Run the checkpoint over a day's profile and write its Data Docs.

    Blocks for about ten seconds at first use (import), then one or two.

    Args:
        tables: `quality.suites.profile.profile(connection, day)`.
        day: the business date; names the run.
        docs_folder: Data Docs are written to a folder of the day in it; those of an earlier run
            for the same day are replaced.

    Returns:
        Every check's result and the index page.

    Raises:
        ConfigurationError: a check names an expectation the library does not have.
    """
    docs = docs_folder.absolute() / day.isoformat()
    docs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="yrd-day-") as work, _quiet():
        outcome = _run(tables, day, docs, Path(work))
    return DayResult(day, outcome, docs / "index.html")


def _run(
    tables: Mapping[str, pa.Table], day: datetime.date, docs: Path, work: Path
) -> tuple[CheckResult, ...]:
    import great_expectations as gx
    from great_expectations import expectations
    from great_expectations.checkpoint import UpdateDataDocsAction
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(enable=False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    for site in list(context.list_data_docs_sites()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        "day",
        {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": {
                "class_name": "TupleFilesystemStoreBackend",
                "base_directory": str(docs),
            },
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    source = context.data_sources.add_pandas("ledger")
    definitions = []
    for name in TABLES:
        if not tables[name].num_rows:
            continue  # nothing to judge; the results say so
        path = work / f"{name}.parquet"
        parquet.write_table(tables[name], path)
        batch = source.add_parquet_asset(name, path=path).add_batch_definition("day")
        suite = context.suites.add(gx.ExpectationSuite(name=f"day-{name}"))
        for check in checks():
            if check.table == name:
                suite.add_expectation(_expectation(expectations, check))
        definition = gx.ValidationDefinition(name=f"day-{name}", data=batch, suite=suite)
        definitions.append(context.validation_definitions.add(definition))
    checkpoint = context.checkpoints.add(
        gx.Checkpoint(
            name="closed-day",
            validation_definitions=definitions,
            actions=[UpdateDataDocsAction(name="data docs", site_names=["day"])],
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": ["label"],
            },
        )
    )
    result = checkpoint.run(run_id=RunIdentifier(run_name=day.isoformat()))
    judged = {
        judgement.expectation_config.meta["check"]: judgement
        for validation in result.run_results.values()
        for judgement in validation.results
    }
    return tuple(_result(check, judged.get(check.id), tables) for check in checks())


def _expectation(expectations: Any, check: Check) -> Any:  # noqa: ANN401 - the library's types
    kind = getattr(expectations, check.expect, None)
    if kind is None:
        raise ConfigurationError(
            f"suites/checks.toml: {check.id}: expect: expected an expectation of Great "
            "Expectations, such as ExpectColumnValuesToBeBetween"
        )
    return kind(
        **check.arguments,
        severity=check.severity,
        notes=f"{check.id} {check.zh} / {check.en}",
        meta={"check": check.id},
    )


def _result(check: Check, judgement: Any, tables: Mapping[str, pa.Table]) -> CheckResult:  # noqa: ANN401
    rows = tables[check.table].num_rows
    if judgement is None:
        return CheckResult(check, passed=True, rows=rows, labels=())
    found = judgement.result.get("unexpected_index_list") or ()
    labels = tuple(sorted({str(index["label"]) for index in found}))
    return CheckResult(check, passed=bool(judgement.success), rows=rows, labels=labels)
