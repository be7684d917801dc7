#!/usr/bin/env python3
"""Makes gazetteers of English people, organisations and places from short lists and from the links of pages.

  names.py PAGES GAZETTEERS FOLDER      writes PER.txt, ORG.txt, LOC.txt and stop.txt; needs polars

PAGES is a folder made by `prep pages`. A title is a person, an organisation or a place by its words (`University of Oslo`), its first word
(`Ada Lovelace`) or what is in its brackets. Words that the pages write in lower case more often than with an upper-case letter are not names.
"""
import collections
import csv
import pathlib
import re
import sys

import polars as pl

ORG_WORDS = set("""Academy Agency Airline Airlines Airways Army Association Authority Bank Board Broadcasting Brothers Bureau Center Centre Choir
Church Club College Commission Committee Company Conference Congress Corporation Corps Council Court Department Entertainment F.C. FC Federation
Force Foundation Fund Group Guard Hospital Inc. Industries Institute Journal Laboratory League Library Ltd. Ministry Motors Museum Navy Network
News Observatory Office Orchestra Organisation Organization Parliament Party Pictures Post Press Radio Records School Senate Service Society
Studios Systems Technologies Television Theatre Times Tribune Trust Union University""".split())
LOC_WORDS = set("""Airport Alps Archipelago Basin Bay Beach Borough Bridge Canal Canyon Castle City Coast County Creek Desert District Falls
Forest Glacier Gulf Highway Hills Island Islands Kingdom Krai Lake Mountain Mountains Municipality Oblast Ocean Parish Park Pass Peninsula Plain
Plateau Port Prefecture Province Region Republic River Road Sea Square Station Strait Street Territory Township Valley Volcano""".split())
LOC_FIRST = set("Cape Fort Gulf Kingdom Lake Mount Republic".split())
BRACKETS = {
    "PER": set("""actor actress animator anthropologist artist author baseball biologist bishop boxer chemist composer critic cricketer designer
    director drummer economist emperor explorer footballer general governor guitarist historian journalist judge king lawyer linguist
    mathematician musician novelist painter philosopher physicist poet politician rapper scientist sculptor senator singer writer""".split()),
    "ORG": set("agency band broadcaster company magazine network newspaper organisation organization party publisher studio".split()),
    "LOC": set("city country county district island lake mountain province region river state town village".split()),
}
# Places that the list of cities lacks, or has under another name.
PLACES = set("""Africa|America|Anatolia|Antarctica|Asia|Britain|Central Asia|East Germany|England|Eurasia|Europe|Great Britain|Holland|Iran|
Latin America|Middle East|North America|Northern Ireland|Oceania|Russia|Scandinavia|Scotland|Siberia|South America|Soviet Union|Syria|Turkey|
U.K.|U.S.|UK|US|USA|USSR|United States of America|Vietnam|Wales|Washington, D.C.|West Germany""".replace("\n", "").split("|"))
# Words with an upper-case letter that are not the name of a person, an organisation or a place.
NO_NAMES = set("""I January February March April May June July August September October November December Monday Tuesday Wednesday Thursday
Friday Saturday Sunday Mr Mrs Ms Dr Sir St BC AD BCE CE Afghan African Albanian American Arab Arabic Armenian Asian Australian Austrian British
Canadian Catholic Chinese Christian Christians Christianity Czech Danish Dutch Egyptian English European French German Germans Greek Greeks
Hebrew Hungarian Indian Iranian Irish Islam Islamic Israeli Italian Japanese Jewish Jews Korean Latin Mexican Muslim Muslims Norwegian Ottoman
Persian Polish Portuguese Roman Romans Russian Scottish Soviet Spanish Swedish Swiss Turkish Western""".split())
# First words of titles that look like given names.
NO_GIVEN = NO_NAMES | set("""Academy Al Apple Atlas Bishop Cambridge Central De Democratic Di East Eastern El Emperor Federal Ford General Golden
Grand Great Imperial International King La Las Le Lord Los National New Nobel North Northern Old Olympic Oxford Paris Pope President Prime
Prince Princess Queen Republican Royal Saint South Southern Star Supreme The United West World""".split())
SMALL = set("and da de del di for of the van von".split())


def lines(path):
    return {line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()}


def common_words(texts):
    """Words that are written in lower case more often than with an upper-case letter, within sentences."""
    lower, upper = collections.Counter(), collections.Counter()
    for text in texts:
        for word in re.findall(r"(?<=[a-z,;)] )[^\W\d_]+", text):
            (lower if word.islower() else upper)[word.lower()] += 1
    return {word for word, count in lower.items() if count > upper[word]}


class Lists:
    def __init__(self, folder, common):
        given = {name.capitalize() for name in lines(folder / "names/en-names.txt") if name.isalpha()}
        given |= lines(folder / "names/first-names.txt")
        self.given = {name for name in given if name.lower() not in common} - NO_GIVEN
        self.family = lines(folder / "names/names.txt")
        with open(folder / "world-cities.csv", encoding="utf-8") as file:
            cities = list(csv.DictReader(file))
        regions = {city[column].split(", ")[0] for city in cities for column in ("country", "subcountry") if city[column]}
        self.regions = PLACES | {name for name in regions if name.lower() not in common and name not in NO_GIVEN}
        self.places = self.regions | {city["name"] for city in cities}
        with open(folder / "companies/sp500.csv", encoding="utf-8") as file:
            self.companies = {company["Security"] for company in csv.DictReader(file)}
        self.common = common

    def kind(self, name, bracket):
        """The label of a title, or None if it is not known."""
        words = name.split(" ")
        if bracket:
            kinds = [label for label, known in BRACKETS.items() if known & set(bracket.split(" "))]
            return kinds[0] if len(kinds) == 1 else None
        if not all(word[:1].isupper() or word in SMALL or word == "&" for word in words):
            return None
        several = len(words) > 1
        if name in self.companies or several and (words[-1] in ORG_WORDS or words[0] in ORG_WORDS and " of " in name):
            return "ORG"
        if name in self.places or several and (words[-1] in LOC_WORDS or words[0] in LOC_FIRST):
            return "LOC"
        last = words[-1]
        person = 2 <= len(words) <= 4 and words[0] in self.given and not {"of", "and", "for"} & set(words)
        if person and "," not in name and last.lower() not in self.common and last not in NO_NAMES and re.search("[a-z]", last):
            return "PER"
        return None

    def is_ambiguous(self, name):
        """Whether the name of a place is, without a link, as likely that of a person or a common word."""
        return name not in self.regions and (name in self.given or name in self.family or name.lower() in self.common)


def main(pages, gazetteers, folder):
    pages = pl.scan_parquet(pathlib.Path(pages) / "*.parquet")
    lists = Lists(pathlib.Path(gazetteers), common_words(pages.select("text").collect()["text"]))
    links = pages.select(pl.col("anchors").explode()).unnest("anchors").select("text", "target").drop_nulls().unique().collect()
    titles = set(links["target"]) | set(pages.select("title").collect()["title"])
    names = {"PER": set(), "ORG": set(lists.companies), "LOC": set(lists.regions)}
    for title in titles:
        name, _, bracket = title.removesuffix(")").partition(" (")
        town, _, region = name.rpartition(", ")
        if region in lists.places and town and not bracket:
            # `Springfield, Illinois` is two places; the text of the link is the first.
            if not lists.is_ambiguous(town):
                names["LOC"].add(town)
        elif label := lists.kind(name, bracket):
            if not (label == "LOC" and lists.is_ambiguous(title)):
                names[label].add(title)
    # Texts of links that are not names: common words, and adjectives of places.
    stop = NO_NAMES | {text for text in links["text"] if text[:1].islower()}
    adjective = re.compile(r"[A-Z]\w+(an|ans|ch|ese|i|ic|ish)")
    for text, target in links.iter_rows():
        if target in names["LOC"] and text not in lists.places | {target} and adjective.fullmatch(text):
            stop.add(text)
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, known in {**names, "stop": stop}.items():
        (folder / f"{name}.txt").write_text("".join(f"{line}\n" for line in sorted(known)), encoding="utf-8")
        print(f"{folder / name}.txt: {len(known)} names")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
