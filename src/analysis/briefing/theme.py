"""Colours by role, type and measures of every chart; light and dark take the same roles through CSS variables.

The SVG carries plain colours as presentation attributes (right anywhere) and a class for each role (the page's style
sheet may recolour it). Hues: Okabe & Ito's colour-blind-safe set, darkened for text to at least 4.5 : 1 on white.
"""

from __future__ import annotations

from types import MappingProxyType

ROLES = MappingProxyType(  # role -> colour on white
    {
        "ink": "#1b2430",
        "soft": "#56616f",
        "grid": "#d9dee5",
        "history": "#1b2430",
        "median": "#0b5394",
        "fan50": "#6fa3d4",
        "fan80": "#a9c8e6",
        "fan95": "#d6e5f3",
        "target": "#a8410a",
        "flag": "#7a3b8f",
        "pace": "#8a6d00",
    }
)
FONT_STACK = "Segoe UI, Arial, DejaVu Sans, sans-serif"
FONT_SIZE = 11  # of a figure drawn at its natural size


def rc() -> dict:
    """Matplotlib settings for every figure: seaborn's ticks style, our type and colours, text kept as text."""
    import seaborn  # seconds to import; only the pages drawn once a run need it

    return {
        **seaborn.axes_style("ticks"),
        **BASE_RC,
    }


BASE_RC = MappingProxyType(
    {
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],  # measured with the one font Matplotlib ships; shown in FONT_STACK
        "font.size": FONT_SIZE,
        "axes.edgecolor": ROLES["soft"],
        "axes.labelcolor": ROLES["soft"],
        "text.color": ROLES["ink"],
        "xtick.color": ROLES["soft"],
        "ytick.color": ROLES["soft"],
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": ROLES["grid"],
        "path.simplify": False,
    }
)
