"""Snippets, run as notebooks and kept as records."""
