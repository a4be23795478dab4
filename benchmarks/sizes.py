"""How much is measured, where it is kept, and the tapes measured on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.ends.tape import Tape, TapeWriter
from replay.market.build import Sizes, simulate

PAYMENTS = "pacs008"
CORE = (PAYMENTS, "bill_exchange", "bill_exchange_json", "loan_register")


@dataclass(frozen=True)
class Bench:
    """Where a benchmark works and how much it does.

    `small` and `large` are reports of the two tapes whose difference is the steady cost; `records`
    is what decoding alone is measured on, `megabytes` what one large submission has.
    """

    folder: Path
    small: int = 80_000
    large: int = 320_000
    records: int = 40_000
    megabytes: int = 2_000

    def demo(self, reports: int) -> Path:
        """A simulated tape of about so many reports, made once."""
        folder = self.folder / f"tape-{reports}"
        if not (folder / "manifest.json").is_file():
            simulate(folder, 1, Sizes(reports))
        return folder

    def core(self, reports: int) -> Path:
        """Its payments, bills and loans alone (about 75, 15 and 10 %), made once.

        What the figures of the whole path speak of: the simulated market learns new feeds, and a
        tape with a few reports of each costs start-up, not more a report.
        """
        return self._only(reports, "core", CORE)

    def payments(self, reports: int) -> Path:
        """The pacs.008 submissions of that tape alone, made once."""
        return self._only(reports, PAYMENTS, (PAYMENTS,))

    def _only(self, reports: int, name: str, feeds: Sequence[str]) -> Path:
        folder = self.folder / f"tape-{reports}-{name}"
        if not (folder / "manifest.json").is_file():
            whole = Tape(self.demo(reports))
            with TapeWriter(folder, str(whole.manifest["data_origin"]), seed=1) as writer:
                for number in range(len(whole.segments())):
                    for row in whole.read(number).to_pylist():
                        if row["feed"] in feeds:
                            writer.add(
                                row["feed"],
                                row["submitter"],
                                row["received_at"],
                                row["body"],
                                row["file_name"],
                            )
        return folder
