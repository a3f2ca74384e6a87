"""Make docs/assets/fonts/stix-two-math.woff2 from STIX Two Math: only what pages need, and roots of one width.

npm pack @fontsource/stix-two-math && tar xf fontsource-stix-two-math-*.tgz
pip install fonttools brotli
python tools/math_font.py package/files/stix-two-math-latin-400-normal.woff docs/assets/fonts/stix-two-math.woff2
"""

import sys

from fontTools import subset
from fontTools.ttLib import TTFont

RANGES = """
20-7E A0 A7 A8 AC AF-B1 B4 B7 D7 F7 2C6 2C7 2D8-2DC 302-304 305 307 308 30A 30C 332 20D7 203E
391-3A1 3A3-3A9 3B1-3C9 3D1 3D5 3F5
2010-2016 2018-201D 2022 2026 2032 2033 2061-2064 2102 210B 210E 2110 2112 2113 2115 2119-211D 2124 212C 2130-2133
2190-2194 21A6 21D0 21D2 21D4 2200 2202 2203 2205-2209 220B 220F-2213 2215 2217-221A 221D 221E 2223 2225 2227-222B
222E 2234 2235 223C 2243 2245 2248 2254 2260 2261 2264 2265 226A 226B 227A 227B 2282 2283 2286 2287 2295-2299
22A4 22A5 22C5 22C6 22EE 22EF 22F1 2308-230B 23DE 23DF 27E8 27E9 2A7D 2A7E
1D400-1D49B 1D49C-1D4B5 1D538-1D56B 1D6A8-1D755 1D7CE-1D7E1
"""
ROOT = 0x221A


def codepoints(ranges):
    """Hexadecimal numbers and ranges -> [code point, …]."""
    for item in ranges.split():
        first, _, last = item.partition("-")
        yield from range(int(first, 16), int(last or first, 16) + 1)


def widen_alike(font):
    """Give every size of the root sign the width of the smallest: Chromium reserves the widest for each."""
    name = font.getBestCmap()[ROOT]
    variants = font["MATH"].table.MathVariants
    sizes = variants.VertGlyphConstruction[variants.VertGlyphCoverage.glyphs.index(name)]
    width = font["hmtx"][name][0]
    names = [record.VariantGlyph for record in sizes.MathGlyphVariantRecord]
    names += [part.glyph for part in sizes.GlyphAssembly.PartRecords]
    for glyph in dict.fromkeys(names):
        advance, bearing = font["hmtx"][glyph]
        outline = font["glyf"][glyph]
        outline.coordinates.scale((width / advance, 1))
        outline.coordinates.toInt()
        outline.recalcBounds(font["glyf"])
        font["hmtx"][glyph] = (width, round(bearing * width / advance))


def main(source, target):
    """The command."""
    font = TTFont(source)
    options = subset.Options(layout_features=["ssty", "flac", "dtls"], hinting=False, flavor="woff2")
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=codepoints(RANGES))
    subsetter.subset(font)
    widen_alike(font)
    for record in font["name"].names:  # a changed font takes another name
        if record.nameID in (1, 3, 4, 6, 16):
            record.string = "mundap-math" if record.nameID == 6 else "mundap math"
    font.flavor = "woff2"
    font.save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
