//! Stage 2: links and names in the text are answers of the labels that gazetteers give them.

use std::ops::Range;

use schemas::{Anchor, Origin, Page, Query, Triple};

use super::label::{self, Answer, Block, Counters, Rules, overlaps};
use crate::cli::Matching;
use crate::gazetteer::{Found, Gazetteer};
use crate::wikitext::{Wiki, title_surface};

/// How labels are found.
pub(super) struct Labeller<'a> {
    /// The names.
    pub gazetteer: &'a Gazetteer,
    /// Where they are looked for.
    pub matching: Matching,
}

/// The triples of a page. Counts `sentences`, `anchors` and `mentions`, each to its last one.
pub(super) fn triples(
    page: &Page,
    wiki: &Wiki,
    queries: &[Query],
    labeller: &Labeller<'_>,
    rules: &Rules,
    counters: &mut Counters,
) -> Vec<(usize, Triple)> {
    let find = |block: &Block<'_>, counters: &mut Counters| {
        let links = block.links(wiki, counters);
        if labeller.matching == Matching::Mentions {
            links.iter().for_each(|_| counters.of("anchors").skip("not asked for"));
            return labeller.mentions(block, &[], counters);
        }
        let mut answers: Vec<Answer> = links
            .into_iter()
            .map(|(anchor, chars)| labeller.answer(chars, labeller.gazetteer.look_up(ways_to_name(anchor)), "anchors", counters))
            .collect();
        if labeller.matching == Matching::Both {
            // A link that no gazetteer knows is still the name of something else than what stands inside.
            let links: Vec<Range<u32>> = answers.iter().map(|answer| answer.chars.clone()).collect();
            answers.extend(labeller.mentions(block, &links, counters));
            answers.sort_unstable_by_key(|answer| answer.chars.start);
        }
        answers
    };
    label::triples(page, queries, rules, counters, find)
}

impl Labeller<'_> {
    fn mentions(&self, block: &Block<'_>, taken: &[Range<u32>], counters: &mut Counters) -> Vec<Answer> {
        let mentions = self.gazetteer.mentions(block.text, |chars| !overlaps(chars, taken));
        mentions.into_iter().map(|(chars, found)| self.answer(chars, Some(found), "mentions", counters)).collect()
    }

    fn answer(&self, chars: Range<u32>, found: Option<Found>, kind: &'static str, counters: &mut Counters) -> Answer {
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
fn ways_to_name(anchor: &Anchor) -> impl Iterator<Item = &str> {
    let target = anchor.fragment.is_none().then_some(anchor.target.as_str());
    let bare = target.map(title_surface).filter(|&bare| Some(bare) != target);
    target.into_iter().chain(bare).chain(Some(anchor.text.as_str()).filter(|&text| Some(text) != target))
}
