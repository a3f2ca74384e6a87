"""Figures of matplotlib as SVG that can stand inside a page: safe, prefixed, as wide as the text allows."""

import re
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from mundap.project.numbers import of_output

NAMESPACE = re.compile(r"\{.*?\}")
DRAWING = set(
    "svg g defs clipPath path rect circle ellipse line polyline polygon use text tspan image mask pattern "
    "linearGradient radialGradient stop symbol marker".split()
)
DROPPED = {"metadata", "title", "desc"}  # the page has the alternative text; a title would be a tooltip
MATPLOTLIB_STYLE = "*{stroke-linejoin: round; stroke-linecap: butt}"  # inlined it would reach the whole page
VIEW = re.compile(r"\s*(?:-?\d+(?:\.\d*)?\s+){3}-?\d+(?:\.\d*)?\s*")
REFERENCE = re.compile(r"url\(\s*['\"]?#([^)'\"]+)['\"]?\s*\)")
ASKS = re.compile(
    r"(?:url|src|image|image-set|element|cross-fade)\s*\(|\\", re.I
)  # what CSS can ask for; `\` hides letters
DEEPEST = 100  # elements in each other; matplotlib's have a dozen
COORDINATES = set("d points x y width height cx cy r x1 x2 y1 y2".split())
LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}(?:e-?\d+)?")


class SvgError(ValueError):
    """An SVG that holds what a figure does not need: a script, a style sheet, an outside address, foreign markup."""


def inline(svg_text: str, prefix: str, alt: str) -> str:
    """SVG markup to stand inside HTML, its ids prefixed, its alternative text `alt`. Raises SvgError.

    prefix: unique in the page, as the ids of two figures are alike. The natural width stays as max-width.
    """
    if re.search(r"<!ENTITY|<!\[CDATA\[", svg_text):
        raise SvgError("entities and CDATA are not allowed")
    try:
        root = ElementTree.fromstring(re.sub(r"<!DOCTYPE[^>]*>", "", svg_text))
    except (ElementTree.ParseError, ValueError) as error:  # ValueError: a number of a character that is none
        raise SvgError(f"not well-formed: {error}") from None
    if _depth(root) > DEEPEST:
        raise SvgError(f"more than {DEEPEST} elements in each other")
    if local(root.tag) != "svg":
        raise SvgError(f"<{local(root.tag)}> is not <svg>")
    clean(root, prefix)
    drop_idle(root)
    flatten(root)
    width, height = root.attrib.pop("width", None), root.attrib.pop("height", None)
    view = root.get("viewBox")
    if view is None:
        if not (width and height):
            raise SvgError("neither viewBox nor width and height")
        view = f"0 0 {pixels(width):g} {pixels(height):g}"
    if not VIEW.fullmatch(view):
        raise SvgError(f"viewBox {view[:40]!r}")
    natural = pixels(width) if width and "%" not in width else float(view.split()[2])
    root.attrib = {
        "viewBox": view,
        "role": "img",
        "aria-label": alt,
        "style": f"max-width:{natural:g}px",
        "stroke-linejoin": "round",
        "stroke-linecap": "butt",
    }
    return ElementTree.tostring(root, encoding="unicode")


def _depth(root: Element) -> int:
    """How many elements stand in each other, counted without going down in calls."""
    depth, level = 0, [root]
    while level:
        depth, level = depth + 1, [child for element in level for child in element]
    return depth


def clean(element: Element, prefix: str) -> None:
    """Check an element and all below it, prefix the ids, shorten the numbers. Changes the tree."""
    element.tag = local(element.tag)
    if element.tag not in DRAWING:
        raise SvgError(f"<{element.tag}> is not allowed in a figure")
    element.attrib = dict(filter(None, (attribute(element, local(k), v, prefix) for k, v in element.attrib.items())))
    if element.tag not in ("text", "tspan"):
        element.text = None
    elif element.text:
        element.text = of_output(element.text)
    for child in list(element):
        name = local(child.tag)
        is_known_style = name == "style" and (child.text or "").strip() == MATPLOTLIB_STYLE
        if name in DROPPED or is_known_style:
            element.remove(child)
        else:
            clean(child, prefix)
    if element.tag not in ("text", "tspan"):
        for child in element:
            child.tail = None


def drop_idle(root: Element) -> None:
    """Remove the ids that nothing refers to, the groups' names among them, and empty definitions. Changes the tree."""
    values = " ".join(v for element in root.iter() for k, v in element.attrib.items() if k != "id")
    used = set(re.findall(r"#([^)\s]+)", values))
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for child in [child for child in element if child.tag == "defs" and not len(child)]:
            element.remove(child)


def flatten(element: Element) -> None:
    """Put the children of groups that say nothing in the place of the group. Changes the tree."""
    children = []
    for child in element:
        flatten(child)
        children += child if child.tag == "g" and not child.attrib else [child]
    element[:] = children


def attribute(element: Element, name: str, value: str, prefix: str) -> tuple[str, str] | None:
    """The attribute as it may stand in a page: (name, value), or None to drop it."""
    if name.startswith("on"):
        raise SvgError(f"{name}=… is not allowed in a figure")
    if name == "id":
        return name, prefix + value
    if name == "href":  # a plain one breaks the theme's instant navigation, which sets it on every element
        return "xlink:href", reference(element, value, prefix)
    value = REFERENCE.sub(rf"url(#{prefix}\1)", value)
    if ASKS.search(value.replace(f"url(#{prefix}", "")):
        raise SvgError(f"outside address {value[:40]!r}")
    if name == "style":
        value = style(value)
    if name == "transform" and re.match(r"rotate\(-?0 ", value):
        return None
    if name in COORDINATES or (name == "transform" and value.startswith("rotate")):
        value = " ".join(LONG_NUMBER.sub(hundredths, value).split())
    return (name, value) if value else None


def reference(element: Element, address: str, prefix: str) -> str:
    """An address that stays inside the figure: of an element in it, or an image's own data. Raises SvgError."""
    if address.startswith("#"):
        return "#" + prefix + address[1:]
    if element.tag == "image" and re.match(r"data:image/(png|jpeg);base64,", address):
        return re.sub(r"\s", "", address)
    raise SvgError(f"outside address {address[:40]!r}")


def style(value: str) -> str:
    """A style without its font, as the page has its own. Raises SvgError."""
    value = re.sub(r"\s*font-family:[^;]*;?", "", value)
    value = re.sub(r"\s*([:;])\s*", r"\1", value).strip().rstrip(";")
    if re.search(r"expression|@import|javascript", value):
        raise SvgError(f"style {value[:40]!r}")
    return value


def hundredths(match: re.Match[str]) -> str:
    """The number that was matched, as short as a hundredth of a pixel allows."""
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def local(tag: str) -> str:
    """The name without its namespace."""
    return NAMESPACE.sub("", tag)


def pixels(length: str) -> float:
    """CSS pixels of an SVG length such as 504pt."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*(pt|px|in|)\s*", length)
    if not match:
        raise SvgError(f"length {length[:40]!r}")
    return float(match[1]) * {"pt": 4 / 3, "in": 96}.get(match[2], 1)
