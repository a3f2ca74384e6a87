"""markdown-exec, for blocks that the engine itself writes and for no others: a page's text cannot make one that runs."""

import hmac
from collections.abc import Callable
from typing import Any

from markdown_exec import validator as runs_everything
from mkdocs.config.defaults import MkDocsConfig

from mundap.pages.marks import SEAL


def only_own(config: MkDocsConfig) -> None:
    """Have markdown-exec, in whatever fences it has set up, run nothing but blocks with the engine's seal."""
    fences = config.mdx_configs.get("pymdownx.superfences", {}).get("custom_fences", [])
    for fence in fences:
        if fence.get("validator") is runs_everything:
            fence["validator"] = _sealed(runs_everything)


def _sealed(validator: Callable[..., bool]) -> Callable[..., bool]:
    def of_the_engine(
        language: str, inputs: dict[str, str], options: dict[str, Any], attrs: dict[str, Any], md: Any
    ) -> bool:
        return hmac.compare_digest(inputs.pop("seal", "").encode(), SEAL.encode()) and validator(
            language, inputs, options, attrs, md
        )

    return of_the_engine
