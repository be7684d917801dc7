//! Stage 2: links and names in the text are answers of the labels that gazetteers give them.

use std::ops::Range;

use schemas::RowError;
use schemas::{Anchor, Origin, Page, Query, SegmentView};

use super::repeats::{Named, Repeats, family_name};
use super::sentences::{self, Answer, Counters, Rules, Thing, overlapping, overlaps};
use crate::gazetteer::{Gazetteer, TypedName};
use crate::run::work::Triples;
use crate::wikitext::{WikitextExtractor, strip_disambiguator};

/// Where names of gazetteers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Matching {
    /// Links, by their targets and texts.
    Anchors,
    /// Anywhere in the text; links are ignored.
    Mentions,
    /// Links, and the text between them.
    Both,
}

/// How labels are found.
pub(crate) struct Labeller<'a> {
    /// The names.
    pub gazetteer: &'a Gazetteer,
    /// Where they are looked for.
    pub matching: Matching,
    /// Which later mentions of names are answers too; nothing where none are.
    pub repeats: Option<RepeatRules>,
}

/// Which later mentions are looked for.
pub(crate) struct RepeatRules {
    /// The label whose names are also said by their last word.
    pub family: Option<usize>,
}

/// The triples of a page. Counts `sentences`, `anchors`, `repeats` and `mentions`, each to its last one.
pub(crate) fn triples(
    page: &Page<'_>,
    extractor: &WikitextExtractor,
    queries: &[Query],
    labeller: &Labeller<'_>,
    rules: &Rules,
    counters: &mut Counters,
    triples: &mut Triples,
) -> Result<(), RowError> {
    let repeats = labeller.repeats.as_ref().map(|rules| labeller.named_again(page, extractor, rules));
    let find = |block: &SegmentView<'_>, counters: &mut Counters| {
        let links = sentences::links(block, extractor.wiki(), counters);
        if labeller.matching == Matching::Mentions {
            links.iter().for_each(|_| counters.of(Thing::Anchors).skip("not asked for"));
            let mentions = labeller.gazetteer.find_mentions(block.text, |_| true).into_iter();
            return mentions.map(|(chars, found)| labeller.answer(chars, Some(found), Thing::Mentions, counters)).collect();
        }
        let mut answers: Vec<Answer> =
            links.into_iter().map(|(anchor, chars)| labeller.answer(chars, labeller.look_up(anchor), Thing::Anchors, counters)).collect();
        // A link that no gazetteer knows is still the name of something else than what stands inside.
        let links: Vec<Range<u32>> = answers.iter().map(|answer| answer.chars.clone()).collect();
        let mut mentions = match labeller.matching {
            Matching::Both => labeller.gazetteer.find_mentions(block.text, |chars| !overlaps(chars, &links)),
            _ => Vec::new(),
        };
        if let Some(repeats) = &repeats {
            let mut found = repeats.find(block);
            // Of a later mention and a name in the text the longer one counts, of equal ones what the page says.
            let longer: Vec<Range<u32>> = mentions.iter().map(|(chars, _)| chars.clone()).collect();
            found.retain(|(chars, _)| overlapping(chars, &longer).all(|other| other.len() <= chars.len()));
            let taken: Vec<Range<u32>> = found.iter().map(|(chars, _)| chars.clone()).collect();
            mentions.retain(|(chars, _)| !overlaps(chars, &taken));
            let later = |(chars, label)| Answer { chars, label: Some(label), origin: Origin::Repeat, kind: Thing::Repeats, name: None };
            answers.extend(found.into_iter().map(later));
        }
        answers.extend(mentions.into_iter().map(|(chars, found)| labeller.answer(chars, Some(found), Thing::Mentions, counters)));
        answers.sort_unstable_by_key(|answer| answer.chars.start);
        answers
    };
    sentences::triples(page, queries, rules, counters, find, |text| labeller.gazetteer.is_stop_name(text), triples)
}

impl Labeller<'_> {
    /// What the page links and is named by, as far as gazetteers know it.
    fn named_again(&self, page: &Page<'_>, extractor: &WikitextExtractor, rules: &RepeatRules) -> Repeats {
        let title = extractor.convert_title(strip_disambiguator(&page.title));
        // The page says its own title in bold, without a link.
        let own = self.gazetteer.look_up([&*page.title, &title]).and_then(|found| found.label);
        let own = own.map(|label| Named { text: &title, from: 0, label });
        let links = page.anchors.iter().filter(|anchor| extractor.wiki().is_article(&anchor.target));
        let links = links.filter_map(|anchor| {
            let label = self.look_up(anchor)?.label?;
            Some(Named { text: &anchor.text, from: anchor.end, label })
        });
        let with_family = own.into_iter().chain(links).flat_map(|named| {
            let family = family_name(named.text).filter(|_| rules.family == Some(named.label));
            [Some(named.text), family].into_iter().flatten().map(move |text| Named { text, ..named })
        });
        Repeats::new(with_family.filter(|named| !self.gazetteer.is_stop_name(named.text)))
    }

    fn look_up(&self, anchor: &Anchor<'_>) -> Option<TypedName> {
        if self.gazetteer.is_stop_name(&anchor.text) { None } else { self.gazetteer.look_up(ways_to_name(anchor)) }
    }

    fn answer(&self, chars: Range<u32>, found: Option<TypedName>, kind: Thing, counters: &mut Counters) -> Answer {
        let label = found.and_then(|found| found.label);
        if label.is_none() {
            let reason = if found.is_some() { "of several labels" } else { "in no gazetteer" };
            counters.of(kind).skip(reason);
            counters.names.extend(found.map(|found| found.name));
        }
        Answer { chars, label, origin: Origin::Gazetteer, kind, name: found.map(|found| found.name) }
    }
}

/// What a link may be called in a gazetteer, the surest first. A link to a section is about something else than its article.
fn ways_to_name<'a>(anchor: &'a Anchor<'_>) -> impl Iterator<Item = &'a str> {
    let target = anchor.fragment.is_none().then_some(&*anchor.target);
    let bare = target.map(strip_disambiguator).filter(|&bare| Some(bare) != target);
    target.into_iter().chain(bare).chain(Some(&*anchor.text).filter(|&text| Some(text) != target))
}
