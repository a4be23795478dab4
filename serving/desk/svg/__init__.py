"""Pure layout functions: an explained alert in, inline SVG or HTML out.

No script, no `style=` attribute, no external resource: classes and one stylesheet
(`palette.STYLESHEET`), so that everything is drawn under a strict content security policy. Every
picture has a title and a description, every node of a flow picture a name that the keyboard
reaches. The same input gives the same bytes.

The functions take `serving.answers.model` and nothing else: what a reader may not see must not be
in the explanation it is given; nothing here hides.
"""

from serving.desk.svg.charts import outcomes, rules, scores
from serving.desk.svg.flow import flow, solo_flow
from serving.desk.svg.graph import Graph, graph
from serving.desk.svg.palette import STYLESHEET
from serving.desk.svg.table import solo_against_joint
from serving.desk.svg.timeline import amounts, climb

__all__ = [
    "STYLESHEET",
    "Graph",
    "amounts",
    "climb",
    "flow",
    "graph",
    "outcomes",
    "rules",
    "scores",
    "solo_against_joint",
    "solo_flow",
]
