//! Sentences with their candidates to triples: one triple for each kept sentence and label.

use std::fmt::Write;
use std::ops::Range;

use schemas::{CharSlicer, RowError};
use schemas::{Page, Query, SegmentView, TripleHeader};

use super::buckets::Buckets;
use super::overlap::overlaps;
use super::span_candidate::SpanCandidate;
use super::triple_sink::TripleSink;
use crate::counters::CounterKey;
use crate::gazetteer::word_boundaries::word_boundaries;
use crate::sentence;

/// Which sentences are kept, and in which partition.
#[derive(Debug, Clone)]
pub struct SentenceRules {
    /// Fewest spans of a sentence that is kept.
    pub min_entities: usize,
    /// Most chars of a sentence; a longer one is split.
    pub max_chars: usize,
    /// Whether sentences in which a template vanished are skipped.
    pub no_holes: bool,
    /// Most names of unknown label in a sentence that is kept.
    pub max_unknown: Option<usize>,
    /// Partitions by the number of spans.
    pub buckets: Option<Buckets>,
}

/// How the candidates of a page are found.
pub(super) trait CandidateFinder {
    /// The candidates of a segment, in order and without overlaps. What is skipped is counted in the sink.
    fn find(&self, segment: &SegmentView<'_>, sink: &mut TripleSink) -> Vec<SpanCandidate>;

    /// Whether a text is no name, whatever it looks like.
    fn is_no_name(&self, text: &str) -> bool;
}

/// Makes the triples of a page. Counts `sentences`, and each candidate under its own counter.
///
/// # Errors
/// A page whose segments, sentences or spans do not fit its text.
pub(super) fn page_to_triples(
    page: &Page<'_>,
    queries: &[Query],
    rules: &SentenceRules,
    finder: &impl CandidateFinder,
    sink: &mut TripleSink,
) -> Result<(), RowError> {
    let mut number = 0;
    let mut id = format!("{}:{}:", page.lang, page.page_id);
    let page_id = id.len();
    let mut in_sentence = Vec::new();
    for segment in page.segment_views() {
        let segment = segment?;
        let text = segment.text;
        if !segment.segment.kind.is_prose() {
            segment.anchors.iter().for_each(|_| sink.counters.of(CounterKey::Anchors).skip("not in a sentence"));
            continue;
        }
        let candidates = finder.find(&segment, sink);
        let unsplittable: Vec<Range<u32>> = candidates.iter().map(|candidate| candidate.chars.clone()).collect();
        let mut candidates = candidates.into_iter().peekable();
        for found in sentence::adjust_to_spans(text, segment.sentences(), &unsplittable, rules.max_chars)? {
            let sentence = number;
            number += 1;
            let (context, range) = (&text[found.bytes], found.chars);
            in_sentence.clear();
            while let Some(candidate) = candidates.next_if(|candidate| candidate.chars.end <= range.end) {
                in_sentence.push(candidate);
            }
            let unknown = rules.max_unknown.map(|most| (unknown_names(context, range.start, &in_sentence, finder), most));
            in_sentence.retain(|candidate| match candidate.label {
                Some(label) if label < queries.len() => true,
                Some(_) => {
                    sink.counters.of(candidate.counter).skip("of a label that the query set lacks");
                    sink.matches.extend(candidate.name);
                    false
                }
                None => false,
            });
            let partition = if rules.no_holes && has_hole(page, segment.segment.start, &range) {
                Err("a template vanished")
            } else {
                rules.partition_of(&range, &in_sentence, unknown)
            };
            let partition = match partition {
                Ok(partition) => partition,
                Err(reason) => {
                    sink.counters.of(CounterKey::Sentences).skip(reason);
                    in_sentence.iter().for_each(|span| sink.counters.of(span.counter).skip("sentence skipped"));
                    continue;
                }
            };
            sink.counters.of(CounterKey::Sentences).keep();
            for span in &in_sentence {
                sink.counters.of(span.counter).keep();
                sink.matches.extend(span.name);
            }
            id.truncate(page_id);
            write!(id, "{sentence}:").expect("a string takes all");
            let sentence_id = id.len();
            let triples = sink.partitions.entry(partition).or_default();
            for (label, query) in queries.iter().enumerate() {
                id.truncate(sentence_id);
                id.push_str(&query.label);
                let (doc, lang) = (&page.title, &page.lang);
                let header = TripleHeader { id: &id, doc, sentence, lang, label: &query.label, query: &query.text, context };
                let spans = in_sentence.iter().filter(|span| span.label == Some(label));
                triples.push(&header, spans.map(|span| span.in_sentence(range.start)))?;
            }
        }
    }
    Ok(())
}

/// Whether a template vanished in a sentence, or beside it, of a segment that starts at `start` in the page.
fn has_hole(page: &Page<'_>, start: u32, sentence: &Range<u32>) -> bool {
    let first = page.holes.partition_point(|&hole| hole + 1 < start + sentence.start);
    page.holes.get(first).is_some_and(|&hole| hole <= start + sentence.end)
}

impl SentenceRules {
    /// The partition of a sentence with these spans, or the reason why it is skipped. `unknown`: its names of unknown label, and how many
    /// it may have.
    fn partition_of(&self, chars: &Range<u32>, spans: &[SpanCandidate], unknown: Option<(usize, usize)>) -> Result<usize, &'static str> {
        if spans.len() < self.min_entities {
            return Err("fewer answers than --min-entities");
        }
        let covered: usize = spans.iter().map(|span| span.chars.len()).sum();
        if covered == chars.len() {
            return Err("nothing but an answer");
        }
        if unknown.is_some_and(|(count, most)| count > most) {
            return Err("more unknown names than --max-unknown");
        }
        self.buckets.as_ref().map_or(Some(0), |buckets| buckets.of(spans.len())).ok_or("in none of --buckets")
    }
}

/// Number of names of unknown label in a sentence that starts at `start` in its segment: candidates without a label, and words outside of
/// candidates, except the first one, that begin with an upper-case letter. What begins with a lower-case letter is no name.
fn unknown_names(context: &str, start: u32, candidates: &[SpanCandidate], finder: &impl CandidateFinder) -> usize {
    let mut slicer = CharSlicer::new(context);
    let mut unlabelled = 0;
    for candidate in candidates.iter().filter(|candidate| candidate.label.is_none()) {
        let text = slicer.slice(candidate.chars.start - start, candidate.chars.end - start).expect("candidates lie in their sentence");
        unlabelled += usize::from(!text.starts_with(char::is_lowercase) && !finder.is_no_name(text));
    }
    let taken: Vec<Range<u32>> = candidates.iter().map(|candidate| candidate.chars.start - start..candidate.chars.end - start).collect();
    let mut boundaries = Vec::new();
    word_boundaries(context, &mut boundaries);
    let (mut at, mut is_first) = (0, true);
    let words = boundaries.windows(2).map(|pair| &context[pair[0]..pair[1]]).filter(|word| {
        let chars = at..at + word.chars().count() as u32;
        at = chars.end;
        let is_later = word.starts_with(char::is_alphanumeric) && !std::mem::take(&mut is_first);
        is_later && word.starts_with(char::is_uppercase) && !overlaps(&chars, &taken) && !finder.is_no_name(word)
    });
    unlabelled + words.count()
}
