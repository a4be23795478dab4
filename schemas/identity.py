"""Normal forms: what is hashed or tokenised so that one party is one, and two stay two.

A party is linked by documents (`DOC`) or by bank and account (`ACCOUNT`); a name links nothing
(`NAME`). The functions return texts, null where nothing can link; the caller turns a person's text
into a token with the key it holds, and `party_key` turns a token or a firm's text into 16 bytes.

All work on whole columns and compute each unique value once.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache, lru_cache, wraps
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.columns import by_code, encoded, on_unique
from schemas.hashing import hash128, to_binary16
from schemas.identifiers import valid
from schemas.reference_data import cross_reference, institutions, read_table

DOC, ACCOUNT, NAME = "DOC", "ACCOUNT", "NAME"
RESIDENT_ID = "RESIDENT_ID"

_Answer = TypeVar("_Answer")

_CACHE = 1 << 16
_LONGEST = 256  # characters: a hostile file must not fill the memory through a cache
_UNIT = "\x1f"  # separates the parts of one key; removed from every part
_PART = "|"  # separates the parts of a normal form; no normal part holds it
_SEPARATORS = re.compile(r"[\s\u200b\u00ad·\-‐-―−_./,()]+")
_ASCII_SEPARATORS = r"[\t-\r\x1c-\x20\-_./,()]+"  # those of `_SEPARATORS` below 128
_PLAIN = re.compile(r"[0-9A-Z]+")
_PLAIN_WHOLE = r"\A[0-9A-Z]+\z"
_RESIDENT = re.compile(r"[1-9][0-9]{16}[0-9X]")
_RESIDENT_WHOLE = r"\A[1-9][0-9]{16}[0-9X]\z"
_RESIDENT_OLD = re.compile(r"[1-9][0-9]{14}")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"
_MONTH_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_CENTENARIAN = ("996", "997", "998", "999")  # order codes kept for people born before 1900
_FIRM_SCHEMES = ("LEI", "USCC", "FIN14", "CNAPS12", "BIC", "CFETS6")


def _remembered(function: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Keep the answers of a text function, but not of texts too long to be an identifier."""
    cached = lru_cache(_CACHE)(function)

    @wraps(function)
    def call(*texts: str) -> _Answer:
        return cached(*texts) if sum(map(len, texts)) <= _LONGEST else function(*texts)

    return call


@_remembered
def compact(text: str) -> str:
    """NFKC, upper case, without blanks and separators.

    Example:
        >>> compact("６２２２ 0210-0111 x")
        '622202100111X'
    """
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def compacted(column: pa.Array) -> pa.Array:
    """`compact` on a column; null stays null.

    Digits and ASCII capitals alone are their own normal form, and NFKC leaves other ASCII as it
    is: only the values beyond it cost a call.

    Example:
        >>> compacted(pa.array(["62220001", "6222 0001", None])).to_pylist()
        ['62220001', '62220001', None]
    """
    plain = pc.fill_null(pc.match_substring_regex(column, _PLAIN_WHOLE), True)
    if pc.all(plain, min_count=0).as_py():
        return column
    ascii_only = pc.string_is_ascii(column)
    spaced = pc.if_else(ascii_only, column, None)
    done = pc.ascii_upper(pc.replace_substring_regex(spaced, _ASCII_SEPARATORS, ""))
    if not pc.all(ascii_only, min_count=0).as_py():
        done = pc.coalesce(done, on_unique(compact, pc.if_else(ascii_only, None, column)))
    return done


def resident_check(first_17: str) -> str:
    """The check character of a resident id (GB 11643, ISO 7064 MOD 11-2).

    Example:
        >>> resident_check("11010519491231002")
        'X'
    """
    total = sum(int(digit) * weight for digit, weight in zip(first_17, _WEIGHTS, strict=True))
    return _CHECK_CHARACTERS[total % 11]


@_remembered
def resident_id(text: str) -> str | None:
    """A resident id as 18 characters; None if it is none or its check character is wrong.

    Fifteen digits (issued before 1999) become eighteen: century and check character are added.

    Example:
        >>> resident_id("110105491231002"), resident_id("11010519491231002x")
        ('11010519491231002X', '11010519491231002X')
        >>> resident_id("110105194912310021") is None
        True
    """
    number = compact(text)
    if _RESIDENT_OLD.fullmatch(number):
        century = "18" if number[12:] in _CENTENARIAN else "19"
        longer = number[:6] + century + number[6:]
        number = longer + resident_check(longer)
    if not _RESIDENT.fullmatch(number) or resident_check(number[:17]) != number[17]:
        return None
    year, month, day = int(number[6:10]), int(number[10:12]), int(number[12:14])
    try:
        date(year, month, day)
    except ValueError:
        return None
    return number


@_remembered
def phone_number(text: str) -> str | None:
    """A phone number without +86 and separators; None if it is none.

    Mobile numbers keep eleven digits, landlines get the 0 of their area code back, numbers abroad
    keep their + and country code.

    Example:
        >>> phone_number("+86 138-0013-8000"), phone_number("0086 21 6123 4567")
        ('13800138000', '02161234567')
        >>> phone_number("+852 2345 6789"), phone_number("12")
        ('+85223456789', None)
    """
    number = compact(text)
    abroad = number.startswith(("+", "00"))
    digits = number.removeprefix("+") if number.startswith("+") else number
    digits = digits.removeprefix("00") if digits.startswith("00") else digits
    if not (digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15):
        return None
    if abroad and not digits.startswith("86"):
        return "+" + digits
    if digits.startswith("86") and (abroad or len(digits) == 13):
        digits = digits[2:]
        return digits if re.fullmatch("1[3-9][0-9]{9}", digits) else "0" + digits.lstrip("0")
    return digits


@_remembered
def address_text(text: str) -> str | None:
    """An address without blanks and separators; None if it names no house.

    Two ways to write one address meet only if their words are the same: nothing is looked up.

    Example:
        >>> address_text("上海市 浦东新区　世纪大道８８号 12-3室")
        '上海市浦东新区世纪大道88号123室'
        >>> address_text("上海市") is None
        True
    """
    plain = compact(text)
    return plain if len(plain) >= 6 and any(sign.isdigit() for sign in plain) else None


@_remembered
def device_text(text: str) -> str | None:
    """A device or terminal number (IMEI, MAC, serial) without separators; None if it is none.

    Example:
        >>> device_text("a4:83:e7:1b:00:9c"), device_text("-"), device_text("0000-0000")
        ('A483E71B009C', None, None)
    """
    plain = compact(text).replace(":", "")
    return plain if _PLAIN.fullmatch(plain) and len(plain) >= 6 and plain.strip("0") else None


@cache
def _document_types() -> dict[str, str]:
    rows = read_table("document_types.csv").to_pylist()
    types = {row["code"]: row["type"] for row in rows}
    own = {compact(name): name for name in types.values()}  # a spec may name the type itself
    return own | types | {row["name_zh"]: row["type"] for row in rows}


@_remembered
def document_text(kind: str, number: str, issuer: str = "") -> str | None:
    """One document of a natural person: type, issuing country, number.

    Two types never meet: passport 123 and residence permit 123 are two people.

    Args:
        kind: a code of `document_types.csv` or its Chinese name; an unknown one stays itself.
        number: as written.
        issuer: ISO 3166 country, where the source states it; ignored for resident ids.

    Returns:
        The text to tokenise; None if the number cannot identify anybody.

    Example:
        >>> document_text("B01", "110105491231002") == document_text("NIDN", "11010519491231002x")
        True
        >>> document_text("护照", "e 1234567", "cn")
        'PASSPORT|CN|E1234567'
    """
    code = compact(kind)
    family = _document_types().get(code, code)
    if not family:
        return None
    if family == RESIDENT_ID:
        found = resident_id(number)
        return None if found is None else _PART.join((RESIDENT_ID, "CN", found))
    plain = compact(number)
    if not _PLAIN.fullmatch(plain):
        return None
    return _PART.join((family.replace(_PART, ""), compact(issuer).replace(_PART, ""), plain))


def documents(kinds: pa.Array, numbers: pa.Array, issuers: pa.Array | None = None) -> pa.Array:
    """`document_text` on columns; null where kind or number is null or identifies nobody."""
    blank = pa.array([""] * len(numbers)) if issuers is None else _text(issuers).fill_null("")
    kinds, numbers = _text(kinds), _text(numbers)
    plain = _plain_residents(kinds, numbers)
    known = pc.binary_join_element_wise(f"{RESIDENT_ID}{_PART}CN", numbers, _PART)
    if pc.all(plain, min_count=0).as_py():
        return known
    others = pc.if_else(plain, None, kinds)
    return pc.if_else(plain, known, _on_unique_rows(document_text, [others, numbers, blank]))


def _plain_residents(kinds: pa.Array, numbers: pa.Array) -> pa.Array:
    """Rows with a resident id that is valid as written: eighteen characters, as almost all are."""

    def family(kind: str) -> str | None:
        return RESIDENT_ID if _document_types().get(compact(kind)) == RESIDENT_ID else None

    shaped = pc.and_(
        on_unique(family, kinds).is_valid(),
        pc.fill_null(pc.match_substring_regex(numbers, _RESIDENT_WHOLE), False),
    )
    rows = np.flatnonzero(shaped.to_numpy(zero_copy_only=False))
    good = np.zeros(len(numbers), np.bool_)
    if len(rows):
        text = "".join(numbers.take(pa.array(rows)).to_pylist()).encode("ascii")
        characters = np.frombuffer(text, np.uint8).reshape(len(rows), 18)
        good[rows] = _resident_checks(characters) & _born(characters.astype(np.int64) - ord("0"))
    return pa.array(good)


def _resident_checks(characters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the last of 18 characters is the check character of the 17 digits before it."""
    sums = (characters[:, :17].astype(np.int64) - ord("0")) @ np.array(_WEIGHTS)
    expected = np.frombuffer(_CHECK_CHARACTERS.encode(), np.uint8)[sums % 11]
    return np.asarray(expected == characters[:, 17], np.bool_)


def _born(digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether digits 7 to 14 are a date."""
    year = digits[:, 6:10] @ np.array([1000, 100, 10, 1])
    month, day = (digits[:, at : at + 2] @ np.array([10, 1]) for at in (10, 12))
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    last = np.array(_MONTH_DAYS)[np.minimum(month, 12)] + (leap & (month == 2))
    return np.asarray((year > 0) & (month > 0) & (month < 13) & (day > 0) & (day <= last), np.bool_)


def phones(column: pa.Array) -> pa.Array:
    """`phone_number` on a column."""
    return on_unique(phone_number, column)


def banks(ids: pa.Array, on: date) -> pa.Array:
    """The bank that keeps an account, however the source names it.

    An account number is unique within a legal person, and one leg may name the branch while the
    other names the head office: so the legal person of the register where it knows the id, else
    the id itself in normal form.

    Example:
        >>> ids = pa.array(["381332000010", "hlmncn30ngb", "XYZBDEFF"])
        >>> banks(ids, date(2026, 3, 2)).to_pylist()
        ['LP-381', 'LP-381', 'XYZBDEFFXXX']
    """
    values, codes = encoded(ids)
    plain = pa.array([None if v is None else compact(v) for v in values.to_pylist()], pa.string())
    found: pa.Array = pa.nulls(len(plain), pa.string())
    for scheme in ("institution_id", "cnaps12", "bic", "fin14", "uscc", "lei"):
        found = pc.coalesce(found, institutions().legal_person(scheme, plain, on))
    short = pc.match_substring_regex(plain, r"\A[A-Z]{6}[0-9A-Z]{2}\z")
    whole = pc.if_else(short, pc.binary_join_element_wise(plain, "XXX", ""), plain)
    return by_code(pc.coalesce(found, whole), codes)


def account_numbers(column: pa.Array) -> pa.Array:
    """Account numbers without separators; null where nothing is left. Says nothing of the bank.

    Example:
        >>> account_numbers(pa.array(["6222 0001", " - ", None])).to_pylist()
        ['62220001', None, None]
    """
    plain = compacted(column)
    return pc.if_else(pc.equal(plain, ""), None, plain)


def accounts(bank_ids: pa.Array, numbers: pa.Array, on: date) -> pa.Array:
    """Bank and account number; null where either is missing or the number holds no character.

    Example:
        >>> day = date(2026, 3, 2)
        >>> accounts(pa.array(["381332000010"]), pa.array(["6222 0001"]), day).to_pylist()
        ['LP-381|62220001']
    """
    keepers = pc.replace_substring(banks(bank_ids, on), _PART, "")
    plain = compacted(_text(numbers))
    plain = pc.if_else(pc.equal(plain, ""), None, plain)
    return pc.binary_join_element_wise(keepers, pc.replace_substring(plain, _PART, ""), _PART)


def firms(schemes: pa.Array, ids: pa.Array, on: date) -> tuple[pa.Array, NDArray[np.bool_]]:
    """One text for one firm, whichever of its identifiers a source states.

    Args:
        schemes: LEI, USCC, FIN14, CNAPS12, BIC or CFETS6 (A01 counts as USCC).
        ids: the identifiers as written.
        on: day of the cross-reference.

    Returns:
        (texts, unresolved mask). A text is `PARTY|<party>` where the cross-reference knows the
        identifier; else the identifier itself (`USCC|9133...`), which links with its equals only
        and is marked unresolved. Null where the scheme is another one or the check digits are
        wrong: a wrong identifier links nothing.

    Example:
        >>> texts, open_ = firms(
        ...     pa.array(["LEI", "A01", "USCC"]),
        ...     pa.array(["999900SIMFIRM0000124", "91320000MG000001XY", "91110000600037341l"]),
        ...     date(2026, 3, 2),
        ... )
        >>> texts.to_pylist()[2], open_.tolist()
        ('USCC|91110000600037341L', [False, False, True])
    """
    pairs, codes = encoded(_joined([_text(schemes), _text(ids)]))
    halves = pc.split_pattern(pc.fill_null(pairs, _UNIT), _UNIT)
    named = on_unique(_scheme, pc.list_element(halves, 0))
    plain = compacted(pc.list_element(halves, 1))
    texts = pa.nulls(len(pairs), pa.string())
    unresolved = np.zeros(len(pairs) + 1, bool)
    for scheme in _FIRM_SCHEMES:
        here = pc.equal(named, scheme).to_numpy(zero_copy_only=False)
        if not here.any():
            continue
        here &= valid(scheme, plain)
        values = pc.if_else(pa.array(here), plain, None)
        parties = _parties(scheme, values, on)
        found = pc.coalesce(
            known_party(parties),
            pc.binary_join_element_wise(scheme, values, _PART),
        )
        texts = pc.coalesce(texts, found)
        unresolved[:-1] |= here & parties.is_null().to_numpy(zero_copy_only=False)
    return by_code(texts, codes), unresolved[codes]


def known_party(parties: pa.Array) -> pa.Array:
    """The text of a party the cross-reference knows, such as the legal person of a bank's branch.

    Example:
        >>> known_party(pa.array(["LP-381", None])).to_pylist()
        ['PARTY|LP-381', None]
    """
    return pc.binary_join_element_wise("PARTY", parties, _PART)


def _scheme(kind: str) -> str:
    code = compact(kind)
    return "USCC" if code == "A01" else code


def _parties(scheme: str, values: pa.Array, on: date) -> pa.Array:
    if scheme == "BIC":
        return institutions().legal_person("bic", values, on)
    return cross_reference().party(scheme.lower(), values, on)


def id_basis(document: pa.Array, account: pa.Array) -> pa.Array:
    """What a party is known by: DOC where a document text is there, else ACCOUNT, else NAME.

    Example:
        >>> id_basis(pa.array(["d", None, None]), pa.array(["a", "a", None])).to_pylist()
        ['DOC', 'ACCOUNT', 'NAME']
    """
    return pc.if_else(document.is_valid(), DOC, pc.if_else(account.is_valid(), ACCOUNT, NAME))


def party_key(texts: pa.Array) -> pa.Array:
    """16 bytes for each firm text or person token; null stays null."""
    keys = to_binary16(hash128([texts], "party"))
    return pc.if_else(texts.is_valid(), keys, pa.scalar(None, keys.type))


def _text(column: pa.Array) -> pa.Array:
    return pc.replace_substring(column.cast(pa.string()), _UNIT, "")


def _joined(parts: Sequence[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, _UNIT)


def _on_unique_rows(function: Callable[..., str | None], parts: Sequence[pa.Array]) -> pa.Array:
    """A function of several texts on the unique rows; a null in any part gives null."""
    return on_unique(lambda row: function(*row.split(_UNIT)), _joined(parts))
