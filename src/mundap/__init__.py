"""mundap: study threads in YAML whose answers run, rendered as pages of a static site."""

__version__ = "0.1.0"
