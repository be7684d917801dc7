//! Pages with answers to triples: blocks are cut into sentences, sentences asked for each label.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use schemas::{Anchor, Counter, Origin, Page, Query, SegmentView, SpanInput, TripleHeader};
use schemas::{CharSlicer, RowError};

use super::buckets::Buckets;
use crate::gazetteer::word_boundaries::word_boundaries;
use crate::run::work::Triples;
use crate::sentence;
use crate::wikitext::Wiki;

/// A kind of thing that is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    Anchors,
    Mentions,
    Pages,
    Repeats,
    Sentences,
    /// Targets of anchors that redirects are looked up for.
    Targets,
    Texts,
}

impl Thing {
    /// A key of the counters in a manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Anchors => "anchors",
            Self::Mentions => "mentions",
            Self::Pages => "pages",
            Self::Repeats => "repeats",
            Self::Sentences => "sentences",
            Self::Targets => "targets",
            Self::Texts => "texts",
        }
    }
}

/// What is counted on the way.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// By kind of thing.
    pub tallies: BTreeMap<Thing, Counter>,
    /// Names of the gazetteer that were matched, by their number.
    pub names: Vec<u32>,
}

impl Counters {
    /// The count of one kind of thing.
    pub(crate) fn of(&mut self, kind: Thing) -> &mut Counter {
        self.tallies.entry(kind).or_default()
    }
}

/// Which sentences are kept, and where.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Fewest answers of a sentence that is kept.
    pub min_entities: usize,
    /// Longest sentence, in chars.
    pub max_chars: usize,
    /// Most names of a sentence that is kept of which nobody knows what they are.
    pub max_unknown: Option<usize>,
    /// Partitions by number of answers.
    pub buckets: Option<Buckets>,
}

/// The anchors of a block that lead to articles, each with where it lies in the block. The others are counted.
pub(crate) fn links<'p>(block: &SegmentView<'p>, wiki: &Wiki, counters: &mut Counters) -> Vec<(&'p Anchor<'p>, Range<u32>)> {
    let mut articles = Vec::with_capacity(block.anchors.len());
    for (anchor, chars) in block.anchor_ranges() {
        if wiki.is_article(&anchor.target) {
            articles.push((anchor, chars));
        } else {
            counters.of(Thing::Anchors).skip("not to an article");
        }
    }
    articles
}

/// A stretch of a block's text that stays in one sentence.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// Where, in chars of the block.
    pub chars: Range<u32>,
    /// Its label, by its place in the query set; nothing where it is no answer.
    pub label: Option<usize>,
    /// Who says so.
    pub origin: Origin,
    /// What it counts as.
    pub kind: Thing,
    /// Its number in the gazetteer.
    pub name: Option<u32>,
}

impl Answer {
    /// As it is given, in chars of the sentence that begins there.
    fn marked(&self, sentence: u32) -> SpanInput {
        SpanInput { chars: self.chars.start - sentence..self.chars.end - sentence, origin: self.origin, score: None }
    }
}

/// Makes the triples of a page. `find` gives what there is in a block, in order and apart; `known`
/// says of a text that it is no unknown name.
/// Counts `sentences` and, by their kind, the answers that `find` gave, and the names of those that are kept.
pub(crate) fn triples(
    page: &Page<'_>,
    queries: &[Query],
    rules: &Rules,
    counters: &mut Counters,
    find: impl Fn(&SegmentView<'_>, &mut Counters) -> Vec<Answer>,
    known: impl Fn(&str) -> bool,
    triples: &mut Triples,
) -> Result<(), RowError> {
    let mut number = 0;
    let mut id = format!("{}:{}:", page.lang, page.page_id);
    let page_key = id.len();
    let mut here = Vec::new();
    for block in page.segment_views() {
        let block = block?;
        let text = block.text;
        if !block.segment.kind.is_prose() {
            block.anchors.iter().for_each(|_| counters.of(Thing::Anchors).skip("not in a sentence"));
            continue;
        }
        let answers = find(&block, counters);
        let whole: Vec<Range<u32>> = answers.iter().map(|answer| answer.chars.clone()).collect();
        let mut answers = answers.into_iter().peekable();
        for found in sentence::adjust_to_spans(text, block.sentences(), &whole, rules.max_chars)? {
            let sentence = number;
            number += 1;
            let (context, range) = (&text[found.bytes], found.chars);
            here.clear();
            while let Some(answer) = answers.next_if(|answer| answer.chars.end <= range.end) {
                here.push(answer);
            }
            let too_many_unknown = rules.max_unknown.is_some_and(|most| unknown(context, range.start, &here, &known) > most);
            here.retain(|answer| answer.label.is_some());
            let bucket = rules.buckets.as_ref().map_or(Some(0), |buckets| buckets.of(here.len()));
            let covered: usize = here.iter().map(|answer| answer.chars.len()).sum();
            let reason = if here.len() < rules.min_entities {
                Some("fewer answers than --min-entities")
            } else if covered == range.len() {
                Some("nothing but an answer")
            } else if too_many_unknown {
                Some("more unknown names than --max-unknown")
            } else {
                bucket.is_none().then_some("in none of --buckets")
            };
            let (Some(bucket), None) = (bucket, reason) else {
                counters.of(Thing::Sentences).skip(reason.unwrap_or_default());
                here.iter().for_each(|answer| counters.of(answer.kind).skip("sentence left out"));
                continue;
            };
            counters.of(Thing::Sentences).keep();
            for answer in &here {
                counters.of(answer.kind).keep();
                counters.names.extend(answer.name);
            }
            id.truncate(page_key);
            write!(id, "{sentence}:").expect("a string takes all");
            let sentence_key = id.len();
            let triples = triples.entry(bucket).or_default();
            for (label, query) in queries.iter().enumerate() {
                id.truncate(sentence_key);
                id.push_str(&query.label);
                let (doc, lang) = (&page.title, &page.lang);
                let question = TripleHeader { id: &id, doc, sentence, lang, label: &query.label, query: &query.text, context };
                let mine = here.iter().filter(|answer| answer.label == Some(label));
                triples.push(&question, mine.map(|answer| answer.marked(range.start)))?;
            }
        }
    }
    Ok(())
}

/// How many names of a sentence have no label: answers without one, and words outside answers, the first one apart, that begin with an
/// upper-case letter. What begins with a lower-case one is no name.
fn unknown(context: &str, start: u32, answers: &[Answer], known: impl Fn(&str) -> bool) -> usize {
    let mut slicer = CharSlicer::new(context);
    let mut unlabelled = 0;
    for answer in answers.iter().filter(|answer| answer.label.is_none()) {
        let text = slicer.slice(answer.chars.start - start, answer.chars.end - start).expect("answers lie in their sentence");
        unlabelled += usize::from(!text.starts_with(char::is_lowercase) && !known(text));
    }
    let taken: Vec<Range<u32>> = answers.iter().map(|answer| answer.chars.start - start..answer.chars.end - start).collect();
    let mut cuts = Vec::new();
    word_boundaries(context, &mut cuts);
    let (mut at, mut first) = (0, true);
    let unlabelled_words = cuts.windows(2).map(|cut| &context[cut[0]..cut[1]]).filter(|word| {
        let chars = at..at + word.chars().count() as u32;
        at = chars.end;
        let after_first = word.starts_with(char::is_alphanumeric) && !std::mem::take(&mut first);
        after_first && word.starts_with(char::is_uppercase) && !overlaps(&chars, &taken) && !known(word)
    });
    unlabelled + unlabelled_words.count()
}

/// Those of other stretches, which are in order and apart, that share a char with one.
pub(crate) fn overlapping<'o>(chars: &Range<u32>, others: &'o [Range<u32>]) -> impl Iterator<Item = &'o Range<u32>> + use<'o> {
    let next = others.partition_point(|other| other.end <= chars.start);
    let end = chars.end;
    others[next..].iter().take_while(move |other| other.start < end)
}

/// Whether a stretch shares a char with one of others, which are in order and apart.
pub(crate) fn overlaps(chars: &Range<u32>, others: &[Range<u32>]) -> bool {
    overlapping(chars, others).next().is_some()
}
