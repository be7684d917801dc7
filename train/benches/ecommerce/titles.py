#!/usr/bin/env python3
"""Writes the sentences of a tagged file as pages of a dump, without their labels, so that prep can look for names in them.

  titles.py TAGGED OUT.xml      a char and its tag a line, sentences between blank lines
"""
import html
import pathlib
import sys

HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="zh">'
    '<siteinfo><dbname>zhwiki</dbname><namespaces><namespace key="0" /></namespaces></siteinfo>'
)
PAGE = "<page><title>titles {0}</title><ns>0</ns><id>{0}</id><revision><id>{0}</id><model>wikitext</model><text>{1}</text></revision></page>"
ON_A_PAGE = 100


def main(tagged, out):
    text = pathlib.Path(tagged).read_text(encoding="utf-8").replace("\r", "")
    titles = ["".join(line.split()[0] for line in block.splitlines() if line.strip()) for block in text.split("\n\n") if block.strip()]
    pages = [HEAD]
    for number, first in enumerate(range(0, len(titles), ON_A_PAGE), 1):
        paragraphs = ("<nowiki>" + title.replace("<", "＜") + "</nowiki>" for title in titles[first : first + ON_A_PAGE])
        pages.append(PAGE.format(number, html.escape("\n\n".join(paragraphs))))
    path = pathlib.Path(out)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*pages, "</mediawiki>"]), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
