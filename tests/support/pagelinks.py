"""The anchors and links of a page written in Markdown."""

import re

FENCED = re.compile(r"(?ms)^(`{3,}).*?^\1$")


def anchors(text):
    """Every anchor of a page, of either flavour, code left out."""
    text = FENCED.sub("", text)
    return re.findall(r'\bid="([^"]+)"', text) + re.findall(r"(?m)^(?:#+ .* |!\[.*\))\{#([^}]+)\}$", text)


def links(text):
    """Every relative link of a page as (path, anchor), code left out."""
    text = re.sub(r"`[^`\n]+`", "", FENCED.sub("", text))
    targets = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'\b(?:href|src)="([^"]+)"', text)
    return [tuple(target.partition("#")[::2]) for target in targets if not re.match(r"https?:", target)]
