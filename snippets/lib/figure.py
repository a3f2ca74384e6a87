"""Figures and tables that read well in light and dark, as a script, in a notebook
and on the site."""

import html
import io
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib import pyplot as plt

INK = "#010203"  # stands for "the colour of the text around": becomes currentColor in the SVG
BLUE, ORANGE, GREEN, PINK, VIOLET = (
    "#3f83d6",
    "#d9730d",
    "#2a9465",
    "#d6518f",
    "#8b6fd8",
)  # 3:1 on white and on slate

for font in Path(
    find_spec("koreanize_matplotlib").submodule_search_locations[0]
).glob("fonts/*.ttf"):
    font_manager.fontManager.addfont(font)
matplotlib.rcParams.update(
    {
        "font.family": ["NanumGothic", "DejaVu Sans"],
        "font.size": 10.5,  # at this width a phone shows it as 10.5 px or more
        "figure.figsize": (4.5, 3.2),
        "axes.unicode_minus": False,
        "svg.fonttype": "none",
        "svg.hashsalt": "figure",
        "savefig.transparent": True,
        "figure.constrained_layout.use": True,
        "axes.prop_cycle": matplotlib.cycler(
            color=[BLUE, ORANGE, GREEN, PINK, VIOLET]
        ),
        "axes.titlelocation": "left",  # what the y axis measures reads best above it
        "axes.titlesize": "medium",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.alpha": 0.18,
        "grid.color": INK,
        "axes.edgecolor": INK,
        "axes.labelcolor": INK,
        "text.color": INK,
        "xtick.color": INK,
        "ytick.color": INK,
        "legend.frameon": False,
        "legend.handlelength": 1.6,
        "legend.columnspacing": 1.2,
        "lines.linewidth": 2,
        "lines.markersize": 5,
    }
)


def in_notebook():
    """Whether a Jupyter kernel is running this code."""
    try:
        return get_ipython().has_trait("kernel")
    except NameError:
        return False


def show(figure, name, alt):
    """Show a figure: inline SVG in a notebook, a window if there is a screen, else
    one line.

    name: what a page calls the figure by; alt: one Korean sentence that states the
    finding."""
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        metadata={"Date": None, "Title": name, "Description": alt},
    )
    if in_notebook():
        from IPython.display import display

        svg = buffer.getvalue().replace(INK, "currentColor")
        svg = svg[svg.index("<svg") :]
        display(
            {"image/svg+xml": svg, "text/plain": alt},
            metadata={"name": name, "alt": alt},
            raw=True,
        )
        plt.close(figure)
    else:
        print(f"[{name}] {alt}")
        if matplotlib.get_backend().lower() not in ("agg", "svg"):
            plt.show()


def width(text):
    """Columns that the text takes on a terminal: a Hangul syllable takes two."""
    return sum(
        2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )


def table(name, caption, header, rows):
    """Show a table (header: list of str; rows: list of lists, one per line): HTML
    in a notebook, aligned text else."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(header, *cells)]
    lines = [
        "  ".join(" " * (w - width(cell)) + cell for w, cell in zip(widths, row))
        for row in [header, *cells]
    ]
    text = "\n".join([caption, *lines])
    if not in_notebook():
        print(f"[{name}] {text}")
        return
    from IPython.display import display

    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in header)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in cells
    )
    markup = f"<table><caption>{html.escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    display(
        {"text/html": markup, "text/plain": text},
        metadata={"name": name, "alt": caption},
        raw=True,
    )
