"""An alert computed again from the submitted bytes: equal, or the step that differs is named."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from connectors.ends.tape import Tape
from ledger import duck
from ledger.loader import Loader
from pipelines.episodes.episodes import episodes
from pipelines.intake.intake import Intake
from pipelines.intake.plan import plan
from pipelines.lanes.ledger import evaluate
from pipelines.lanes.operators import holders
from pipelines.rules.registry import load_rules
from replay.market.build import Sizes, simulate
from schemas.errors import InputError
from serving.answers.evidence import alert_row
from serving.answers.explain import explanation
from serving.answers.resting import proof_of, rests_on_more
from serving.answers.verify import verify
from serving.answers.whole import compare, demand_made_of, hashed
from serving.publish import current, open_version, publish
from yrd.cli import build
from yrd.processes.building import build_intake
from yrd.settings import Settings


@dataclass(frozen=True)
class Run:
    """A small market, taken and published."""

    tape: Tape
    intake: Intake
    ledger: Path


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("run")
    simulate(root / "tape", 7, Sizes(8_000, 42, date(2026, 4, 7)))
    tape = Tape(root / "tape")
    intake = build_intake(Settings(), "SIMULATED")
    known = datetime(2026, 7, 1, tzinfo=UTC)
    with Loader(root / "ledger" / "writer.duckdb", "SIMULATED") as loader:
        for unit in plan(tape):
            taken = intake.take(tape, unit)
            loader.load_segment(
                "tape",
                unit.number,
                {
                    **taken.reports,
                    "feedback": taken.feedback,
                    "submission": taken.submissions,
                },
            )
        loader.flush()
        found = [evaluate(loader.connection, rule).crossings for rule in load_rules().values()]
        crossings = pa.concat_tables(found)
        held = holders(loader.connection, crossings)
        alerts = episodes(crossings, load_rules(), "SIMULATED", known, held)
        size = crossings.num_rows
        loader.load_segment(
            "results",
            0,
            {
                "alert": alerts,
                "crossing": crossings.append_column(
                    "lane", pa.array(["ledger"] * size)
                ).append_column("known_from", pa.array([known] * size, pa.timestamp("us", "UTC"))),
            },
        )
        publish(loader, root / "ledger")
    return Run(tape, intake, root / "ledger")


@pytest.fixture
def ledger(small_run: Run) -> Iterator[duck.Connection]:
    connection, _ = open_version(small_run.ledger)
    with connection:
        yield connection


def one_of_each(ledger: duck.Connection) -> dict[str, str]:
    return dict(ledger.rows("SELECT rule, min(alert_id) FROM alert GROUP BY rule"))


def test_an_alert_of_every_rule_comes_out_again(small_run: Run, ledger: duck.Connection) -> None:
    chosen = one_of_each(ledger)
    assert {"structuring", "pass_through", "invoice_double_financing"} <= set(chosen)
    for rule, alert_id in chosen.items():
        kind = ledger.scalar(
            "SELECT any_value(subject_kind) FROM alert WHERE alert_id = $id", {"id": alert_id}
        )
        if rests_on_more(load_rules()[rule], kind):
            with pytest.raises(InputError, match="--whole"):
                verify(ledger, small_run.tape, small_run.intake, alert_id)
            continue
        steps = verify(ledger, small_run.tape, small_run.intake, alert_id)
        assert [step.name for step in steps] == [
            "submitted bytes",
            "reports",
            "transactions",
            "crossings",
            "alert",
        ]
        for step in steps:
            assert step.equal, (rule, step)
            assert step.items > 0


def test_a_ledger_that_was_tampered_with_is_found_out(
    small_run: Run, ledger: duck.Connection, tmp_path: Path
) -> None:
    alert_id = one_of_each(ledger)["structuring"]
    copy = tmp_path / "tampered.duckdb"
    shutil.copy(small_run.ledger / current(small_run.ledger).file, copy)
    with duck.open(copy, read_only=False) as writer:
        writer.execute(
            "UPDATE stored.event SET amount_cny = amount_cny + 1 WHERE transaction_id IN "
            "(SELECT unnest(evidence) FROM alert WHERE alert_id = $id)",
            {"id": alert_id},
        )
    with duck.open(copy, read_only=True) as tampered:
        steps = verify(tampered, small_run.tape, small_run.intake, alert_id)
    equal = {step.name: step.equal for step in steps}
    assert equal["submitted bytes"]
    assert not equal["transactions"]


def test_another_tape_is_refused(small_run: Run, ledger: duck.Connection, tmp_path: Path) -> None:
    simulate(tmp_path / "tape", 8, Sizes(8_000, 42, date(2026, 4, 7)))
    alert_id = one_of_each(ledger)["structuring"]
    with pytest.raises(InputError, match="--tape"):
        verify(ledger, Tape(tmp_path / "tape"), small_run.intake, alert_id)


def test_the_command_prints_every_hash_and_says_so(small_run: Run, ledger: duck.Connection) -> None:
    alert_id = one_of_each(ledger)["pass_through"]
    arguments = ["verify", alert_id, "--ledger", str(small_run.ledger)]
    result = CliRunner().invoke(build("alert"), arguments)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("equal") == 5
    assert "proven" in result.stdout
    told = json.loads(CliRunner().invoke(build("alert"), [*arguments, "--json"]).stdout)
    assert told["proven"]
    assert all(step["again"] in result.stdout for step in told["steps"])


class TestTheWhole:
    """One ledger held against another; here both are of one run, and one of them is changed."""

    STEPS = (
        *("tape", "submissions", "parameters", "all alerts", "alert", "revisions"),
        *("crossings", "reports", "submitted bytes"),
    )

    def test_an_alert_that_rests_on_more_is_equal_in_every_step(
        self, small_run: Run, ledger: duck.Connection
    ) -> None:
        alert = alert_row(ledger, one_of_each(ledger)["cycle"])
        told: list[int] = []
        bodies = hashed(small_run.tape, lambda _, done, total: told.append(total - done))
        steps = compare(ledger, ledger, bodies, alert)
        assert tuple(step.name for step in steps) == self.STEPS
        for step in steps:
            assert step.equal, step
            assert step.items > 0 or step.name == "parameters", step
        assert told[-1] == 0

    def test_whatever_was_changed_is_named_with_its_field(
        self, small_run: Run, ledger: duck.Connection, tmp_path: Path
    ) -> None:
        alert = alert_row(ledger, one_of_each(ledger)["structuring"])
        copy = tmp_path / "changed.duckdb"
        shutil.copy(small_run.ledger / current(small_run.ledger).file, copy)
        of = {"id": alert["alert_id"]}
        with duck.open(copy, read_only=False) as writer:
            writer.execute(
                "UPDATE crossing SET measure = measure + 1 WHERE (rule, variant, subject) IN "
                "(SELECT (rule, variant, subject) FROM alert WHERE alert_id = $id)",
                of,
            )
            writer.execute(
                "UPDATE stored.event SET amount_cny = amount_cny + 1 WHERE transaction_id IN "
                "(SELECT unnest(evidence) FROM alert WHERE alert_id = $id)",
                of,
            )
            writer.execute(
                "UPDATE alert SET peak_measure = peak_measure + 1 WHERE alert_id = $id", of
            )
            writer.execute("INSERT INTO parameter VALUES ('cycle', '2026.1', 'most_hops', 1)")
            writer.execute("UPDATE submission SET accepted = accepted + 1 WHERE feed = 'pacs008'")
        with duck.open(copy, read_only=True) as changed:
            steps = compare(changed, ledger, hashed(small_run.tape), alert)
        assert {step.name: step.differs for step in steps if not step.equal} == {
            "submissions": ("accepted",),
            "parameters": ("cycle.most_hops",),
            "all alerts": ("structuring",),
            "alert": ("peak_measure",),
            "revisions": ("peak_measure",),
            "crossings": ("measure",),
            "reports": ("amount_cny",),
        }

    def test_a_ledger_names_the_tape_it_was_made_of(self, ledger: duck.Connection) -> None:
        with duck.memory() as made:
            made.execute("CREATE TABLE load_offset (source VARCHAR)")
            demand_made_of(made, "ab" * 32)  # loaded from Kafka: it names none
            made.execute(f"INSERT INTO load_offset VALUES ('alerts of tape:{'cd' * 32}')")
            made.execute(f"INSERT INTO load_offset VALUES ('tape:{'ab' * 32} unit 3')")
            demand_made_of(made, "ab" * 32)
            with pytest.raises(InputError, match="--tape"):
                demand_made_of(made, "cd" * 32)
            made.execute("INSERT INTO load_offset VALUES ('spec:pacs008:v2:0011')")
            with pytest.raises(InputError, match="newer spec"):
                demand_made_of(made, "ab" * 32)

    def test_the_command_for_an_alert_is_the_one_that_does_not_refuse_it(
        self, ledger: duck.Connection
    ) -> None:
        chosen = one_of_each(ledger)
        ring, split = (explanation(ledger, chosen[rule]).alert for rule in ("cycle", "structuring"))
        assert proof_of(ring) == f"verify {chosen['cycle']} --whole"
        assert proof_of(split, 12) == f"verify {chosen['structuring'][:12]}"
