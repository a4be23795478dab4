"""Adopted specs: which version of a feed is in force at which time, on record, nothing deleted.

`<folder>/<feed>/adoptions.jsonl` has one line an adoption, in order; `<folder>/<feed>/versions/`
the text of every spec that was ever in force, by hash. The version in force at a submission's
`received_at` reads it, so an old tape is read as it was. The log is looked at again whenever it
grew: a running intake takes an adoption over without a restart.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from connectors.engine.spec import Feed, parse
from schemas.errors import ConfigurationError, InputError

LOG = "adoptions.jsonl"
_SPEC = "spec.toml"


@dataclass(frozen=True, slots=True)
class Adoption:
    """One adoption: from `valid_from` on, until `until` if it is temporary.

    `certificate` is the hash of the certificate that passed, or empty; `because` says why it was
    adopted without one. `before` is the version that was in force.
    """

    feed: str
    spec: str
    valid_from: datetime
    until: datetime | None
    adopted_at: datetime
    who: str
    certificate: str
    because: str
    before: str

    def holds(self, at: datetime) -> bool:
        """Whether it is in force at an instant, if nothing later is."""
        return self.valid_from <= at and (self.until is None or at < self.until)


class Adopted:
    """The record of adoptions below one folder; cheap to ask for every submission.

    Args:
        folder: `YRD_VAR/feeds`; need not be there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._logs: dict[str, tuple[tuple[int, int], list[Adoption]]] = {}
        self._feeds: dict[tuple[str, str], Feed] = {}

    def log(self, name: str) -> list[Adoption]:
        """Every adoption of a feed, in order.

        Raises:
            ConfigurationError: a line cannot be read.
        """
        path = self.folder / name / LOG
        try:
            state = path.stat()
        except OSError:
            return []
        mark = (state.st_mtime_ns, state.st_size)
        known = self._logs.get(name)
        if known is None or known[0] != mark:
            known = self._logs[name] = (mark, _read(path))
        return known[1]

    def in_force(self, base: Feed, at: datetime) -> Feed:
        """The version of a feed that reads what was received at an instant.

        Args:
            base: The feed as it ships or as its folder has it; in force where nothing is adopted.
            at: When the submission was received.
        """
        log = self.log(base.name)
        for adoption in reversed(log):
            if adoption.holds(at):
                return self.version(base, adoption.spec)
        if log and log[0].before != base.version:  # the shipped spec has moved on since
            return self.version(base, log[0].before)
        return base

    def spans(self, base: Feed) -> Sequence[tuple[int, Feed]]:
        """From which received time on (us since 1970) which version reads, ascending."""
        log = self.log(base.name)
        if not log:
            return ((0, base),)
        cuts = {one.valid_from for one in log} | {one.until for one in log if one.until}
        first = datetime(1970, 1, 1, tzinfo=UTC)
        return tuple(
            ((at - first) // timedelta(microseconds=1), self.in_force(base, at))
            for at in (first, *sorted(cuts))
        )

    def between(self, base: Feed, first: datetime, last: datetime) -> list[Feed]:
        """The versions that read what was received from one instant to another, both included."""
        us = timedelta(microseconds=1)
        since, until = ((at - datetime(1970, 1, 1, tzinfo=UTC)) // us for at in (first, last))
        spans = self.spans(base)
        ends = [begin for begin, _ in spans[1:]] + [until + 1]
        return [
            version
            for (begin, version), end in zip(spans, ends, strict=True)
            if begin <= until and end > since
        ]

    def version(self, base: Feed, spec: str) -> Feed:
        """One version of a feed by its hash.

        Raises:
            ConfigurationError: its text is not there, or is not what its name says.
        """
        if spec == base.version:
            return base
        known = self._feeds.get((base.name, spec))
        if known is None:
            path = self._text(base.name, spec)
            try:
                text = path.read_text(encoding="utf-8")
            except OSError:
                raise ConfigurationError(
                    f"{path}: expected the text of a spec that was in force; restore the file"
                ) from None
            known = parse(base.folder / _SPEC, text)
            if known.version != spec:
                raise ConfigurationError(
                    f"{path}: expected the text its name says, it or the feed's functions were "
                    "changed; restore them"
                )
            self._feeds[base.name, spec] = known
        return known

    def adopt(self, base: Feed, text: str, adoption: Adoption, before_text: str) -> None:
        """Put an adoption on record; the texts first, the line that names them last.

        Args:
            base: The feed it is a version of.
            text: Of the adopted spec.
            adoption: Whose `spec` is the hash of the text.
            before_text: Of the version in force until now, kept for what it has read.

        Raises:
            InputError: it is in force already from an earlier instant on.
        """
        last = self.log(base.name)
        if last and last[-1].valid_from > adoption.valid_from:
            raise InputError(
                f"feed {base.name}: adoption: expected an instant after {last[-1].valid_from}, "
                "when the last one began; give a later one with --from"
            )
        for spec, content in ((adoption.before, before_text), (adoption.spec, text)):
            path = self._text(base.name, spec)
            if not path.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                part = path.with_suffix(".part")
                part.write_text(content, encoding="utf-8")
                part.replace(path)
        line = json.dumps(asdict(adoption), default=_plain, ensure_ascii=False)
        with (self.folder / base.name / LOG).open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def text(self, base: Feed) -> Callable[[str], str]:
        """Gives the text of a version by hash; of the shipped one from its own file."""

        def of(spec: str) -> str:
            kept = self._text(base.name, spec)
            own = base.folder / _SPEC
            path = own if spec == base.version and own.is_file() else kept
            return path.read_text(encoding="utf-8")

        return of

    def _text(self, name: str, spec: str) -> Path:
        return self.folder / name / "versions" / f"{spec}.toml"


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def _read(path: Path) -> list[Adoption]:
    out = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            out.append(_adoption(json.loads(line)))
        except (ValueError, KeyError, TypeError):
            raise ConfigurationError(
                f"{path}:{number}: expected an adoption as `yrd feed adopt` writes it; restore it"
            ) from None
    return out


def _adoption(told: dict[str, Any]) -> Adoption:
    moments = {
        name: datetime.fromisoformat(told[name]) if told[name] else None
        for name in ("valid_from", "until", "adopted_at")
    }
    return Adoption(**{**told, **moments})
