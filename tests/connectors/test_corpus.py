"""What fuzzing found or reached comes out as it did; each file of the corpus was made by it.

`python -m tests.connectors.recorded` writes the outcomes down anew after a spec has changed.
"""

import pytest

from connectors.feeds.registry import load_feeds
from tests.connectors.outcomes import judge
from tests.connectors.samples import CORPUS, corpus_paths, expected_of, outcome_text

FEEDS = load_feeds()
OF_FEED = sorted(folder.name for folder in CORPUS.iterdir() if folder.is_dir())


def test_the_corpus_covers_every_feed_and_nothing_else() -> None:
    assert sorted(FEEDS) == OF_FEED


@pytest.mark.parametrize("feed", OF_FEED)
def test_an_input_of_the_corpus_has_the_outcome_written_down(feed: str) -> None:
    expected = expected_of(feed)
    paths = corpus_paths(feed)
    assert sorted(expected) == [path.name for path in paths]
    for path in paths:
        _, decoded, wrong = judge(FEEDS[feed], path.read_bytes())
        assert (path.name, wrong, outcome_text(decoded)) == (path.name, [], expected[path.name])
