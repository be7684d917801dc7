//! Stage 2 (NEE, named entity extraction): links and names in the text are spans of the labels that gazetteers give them.

use std::ops::Range;

use schemas::RowError;
use schemas::{Anchor, Origin, Page, Query, SegmentView, char_slice};
use serde::Serialize;

use super::overlap::{overlapping, overlaps};
use super::repeats::{KnownName, RepeatFinder};
use super::sentences::{CandidateFinder, SentenceRules, page_to_triples};
use super::span_candidate::{SpanCandidate, article_links};
use super::triple_sink::TripleSink;
use crate::counters::CounterKey;
use crate::gazetteer::family_name::family_name;
use crate::gazetteer::{Gazetteer, LabelledName};
use crate::wikitext::{Wiki, WikitextExtractor, strip_disambiguator};

/// Where names of gazetteers are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MatchIn {
    /// Links, by their targets and texts.
    Anchors,
    /// Anywhere in the text; links are ignored.
    Mentions,
    /// Links, and the text between them.
    Both,
}

/// How links and mentions get their labels.
pub struct GazetteerLabeller<'a> {
    /// The names.
    pub gazetteer: &'a Gazetteer,
    /// Where they are looked for.
    pub matching: MatchIn,
    /// How later mentions of names are found; `None`: not at all.
    pub repeats: Option<RepeatSettings>,
}

/// How later mentions are found.
#[derive(Debug, Clone, Copy)]
pub struct RepeatSettings {
    /// Label of the names that are repeated by their last word too: the family names of persons.
    pub family_label: Option<usize>,
}

/// Makes the triples of a page. Counts `sentences`, `anchors`, `repeats` and `mentions`.
///
/// # Errors
/// A page whose segments, sentences or anchors do not fit its text.
pub fn label_page(
    page: &Page<'_>,
    extractor: &WikitextExtractor,
    queries: &[Query],
    labeller: &GazetteerLabeller<'_>,
    rules: &SentenceRules,
    sink: &mut TripleSink,
) -> Result<(), RowError> {
    let repeats = labeller.repeats.map(|settings| labeller.repeat_finder(page, extractor, settings, queries.len()));
    page_to_triples(page, queries, rules, &NameFinder { labeller, wiki: extractor.wiki(), repeats }, sink)
}

/// Finds the names in a page.
struct NameFinder<'a> {
    labeller: &'a GazetteerLabeller<'a>,
    wiki: &'a Wiki,
    repeats: Option<RepeatFinder>,
}

impl CandidateFinder for NameFinder<'_> {
    fn find(&self, segment: &SegmentView<'_>, sink: &mut TripleSink) -> Vec<SpanCandidate> {
        let labeller = self.labeller;
        let links = article_links(segment, self.wiki, &mut sink.counters);
        if labeller.matching == MatchIn::Mentions {
            links.iter().for_each(|_| sink.counters.of(CounterKey::Anchors).skip("not asked for"));
            let mentions = labeller.gazetteer.find_mentions(segment.text, |_| true).into_iter();
            return mentions.map(|(chars, found)| labeller.candidate(chars, Some(found), CounterKey::Mentions, sink)).collect();
        }
        let mut candidates: Vec<SpanCandidate> = links
            .into_iter()
            .map(|(anchor, chars)| {
                let found = labeller.look_up(anchor);
                // Of `Springfield, Illinois` the link names the first; the rest is text like any other.
                let name_chars = found.and_then(|found| found.name_chars).map_or(chars.clone(), |name| chars.start..chars.start + name);
                labeller.candidate(name_chars, found, CounterKey::Anchors, sink)
            })
            .collect();
        // A link that no gazetteer knows is the name of something still: names inside it are not looked for.
        let links: Vec<Range<u32>> = candidates.iter().map(|link| link.chars.clone()).collect();
        let mut mentions = match labeller.matching {
            MatchIn::Both => labeller.gazetteer.find_mentions(segment.text, |chars| !overlaps(chars, &links)),
            _ => Vec::new(),
        };
        if let Some(repeats) = &self.repeats {
            let mut repeated = repeats.find(segment);
            // Where a later mention overlaps a name in the text, the longer one is taken; of equal ones the later mention.
            let named: Vec<Range<u32>> = mentions.iter().map(|(chars, _)| chars.clone()).collect();
            repeated.retain(|(chars, _)| overlapping(chars, &named).all(|name| name.len() <= chars.len()));
            let taken: Vec<Range<u32>> = repeated.iter().map(|(chars, _)| chars.clone()).collect();
            mentions.retain(|(chars, _)| !overlaps(chars, &taken));
            let repeated = repeated.into_iter().map(|(chars, label)| SpanCandidate {
                chars,
                label: Some(label),
                origin: Origin::Repeat,
                counter: CounterKey::Repeats,
                name: None,
            });
            candidates.extend(repeated);
        }
        let mentions = mentions.into_iter().map(|(chars, found)| labeller.candidate(chars, Some(found), CounterKey::Mentions, sink));
        candidates.extend(mentions);
        candidates.sort_unstable_by_key(|candidate| candidate.chars.start);
        candidates
    }

    fn is_no_name(&self, text: &str) -> bool {
        self.labeller.gazetteer.is_stop_name(text)
    }
}

impl GazetteerLabeller<'_> {
    /// Finds later mentions of the links and the title, as far as gazetteers know them. `labels` is the number of labels of the query set.
    fn repeat_finder(&self, page: &Page<'_>, extractor: &WikitextExtractor, settings: RepeatSettings, labels: usize) -> RepeatFinder {
        let title = extractor.convert_title(strip_disambiguator(&page.title));
        // The page mentions its own title in bold, without a link.
        let title_label = self.gazetteer.look_up_link(Some(&page.title), &title).and_then(|found| found.label);
        let title = title_label.map(|label| KnownName { text: &title, from: 0, label });
        let links = page.anchors.iter().filter(|anchor| extractor.wiki().is_article(&anchor.target));
        let links = links.filter_map(|anchor| {
            let found = self.look_up(anchor)?;
            let text = found.name_chars.and_then(|chars| char_slice(&anchor.text, 0, chars)).unwrap_or(&anchor.text);
            Some(KnownName { text, from: anchor.end, label: found.label? })
        });
        let names = title.into_iter().chain(links).flat_map(|name| {
            let family = family_name(name.text).filter(|_| settings.family_label == Some(name.label));
            [Some(name.text), family].into_iter().flatten().map(move |text| KnownName { text, ..name })
        });
        RepeatFinder::new(&page.lang, labels, names.filter(|name| !self.gazetteer.is_stop_name(name.text)))
    }

    fn look_up(&self, anchor: &Anchor<'_>) -> Option<LabelledName> {
        // A link to a section is not about its page.
        let target = anchor.fragment.is_none().then_some(&*anchor.target);
        if self.gazetteer.is_stop_name(&anchor.text) { None } else { self.gazetteer.look_up_link(target, &anchor.text) }
    }

    /// A candidate with the label that was found for it. Counts it as skipped if there is none.
    fn candidate(&self, chars: Range<u32>, found: Option<LabelledName>, counter: CounterKey, sink: &mut TripleSink) -> SpanCandidate {
        let label = found.and_then(|found| found.label);
        if label.is_none() {
            sink.counters.of(counter).skip(if found.is_some() { "of several labels" } else { "in no gazetteer" });
            sink.matches.extend(found.map(|found| found.name));
        }
        SpanCandidate { chars, label, origin: Origin::Gazetteer, counter, name: found.map(|found| found.name) }
    }
}
