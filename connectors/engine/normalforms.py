"""What a token may be made of: normal forms of telephones, addresses, devices and documents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.identity import address_text, device_text, document_text, phone_number


@dataclass(frozen=True, slots=True)
class NormalForm:
    """One thing a token is made of.

    `kind` separates tokens of the same text; `text` gives the normal form, None for what is none.
    """

    kind: str
    text: Callable[[str], str | None]
    expected: str


def _resident(text: str) -> str | None:
    return document_text("RESIDENT_ID", text)


def _document(text: str) -> str | None:
    """Normal form of `type number`, two columns joined by a blank; None if it identifies nobody."""
    kind, _, number = text.partition(" ")
    return document_text(kind, number)


# by the name a spec has for it
TOKENS: Mapping[str, NormalForm] = {
    "phone": NormalForm("phone", phone_number, "a phone number"),
    "address": NormalForm("address", address_text, "an address down to the house"),
    "device": NormalForm("device", device_text, "a device or terminal number"),
    "resident_id": NormalForm(
        "document", _resident, "a resident id of 18 characters with its check character"
    ),
    "document": NormalForm(
        "document",
        _document,
        "the type of a document and its number, such as B01 and a resident id",
    ),
}
