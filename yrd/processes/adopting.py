"""Putting a version of a spec in force: the checks, and the record."""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

from connectors.engine.spec import Feed, load, parse
from connectors.feeds.registry import SPEC, load_feeds
from connectors.kit.adopted import Adopted, Adoption
from connectors.kit.certificate import demand, find
from schemas.errors import ConfigurationError, InputError
from yrd.processes.held import who
from yrd.processes.trying import certificates
from yrd.settings import Settings


def record(settings: Settings) -> Adopted:
    """The record of adoptions of this installation."""
    return Adopted(settings.var / "feeds")


def adopt_spec(
    settings: Settings,
    name: str,
    spec: Path,
    now: datetime,
    since: datetime,
    temporary: timedelta | None,
    because: str,
) -> Adoption:
    """Adopt a spec file as the version of a feed in force from an instant on.

    Args:
        settings: Where feeds and records lie.
        name: Of the feed.
        spec: The new version.
        now: When it is adopted.
        since: From which time of receipt on it reads.
        temporary: How long it holds, where it has no certificate.
        because: Why it needs none; said where `temporary` is.

    Raises:
        InputError: no such feed, another feed's spec, no certificate, or no reason.
        ConfigurationError: the spec is wrong.
    """
    feeds = load_feeds(settings.feed_folders)
    if name not in feeds:
        raise InputError(f"feed {name!r}: expected one of {', '.join(feeds)}")
    base = feeds[name]
    text, feed = _read(base, spec)
    if feed.name != name:
        raise InputError(f"{spec}: feed: expected {name!r}; correct it, or name the other feed")
    adopted = record(settings)
    before = adopted.in_force(base, since)
    if before.version == feed.version:
        raise InputError(f"{spec}: expected another version, {feed.version} is in force already")
    certificate = find(feed, [spec.parent, certificates(settings.var)])
    passed = certificate is not None and bool(certificate.get("passed"))
    if not passed and (temporary is None or not because.strip()):
        raise InputError(
            f"{spec}: expected a certificate of {feed.version} that passed: run `yrd feed check "
            f"{spec} FILES...`; without one, adopt it for a time with --temporary 12h --because ..."
        )
    if passed and temporary is None and because:
        raise InputError("--because: expected beside --temporary; leave it out")
    adoption = Adoption(
        feed=name,
        spec=feed.version,
        valid_from=since,
        until=since + temporary if temporary else None,
        adopted_at=now,
        who=who(),
        certificate=_hash(certificate) if passed else "",
        because=because.strip(),
        before=before.version,
    )
    adopted.adopt(base, text, adoption, adopted.text(base)(before.version))
    return adoption


def demand_certificates(settings: Settings, names: Iterable[str]) -> None:
    """Refuse feeds whose shipped spec has no certificate that passed, unless told not to.

    A version that was adopted stands on its record: its certificate, or the reason for none.

    Raises:
        ConfigurationError: one has none, and YRD_UNCERTIFIED is not set.
    """
    if settings.uncertified:
        return
    feeds = load_feeds(settings.feed_folders)
    adopted = record(settings)
    wanted = [feeds[name] for name in names if name in feeds and not adopted.log(name)]
    demand(wanted, [certificates(settings.var)])


def feeds_of(tape: Path) -> list[str]:
    """The feeds a tape has submissions of.

    Raises:
        InputError: it is no tape.
    """
    from connectors.ends.tape import Tape

    return list(Tape(tape).manifest["feeds"])


def demand_own_key(tape: Path, settings: Settings) -> None:
    """Refuse reports of real persons with tokens that everybody can make.

    Raises:
        ConfigurationError: the tape is REAL and the key the demo's.
    """
    from connectors.ends.tape import Tape

    if settings.demo_key and Tape(tape).manifest["data_origin"] == "REAL":
        raise ConfigurationError(
            "YRD_TOKEN_KEY: expected a key of your own for REAL reports; the demo's is public"
        )


def _read(base: Feed, spec: Path) -> tuple[str, Feed]:
    """The text of a spec and the feed it makes, with the functions of the feed it is of."""
    load(spec)  # complaints name the file that was given
    text = spec.read_text(encoding="utf-8")
    return text, parse(base.folder / SPEC, text)


def _hash(certificate: object) -> str:
    """Of a certificate without its throughput, which differs from run to run."""
    told = {k: v for k, v in dict(certificate).items() if k != "throughput"}  # type: ignore[call-overload]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
