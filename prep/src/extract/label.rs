//! Pages to triples of stage 1: every link to an article is an answer, one label.

use std::collections::BTreeMap;

use schemas::row::CharSlicer;
use schemas::{Origin, Page, Query, SegmentKind, Span, Tally, Triple};

use crate::sentence;
use crate::wikitext::Wiki;

/// What shapes the triples of a page.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Fewest answers of a sentence that is kept.
    pub min_entities: usize,
    /// Longest sentence, in chars.
    pub max_chars: usize,
}

/// The triples of a page. Counts `sentences` and `anchors`, each to its last one.
pub fn esi(page: &Page, wiki: &Wiki, query: &Query, rules: Rules, counters: &mut BTreeMap<&'static str, Tally>) -> Vec<Triple> {
    let mut triples = Vec::new();
    let mut number = 0;
    let mut slicer = CharSlicer::new(&page.text);
    let mut anchors = page.anchors.as_slice();
    for segment in &page.segments {
        let count = anchors.partition_point(|anchor| anchor.end <= segment.end);
        let (here, rest) = anchors.split_at(count);
        anchors = rest;
        let tally = counters.entry("anchors").or_default();
        if !matches!(segment.kind, SegmentKind::Paragraph | SegmentKind::List | SegmentKind::Caption) {
            here.iter().for_each(|_| tally.skip("not in a sentence"));
            continue;
        }
        let spans: Vec<Span> = here
            .iter()
            .filter(|anchor| {
                let article = wiki.is_article(&anchor.target);
                if !article {
                    tally.skip("not to an article");
                }
                article
            })
            .map(|anchor| Span {
                start: anchor.start - segment.start,
                end: anchor.end - segment.start,
                text: anchor.text.clone(),
                origin: Origin::Anchor,
                score: None,
            })
            .collect();
        let text = slicer.slice(segment.start, segment.end).expect("segments lie in the text");
        let ranges: Vec<_> = spans.iter().map(|span| span.start..span.end).collect();
        let mut spans = spans.into_iter().peekable();
        let mut context = CharSlicer::new(text);
        for range in sentence::split(&page.lang, text, &ranges, rules.max_chars) {
            let mut answers = Vec::new();
            while let Some(mut span) = spans.next_if(|span| span.end <= range.end) {
                (span.start, span.end) = (span.start - range.start, span.end - range.start);
                answers.push(span);
            }
            let sentence = number;
            number += 1;
            let covered: u32 = answers.iter().map(|span| span.end - span.start).sum();
            let reason = if answers.len() < rules.min_entities {
                Some("fewer answers than --min-entities")
            } else if covered == range.end - range.start {
                Some("nothing but an answer")
            } else {
                None
            };
            if let Some(reason) = reason {
                counters.entry("sentences").or_default().skip(reason);
                answers.iter().for_each(|_| counters.entry("anchors").or_default().skip("sentence left out"));
                continue;
            }
            counters.entry("sentences").or_default().keep();
            answers.iter().for_each(|_| counters.entry("anchors").or_default().keep());
            triples.push(Triple {
                id: format!("{}:{}:{sentence}:{}", page.lang, page.page_id, query.label),
                doc: page.title.clone(),
                sentence,
                lang: page.lang.clone(),
                label: query.label.clone(),
                query: query.text.clone(),
                context: context.slice(range.start, range.end).expect("sentences lie in their block").to_owned(),
                impossible: answers.is_empty(),
                spans: answers,
            });
        }
    }
    triples
}
