"""What every test may need: the trial data, and skips that are failures on CI."""

import os
from pathlib import Path

import pytest


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
