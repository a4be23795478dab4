"""`yrd feed diff` and `yrd feed adopt`: what changed at a source, and a new version in force."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, stdout
from yrd.cli.feed_check import find

if TYPE_CHECKING:
    from connectors.engine.spec import Feed
    from connectors.kit.adopted import Adoption

_SPANS = {"h": "hours", "d": "days", "min": "minutes"}
Ledger = Annotated[
    Path | None, typer.Option("--ledger", help="Folder of published versions, for --held.")
]
Tape = Annotated[
    Path | None, typer.Option(help="Tape or vault with the bytes; default beside the ledger.")
]


def diff(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feed's name, or its spec.")],
    files: Annotated[
        list[Path] | None, typer.Argument(metavar="[FILES]...", help="Files as they come now.")
    ] = None,
    good: Annotated[
        list[Path] | None,
        typer.Option("--good", help="A file from before; default the last good of the ledger, else "
                     "the feed's examples."),
    ] = None,
    held: Annotated[
        bool, typer.Option("--held", help="The held submissions of the ledger as FILES.")
    ] = False,
    ledger: Ledger = None,
    tape: Tape = None,
    patch: Annotated[
        Path | None, typer.Option("--patch", help="Write the proposed spec here, whole.")
    ] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """Say what changed since the last good file, and propose a patch of the spec.

    Fields added, removed or renamed (by likeness of names and of the values' shapes), order,
    encoding, delimiter, new code values, other types. The patch is printed as a unified diff and
    never applied; --patch writes the patched spec beside. Values are masked; codes are shown.
    Reading held bytes is logged.

    Exit status: 0 nothing changed; 1 something did; 2 a feed, file or ledger that cannot be used.
    """
    with guarded():
        from connectors.kit.diff import as_dict, changes
        from connectors.kit.patch import patch as proposed
        from connectors.kit.patch import patched
        from connectors.kit.profile import profile
        from yrd.processes.adopting import record
        from yrd.processes.sources import bodies_of
        from yrd.settings import Settings

        settings = Settings()
        feed, text = _current(name, settings.feed_folders, record(settings))
        now, before = bodies_of(feed, files or [], good or [], held, ledger, tape)
        layouts = _layouts(before[0], now[0])
        seen_before = profile(feed, before)
        feed_now = _as_it_is(feed, text, layouts)
        seen = profile(feed_now, now)
        found = changes(feed, seen_before, seen, layouts)
        difference = proposed(feed, text, found, seen, f"{feed.name}/spec.toml")
        if patch is not None:
            patch.parent.mkdir(parents=True, exist_ok=True)
            patch.write_text(patched(feed, text, found, seen), encoding="utf-8")
        told = {
            "feed": feed.name,
            "spec": feed.version,
            "changes": [as_dict(one) for one in found],
            "patch": difference,
        }
        if as_json:
            emit(told, as_json)
        else:
            _show(told, patch)
        if found:
            raise typer.Exit(NEGATIVE)


def adopt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feed's name.")],
    spec: Annotated[Path, typer.Argument(metavar="SPEC", help="The new version's spec file.")],
    since: Annotated[
        str | None,
        typer.Option("--from", help="Of what is received from this instant on; default now."),
    ] = None,
    temporary: Annotated[
        str | None, typer.Option(help="Without a certificate, for so long: 12h, 2d; --because too.")
    ] = None,
    because: Annotated[str | None, typer.Option(help="Why it is adopted without one.")] = None,
    as_json: Json = False,
) -> None:
    """Put a new version of a spec in force; what runs takes it over without a restart.

    On record for ever: who, when, hash, certificate (YRD_VAR/feeds/NAME/adoptions.jsonl). What was
    received before stays read by the version then in force. Without a certificate that passed, only
    with --temporary and --because, and it ends by itself. Next: `yrd feed rerun` for what is held.

    Exit status: 0 adopted; 2 no certificate, or a spec that cannot be used.
    """
    with guarded():
        from yrd.processes.adopting import adopt_spec
        from yrd.settings import Settings

        settings = Settings()
        now = datetime.now(UTC)
        made = adopt_spec(
            settings,
            name,
            spec,
            now,
            instant("--from", since) or now,
            _span(temporary),
            because or "",
        )
        told = {
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in ((key, getattr(made, key)) for key in made.__dataclass_fields__)
        }
        emit(told, as_json, _adopted(made))


def rerun(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A feed's name.")],
    ledger: Annotated[Path, typer.Option("--ledger", help="The ledger folder of a run.")],
    tape: Tape = None,
    as_json: Json = False,
) -> None:
    """Decode what is held of a feed with the version in force now, load it, publish the ledger.

    Reports come in with cause SPEC and known from now on; the submissions' counts are revised and
    what waited is marked as released. Alerts are raised, amended or withdrawn as of now. What is
    still held stays. Reading the bytes is logged.

    Exit status: 0 nothing is held any more; 1 something still is; 2 a feed or ledger that cannot
    be used.
    """
    with guarded():
        from dataclasses import asdict

        from yrd.processes.rerunning import rerun as run_again
        from yrd.settings import Settings

        made = run_again(Settings(), name, ledger, tape, datetime.now(UTC))
        counts = ", ".join(f"{what} {number:,}" for what, number in made.counts.items())
        still = f", {made.still_held} still held" if made.still_held else ""
        emit(
            asdict(made),
            as_json,
            f"feed {name}, spec {made.spec}: {made.submissions} submissions decoded{still}\n"
            f"{counts}"
            + (
                f"\n{made.alerts} alerts changed; published: {made.published}"
                * bool(made.published)
            ),
        )
        if made.still_held:
            raise typer.Exit(NEGATIVE)


def _adopted(made: "Adoption") -> str:
    how = "with its certificate" if made.certificate else f"without a certificate: {made.because}"
    until = f" until {made.until.isoformat(timespec='seconds')}" if made.until else ""
    return (
        f"feed {made.feed}: spec {made.spec} in force from "
        f"{made.valid_from.isoformat(timespec='seconds')}{until}, {how}\n"
        f"before: {made.before}; next: yrd feed rerun {made.feed} --ledger LEDGER"
    )


def _current(name: str, folders: tuple[Path, ...], adopted: Any) -> tuple["Feed", str]:  # noqa: ANN401
    """The version of a feed in force now, and its text."""
    base, _ = find(name, folders)
    feed = adopted.in_force(base, datetime.now(UTC))
    return feed, adopted.text(base)(feed.version)


def _layouts(before: bytes, now: bytes) -> Any:  # noqa: ANN401 - a pair of layouts, or None
    from connectors.kit.detect import layout
    from schemas.errors import InputError

    try:
        return layout(before), layout(now)
    except InputError:  # what the files look like cannot be told: the fields still can
        return None


def _as_it_is(feed: "Feed", text: str, layouts: Any) -> "Feed":  # noqa: ANN401
    """The feed with the encoding and separators the files have now, to read their fields."""
    from connectors.engine.spec import parse
    from connectors.kit.diff import Change
    from connectors.kit.patch import with_layout

    if layouts is None:
        return feed
    before, now = layouts
    changed = [
        Change("layout", field, "", str(getattr(now, field)), "")
        for field in ("encoding", "delimiter", "header_starts")
        if getattr(before, field) != getattr(now, field)
    ]
    return parse(feed.folder / "spec.toml", with_layout(text, changed), draft=True)


def instant(option: str, text: str | None) -> datetime | None:
    """An instant as an option says it.

    Raises:
        InputError: it is none, or has no zone.
    """
    from schemas.errors import InputError

    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"{option}: expected an instant with its zone: 2026-06-15T22:00:00+08:00")
    return found


def _span(text: str | None) -> timedelta | None:
    from schemas.errors import InputError

    if text is None:
        return None
    for unit, name in _SPANS.items():
        number = text.removesuffix(unit)
        if text.endswith(unit) and number.isdigit() and int(number):
            return timedelta(**{name: int(number)})
    raise InputError("--temporary: expected a number and min, h or d, such as 12h")


def _show(told: dict[str, Any], patch: Path | None) -> None:
    def line(text: str) -> None:
        stdout.print(text, markup=False, highlight=False, soft_wrap=True)

    line(f"feed {told['feed']}, spec {told['spec']}: changes: {len(told['changes'])}")
    for one in told["changes"]:
        line(f"  {one['kind']:<9}{one['field']}: {one['told']}".replace(": :", ":"))
    if told["patch"]:
        line("\nproposed, not applied:\n")
        line(told["patch"])
    if patch is not None:
        line(f"next: look at {patch}, then yrd feed check {patch} --held --ledger LEDGER")
