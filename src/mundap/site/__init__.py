"""MkDocs and Pagefind: the pages as a static site."""
