//! Annotated sentences to triples with gold spans.

use schemas::{Counter, Origin, Query, QuerySet, Span, Triple};

use super::sentence::{AnnotatedEntity, AnnotatedSentence};
use super::tagging::scheme::TaggingScheme;
use super::tagging::violations::SchemeViolations;
use super::tokenization::TokenJoin;

/// Makes the triples of annotated sentences.
#[derive(Debug)]
pub struct GoldTriples<'a> {
    /// The questions: each gives one triple per sentence.
    pub queries: &'a QuerySet,
    /// Labels whose entities are skipped. All others are in the query set.
    pub ignored_labels: &'a [String],
    /// The scheme of the tags.
    pub scheme: TaggingScheme,
    /// The language of the text.
    pub lang: &'a str,
    /// What stands between tokens.
    pub join: TokenJoin,
}

/// What became of entities and questions.
#[derive(Debug)]
pub struct GoldCounts {
    /// Entities read; `out` are those that became spans.
    pub entities: Counter,
    /// Entities whose tags violate the scheme.
    pub repaired: Counter,
    /// The same entities, with their tags.
    pub violations: SchemeViolations,
    /// Questions of the query set that an MRC JSON file does not ask about a sentence.
    pub added_questions: Counter,
    /// Spans of each label, in the order of the query set.
    pub spans_by_label: Vec<u64>,
}

impl GoldCounts {
    /// Zero for each label of a query set.
    pub fn new(queries: &QuerySet) -> Self {
        Self {
            entities: Counter::default(),
            repaired: Counter::default(),
            violations: SchemeViolations::default(),
            added_questions: Counter::default(),
            spans_by_label: vec![0; queries.queries.len()],
        }
    }
}

impl GoldCounts {
    /// Adds the counts of sentences that follow.
    pub fn append(&mut self, other: Self) {
        self.entities.add(&other.entities);
        self.repaired.add(&other.repaired);
        self.violations.append(other.violations);
        self.added_questions.add(&other.added_questions);
        self.spans_by_label.iter_mut().zip(other.spans_by_label).for_each(|(sum, count)| *sum += count);
    }
}

impl GoldTriples<'_> {
    /// The triples of a sentence: one for each label of the query set, in its order. `doc` names the file.
    ///
    /// Spans are in ascending order. An entity of nothing but white space, and a second one of the same range and label, are skipped and
    /// counted. White space at the ends of an entity stays.
    pub fn of_sentence(&self, doc: &str, sentence: AnnotatedSentence, counts: &mut GoldCounts) -> Vec<Triple> {
        let AnnotatedSentence { number, annotation, questions, notes, .. } = sentence;
        notes.dropped.iter().for_each(|dropped| counts.entities.skip(dropped.reason));
        let (context, entities) = annotation.into_text(self.scheme, self.join);
        let mut spans_by_label: Vec<Vec<Span>> = vec![Vec::new(); self.queries.queries.len()];
        for entity in entities {
            self.add_entity((doc, number), &context, entity, &mut spans_by_label, counts);
        }
        if !questions.is_empty() {
            let is_asked = |query: &&Query| questions.iter().any(|(label, _)| *label == query.label);
            let added = self.queries.queries.iter().filter(|query| !is_asked(query)).count();
            (0..added).for_each(|_| counts.added_questions.keep());
        }
        let triple = |(query, spans): (&Query, Vec<Span>)| Triple {
            id: format!("{doc}:{number}:{}", query.label),
            doc: doc.to_owned(),
            sentence: number,
            lang: self.lang.to_owned(),
            label: query.label.clone(),
            query: query.text.clone(),
            context: context.clone(),
            impossible: spans.is_empty(),
            spans,
        };
        self.queries.queries.iter().zip(spans_by_label).map(triple).collect()
    }

    /// Adds an entity to the spans of its label, or counts why it is skipped.
    fn add_entity(
        &self,
        (doc, sentence): (&str, u32),
        context: &str,
        entity: AnnotatedEntity,
        spans_by_label: &mut [Vec<Span>],
        counts: &mut GoldCounts,
    ) {
        let AnnotatedEntity { chars, label, violating_prefixes } = entity;
        if violating_prefixes.is_some() {
            counts.repaired.keep();
        }
        let Some(index) = self.queries.position(&label) else {
            debug_assert!(self.ignored_labels.contains(&label), "the survey refuses other labels");
            counts.entities.skip(&format!("ignored label {label}"));
            return;
        };
        let (start, end) = (chars.start, chars.end);
        let text = schemas::char_slice(context, start, end).expect("readers check that entities lie in their text");
        if text.trim().is_empty() {
            counts.entities.skip("only white space");
            return;
        }
        let spans = &mut spans_by_label[index];
        let at = match spans.binary_search_by_key(&(start, end), |span| (span.start, span.end)) {
            Ok(_) => {
                counts.entities.skip("duplicate");
                return;
            }
            Err(at) => at,
        };
        counts.entities.keep();
        counts.spans_by_label[index] += 1;
        let span = Span { start, end, text: text.to_owned(), origin: Origin::Gold, score: None };
        if let Some(prefixes) = violating_prefixes {
            counts.violations.add((doc, sentence, &label), &span, prefixes);
        }
        spans.insert(at, span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::{Annotation, SentenceNotes};

    fn queries() -> QuerySet {
        let query = |label: &str| Query { label: label.to_owned(), text: format!("{label}?") };
        QuerySet { name: "toy".to_owned(), lang: "en".to_owned(), description: String::new(), queries: vec![query("PER"), query("LOC")] }
    }

    /// The spans of each label as `start-end`, and the counts, of a sentence with these entities.
    fn spans(text: &str, entities: &[(u32, u32, &str)], questions: &[&str]) -> (Vec<String>, GoldCounts) {
        let queries = queries();
        let gold = GoldTriples {
            queries: &queries,
            ignored_labels: &["MISC".to_owned()],
            scheme: TaggingScheme::Bio,
            lang: "en",
            join: TokenJoin::Space,
        };
        let spans = entities.iter().map(|&(start, end, label)| (start..end, label.to_owned())).collect();
        let annotation = Annotation::CharSpans { text: text.to_owned(), spans };
        let questions = questions.iter().map(|label| ((*label).to_owned(), String::new())).collect();
        let mut counts = GoldCounts::new(&queries);
        let sentence = AnnotatedSentence { number: 7, line: 1, annotation, questions, notes: SentenceNotes::default() };
        let triples = gold.of_sentence("a.json", sentence, &mut counts);
        assert_eq!(triples.iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a.json:7:PER", "a.json:7:LOC"]);
        assert!(triples.iter().all(|row| row.context == text && row.impossible == row.spans.is_empty()));
        let of_label = |row: &Triple| {
            let ranges: Vec<String> = row.spans.iter().map(|span| format!("{}-{}", span.start, span.end)).collect();
            ranges.join(" ")
        };
        (triples.iter().map(of_label).collect(), counts)
    }

    #[test]
    fn spans_are_sorted_by_label_and_offset() {
        let (found, counts) = spans("Ada met Bo in Oslo", &[(14, 18, "LOC"), (8, 10, "PER"), (0, 10, "PER"), (0, 3, "PER")], &[]);
        assert_eq!(found, ["0-3 0-10 8-10", "14-18"]);
        assert_eq!(counts.spans_by_label, [3, 1]);
    }

    #[test]
    fn skipped_entities_are_counted() {
        let (found, counts) = spans("Ada met  Bo", &[(0, 3, "PER"), (0, 3, "PER"), (7, 9, "PER"), (9, 11, "MISC")], &[]);
        assert_eq!(found, ["0-3", ""]);
        assert_eq!(counts.entities.to_string(), "4 in, 1 out, 3 skipped (duplicate 1, ignored label MISC 1, only white space 1)");
    }

    #[test]
    fn questions_that_a_file_does_not_ask_are_counted() {
        assert_eq!(spans("Ada", &[], &["PER"]).1.added_questions.out, 1);
        assert_eq!(spans("Ada", &[], &["LOC", "PER"]).1.added_questions.out, 0);
        assert_eq!(spans("Ada", &[], &[]).1.added_questions.out, 0, "formats without questions");
    }
}
