"""What a composite score is made of: points today, share a quarter ago, what is still to be had."""

from __future__ import annotations

from markupsafe import Markup

from analysis.briefing.fragment import table
from analysis.briefing.locale import number, percent, period
from analysis.briefing.view import View

BACK = {"M": 3, "Q": 1, "Y": 1}  # periods in a quarter; a yearly score is compared with last year's


def component_tables(view: View, rows: list[tuple]) -> Markup:
    """A table for every promise of a unit that is a weighted score; nothing where there is none."""
    return Markup("").join(_table(view, row) for row in rows if view.extra_rows("components", row.unit, row.target))


def _table(view: View, row) -> Markup:
    _, language = view._, view.language
    parts = sorted(view.extra_rows("components", row.unit, row.target), key=lambda one: (-one.headroom, one.component))
    before, when = _before(view, row.unit, [one.component for one in parts])
    header = [
        _("Component"),
        _("Points today"),
        _("Of at most"),
        _("Share today"),
        _("Share in {period}").format(period=period(when, language)) if when else _("Share a quarter ago"),
        _("Points still to be had"),
        _("Gain if at 90%"),
    ]
    body = []
    for one in parts:
        indicator = view.indicators.get(one.component)
        name = (view.text(indicator, "name") if indicator is not None else "") or one.component
        body.append(
            [
                name,
                number(one.points, language, 1),
                number(one.weight, language),
                percent(one.share, language),
                percent(before.get(one.component), language),
                number(one.headroom, language, 1),
                number(one.gain_at_90, language, 1),
            ]
        )
    caption = _("What “{target}” is made of, most points still to be had first").format(
        target=view.target_name(row.target)
    )
    return table(caption, header, body, class_="components", stack=True, numeric=set(range(1, 7)))


def _before(view: View, unit: str, codes: list[str]) -> tuple[dict[str, float], str]:
    """Observed shares a quarter before the latest period, and that period; a component without is left out."""
    found, when = {}, ""
    for code in codes:
        history = view.history(unit, code)
        indicator = view.indicators.get(code)
        back = BACK.get(getattr(indicator, "frequency", "") or "M", 3)
        if getattr(indicator, "kind", "") == "rate" and len(history.periods) > back:
            found[code] = float(history.values[-1 - back])
            when = history.periods[-1 - back]
    return found, when
