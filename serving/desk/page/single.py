"""The page of one alert: in words, in numbers and in pictures, by itself."""

from markupsafe import Markup

from serving.answers.model import Explanation
from serving.desk.page.compose import COMMAND, environment, origin_of, rule_name, stylesheet
from serving.desk.page.shell import page
from serving.desk.page.story import alert_view


def alert_page(told: Explanation) -> str:
    """One self-contained page; the same explanation gives the same bytes.

    Args:
        told: Of any rule: what it has not (parties, amounts, assets) is left out.
    """
    view = alert_view(told, 1, rule_name(told.rule.name))
    body = environment().get_template("alert.html").render(alert=view, command=COMMAND)
    title = (f"预警 {told.alert.alert_id[:12]}", f"Alert {told.alert.alert_id[:12]}")
    return page(
        title,
        origin_of(told.alert.data_origin),
        stylesheet(),
        Markup(body),  # noqa: S704 - escaped by the template
    )
