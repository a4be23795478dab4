"""Who is on each side: documents first, then bank and account; a name links nothing.

Natural persons leave this module as tokens. A name is kept only where the party states a firm's
identifier, because nothing else tells a firm from a person.
"""

from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from connectors.engine.columns import Reading
from connectors.engine.convert import without
from connectors.engine.remembered import Remembered
from connectors.engine.spec import Party, PartyId
from connectors.engine.specwords import PARTY_SCHEMES
from connectors.engine.tokens import Tokeniser
from schemas import identity
from schemas.columns import encoded
from schemas.fields import arrow_schema
from schemas.identifiers import has_check, valid
from schemas.reference_data import institutions

UNLINKED = "NAME-ONLY"  # the id of a party nothing identifies, where an id must be there
_UNIT = "\x1f"
_WRONG = "wrong"  # no token looks like it
_SHAPES = {
    "CNAPS12": "[0-9]{12}",
    "FIN14": "[A-Z][0-9A-Z]{13}",
    "USCC": "[0-9A-Z]{18}",
    "LEI": "[0-9A-Z]{20}",
    "BIC": "[A-Z]{6}[0-9A-Z]{2}(?:[0-9A-Z]{3})?",
}
_SCHEMES = (*PARTY_SCHEMES, "PSEUDONYM")
_PSEUDONYM = len(PARTY_SCHEMES)
PARTY_COLUMNS = ("id", "id_scheme", "id_basis", "party_key", "account_token", "name", "nature")
_BASES = ("DOC", "ACCOUNT", "NAME")


class Parties:
    """Fills the party columns of one feed as known on one day; remembers who it met.

    Args:
        tokeniser: Makes the tokens of persons and accounts.
        on: The day of the institution register and the cross-reference.
    """

    def __init__(self, tokeniser: Tokeniser, on: date) -> None:
        self._tokeniser = tokeniser
        self._on = on
        self._accounts = Remembered(self._account_tokens, [pa.string()])
        self._firms = Remembered(self._firm_facts, [pa.string(), pa.string()])
        self._documents = Remembered(self._document_tokens, [pa.string()])
        self._checks: dict[str, Remembered] = {}  # of each scheme; at most as many as there are

    def columns(self, party: Party, reading: Reading) -> dict[str, pa.Array]:
        """The columns of one party; what is wrong goes to the reading's findings."""
        scheme, stated = self._stated(party, reading)
        account = self._account(party, reading)
        person = scheme == _PSEUDONYM
        firm = (scheme >= 0) & ~person
        names = pa.array(_SCHEMES).take(pa.array(scheme, mask=scheme < 0))
        keys = pc.binary_join_element_wise(names, without(stated, ~firm), _UNIT)
        texts, natures = self._firms.columns(keys)
        tokens = self._person_tokens(without(stated, ~person), party, reading)
        document = pc.coalesce(texts, tokens)
        has_document = document.is_valid().to_numpy(zero_copy_only=False)
        has_account = account.is_valid().to_numpy(zero_copy_only=False)
        basis = np.where(has_document, 0, np.where(has_account, 1, 2)).astype(np.int8)
        ids = pc.coalesce(without(stated, ~firm), tokens, account)
        known = ids.is_valid().to_numpy(zero_copy_only=False)
        name = reading.text(party.name) if party.name else pa.nulls(reading.rows, pa.string())
        anybody = known | name.is_valid().to_numpy(zero_copy_only=False)
        if party.required:
            reading.findings.add(
                ~anybody & (reading.findings.state == 0), "ENG-REQUIRED",
                " | ".join(party.paths), f"who the party is ({party.prefix}_id is required)",
            )  # fmt: skip
        if party.required:
            ids = pc.fill_null(ids, UNLINKED)
        scheme = np.where(firm, scheme, _PSEUDONYM).astype(np.int8)
        natural = person | (reading.cells.present(party.person) if party.person else person)
        natures = pc.if_else(pa.array(natural), pa.scalar("I"), natures)
        prefix = party.prefix
        asset = {"asset_reference_id": account} if party.asset else {}
        return asset | {
            f"{prefix}_id": ids,
            f"{prefix}_id_scheme": _coded(scheme, _SCHEMES, anybody),
            f"{prefix}_id_basis": _coded(basis, _BASES, anybody),
            f"{prefix}_party_key": identity.party_key(pc.coalesce(document, account)),
            f"{prefix}_account_token": account,
            f"{prefix}_name": without(name, ~firm),
            f"{prefix}_nature": _as_dictionary(natures),
        }

    def _stated(self, party: Party, reading: Reading) -> tuple[NDArray[np.int8], pa.Array]:
        """The first identifier a record states: number of its scheme (-1 none), and the text.

        A person's document comes back as `kind, unit separator, number` under PSEUDONYM.
        """
        scheme = np.full(reading.rows, -1, np.int8)
        stated = pa.nulls(reading.rows, pa.string())
        for entry in party.ids:
            text = reading.text(entry.path)
            if text.null_count == reading.rows and not entry.type_path:
                continue
            found, values = self._entry(entry, text, reading)
            free = (scheme < 0) & (found >= 0)
            scheme = np.where(free, found, scheme).astype(np.int8)
            stated = pc.if_else(pa.array(free), values, stated)
        return scheme, stated

    def _entry(
        self, entry: PartyId, text: pa.Array, reading: Reading
    ) -> tuple[NDArray[np.int8], pa.Array]:
        given = text.is_valid().to_numpy(zero_copy_only=False)
        if entry.type_path:
            kinds = self._kinds(entry, reading, given)
        elif len(entry.schemes) == 1:
            kinds = np.where(given, 0, -1)
        else:
            kinds = self._by_shape(entry, text, reading)
        wanted = list(entry.types.values()) if entry.type_path else list(entry.schemes)
        scheme = np.full(reading.rows, -1, np.int8)
        values = text
        for number, name in enumerate(wanted):
            rows = (kinds == number) & given
            if not rows.any():
                continue
            if name in PARTY_SCHEMES:
                scheme[rows] = PARTY_SCHEMES.index(name)
                self._check(name, entry, without(text, ~rows), reading)
            else:
                scheme[rows] = _PSEUDONYM
                documents = pc.binary_join_element_wise(pa.scalar(name), text, _UNIT)
                values = pc.if_else(pa.array(rows), documents, values)
        return scheme, values

    @staticmethod
    def _kinds(entry: PartyId, reading: Reading, given: NDArray[np.bool_]) -> NDArray[np.int64]:
        assert entry.type_path is not None  # noqa: S101 - the caller looked
        kinds = reading.text(entry.type_path)
        at = pc.index_in(kinds, value_set=pa.array(list(entry.types)), skip_nulls=True)
        known = at.is_valid().to_numpy(zero_copy_only=False)
        typed = kinds.is_valid().to_numpy(zero_copy_only=False)
        codes = ", ".join(entry.types)
        findings = reading.findings
        findings.add(typed & ~known, "ENG-UNKNOWN-CODE", entry.type_path, f"one of {codes}")
        findings.add(given & ~typed, "ENG-REQUIRED", entry.type_path, f"one of {codes}")
        return np.where(known, at.fill_null(0).to_numpy(zero_copy_only=False), -1)

    @staticmethod
    def _by_shape(entry: PartyId, text: pa.Array, reading: Reading) -> NDArray[np.int64]:
        values, codes = encoded(text)
        found = np.full(len(values) + 1, -1)
        for number, scheme in enumerate(entry.schemes):
            hit = pc.match_substring_regex(values, rf"\A(?:{_SHAPES[scheme]})\z")
            found[:-1][hit.to_numpy(zero_copy_only=False)] = number
        kinds = found[codes]
        reading.findings.add(
            (codes >= 0) & (kinds < 0), "ENG-IDENTIFIER", entry.path,
            f"an identifier of {', '.join(entry.schemes)}",
            "warning" if entry.check == "warn" else "",
        )  # fmt: skip
        return kinds

    def _check(self, scheme: str, entry: PartyId, text: pa.Array, reading: Reading) -> None:
        if has_check(scheme):
            outcome = "warning" if entry.check == "warn" else ""
            known = self._checks.get(scheme)
            if known is None:
                known = self._checks[scheme] = Remembered(partial(_failing, scheme), [pa.string()])
            wrong = known.columns(text)[0].is_valid().to_numpy(zero_copy_only=False)
            expected = f"a {scheme} of the right shape and check digits"
            reading.findings.add(wrong, "ENG-IDENTIFIER", entry.path, expected, outcome)

    def _person_tokens(self, documents: pa.Array, party: Party, reading: Reading) -> pa.Array:
        """Tokens of persons' documents; a masked one identifies nobody, a wrong one is refused."""
        if documents.null_count == len(documents):
            return documents
        (tokens,) = self._documents.columns(documents)
        wrong = pc.fill_null(pc.equal(tokens, _WRONG), False).to_numpy(zero_copy_only=False)
        if wrong.any():
            path = " | ".join(entry.path for entry in party.ids)
            expected = "a document number of the right form and check character"
            reading.findings.add(wrong, "ENG-IDENTIFIER", path, expected)
            tokens = without(tokens, wrong)
        return tokens

    def _document_tokens(self, documents: pa.Array) -> tuple[pa.Array]:
        """A token each, null for a masked number, `_WRONG` for one of the wrong form."""
        kinds, numbers = _split(documents)
        texts = identity.documents(kinds, numbers)
        masked = pc.match_substring(numbers, "*").to_numpy(zero_copy_only=False)
        wrong = texts.is_null().to_numpy(zero_copy_only=False) & ~masked
        tokens = self._tokeniser.tokens("document", without(texts, masked))
        return (pc.if_else(pa.array(wrong), _WRONG, tokens),)

    def _account(self, party: Party, reading: Reading) -> pa.Array:
        """Tokens over servicing bank and number; the reporter stands in for an unnamed bank."""
        if not party.account:
            return pa.nulls(reading.rows, pa.string())
        number = pc.coalesce(*[reading.text(path) for path in party.account])
        banks = [reading.text(path) for path in party.agent]  # also where no number is given
        if number.null_count == len(number):
            return number
        bank = pc.coalesce(*banks, reading.submitter())
        return self._accounts.columns(pc.binary_join_element_wise(bank, number, _UNIT))[0]

    def _account_tokens(self, pairs: pa.Array) -> tuple[pa.Array]:
        banks, numbers = _split(pairs)
        texts = identity.accounts(banks, numbers, self._on)
        return (self._tokeniser.tokens("account", texts),)

    def _firm_facts(self, pairs: pa.Array) -> tuple[pa.Array, pa.Array]:
        """The text that links a firm, and its nature."""
        schemes, ids = _split(pairs)
        texts, _ = identity.firms(schemes, ids, self._on)
        own = pc.binary_join_element_wise(schemes, ids, "|")  # schemes the reference does not know
        unknown = ~np.isin(
            schemes.to_pylist(), ["LEI", "USCC", "FIN14", "CNAPS12", "BIC", "CFETS6"]
        )
        return pc.if_else(pa.array(unknown), own, texts), self._natures(schemes, ids)

    def _natures(self, schemes: pa.Array, ids: pa.Array) -> pa.Array:
        names = schemes.to_pylist()
        bank = np.isin(names, ["CNAPS12", "FIN14", "CFETS6", "CIPSID", "BIC"])
        for scheme in ("LEI", "USCC"):
            person = institutions().legal_person(scheme.lower(), ids, self._on)
            here = person.is_valid().to_numpy(zero_copy_only=False)
            bank |= (np.array(names) == scheme) & here
        return pa.array(np.where(bank, "F", "N").tolist(), pa.string())


def _failing(scheme: str, texts: pa.Array) -> tuple[pa.Array]:
    """Something for each text that is no identifier of the scheme, null for one that is."""
    return (pc.if_else(pa.array(valid(scheme, texts)), None, ""),)


def _split(pairs: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Both parts of texts that hold one separator or more."""
    halves = pc.split_pattern(pairs, _UNIT, max_splits=1)
    return pc.list_element(halves, 0), pc.list_element(halves, 1)


def _coded(
    codes: NDArray[np.int8], values: tuple[str, ...], there: NDArray[np.bool_]
) -> pa.DictionaryArray:
    kind = arrow_schema("event").field("counterparty_1_id_scheme").type
    indices = pa.array(codes, mask=~there).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values))


def _as_dictionary(column: pa.Array) -> pa.DictionaryArray:
    coded = column.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices.cast(pa.int8()), coded.dictionary)
