"""worst_pages.py FOLDER [BYTES]: writes dumps of one page each that took more than linear time once, of 2 MB of text each unless BYTES says else."""

import sys
from pathlib import Path
from xml.sax.saxutils import escape


def halves(first, second):
    """One half of the page repeats `first`, the other one `second`."""
    return lambda size: first * (size // 2 // len(first.encode())) + second * (size // 2 // len(second.encode()))


def nested(start, end):
    """As many `start` as `end`."""
    return lambda size: start * (size // len((start + end).encode())) + end * (size // len((start + end).encode()))


def repeated(unit, before="", after=""):
    return lambda size: before + unit * (size // len(unit.encode())) + after


def numbered(pattern, before="", after=""):
    return lambda size: before + "".join(pattern % number for number in range(size // len((pattern % 100000).encode()))) + after


PAGES = {
    "zh-full-stops": repeated("好。"),
    "zh-prose": repeated("这座城市位于河流的北岸，人口约十万，以纺织业闻名。"),
    "zh-open-quotes": repeated("“好。"),
    "zh-open-quotes-pairs": repeated("‘“a”。"),
    "en-exclamations": repeated("a!B"),
    "en-open-brackets": repeated(" (", after=")"),
    "en-quotes": repeated("\"A. B\" 'c. D' "),
    "en-list-items": repeated(" 1) One. Two"),
    "da-sentences": repeated("Ja. "),
    "en-templates": nested("{{nowrap|a ", "}}"),
    "en-unknown-templates": nested("{{unknown|a ", "}}"),
    "en-braces": nested("{", "}"),
    "zh-variants": nested("-{a", "}-"),
    "zh-alternatives": repeated("a;", "-{", "}-"),
    "zh-rules": numbered("zh-cn:%d;", "-{H|", "}-"),
    "zh-rule-changes": lambda size: "-{H|" + "".join(f"zh-cn:{n};zh-tw:x{n};" for n in range(size // 40)) + "}-" + "-{H|zh-cn:甲;zh-tw:乙}-丙" * 900,
    "zh-unconverted": repeated("-{a}-({{x}})"),
    "en-tables": halves("<table>\n", "|}\n"),
    "en-comments": halves(" ", "<!---->"),
    "en-separators": repeated("{{x}},{{x}};", "[[a|"),
    "en-repeats": lambda size: "a " * (size // 4) + "[[x|" + "a " * (size // 4) + "b]] a",
}

PAGE = (
    '<mediawiki version="0.11" xml:lang="{lang}"><page><title>A</title><ns>0</ns><id>1</id><revision><timestamp>2024-05-17T16:33:09Z</timestamp>'
    "<text>{text}</text></revision></page></mediawiki>"
)

folder = Path(sys.argv[1])
size = int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000
folder.mkdir(parents=True, exist_ok=True)
for name, page in PAGES.items():
    (folder / f"{name}.xml").write_text(PAGE.format(lang=name[:2], text=escape(page(size))), encoding="utf-8")
