"""One tape, one outcome: other batches, another order, a killed process, the whole tape again."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ledger.duck import Connection
from serving.publish import open_version
from tests.yrd.conftest import PARTS, Killed, Replay, Run, finished, killed_and_resumed
from yrd.cli import build
from yrd.processes.layout import Layout
from yrd.settings import Settings


@pytest.fixture(scope="session")
def small_and_killed(
    demo: Run, start_replay: Replay, tmp_path_factory: pytest.TempPathFactory
) -> Killed:
    out = tmp_path_factory.mktemp("again") / "run"
    return killed_and_resumed(
        start_replay, out, _a_unit_is_stored,
        "--workers", "1", "--parallelism", "1", "--batch-rows", "100", "--shuffle", "7",
    )  # fmt: skip


class TestSameAgain:
    """The same tape gives the same alerts, whatever the batching, the order or the crash."""

    def test_other_batches_another_order_and_a_killed_process_change_nothing(
        self, demo: Run, small_and_killed: Killed
    ) -> None:
        again = small_and_killed.result
        assert again["output_sha256"] == demo.result["output_sha256"]
        for name in ("submitted", *PARTS, "late", "transactions", "by_rule"):
            assert again[name] == demo.result[name]

    def test_every_revision_of_every_alert_is_the_same_too(
        self, small_and_killed: Killed, ledger: Connection
    ) -> None:
        """Known times, causes and revisions come from the data: no row differs in any column."""
        connection, _ = open_version(small_and_killed.ledger)
        with connection:
            for ask in (
                "SELECT * FROM alert ORDER BY alert_id, revision",
                "SELECT * FROM crossing ORDER BY ALL",
                "SELECT * FROM rule_run ORDER BY ALL",
            ):
                again, before = connection.sql(ask), ledger.sql(ask)
                assert before.num_rows > 0
                assert again.to_pylist() == before.to_pylist()

    def test_any_alert_is_proven_by_running_the_whole_tape_again(
        self, demo: Run, small_and_killed: Killed, ledger: Connection,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """The run that was killed and resumed stands for the one the command would make."""

        def handed(tape: Path, layout: Layout, *_: object) -> None:
            assert tape == demo.tape
            assert (layout.root / "plan.json").is_file()
            shutil.copytree(small_and_killed.ledger, layout.ledger)

        monkeypatch.setattr("yrd.processes.run.run_tape", handed)
        ring = ledger.scalar("SELECT min(alert_id) FROM alerts WHERE subject_kind = 'group'")
        arguments = ["verify", str(ring), "--run", str(demo.folder)]
        refused = CliRunner().invoke(build("alert"), arguments)
        assert (refused.exit_code, "--whole" in refused.stderr) == (2, True)
        shown = CliRunner().invoke(build("alert"), [*arguments, "--whole", "--json"])
        assert shown.exit_code == 0, shown.output
        told = json.loads(shown.stdout)
        assert told["proven"]
        found = {step["name"]: step for step in told["steps"]}
        assert found["all alerts"]["again"] == demo.result["output_sha256"]
        assert found["tape"]["items"] == demo.result["submissions"]
        assert all(step["items"] for step in told["steps"])
        assert not list(Settings().var.glob(".verify-*"))
        # Other settings than the run's, or no tape beside the ledger, prove nothing.
        monkeypatch.setenv("YRD_SLACK_MINUTES", "11")
        other = CliRunner().invoke(build("alert"), [*arguments, "--whole"])
        assert (other.exit_code, "YRD_SLACK_MINUTES" in other.stderr) == (2, True)
        arguments[-1] = str(small_and_killed.ledger.parent)
        lacking = CliRunner().invoke(build("alert"), [*arguments, "--whole"])
        assert (lacking.exit_code, "--tape" in lacking.stderr) == (2, True)

    def test_alerts_became_known_as_business_days_closed(
        self, demo: Run, ledger: Connection
    ) -> None:
        times = ledger.rows("SELECT DISTINCT known_from FROM alert ORDER BY 1")
        assert len(times) > 10
        assert {(at.hour, at.minute) for (at,) in times[:-1]} == {(20, 10)}  # 04:10 in Beijing
        early = ledger.scalar(
            "SELECT count(*) FROM alert WHERE epoch_us(known_from) <= epoch_us(last_crossing)"
        )
        assert early == 0
        told = demo.result["revisions"]
        assert told["raised"] - told["withdrawn"] == demo.result["alerts"]
        assert ledger.scalar("SELECT count(*) FROM alert_history") == sum(told.values())

    def test_the_second_run_goes_on_where_the_first_was_killed(
        self, small_and_killed: Killed
    ) -> None:
        assert small_and_killed.kept
        assert small_and_killed.found == small_and_killed.kept

    @pytest.mark.soak
    @pytest.mark.parametrize(
        "options",
        [
            ("--workers", "1", "--parallelism", "1"),
            ("--batch-rows", "100"),
            ("--shuffle", "7"),
            ("--shuffle", "8", "--batch-rows", "5000", "--parallelism", "2"),
        ],
        ids=" ".join,
    )
    def test_no_option_changes_the_alerts(
        self, demo: Run, start_replay: Replay, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        result = finished(start_replay(tmp_path / "run", *options))
        assert result["output_sha256"] == demo.result["output_sha256"]

    @pytest.mark.soak
    @pytest.mark.parametrize("ready", ["stored", "checkpointed", "loaded"])
    def test_a_kill_at_any_stage_changes_nothing(
        self, demo: Run, start_replay: Replay, tmp_path: Path, ready: str
    ) -> None:
        waits = {
            "stored": _a_unit_is_stored,
            "checkpointed": lambda out: any((out / "job").rglob("chk-*/_metadata")),
            "loaded": lambda out: (out / "ledger" / "writer.duckdb.mark").is_file(),
        }
        ended = killed_and_resumed(start_replay, tmp_path / "run", waits[ready])
        assert ended.result["output_sha256"] == demo.result["output_sha256"]


def _a_unit_is_stored(out: Path) -> bool:
    return any((out / "intake" / "submissions").glob("seg-*.arrow"))
