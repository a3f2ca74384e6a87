"""MkDocs, and the search index: the pages as a static site."""
