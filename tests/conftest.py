"""What every test may need: the trial data, and skips that are failures on CI."""

import os
import time
from pathlib import Path

import pytest

_BEGAN = time.monotonic()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A soak ends when its time is over (SOAK_MINUTES): what is left is skipped and says so."""
    minutes = os.environ.get("SOAK_MINUTES")
    if minutes and "soak" in item.keywords and time.monotonic() - _BEGAN > float(minutes) * 60:
        pytest.skip(f"the soak's {minutes} minutes are over")


def lacking(reason: str) -> None:
    """Skip with a printed reason; on CI a missing prerequisite is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"missing on CI: {reason}")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def trial_data() -> Path:
    """The folder of messages and labelled data made by others (YRD_TEST_DATA)."""
    folder = Path(os.environ.get("YRD_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        lacking(f"no trial data at {folder}; set YRD_TEST_DATA to its folder")
    return folder
