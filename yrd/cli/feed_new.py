"""`yrd feed new NAME --sample FILE`: a draft spec from a sample."""

from pathlib import Path
from typing import Annotated

import typer

from yrd.cli.common import Json, emit, guarded, stdout


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the feed: letters, digits, _.")],
    sample: Annotated[Path, typer.Option("--sample", help="One submission, as it is sent.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the feed; default feeds/NAME.")
    ] = None,
    form: Annotated[
        str | None, typer.Option("--format", help="The format, where it is not found by itself.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="utf-8 or gb18030.")] = None,
    record: Annotated[
        str | None, typer.Option(help="Path of a record, such as Document/A/B; JSON: of the array.")
    ] = None,
    kind: Annotated[str, typer.Option(help="What a record is: event, position, ...")] = "event",
    market: Annotated[
        str, typer.Option(help="Market segment, such as BILL; can be said in the spec later.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a spec.")] = False,
    as_json: Json = False,
) -> None:
    """Look at a sample and draft FOLDER/spec.toml with every field of it.

    Guesses are marked with their reason (name, shape of the values); everything else stands in
    `undecided_fields`, and the spec does not run while one is left. No value of the sample is
    written: hints are masked (9 a digit, A a letter, 中).

    Exit status: 0 written; 2 a sample that cannot be read, or a name that cannot be used.
    """
    with guarded():
        from connectors.kit.new import new_spec
        from schemas.errors import InputError
        from schemas.fields import IMPLEMENTED_KINDS

        if not (name.isascii() and name.isidentifier()):
            raise InputError("NAME: expected letters, digits and _, such as my_feed")
        if kind not in IMPLEMENTED_KINDS:
            raise InputError(f"--kind: expected one of {', '.join(IMPLEMENTED_KINDS)}")
        folder = out or Path("feeds") / name
        if folder.name != name:
            raise InputError(f"--out: expected a folder named as the feed, such as feeds/{name}")
        path = folder / "spec.toml"
        if path.exists() and not force:
            raise InputError(f"{path}: expected no spec there yet; give --force to write over it")
        try:
            body = sample.read_bytes()
        except OSError:
            raise InputError(f"{sample}: expected a file that can be read") from None
        made = new_spec(name, body, form, encoding, record, kind, market)
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(made.text, encoding="utf-8")
        told = {
            "spec": str(path),
            "format": made.layout.format,
            "encoding": made.layout.encoding,
            "record": made.layout.record,
            "records": made.profile.records,
            "fields": len(made.profile.fields),
            "guessed": len(made.guesses) + len(made.parties),
            "undecided": list(made.undecided),
            "empty": list(made.empty),
        }
        if as_json:
            emit(told, as_json)
            return
        stdout.print(
            f"{path}: {told['format']} in {told['encoding']}, {told['records']:,} records, "
            f"{told['fields']} fields: {told['guessed']} guessed, {len(made.undecided)} undecided"
            f"{f', {len(made.empty)} always empty' if made.empty else ''}\n"
            f"next: decide them in {path}, then yrd feed check {path} {sample}",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
