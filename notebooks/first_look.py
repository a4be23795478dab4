# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     notebook_metadata_filter: kernelspec,jupytext
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # First look 初看
#
# This opens the ledger that `make demo` leaves, asks three joint questions in SQL and draws two
# pictures. **The data are simulated**: every institution, account and amount is invented.
#
# 打开 `make demo` 留下的账本，用 SQL 提三个联合问题，画两幅图。**数据均为模拟**。
#
# To open it as a notebook: `jupytext --to ipynb notebooks/first_look.py`.

# %%
import os
from pathlib import Path

from IPython.display import HTML, display

from pipelines.rules.registry import load_rules
from serving.answers.ask import Answer, ask
from serving.publish.versions import open_version

places = [Path.cwd(), *Path.cwd().parents]
default = next((p for p in places if (p / "pyproject.toml").is_file()), Path.cwd())
LEDGER = Path(os.environ.get("YRD_DEMO_LEDGER", default / "var/demo/ledger"))
ledger, version = open_version(LEDGER)  # read-only: a notebook never writes a ledger


def question(sql: str) -> Answer:
    """Ask, show the rows, and say what the answer does not know."""
    answer = ask(ledger, sql, None, list(load_rules()), version)
    display(answer.table.to_pandas())
    for spot in answer.blind_spots:
        print(f"· {spot.zh} {spot.en}")
    return answer


# %% [markdown]
# ## 1. What do only all four regions together see? 只有四地合在一起才看得出什么？
#
# `hidden_by_split`: none of the four regions would have raised the alert from its own reports.

# %%
hidden = question("""
    SELECT
        rule,
        count(*) AS alerts,
        count(*) FILTER (hidden_by_split) AS hidden_by_split,
        count(*) FILTER (hidden_also_from_operators) AS hidden_also_from_operators,
        count(*) FILTER (not_raised_jointly) AS not_raised_jointly
    FROM alerts
    GROUP BY rule
    ORDER BY rule
""")

# %% [markdown]
# ## 2. How much did the busiest payer pay in one day? 单日付款最多的客户付了多少？
#
# The same question from each region's view and from the joint one. A region sees at most what the
# joint view sees.

# %%
busiest = question("""
    WITH daily AS (
        SELECT vantage, payer_party, business_ordinal,
            count(*) AS transfers, sum(amount_fen)::BIGINT AS fen,
            count(DISTINCT payer_region) AS regions
        FROM tx
        WHERE market_segment = 'PYMT' AND payer_party <> 0
        GROUP BY ALL
    )
    SELECT
        ['上海 Shanghai', '江苏 Jiangsu', '浙江 Zhejiang', '安徽 Anhui', '联合 Joint'][vantage + 1]
            AS seen_by,
        wan_yuan(max(fen)) AS most_in_a_day_wan_yuan,
        max(transfers) AS most_transfers_in_a_day,
        max(regions) AS pays_from_regions
    FROM daily
    GROUP BY vantage
    ORDER BY vantage
""")

# %% [markdown]
# ## 3. Which borders does the money cross? 钱跨过哪些边界？

# %%
borders = question("""
    SELECT
        payer_region, payee_region,
        sum(transfers)::BIGINT AS transfers,
        wan_yuan(sum(amount_fen)::BIGINT) AS amount_wan_yuan,
        count(DISTINCT business_date) AS days
    FROM region_flow_daily
    WHERE payer_region <> payee_region
    GROUP BY ALL
    ORDER BY sum(amount_fen) DESC
    LIMIT 10
""")

# %% [markdown]
# ## Two pictures of one alert 一起预警的两幅图
#
# The alert hidden by the split whose evidence lies in the most regions: first each region against
# all together, then the flow of money by time and region.

# %%
from serving.answers.explain import explanation  # noqa: E402
from serving.desk.svg import STYLESHEET, flow, solo_against_joint, solo_flow  # noqa: E402

row = ledger.rows("""
    SELECT e.alert_id
    FROM alert_evidence AS e
    JOIN alerts AS a USING (alert_id)
    WHERE NOT a.not_raised_jointly
    GROUP BY e.alert_id, a.hidden_by_split
    ORDER BY a.hidden_by_split DESC, len(list_distinct(flatten(list(e.seen_by)))) DESC, count(*) DESC, e.alert_id
    LIMIT 1
""")
told = explanation(ledger, row[0][0])


def draw(picture: str) -> None:
    """Show inline SVG or a table with its stylesheet; no script is involved."""
    display(HTML(f"<style>{STYLESHEET}</style>{picture}"))


print(told.sentences_zh[0], told.sentences_en[0])
draw(solo_against_joint(told, "first-look"))

# %%
draw(flow(told, "first-look-flow"))

# %% [markdown]
# The same money as the region that holds most of it sees it, alone: solid is its own, dotted is
# cut at the border, ghosts were never reported to it.
#
# 同样的资金，由持有最多报告的那个地区单独来看：实心为本地，虚线在边界被切断，淡影从未报到本地。

# %%
most = max(told.coverage, key=lambda cover: cover.seen_transactions)
draw(solo_flow(told, most.region, "first-look-alone"))
ledger.close()
