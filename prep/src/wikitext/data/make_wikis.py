#!/usr/bin/env python3
"""Makes wikis.tsv, the words of each Wikipedia, from what MediaWiki's API answers.

    python3 make_wikis.py SITEINFO.tsv[.gz] > wikis.tsv

SITEINFO has the columns `lang`, `kind`, `key` and `value`:

| kind      | key                    | value                                    |
|-----------|------------------------|------------------------------------------|
| namespace | number                 | local name                               |
| alias     | number                 | further name                             |
| redirect  |                        | word that begins a redirect page         |
| switch    | name of the magic word | behaviour switch such as `__NOTOC__`     |
| image     | name of the magic word | picture option such as `thumb`, `$1px`   |

They are `namespaces`, `namespacealiases` and `magicwords` of `action=query&meta=siteinfo`.

The output has a line for each wiki and kind: `code  kind  like  word …`, separated by tabs. The words are those beyond English and beyond
the same line of the wiki `like`, if there is one. Its first line lists the codes of all wikis. `wiki_words.rs` reads it.
"""

import gzip
import sys
from collections import defaultdict

# Wikis in the input that are not of a language.
NOT_LANGUAGES = {"commons", "mappings", "wikidata"}

# What the English Wikipedia has beyond the names of MediaWiki.
OWN_NAMESPACES = {"100", "101", "118", "119"}
OWN_ALIASES = {"4:WP", "5:WT", "10:TM"}


def read(path):
    """The words by wiki and kind, in the order of the input."""
    words = defaultdict(lambda: defaultdict(dict))
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            fields = line.rstrip("\n").split("\t")
            # A few values are broken by a line feed.
            if len(fields) != 4 or fields[0] in NOT_LANGUAGES or not fields[3]:
                continue
            lang, kind, key, value = fields
            wiki = words[lang]
            if kind == "namespace":
                wiki["names"].setdefault(f"{key}:{value.replace('_', ' ')}")
            elif kind == "alias":
                wiki["aliases"].setdefault(f"{key}:{value.replace('_', ' ')}")
            elif kind == "redirect":
                wiki["redirects"].setdefault(value.strip("'").lstrip("#＃").replace("_", " ").lower())
            # A few values lack their underscores by mistake.
            elif kind == "switch" and value.startswith(("__", "＿＿")):
                wiki["disambiguations" if key == "disambiguation" else "switches"].setdefault(value.lower())
            elif kind == "image":
                wiki["options"].setdefault(value.replace("_", " ").lower())
    return words


def namespace_numbers(words):
    return {word.split(":")[0] for word in words}


def lines_of(kind, words):
    """The lines of a kind, each with the wiki `like` that makes it shortest. It comes from an earlier line, so that there are no circles."""
    english = set(words["en"][kind])
    if kind in ("names", "aliases"):
        # Names of one wiki, beside those that MediaWiki has in every language.
        english = {word for word in english if word.split(":")[0] not in OWN_NAMESPACES and word not in OWN_ALIASES}
    wikis = {lang: [word for word in wiki[kind] if word not in english] for lang, wiki in words.items()}
    done = []
    for lang in sorted(wikis, key=lambda lang: (len(wikis[lang]), lang)):
        own = wikis[lang]
        best = ("", own)
        for like in done:
            other = wikis[like]
            if kind == "names":
                fits = namespace_numbers(other) <= namespace_numbers(own)
            else:
                fits = set(other) <= set(own)
            rest = [word for word in own if word not in set(other)]
            if fits and len("\t".join(rest)) + len(like) < len("\t".join(best[1])) + len(best[0]):
                best = (like, rest)
        if own:
            done.append(lang)
            yield (lang, kind, best[0], *best[1])


def main():
    words = read(sys.argv[1])
    print("\t".join(sorted(words)))
    for kind in ["names", "aliases", "redirects", "switches", "disambiguations", "options"]:
        for line in lines_of(kind, words):
            print("\t".join(line))


if __name__ == "__main__":
    main()
