"""Pixels inside of drawings, as files: a page is painted before they have come, and pages that show the same share them."""

import base64
import hashlib
import re
from pathlib import Path

from mkdocs.utils import get_relative_url

FOLDER = "assets/pixels"
LEAST = 1500  # characters: what is shorter costs less in its page than a request
INLINE = re.compile(rf'(?<=(?:href|.src)=")data:image/(png|jpeg);base64,([A-Za-z0-9+/=]{{{LEAST},}})(?=")')


def moved_out(page: str, url: str, site: Path) -> str:
    """A page, whose address in the site is url, with its larger pictures in files of the site instead of in itself."""

    def move(found: re.Match[str]) -> str:
        content = base64.b64decode(found[2])
        path = f"{FOLDER}/{hashlib.sha256(content).hexdigest()[:16]}.{found[1]}"
        file = site / path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        return get_relative_url(path, url)

    return INLINE.sub(move, page)
