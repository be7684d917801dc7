//! Stage 1 (ESI, entity span identification): every link to an article is a span, all of one label. Optionally later mentions of what is
//! linked are spans too.

use schemas::RowError;
use schemas::{Origin, Page, Query, SegmentView};

use super::repeats::{KnownName, RepeatFinder};
use super::sentences::{CandidateFinder, SentenceRules, page_to_triples};
use super::span_candidate::{SpanCandidate, article_links};
use super::triple_sink::TripleSink;
use crate::counters::CounterKey;
use crate::wikitext::{Wiki, WikitextExtractor, strip_disambiguator};

/// Makes the triples of a page. Counts `sentences`, `anchors` and `repeats`.
///
/// # Errors
/// A page whose segments, sentences or anchors do not fit its text.
pub fn label_page(
    page: &Page<'_>,
    extractor: &WikitextExtractor,
    query: &Query,
    repeat_mentions: bool,
    rules: &SentenceRules,
    sink: &mut TripleSink,
) -> Result<(), RowError> {
    let finder = LinkFinder { wiki: extractor.wiki(), repeats: repeat_mentions.then(|| repeats(page, extractor)) };
    page_to_triples(page, std::slice::from_ref(query), rules, &finder, sink)
}

/// Finds the links of a page, and what repeats them.
struct LinkFinder<'a> {
    wiki: &'a Wiki,
    repeats: Option<RepeatFinder>,
}

impl CandidateFinder for LinkFinder<'_> {
    fn find(&self, segment: &SegmentView<'_>, sink: &mut TripleSink) -> Vec<SpanCandidate> {
        let span = |chars, origin, counter| SpanCandidate { chars, label: Some(0), origin, counter, name: None };
        let links = article_links(segment, self.wiki, &mut sink.counters).into_iter();
        let mut spans: Vec<SpanCandidate> = links.map(|(_, chars)| span(chars, Origin::Anchor, CounterKey::Anchors)).collect();
        if let Some(repeats) = &self.repeats {
            spans.extend(repeats.find(segment).into_iter().map(|(chars, _)| span(chars, Origin::Repeat, CounterKey::Repeats)));
            spans.sort_unstable_by_key(|span| span.chars.start);
        }
        spans
    }

    fn is_no_name(&self, _: &str) -> bool {
        true
    }
}

/// Finds later mentions of the links, and of the title: the page mentions its own title in bold, without a link.
fn repeats(page: &Page<'_>, extractor: &WikitextExtractor) -> RepeatFinder {
    let title = extractor.convert_title(strip_disambiguator(&page.title));
    let links = page.anchors.iter().filter(|anchor| extractor.wiki().is_article(&anchor.target));
    let links = links.map(|anchor| KnownName { text: &anchor.text, from: anchor.end, label: 0 });
    RepeatFinder::new(&page.lang, 1, [KnownName { text: &title, from: 0, label: 0 }].into_iter().chain(links))
}
