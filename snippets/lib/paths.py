"""Where the snippets' data lies."""

from pathlib import Path


def data_path(name):
    """The Path of a file or folder of snippets/data/. A record depends on what its
    code names by calling this."""
    return Path(__file__).resolve().parents[1] / "data" / name
