"""The words of the spec language: each table of formats, keys, options and schemes, once.

Keys of the sections `groups`, `sheet` and `not_stated` stand beside their readers.
"""

FORMATS = ("xml", "json", "ndjson", "csv", "fix", "xlsx")
ENCODINGS = ("utf-8", "gb18030")
BESIDE_UTF8 = "utf-16"  # XML only: with its byte order mark, read as the same document in UTF-8
SOURCES = ("from", "first", "join", "which")
ORDINAL = "#"  # pseudo-path: the record's number in its submission, from 1
REPORTER = "$reporter"  # pseudo-path: the institution that submitted the record
PERSON_DOCUMENTS = (
    *("RESIDENT_ID", "PASSPORT", "HK_MACAO_PERMIT", "TAIWAN_PERMIT", "PERMANENT_RESIDENCE"),
    "PERSON_DOCUMENT",
)
PARTY_SCHEMES = ("LEI", "USCC", "FIN14", "CNAPS12", "CFETS6", "CIPSID", "BIC")

TOP_LEVEL = frozenset(
    {
        *("feed", "title_zh", "title_en", "status", "format", "encoding", "namespace", "record"),
        *("delimiter", "header_starts", "undecided", "ignored", "kind", "lateness"),
        *("business_calendar", "key", "totals", "skip", "constants", "fields", "local", "under"),
        *("party", "max_expanded", "undecided_fields", "no_key", "catalogue"),
        *("record_else", "refers"),
        *("begin", "groups", "integrity", "market", "sheet", "unpivot"),
        *("empty", "not_stated", "visibility"),
    }
)
OPTIONS = frozenset(
    {
        *("from", "first", "join", "which", "with", "is", "check", "pattern", "map", "percent"),
        *("split", "part", "grouped", "capped", "format", "tz", "absent", "required", "optional"),
        *("trim", "min", "fallback", "keyed", "python", "expect", "codes", "many", "otherwise"),
        *("finer", "when", "token", "shift"),
    }
)
PARTY_OPTIONS = frozenset({"ids", "name", "account", "agent", "person", "required", "asset"})
PARTY_ID_OPTIONS = frozenset({"from", "scheme", "schemes", "type", "types", "check"})
# Of the catalogue entry: whose data these are, and on which of the three lists of the Shanghai data
# regulations, article 74, they stand: needs, responsibilities, resources.
CATALOGUE = (
    *("owner_zh", "owner_en", "need_list", "responsibility_list", "resource_catalogue"),
    *("contact_role", "status"),
)
