"""What may stand in a page: one allow-list over the rendered HTML, kept by a sanitizer that parses as browsers do.

Whatever an author, a record or a live cell says comes through here. The checks on the source are for the kind message.
"""

import re
from collections import Counter
from collections.abc import Collection, Mapping
from html.parser import HTMLParser

import nh3

TEXT = frozenset(
    "a abbr article b blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 "
    "h5 h6 hr i img kbd li mark nav ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th "
    "thead tr u ul var wbr".split()
)
FORMULA = frozenset(
    "math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow mspace msqrt mstyle msub "
    "msubsup msup mtable mtd mtext mtr munder munderover none".split()
)
DRAWING = frozenset(
    "circle clipPath defs ellipse g image line linearGradient marker mask path pattern polygon polyline radialGradient "
    "rect stop svg symbol text tspan use".split()
)
CONTROLS = frozenset(  # of hand-written pages
    "button canvas fieldset input label legend noscript option output progress select textarea".split()
)
ANYWHERE = frozenset("class id style title role hidden lang dir tabindex".split())
SHAPE = frozenset(
    "clip-path cx cy d fill fill-opacity gradientTransform gradientUnits height href id marker-end marker-start mask "
    "offset opacity patternTransform patternUnits points r rx ry stop-color stop-opacity stroke stroke-dasharray "
    "stroke-linecap stroke-linejoin stroke-opacity stroke-width text-anchor transform viewBox width x x1 x2 y y1 y2 "
    "clipPathUnits preserveAspectRatio markerHeight markerUnits markerWidth orient refX refY".split()
)
MEASURES = frozenset(
    "accent accentunder columnalign columnspacing columnlines depth display displaystyle fence form height linethickness "
    "lspace mathvariant maxsize minsize notation rowspacing rowlines rspace scriptlevel separator stretchy symmetric "
    "voffset width".split()
)
OF_ELEMENTS = {
    "a": {"href", "download"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start", "type", "reversed"},
    "li": {"value"},
    "details": {"open"},
    "th": {"scope", "colspan", "rowspan"},
    "td": {"colspan", "rowspan"},
    "col": {"span"},
    "colgroup": {"span"},
}
OF_CONTROLS = {
    "button": {"type", "disabled", "value", "name"},
    "canvas": {"width", "height"},
    "fieldset": {"disabled"},
    "input": set("accept checked disabled max min multiple name placeholder step type value".split()),
    "label": {"for"},
    "option": {"value", "selected"},
    "output": {"for", "name"},
    "progress": {"max", "value"},
    "select": {"name", "disabled"},
    "textarea": set("disabled name placeholder rows".split()),
}
PREFIXES = {"data-", "aria-"}
STYLES = frozenset(  # what figures, tables and formulas set; nothing that takes a thing out of its place
    "clip-rule color display dominant-baseline fill fill-opacity fill-rule flex-grow font font-feature-settings font-size "
    "font-stretch font-style font-variant font-weight height justify-items letter-spacing line-height margin-left "
    "max-width mix-blend-mode opacity padding-left padding-right padding-bottom padding-top shape-rendering stop-color "
    "stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit "
    "stroke-opacity stroke-width text-align text-anchor transform transform-box transform-origin visibility width "
    "image-rendering clip-path mask vector-effect font-kerning text-rendering isolation text-align-last border-bottom "
    "border-top border-left border-right vertical-align white-space".split()
)
INNER_ADDRESS = re.compile(r"url\(\s*['\"]?#[\w.-]+['\"]?\s*\)")
FUNCTIONS = "rgba?|hsla?|translate[XY]?|scale[XY]?|rotate|skew[XY]?|matrix"
VALUE = re.compile(rf"(?:(?:{FUNCTIONS})\([^()]*\)|[^()\\@<>{{}}/])*(?:/(?!\*)[^()\\@<>{{}}/]*)?")
PICTURE = re.compile(r"data:image/(?:png|jpeg);base64,[A-Za-z0-9+/=\s]*")
RELATIVE = re.compile(r"(?![/\\]{2})[^:]*(?:[/?#].*)?", re.S)
DROPPED_BY_BROWSERS = re.compile(r"[\0-\x1f]|^ | $")  # in addresses: `/<tab>/host` leads to the host
OPENING = re.compile("<([a-zA-Z][^\\s>/]*)")
ADDRESSES = {"href", "src"}
OF_THE_THEME = {  # what its script takes as its own: settings, places to fill, diagrams that need a foreign script
    "id": re.compile(r"^__(?!\w+__$)"),  # `__init__` is a heading
    "class": re.compile(r"(?:^|\s)(?:mermaid\b|md-)"),
}


def _cleaner(tags: frozenset[str], attributes: Mapping[str, Collection[str]]) -> nh3.Cleaner:
    drawn = {tag: set(SHAPE) for tag in DRAWING}
    measured = {tag: set(MEASURES) for tag in FORMULA}
    return nh3.Cleaner(
        tags=set(tags | FORMULA | DRAWING),
        attributes={"*": set(ANYWHERE), **drawn, **measured, **{tag: set(names) for tag, names in attributes.items()}},
        attribute_filter=_attribute,
        clean_content_tags={"script", "style"},
        generic_attribute_prefixes=PREFIXES,
        link_rel=None,
        strip_comments=True,
        url_schemes={"http", "https", "data"},
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    """The value that an attribute may have, None where it may not stand."""
    if name == "style":
        return value if is_harmless(value) else None
    if name in ADDRESSES:
        return value if _may_lead_there(tag, value) else None
    if name in SHAPE and ("(" in value or "\\" in value):  # read as a style is
        return value if VALUE.fullmatch(INNER_ADDRESS.sub("", value)) else None
    is_of_the_theme = name.startswith("data-md") or (name in OF_THE_THEME and OF_THE_THEME[name].search(value))
    return None if is_of_the_theme else value


def _may_lead_there(tag: str, address: str) -> bool:
    """Whether an element of that kind may have that address: what is asked for at once is the site's own."""
    if tag in ("img", "image") and PICTURE.fullmatch(address):
        return True
    if DROPPED_BY_BROWSERS.search(address):
        return False
    if tag == "a" and re.match(r"https?://", address):
        return True
    return bool(RELATIVE.fullmatch(address)) if tag in ("a", "img") else address.startswith("#")


def is_harmless(style: str) -> bool:
    """Whether a style sets nothing but what figures, tables and formulas need, and asks for nothing."""
    parts = [part.partition(":") for part in INNER_ADDRESS.sub("", style).split(";") if part.strip()]
    return all(name.strip().lower() in STYLES and VALUE.fullmatch(value) for name, _, value in parts)


_PAGE = _cleaner(TEXT, OF_ELEMENTS)
_HAND_WRITTEN = _cleaner(TEXT | CONTROLS, OF_ELEMENTS | OF_CONTROLS)


def sanitize(markup: str, hand_written: bool = False) -> str:
    """Markup with nothing in it but what a page may hold. hand_written: the controls of a page's own scripts too."""
    return (_HAND_WRITTEN if hand_written else _PAGE).clean(markup)


def dropped(before: str, after: str) -> list[str]:
    """What sanitizing took out, as a person would name it: `<script>`, `<a href="javascript:…">`; comments left out."""
    if not _tags(before) - _tags(after) and before.count("=") <= after.count("="):
        return []  # a quick look: parsing each page twice would take long
    gone = Counter(_elements(before)) - Counter(_elements(after))
    return [f"<{tag}{''.join(f' {name}' for name, _ in attributes)}>" for tag, attributes in gone]


def _tags(markup: str) -> Counter[str]:
    return Counter(OPENING.findall(markup))


def _elements(markup: str) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    elements: list[tuple[str, tuple[tuple[str, str], ...]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            kept = sorted((name, value or "") for name, value in attrs if name != "markdown")
            elements.append((tag, tuple(kept)))

        handle_startendtag = handle_starttag

    Reader().feed(markup)
    return elements
