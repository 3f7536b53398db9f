"""An overview of the whole matrix as SVG: a strip per checkpoint, with neighbours averaged.

Each part links to its page of the table; the parts on the current page are framed.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from markupsafe import Markup, escape

from evalsvc.dashboard.rendering.text import plain
from evalsvc.dashboard.web.page_request import Pages

WIDTH, HEIGHT, GAP = 1000.0, 14.0, 3.0


def draw_strips(
    shares: np.ndarray, names: Sequence[str], pages: Pages, page_link: Callable[[int], str]
) -> Markup:
    """`shares` has the shape (columns, bins), NaN where nothing was sampled."""
    columns, bins = shares.shape
    if not pages.total:
        return Markup("")
    height = columns * (HEIGHT + GAP)
    step = WIDTH / bins
    parts = [
        f'<svg class="strip" viewBox="0 0 {WIDTH:g} {height + 2:g}" preserveAspectRatio="none" '
        f'role="group" aria-label="Map of {pages.total} problems by {columns} checkpoints">'
    ]
    for i, name in enumerate(names):
        y = i * (HEIGHT + GAP)
        parts.append(f"<g><title>{escape(plain(name))}</title>")
        parts += [
            f'<rect class="{_class(float(shares[i, j]))}" x="{j * step:.2f}" y="{y:g}" '
            f'width="{step + 0.15:.2f}" height="{HEIGHT:g}"/>'
            for j in range(bins)
        ]
        parts.append("</g>")
    for page in range(1, pages.count + 1) if pages.count > 1 else ():
        first = WIDTH * (page - 1) * pages.size / pages.total
        last = WIDTH * min(page * pages.size, pages.total) / pages.total
        kind = "here" if page == pages.number else "page"
        parts.append(
            f'<a href="{escape(page_link(page))}" tabindex="-1" aria-hidden="true">'
            f'<rect class="{kind}" x="{first:.2f}" y="0.75" width="{last - first:.2f}" '
            f'height="{height - GAP:g}"><title>page {page}</title></rect></a>'
        )
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 - numbers, fixed classes and escaped texts


def _class(share: float) -> str:
    if math.isnan(share):
        return "f-missing"
    return f"f{max(0, min(9, math.floor(10 * share)))}"
