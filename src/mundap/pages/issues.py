"""Where a reader asks, doubts and mends: addresses of the repository's issue forms and of its files."""

import html
from urllib.parse import quote, urlencode

from mundap.pages.links import plain

BRANCH = "main"  # whose files are edited
LONGEST = 300  # characters of a statement that an address carries


def new_issue(repository: str, form: str, **fields: str) -> str:
    """The address of an issue form, .github/ISSUE_TEMPLATE/FORM.yml, with its fields filled in."""
    return f"https://github.com/{repository}/issues/new?{urlencode({'template': f'{form}.yml', **fields})}"


def edit(repository: str, path: str) -> str:
    """The address at which a file of the repository is edited."""
    return f"https://github.com/{repository}/edit/{BRANCH}/{quote(path)}"


def doubt(repository: str | None, words: str, page: str, anchor: str, text: str) -> str:
    """A link to the form for what is wrong, with the place and the statement, a resolved text; "" without a repository."""
    if not repository:
        return ""
    statement = plain(text, LONGEST)
    where = f"{page.removesuffix('.md')}/#{anchor}"
    address = new_issue(repository, "wrong", title=f"틀렸나요: {statement[:60]}", where=where, statement=statement)
    return f'<a class="doubt" href="{html.escape(address)}">{words}</a>'
