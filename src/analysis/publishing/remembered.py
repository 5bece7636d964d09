"""What Matplotlib computes again and again while it lays out and draws a chart, computed once.

A chart is laid out several times before it is drawn (constrained layout, the tight box, the drawing), and the next
page's chart once more, with mostly the same labels at the same places. Methods that only compute are asked each time
anew: where a text's lines lie, which glyphs it is made of, what each glyph looks like, where ticks go, how many fit,
how they are written. They are asked here once for each set of all they read, to the last bit of a number, and forked
children inherit the answers. What could do more than answer (warn of a font or a character that is not there, run TeX,
parse a formula, wrap a text, somebody's own subclass) is asked every time as ever.

Only versions of Matplotlib whose code was read are taught; ``CANDICH_NO_REMEMBERING`` set to anything leaves all alone.
"""

from __future__ import annotations

import importlib
import math
import os
import sys
from collections.abc import Callable, Hashable, Iterator
from itertools import repeat
from operator import attrgetter
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

READ = "3.11."  # versions of Matplotlib whose code was read
MOST = 10_000  # answers kept of each method
MODULES = ("text", "font_manager", "ticker", "axis", "transforms", "axes._base", "backends.backend_agg")
SETTINGS = (
    *(f"font.{one}" for one in "style variant weight stretch size enable_last_resort".split()),
    *("text.hinting", "text.kerning_factor"),
)
FAMILIES = tuple(f"font.{one}" for one in "family serif sans-serif cursive fantasy monospace".split())
_seen: list[ModuleType] = []
_read = dict.__getitem__  # Matplotlib's settings without their checks for names that are no more


def remember() -> None:
    """Teach Matplotlib, when it is imported, to remember; it is never imported for it, and taught once."""
    if _seen:
        return
    if "matplotlib.pyplot" in sys.modules:  # its first figure would import this one, too late for the figure's cell
        importlib.import_module("matplotlib.backends.backend_agg")
    names = ["matplotlib", *(f"matplotlib.{one}" for one in MODULES)]
    found = [sys.modules.get(one) for one in names]
    if None in found:
        return
    _seen.extend(found)
    matplotlib, text, fonts, ticker, axis, transforms, base, agg = found
    if not matplotlib.__version__.startswith(READ) or os.environ.get("CANDICH_NO_REMEMBERING"):
        return
    _Placed._layout = _inside(_Placed._layout, matplotlib)
    for kind, name, made in (
        (text.Text, "_get_layout", _text_layout(text, fonts, transforms, agg, matplotlib)),
        (agg.RendererAgg, "_prepare_font", _font_of_text(fonts, agg, matplotlib)),
        (agg.RendererAgg, "_draw_text_glyphs_and_boxes", _glyphs(agg)),
        (ticker.MaxNLocator, "_raw_ticks", _ticks(ticker, matplotlib)),
        (ticker.ScalarFormatter, "set_locs", _number_format(ticker)),
        (axis.XAxis, "get_tick_space", _tick_space(axis.XAxis, transforms, matplotlib)),
        (axis.YAxis, "get_tick_space", _tick_space(axis.YAxis, transforms, matplotlib)),
        (axis.XTick, "update_position", _tick_position(axis.XTick, "x")),
        (axis.YTick, "update_position", _tick_position(axis.YTick, "y")),
        (base._AxesBase, "_unstale_viewLim", _limits(base)),
    ):
        setattr(kind, name, _inside(made, matplotlib))
    transforms.BboxBase.union = staticmethod(_inside(_union(transforms), matplotlib))


def _inside(function: Callable, matplotlib: Any) -> Callable:
    """A function that counts as Matplotlib's own: what Matplotlib warns of is said of the line that asked for it."""
    folder = os.path.dirname(matplotlib.__file__)
    code = function.__code__.replace(co_filename=os.path.join(folder, os.path.basename(__file__)))
    names = {**function.__globals__, "__name__": "matplotlib.remembered"}
    return FunctionType(code, names, function.__name__, function.__defaults__, function.__closure__)


def _exact(*numbers: Any) -> tuple[Hashable, ...]:
    """Numbers such that only the same bits of the same type are equal: 0. is not -0., 1 is not 1.0."""
    return tuple((type(one), one.hex() if isinstance(one, float) else one) for one in numbers)


def _keep(known: dict, key: Hashable, answer: Any) -> None:
    if len(known) >= MOST:
        known.clear()
    known[key] = answer


def _found_by(properties: Any, fonts: Any, rc: dict) -> tuple[Hashable, ...]:
    """All that decides which fonts a text is set in, and how its glyphs are placed."""
    return (
        *properties.__dict__.values(),
        *map(_read, repeat(rc), SETTINGS),
        *map(tuple, map(_read, repeat(rc), FAMILIES)),
        os.environ.get("MPL_IGNORE_SYSTEM_FONTS"),
        len(fonts.fontManager.ttflist),
    )


def _says_nothing(text: str, properties: Any, fonts: Any) -> bool:
    """Whether setting a text warns of nothing: its fonts are all there, its characters all in the first."""
    try:
        for family in properties.get_family():
            one = properties.copy()
            one.set_family(family)
            fonts.fontManager.findfont(one, fallback_to_default=False)
    except ValueError:
        return False
    font = fonts.get_font(fonts.fontManager._find_fonts_by_props(properties))
    return all(font.get_char_index(ord(one), _fallback=False) for one in text if one != "\n")


def _text_layout(text: Any, fonts: Any, transforms: Any, agg: Any, matplotlib: Any) -> Callable:
    """``Text._get_layout``: a text's box and its lines around its own origin, wherever it stands."""
    ask, known, plain = text.Text._get_layout, {}, (text.Text, text.Annotation)

    def _get_layout(self: Any, renderer: Any) -> tuple:
        font = self._fontproperties
        if (
            type(renderer) is not agg.RendererAgg
            or type(self) not in plain
            or type(font) is not fonts.FontProperties
            or "$" in self._text
            or self._wrap
            or self._usetex
            or self._transform_rotates_text
        ):
            return ask(self, renderer)
        key = (
            self._text,
            self._horizontalalignment,
            self._verticalalignment,
            self._multialignment,
            self._rotation_mode,
            self._rotation,
            self._linespacing,
            self.get_figure(root=True).dpi,
            renderer.dpi,
            *_found_by(font, fonts, matplotlib.rcParams),
        )
        found = known.get(key)
        if found is None:
            found = ask(self, renderer)
            if _says_nothing(self._text, font, fonts):
                _keep(known, key, found)
        box, lines, corner = found
        return transforms.Bbox(box.get_points().copy()), list(lines), corner

    return _get_layout


class _Item(NamedTuple):
    """A placed glyph, as ``FT2Font._layout`` gives them."""

    ft_object: Any
    char: str
    glyph_index: int
    x: float
    y: float
    prev_kern: float


class _Placed:
    """A font, ready for one text: it remembers which glyphs a text is made of."""

    def __init__(self, font: Any, known: dict, properties: Any, fonts: Any, key: tuple):
        self._font, self._known, self._properties, self._fonts, self._key = font, known, properties, fonts, key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._font, name)

    def _layout(self, text: str, flags: Any, **options: Any) -> list:
        key = (text, flags, repr(options), self._key)
        found = self._known.get(key)
        if found is not None:
            return [_Item(self._font, *one) for one in found]
        items = self._font._layout(text, flags, **options)
        own = all(one.ft_object is self._font for one in items)
        if own and _says_nothing(text, self._properties, self._fonts):
            _keep(self._known, key, [tuple(getattr(one, name) for name in _Item._fields[1:]) for one in items])
        return items


def _font_of_text(fonts: Any, agg: Any, matplotlib: Any) -> Callable:
    """``RendererAgg._prepare_font``: the font that a text is measured and set in."""
    ask, known = agg.RendererAgg._prepare_font, {}

    def _prepare_font(self: Any, properties: Any) -> Any:
        font = ask(self, properties)
        if type(self) is not agg.RendererAgg or type(properties) is not fonts.FontProperties:
            return font
        key = (self.dpi, *_found_by(properties, fonts, matplotlib.rcParams))
        return _Placed(font, known, properties, fonts, key)

    return _prepare_font


class _Drawn:
    """A font that is only told how to draw when it has to draw."""

    def __init__(self, font: Any, known: dict):
        self._font, self._known, self._name = font, known, (font.fname, font.face_index)

    def set_size(self, points: float, dpi: float) -> None:
        self._size = points, dpi

    def _set_transform(self, matrix: Any, delta: Any) -> None:
        self._transform = matrix, delta

    def _render_glyph(self, index: int, flags: Any, mode: Any) -> Any:
        matrix, delta = self._transform
        key = (*self._name, index, matrix.tobytes(), *delta, *self._size, flags, mode)
        found = self._known.get(key)
        if found is None:
            font = self._font
            font.set_size(*self._size)
            font._set_transform(matrix, delta)
            drawn = font._render_glyph(index, flags, mode)
            found = SimpleNamespace(buffer=drawn.buffer.copy(), left=drawn.left, top=drawn.top)
            _keep(self._known, key, found)
        return found


def _glyphs(agg: Any) -> Callable:
    """``RendererAgg._draw_text_glyphs_and_boxes``: glyphs put on the picture, each drawn by FreeType."""
    ask, known = agg.RendererAgg._draw_text_glyphs_and_boxes, {}

    def with_memory(glyphs: Iterator[tuple]) -> Iterator[tuple]:
        ready: dict = {}
        for font, *where in glyphs:
            if font not in ready:
                ready[font] = _Drawn(font, known) if isinstance(font.fname, str) else font
            yield ready[font], *where

    def _draw_text_glyphs_and_boxes(self: Any, gc: Any, x: float, y: float, angle: float, glyphs: Any, boxes: Any):
        smooth = gc.get_antialiased()  # else the caller changes the bitmap
        return ask(self, gc, x, y, angle, with_memory(glyphs) if smooth else glyphs, boxes)

    return _draw_text_glyphs_and_boxes


def _ticks(ticker: Any, matplotlib: Any) -> Callable:
    """``MaxNLocator._raw_ticks``: where ticks go between two limits."""
    ask, known = ticker.MaxNLocator._raw_ticks, {}

    def _raw_ticks(self: Any, vmin: float, vmax: float) -> Any:
        if not isinstance(vmin, float) or not isinstance(vmax, float):
            return ask(self, vmin, vmax)
        key = (
            *_exact(vmin, vmax),
            self._nbins,
            self.axis is None,
            self.axis.get_tick_space() if self._nbins == "auto" and self.axis is not None else None,
            self._min_n_ticks,
            self._integer,
            self._extended_steps.tobytes(),
            getattr(getattr(self.axis, "axes", None), "name", None),
            _read(matplotlib.rcParams, "axes.autolimit_mode"),
        )
        found = known.get(key)
        if found is None:
            found = ask(self, vmin, vmax)
            _keep(known, key, found)
        return found.copy()

    return _raw_ticks


def _tick_space(kind: Any, transforms: Any, matplotlib: Any) -> Callable:
    """``get_tick_space``: how many ticks fit along an axis of this length with labels of this size."""
    ask, known, default = kind.get_tick_space, {}, f"{kind.axis_name}tick.labelsize"

    def get_tick_space(self: Any) -> int:
        place, rc = self.axes.transAxes, matplotlib.rcParams
        if type(place) is not transforms.BboxTransformTo or type(self) is not kind:
            return ask(self)
        key = (
            place.get_matrix().tobytes(),
            self.get_figure(root=False).dpi_scale_trans.get_matrix().tobytes(),
            self._major_tick_kw.get("labelsize", _read(rc, default)),
            _read(rc, "font.size"),  # which relative sizes are relative to
        )
        found = known.get(key)
        if found is None:
            found = ask(self)
            _keep(known, key, found)
        return found

    return get_tick_space


def _number_format(ticker: Any) -> Callable:
    """``ScalarFormatter.set_locs``: offset, power of ten and digits for a set of ticks."""
    ask, known = ticker.ScalarFormatter.set_locs, {}

    def set_locs(self: Any, locs: Any) -> None:
        plain = type(self) is ticker.ScalarFormatter and type(locs) is np.ndarray and locs.dtype == np.float64
        if not plain or not len(locs) or self.axis is None:
            ask(self, locs)
            return
        key = (
            locs.tobytes(),
            *_exact(*self.axis.get_view_interval()),
            None if self._useOffset else self.offset,
            self._scientific,
            tuple(self._powerlimits),
            self._offset_threshold,
            self._usetex,
            self._useMathText,
        )
        found = known.get(key)
        if found is None:
            ask(self, locs)
            _keep(known, key, (self.offset, self._orderOfMagnitude, self._format))
            return
        self._locs = locs
        self.offset, self._orderOfMagnitude, self._format = found

    return set_locs


def _union(transforms: Any) -> Callable:
    """``Bbox.union``: the box around boxes."""
    ask, known = transforms.BboxBase.union, {}

    def union(bboxes: Any) -> Any:
        key = b"".join([one.get_points().tobytes() for one in bboxes])
        found = known.get(key)
        if found is None:
            found = ask(bboxes).get_points()
            _keep(known, key, found)
        return transforms.Bbox(found.copy())

    return union


def _limits(base: Any) -> Callable:
    """``_unstale_viewLim``: everything that needs an axis's limits asks for it, and mostly there is nothing to do."""
    ask = base._AxesBase._unstale_viewLim

    def _unstale_viewLim(self: Any) -> None:
        for name in self._axis_names:
            shared = self._shared_axes[name]
            for one in getattr(shared, "_grouper", shared)._mapping.get(self, (self,)):
                if one._stale_viewlims[name]:
                    ask(self)
                    return

    return _unstale_viewLim


def _tick_position(kind: Any, way: str) -> Callable:
    """``update_position``: a tick put where it is keeps its lines, whose paths would come out the same."""
    ask = kind.update_position
    parts = attrgetter("tick1line", "tick2line", "gridline", "label1", "label2")
    tells = sys.modules["matplotlib.artist"]._stale_axes_callback
    places = attrgetter(*[f"{one}._{way}orig" for one in ("tick1line", "tick2line", "gridline")])
    texts = attrgetter(f"label1._{way}", f"label2._{way}")

    def update_position(self: Any, loc: float) -> None:
        held = self._loc
        if type(loc) is type(held) and isinstance(loc, float) and loc == held and (loc or _same_zero(loc, held)):
            lines, (one, other) = places(self), texts(self)
            if one is other is held and all(type(place) is tuple and place[0] is held for place in lines):
                self.stale = True  # and with it its axes and figure: each of its parts need not tell them again
                told = self.stale_callback is tells and not self._animated
                for part in parts(self):
                    if told and part.stale_callback is tells and part.axes is self.axes:
                        part._stale = True
                    else:
                        part.stale = True
                return
        ask(self, loc)

    return update_position


def _same_zero(one: float, other: float) -> bool:
    return math.copysign(1, one) == math.copysign(1, other)
