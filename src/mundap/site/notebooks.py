"""mkdocs-jupyter with templates of our own: it hands over the text cells of a record as HTML, and nothing else.

Its own template sends the styles and scripts of JupyterLab along with each page, 694 KB where 40 are wanted. Code and
outputs are better made here, as those of threads and live cells are.
"""

from pathlib import Path

from mkdocs_jupyter.config import settings

END = "<!-- /text -->"  # after each text cell, in site/templates


def use_own_templates() -> None:
    """Have mkdocs-jupyter use site/templates."""
    settings.templates_dir = str(Path(__file__).parent / "templates")


def text_cells(content: str) -> list[str]:
    """The text cells as HTML, without the style sheet that the converter puts after them."""
    return content.split(END)[:-1]
