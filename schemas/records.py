"""Arrow schemas of everything that is not a report: crossings, alerts, feedback, quarantine.

All times are UTC microseconds. Ids of transactions and subjects are the 63-bit ids of the narrow
row; `vantage` is the bit number 0-4 of `schemas.regions`.
"""

import pyarrow as pa

_TIME = pa.timestamp("us", "UTC")

# A raw message: what a submitter sent, as a tape or a raw.<feed> topic carries it.
RAW = pa.schema(
    [
        pa.field("feed", pa.string(), nullable=False),
        pa.field("submitter", pa.string(), nullable=False),  # institution id of the register
        pa.field("received_at", _TIME, nullable=False),  # stamped once; the known time everywhere
        pa.field("data_origin", pa.string(), nullable=False),  # REAL PUBLIC SIMULATED
        pa.field("sha256", pa.binary(32), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("file_name", pa.string()),
        pa.field("body", pa.large_binary()),  # null: the vault has it (above 512 KiB)
    ]
)

# One finding about one record. `outcome`: rejected | quarantined | warning.
FINDING = pa.schema(
    [
        pa.field("submission", pa.int32(), nullable=False),  # index into the decoded submissions
        pa.field("record", pa.int64(), nullable=False),  # ordinal in the submission, -1 = whole
        pa.field("locator", pa.string(), nullable=False),
        pa.field("rule_id", pa.string(), nullable=False),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("field", pa.string(), nullable=False),  # source path, never a value
        pa.field("expected", pa.string(), nullable=False),
    ]
)

# What a submitter gets back, one row a record and finding (ACK: one row, rule_id null).
FEEDBACK = pa.schema(
    [
        pa.field("submission_id", pa.binary(32), nullable=False),
        pa.field("submitter", pa.string(), nullable=False),
        pa.field("feed", pa.string(), nullable=False),
        pa.field("record", pa.int64(), nullable=False),
        pa.field("locator", pa.string(), nullable=False),
        pa.field("report_id", pa.binary(16)),
        pa.field("source_trade_id", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),  # ACK NACK QUARANTINED HELD DUPLICATE
        pa.field("stage", pa.string(), nullable=False),  # intake | final
        pa.field("severity", pa.string()),  # fatal | warning
        pa.field("rule_id", pa.string()),
        pa.field("field", pa.string()),
        pa.field("expected", pa.string()),
        pa.field("received_at", _TIME, nullable=False),
    ]
)

QUARANTINE = pa.schema(
    [
        pa.field("submission_id", pa.binary(32), nullable=False),
        pa.field("submitter", pa.string(), nullable=False),
        pa.field("feed", pa.string(), nullable=False),
        pa.field("record", pa.int64(), nullable=False),  # -1 = the whole submission
        pa.field("locator", pa.string(), nullable=False),
        pa.field("byte_start", pa.int64(), nullable=False),
        pa.field("byte_end", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # rule id, e.g. ENG-UNDECIDED
        pa.field("field", pa.string(), nullable=False),
        pa.field("expected", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # quarantined | held
        pa.field("received_at", _TIME, nullable=False),
    ]
)

# One row a submission: counts are in records and reconcile:
# submitted = accepted + rejected + quarantined + duplicates (held records count as quarantined).
SUBMISSION = pa.schema(
    [
        pa.field("submission_id", pa.binary(32), nullable=False),
        pa.field("feed", pa.string(), nullable=False),
        pa.field("submitter", pa.string(), nullable=False),
        pa.field("reporting_region", pa.string(), nullable=False),
        pa.field("received_at", _TIME, nullable=False),
        pa.field("data_origin", pa.string(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("segment", pa.int32(), nullable=False),
        pa.field("position", pa.int32(), nullable=False),  # within the segment
        pa.field("status", pa.string(), nullable=False),  # decoded | held | duplicate
        pa.field("submitted", pa.int64(), nullable=False),
        pa.field("accepted", pa.int64(), nullable=False),
        pa.field("rejected", pa.int64(), nullable=False),
        pa.field("quarantined", pa.int64(), nullable=False),
        pa.field("duplicates", pa.int64(), nullable=False),
        pa.field("skipped", pa.int64(), nullable=False),  # rows a spec filters (subtotals)
        pa.field("late", pa.int64(), nullable=False),
    ]
)

# A transaction as one vantage knows it: what rules read. Of each column the first value that is not
# absent over the reports the vantage holds; ids are 63-bit and 0 means absent.
TRANSACTION = pa.schema(
    [
        pa.field("vantage", pa.uint8(), nullable=False),
        pa.field("key", pa.int64(), nullable=False),
        pa.field("transaction_id", pa.int64(), nullable=False),  # the key, under the name views use
        pa.field("start", pa.int64(), nullable=False),  # event time of the first leg, us
        pa.field("report", pa.int64(), nullable=False),  # the first leg's
        pa.field("legs", pa.int32(), nullable=False),
        pa.field("event_time", pa.int64(), nullable=False),
        pa.field("amount_fen", pa.int64(), nullable=False),
        pa.field("payer_account", pa.int64(), nullable=False),
        pa.field("payee_account", pa.int64(), nullable=False),
        pa.field("payer_party", pa.int64(), nullable=False),
        pa.field("payee_party", pa.int64(), nullable=False),
        pa.field("payer_group", pa.int64(), nullable=False),
        pa.field("payee_group", pa.int64(), nullable=False),
        pa.field("asset", pa.int64(), nullable=False),
        pa.field("range_start", pa.int64(), nullable=False),
        pa.field("instrument", pa.int64(), nullable=False),
        pa.field("business_ordinal", pa.int32(), nullable=False),
        pa.field("event_code", pa.int16(), nullable=False),
        pa.field("flags", pa.uint32(), nullable=False),
        pa.field("payer_agent", pa.uint16(), nullable=False),  # schemas.agents
        pa.field("payee_agent", pa.uint16(), nullable=False),
        pa.field("reporter", pa.int64(), nullable=False),
        pa.field("range_end", pa.int64(), nullable=False),
        pa.field("invoice", pa.int64(), nullable=False),
        pa.field("contract", pa.int64(), nullable=False),
        pa.field("payer_region", pa.string()),
        pa.field("payee_region", pa.string()),
        pa.field("market_segment", pa.string()),
        pa.field("event_type", pa.string()),
    ]
)

# What a rule's kernel or SQL returns. One row: a vantage's measure reaches a band at an instant.
CROSSING = pa.schema(
    [
        pa.field("rule", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),  # e.g. same_pair; the rule's name if one
        pa.field("vantage", pa.uint8(), nullable=False),
        pa.field("subject", pa.int64(), nullable=False),
        pa.field("instant", pa.int64(), nullable=False),  # event time of the deciding report, us
        pa.field("measure", pa.int64(), nullable=False),  # in the rule's declared unit
        pa.field("band", pa.uint8(), nullable=False),  # 1 lowest
        pa.field("evidence", pa.list_(pa.int64()), nullable=False),  # transaction ids, sorted
        pa.field("search_cut", pa.bool_(), nullable=False),  # the search reached its bound of steps
    ]
)

# A transaction whose legs disagree, or an expected leg that did not come.
RECONCILIATION = pa.schema(
    [
        pa.field("transaction", pa.int64(), nullable=False),
        pa.field("market_segment", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),  # paired one_sided mismatched
        pa.field("expected_legs", pa.int8(), nullable=False),
        pa.field("legs", pa.int8(), nullable=False),
        pa.field("fields", pa.list_(pa.string()), nullable=False),  # columns that disagree
    ]
)

# One episode. Solo columns are lists of four in the order of schemas.regions.REGIONS.
ALERT = pa.schema(
    [
        pa.field("alert_id", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("variant", pa.string(), nullable=False),
        pa.field("subject_kind", pa.string(), nullable=False),
        pa.field("subject", pa.int64(), nullable=False),
        pa.field("parameter_set", pa.string(), nullable=False),
        pa.field("legal_status", pa.string(), nullable=False),
        pa.field("first_crossing", _TIME, nullable=False),
        pa.field("last_crossing", _TIME, nullable=False),
        pa.field(
            "peak_measure", pa.int64(), nullable=False
        ),  # the joint one, or the highest solo one
        pa.field("peak_band", pa.uint8(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("solo_status", pa.list_(pa.string()), nullable=False),  # none partial seen
        pa.field("solo_first", pa.list_(_TIME), nullable=False),
        pa.field("solo_peak", pa.list_(pa.int64()), nullable=False),
        pa.field("solo_coverage", pa.list_(pa.float64()), nullable=False),  # share of evidence
        pa.field("joint_first", _TIME),
        pa.field("hidden_by_split", pa.bool_(), nullable=False),
        pa.field("not_raised_jointly", pa.bool_(), nullable=False),
        pa.field("operator_sees", pa.string()),  # who holds the whole market nationally, or null
        pa.field("evidence", pa.list_(pa.int64()), nullable=False),
        pa.field("search_cut", pa.bool_(), nullable=False),  # there may be more than was found
        pa.field("data_origin", pa.string(), nullable=False),
        pa.field("continues", pa.string()),  # the episode before, closed after its 90 days
        pa.field("superseded_by", pa.string()),
        pa.field("withdrawn", pa.bool_(), nullable=False),
        pa.field("known_from", _TIME, nullable=False),
        pa.field("revision", pa.int32(), nullable=False),  # 0 as first raised, then 1, 2, ...
        pa.field("cause", pa.string(), nullable=False),  # NEW LATE CORRECTION: what brought it
        pa.field("status", pa.string(), nullable=False),  # raised amended withdrawn
    ]
)
