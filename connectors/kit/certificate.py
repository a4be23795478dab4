"""The conformance certificate: what was tried with a spec, and whether it passed.

Everything in it but `throughput` follows from the bytes of the spec and of the files it was tried
on, so that anybody can make it again. A certificate belongs to one spec hash; it lies beside the
spec, or in a folder of certificates under that hash.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from connectors.engine.spec import Feed
from schemas.errors import ConfigurationError

FORMAT = 1
BESIDE = "certificate.json"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at. `open` is what must be done before it passes."""

    name: str
    passed: bool
    told: str
    open: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Certificate:
    """What `yrd feed check` found.

    `files` have name, sha256 and size; `counts` are of records; `rejects` are grouped by rule and
    field with a few locators; `fields` say what became of each source field. `throughput` is the
    only part that differs from run to run.
    """

    feed: str
    spec: str
    schema: str
    files: tuple[Mapping[str, Any], ...]
    steps: tuple[Step, ...]
    counts: Mapping[str, int]
    rejects: tuple[Mapping[str, Any], ...]
    fields: tuple[Mapping[str, Any], ...]
    throughput: Mapping[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return all(step.passed for step in self.steps)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, `throughput` last."""
        told = asdict(self)
        speed = told.pop("throughput")
        return {"format": FORMAT, "passed": self.passed, **told, "throughput": speed}


def write(certificate: Certificate, path: Path, throughput: bool = True) -> None:
    """Write a certificate; one that ships with a feed leaves the throughput out."""
    told = certificate.as_dict()
    if not throughput:
        told["throughput"] = {}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_text(json.dumps(told, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    part.replace(path)


def find(feed: Feed, folders: Sequence[Path] = ()) -> Mapping[str, Any] | None:
    """The certificate of this very spec: beside it, or in one of the folders under its hash."""
    for path in (feed.folder / BESIDE, *(folder / f"{feed.version}.json" for folder in folders)):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(told, dict) and told.get("spec") == feed.version:
            return told
    return None


def demand(feeds: Sequence[Feed], folders: Sequence[Path]) -> None:
    """Refuse feeds whose spec has no certificate that passed.

    Raises:
        ConfigurationError: one has none; the message names it and the cure.
    """
    for feed in feeds:
        told = find(feed, folders)
        if told is None or not told.get("passed"):
            what = "none is there" if told is None else "the one there did not pass"
            raise ConfigurationError(
                f"feed {feed.name}: spec {feed.version}: expected a certificate, {what}; run "
                f"`yrd feed check {feed.name} FILES...`, or go on without one with --uncertified "
                "(YRD_UNCERTIFIED=true)"
            )
