"""Plots on pages: in the page's colours, with ids that can stand beside those of other plots, the same every time."""

from __future__ import annotations

import re
import warnings

import matplotlib as mpl
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.pages.figures import SERIES, SETTINGS, VARIABLES, axes_of, legend_above, svg_of


def drawn(title: str = "A plot") -> str:
    with mpl.rc_context(SETTINGS):
        figure, axes = axes_of(2)
        for number, colour in enumerate(SERIES):
            axes.plot([0, number], [1, 2], "o-", color=colour, label=f"series {number}")
        legend_above(axes, len(SERIES))
        return svg_of(figure, title)


def test_colours_and_letters_are_the_pages():
    svg = drawn()
    for number in range(1, len(SERIES) + 1):
        assert f"var(--s{number})" in svg
    assert not any(colour in svg for colour in VARIABLES)
    assert "font-family" not in svg and "series 9" in svg
    assert svg.startswith("<svg ") and not re.search(r"<svg[^>]* (width|height)=", svg)


def test_letters_that_matplotlib_lacks_are_no_reason_to_complain():
    with mpl.rc_context(SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("error")
        figure, axes = axes_of(2)
        axes.set_xticks([0], ["ニュース"], parse_math=False)
        assert "ニュース" in svg_of(figure, "A plot")


def test_two_plots_can_stand_on_one_page():
    ids = [
        set(re.findall(r'<(?!path|clipPath)\w+[^>]* id="([^"]*)"', svg))
        for svg in (drawn(), drawn("Another"))
    ]
    assert ids == [set(), set()]


def test_the_same_plot_gives_the_same_bytes():
    assert drawn() == drawn()


@settings(max_examples=10, deadline=None)
@given(st.text(min_size=1, max_size=30))
def test_a_title_cannot_leave_its_attribute(title):
    svg = drawn(title)
    label = re.match(r'<svg role="img" aria-label="([^"]*)" ', svg)[1]
    assert not re.search(r"[<>]", label)
