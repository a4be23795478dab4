"""The catalogue entry of a feed: whose data, on which basis, how sensitive, how much, how late."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from connectors.engine.spec import Feed
    from yrd.settings import Settings

# The three lists of the Shanghai data regulations, article 74, and what else an entry has.
NAMED = {
    "owner": ("提供方", "owner"),
    "need_list": ("需求清单", "need list"),
    "responsibility_list": ("责任清单", "responsibility list"),
    "resource_catalogue": ("资源目录", "resource catalogue"),
    "contact_role": ("联系角色", "contact role"),
}
_VOLUMES = """
SELECT count(*) AS submissions, coalesce(sum(submitted), 0)::BIGINT AS records,
    coalesce(sum(accepted), 0)::BIGINT AS accepted, coalesce(sum(rejected), 0)::BIGINT AS rejected,
    coalesce(sum(quarantined), 0)::BIGINT AS quarantined, coalesce(sum(late), 0)::BIGINT AS late,
    count(DISTINCT submitter) AS submitters, coalesce(sum(size), 0)::BIGINT AS bytes,
    beijing(min(received_at)) AS first_beijing, beijing(max(received_at)) AS last_beijing
FROM submission WHERE feed = $feed
"""


def entry(feed: "Feed", settings: "Settings", ledger: Path | None) -> dict[str, Any]:
    """The entry as plain data."""
    from connectors.kit.certificate import find
    from yrd.processes.adopting import record
    from yrd.processes.trying import certificates

    adopted = record(settings)
    now = adopted.in_force(feed, datetime.now(UTC))
    told = find(now, [certificates(settings.var)])
    found = {
        "catalogue": dict(feed.catalogue),
        "sensitivity": sensitivity(feed),
        "certificate": None
        if told is None
        else {
            "passed": told["passed"],
            "spec": told["spec"],
            "files": [one["name"] for one in told["files"]],
            "records": told["counts"].get("records", 0),
        },
        "in_force": now.version,
        "adoptions": [
            {
                "spec": one.spec,
                "from": one.valid_from.isoformat(),
                "until": one.until.isoformat() if one.until else None,
                "who": one.who,
                "because": one.because,
                "certificate": one.certificate,
            }
            for one in adopted.log(feed.name)
        ],
    }
    return found | ({"volumes": _volumes(feed.name, ledger)} if ledger else {})


def sensitivity(feed: "Feed") -> dict[str, Any]:
    """The highest data level of what the feed fills, where it is, and what is personal."""
    from schemas.fields import fields

    names = {column.name for column in feed.columns} | set(feed.constants)
    for party in feed.parties:
        names |= {f"{party.prefix}_{part}" for part in ("id", "name", "account_token", "party_key")}
    known = {name: field for name, field in fields().items() if name in names}
    highest = max((field.level for field in known.values()), default=1)
    return {
        "level": highest,
        "fields": sorted(name for name, field in known.items() if field.level == highest),
        "personal": sorted(name for name, field in known.items() if field.person),
    }


def _volumes(feed: str, ledger: Path) -> dict[str, Any]:
    from serving.answers.exports import plain
    from serving.publish import open_version

    connection, _ = open_version(ledger)
    with connection:
        row: dict[str, Any] = plain(connection.sql(_VOLUMES, {"feed": feed}).to_pylist()[0])
    return row


def lines(told: dict[str, Any], lang: str) -> list[str]:
    """The entry as lines of text."""
    at = 0 if lang == "zh" else 1
    zh = lang == "zh"
    given = told["catalogue"]
    assumed = ("（假定）", " (assumption)")[at] if given.get("status") == "assumption" else ""
    out = [f"{'目录条目' if zh else 'catalogue entry'}{assumed}"]

    def line(heads: tuple[str, str], text: str) -> None:
        out.append(f"  {heads[0]}: {text}" if zh else f"  {heads[1]:<20} {text}")

    for name, heads in NAMED.items():
        missing = ("未说明", "not said")[at]
        line(heads, str(given.get(f"{name}_{lang}", given.get(name, "")) or missing))
    level = told["sensitivity"]
    line(("数据级别", "data level"), f"{level['level']} ({', '.join(level['fields'][:4])})")
    line(("个人信息", "personal data"), ", ".join(level["personal"]) or ("无", "none")[at])
    if "volumes" in told:
        line(("账本中", "in the ledger"), _volume(told["volumes"], zh))
    certificate = told["certificate"]
    heads = ("证书", "certificate")
    if certificate is None:
        line(heads, ("现行版本没有证书", "none for the version in force")[at])
    else:
        records, files = certificate["records"], len(certificate["files"])
        passed = certificate["passed"]
        if zh:
            what = "通过" if passed else "未通过"
            line(heads, f"{what}: {records} 条记录，{files} 个文件")
        else:
            what = "passed" if passed else "did not pass"
            line(heads, f"{what}: {records} records, {files} files")
    for one in told["adoptions"]:
        line(("采用", "adopted"), _adopted(one, zh))
    return out


def _volume(row: dict[str, Any], zh: bool) -> str:
    share = row["late"] / row["accepted"] if row["accepted"] else 0.0
    if zh:
        return (
            f"{row['submitters']} 个报送方的 {row['submissions']:,} 次报送，{row['records']:,} 条"
            f"记录，{row['bytes']:,} 字节；接收 {row['accepted']:,}，拒绝 {row['rejected']:,}，"
            f"隔离 {row['quarantined']:,}；迟到 {row['late']:,}（{share:.1%}）"
        )
    return (
        f"{row['submissions']:,} submissions of {row['submitters']} "
        f"submitters, {row['records']:,} records, {row['bytes']:,} bytes; accepted "
        f"{row['accepted']:,}, rejected {row['rejected']:,}, quarantined "
        f"{row['quarantined']:,}; late {row['late']:,} ({share:.1%})"
    )


def _adopted(one: dict[str, Any], zh: bool) -> str:
    if zh:
        until = f"，至 {one['until']}" if one["until"] else ""
        why = f"，因 {one['because']}" if one["because"] else ""
        return f"{one['spec']} 自 {one['from']}{until}{why}"
    why = f" because {one['because']}" if one["because"] else ""
    until = f" until {one['until']}" if one["until"] else ""
    return f"{one['spec']} from {one['from']}{until}{why}"
