"""`yrd feed check SPEC_OR_NAME FILES...`: the conformance certificate."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from yrd.cli.common import NEGATIVE, Json, emit, guarded, progress, stdout

if TYPE_CHECKING:
    from connectors.engine.spec import Feed
    from connectors.kit.certificate import Certificate

_SHOWN = 12  # lines of one step on the screen


def check(
    spec: Annotated[
        str,
        typer.Argument(metavar="SPEC_OR_NAME", help="A spec, its folder, or a feed's name."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILES]...", help="Submissions; default the feed's own examples."),
    ] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page here.")] = None,
    certificate: Annotated[
        Path | None,
        typer.Option(help="Write the certificate here; default YRD_VAR/certificates/<hash>.json."),
    ] = None,
    ship: Annotated[
        bool,
        typer.Option("--ship", help="Write it beside the spec, without times, to ship with it."),
    ] = False,
    rejected: Annotated[
        float, typer.Option(help="Share of records that may be rejected.", min=0, max=1)
    ] = 0.05,
    waiting: Annotated[
        float, typer.Option(help="Share of records that may be quarantined.", min=0, max=1)
    ] = 0.0,
    submitter: Annotated[
        str | None, typer.Option(help="Institution the files count as sent by.")
    ] = None,
    held: Annotated[
        bool, typer.Option("--held", help="Also the held submissions of the ledger.")
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help="Folder of published versions, for --held.")
    ] = None,
    tape: Annotated[
        Path | None,
        typer.Option(help="Tape or vault with the bytes; default beside the ledger."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Try a feed on real files and write its certificate: every promise a feed makes, one by one.

    Every source field accounted for; types and units; code lists; what the market requires; key
    and visibility; outcomes with the reasons; the same result in any order; nobody in clear in any
    output, answer or log; the feed's examples; time zones. Nothing is loaded anywhere. Throughput
    is CPU time of the engine. The certificate names the spec's hash and that of each file.

    Exit status: 0 passed; 1 not passed; 2 a spec or file that cannot be used.
    """
    with guarded():
        from connectors.kit.certificate import BESIDE, write
        from connectors.kit.check import STAGES
        from connectors.kit.check import check as tried
        from connectors.kit.page import page
        from yrd.processes.trying import certificates, trial
        from yrd.settings import Settings

        settings = Settings()
        feed, text = find(spec, settings.feed_folders)
        given = read(feed, files or [], held)
        if held:
            given += _held(feed.name, ledger, tape)
        with progress(as_json) as bar:
            task = bar.add_task("read", total=len(STAGES))
            made = tried(
                feed,
                text,
                given,
                trial(submitter, rejected, waiting),
                lambda stage: bar.update(task, description=stage, completed=STAGES.index(stage)),
            )
        path = certificate or certificates(settings.var) / f"{feed.version}.json"
        path = feed.folder / BESIDE if ship else path
        write(made, path, throughput=not ship)
        if html is not None:
            html.write_text(page(made), encoding="utf-8")
        if as_json:
            emit(made.as_dict() | {"certificate": str(path)}, as_json)
        else:
            show(made, path)
        if not made.passed:
            raise typer.Exit(NEGATIVE)


def find(spec: str, folders: Sequence[Path]) -> tuple["Feed", str]:
    """The feed of a name, a spec file or a feed's folder, and the spec's text; a draft too.

    A file that is another version of a feed of the registry has that feed's functions.

    Raises:
        InputError: there is none.
    """
    from dataclasses import replace

    from connectors.engine.spec import load, parse
    from connectors.feeds.registry import SPEC, load_feeds
    from schemas.errors import InputError

    path = Path(spec)
    path = path / SPEC if path.is_dir() else path
    feeds = load_feeds(folders)
    if path.is_file():
        feed = load(path, draft=True)
        text = path.read_text(encoding="utf-8")
        base = feeds.get(feed.name)
        if base is not None and base.folder.resolve() != path.parent.resolve():
            feed = replace(parse(base.folder / SPEC, text, draft=True), folder=path.parent)
        return feed, text
    if spec not in feeds:
        raise InputError(
            f"feed {spec!r}: expected a spec file, a folder with one, or one of {', '.join(feeds)}"
        )
    return feeds[spec], (feeds[spec].folder / SPEC).read_text(encoding="utf-8")


def read(feed: "Feed", files: Sequence[Path], more: bool = False) -> list[tuple[str, bytes]]:
    """Names and bytes of files; of the feed's own plain examples where none are given.

    Args:
        feed: Whose examples.
        files: The files.
        more: Others are added by the caller: examples are not needed.

    Raises:
        InputError: a file cannot be read, or there is none.
    """
    from connectors.kit.examples import plain
    from yrd.processes import sources

    return [sources.read(path) for path in files or ([] if more else plain(feed))]


def _held(name: str, ledger: Path | None, tape: Path | None) -> list[tuple[str, bytes]]:
    """What is held of a feed, named by hash."""
    from schemas.errors import InputError
    from yrd.processes.held import bodies, where
    from yrd.processes.sources import waiting_of

    if ledger is None:
        raise InputError("--held: expected --ledger beside it, the ledger they are held in")
    wanted = waiting_of(ledger, name)
    if not wanted:
        raise InputError(f"{ledger}: expected held submissions of {name}, there are none")
    found = bodies(wanted, where(ledger, tape), "try a new spec on what is held")
    return [(one.sha256.hex()[:16], body) for one, body in zip(wanted, found, strict=True)]


def show(made: "Certificate", path: Path) -> None:
    """The scorecard on the screen."""
    from rich.markup import escape

    verdict = "[bold green]passed[/]" if made.passed else "[bold red]not passed[/]"
    stdout.print(f"feed {made.feed}, spec {made.spec}: {verdict}", highlight=False)
    for step in made.steps:
        mark = "[green]yes[/]" if step.passed else "[red]no [/]"
        stdout.print(f"  {mark} {step.name:<17} {escape(step.told)}",
                     highlight=False, soft_wrap=True)  # fmt: skip
        lines = [f"- {one}" for one in step.open] + [f"  {one}" for one in step.notes]
        for line in lines[:_SHOWN]:
            stdout.print(f"        {line}", markup=False, highlight=False, soft_wrap=True)
        if len(lines) > _SHOWN:
            stdout.print(f"        ... {len(lines) - _SHOWN} more in --json and --html")
    if made.throughput:
        stdout.print(
            f"  {made.throughput['cpu_us_per_record']:,.1f} CPU us a record, "
            f"{made.throughput['cpu_ns_per_byte']:,.1f} ns a byte (of {made.throughput['records']} "
            "records: few records cost more each)",
            highlight=False,
            soft_wrap=True,
        )
    stdout.print(f"certificate: {path}", markup=False, highlight=False, soft_wrap=True)
