//! The invariants of triples.

use std::collections::BTreeMap;

use schemas::Triple;

use super::row_invariants::RowInvariants;

/// Checks triples:
///
/// - `impossible` is true exactly where there is no span; spans are in ascending order of (start, end), without duplicates; scores are
///   from 0 to 1;
/// - the rows of a sentence (document and number) follow each other, share context and language, and have distinct ids;
/// - every sentence has the labels and questions of the first sentence of its language, in the same order.
#[derive(Debug, Default)]
pub struct TripleInvariants {
    /// The rows of the current sentence.
    sentence: Vec<Triple>,
    /// Labels and questions of the first sentence of each language.
    questions: BTreeMap<String, Vec<(String, String)>>,
    /// Whether rows of the current sentence may be missing.
    is_incomplete: bool,
}

impl RowInvariants<Triple> for TripleInvariants {
    fn check_row(&mut self, row: Triple, report: &mut dyn FnMut(String)) {
        check_spans(&row, report);
        if let Some(first) = self.sentence.first() {
            if (&first.doc, first.sentence) != (&row.doc, row.sentence) {
                self.end_sentence(report);
            } else if first.context != row.context || first.lang != row.lang {
                report(format!("{}: context or language differs from that of {}, the same sentence", row.id, first.id));
            }
        }
        if let Some(other) = self.sentence.iter().find(|other| other.id == row.id) {
            report(format!("id {} is used twice", other.id));
        }
        self.sentence.push(row);
    }

    fn rows_missing(&mut self) {
        self.sentence.clear();
        self.is_incomplete = true;
    }

    fn check_end(&mut self, report: &mut dyn FnMut(String)) {
        if !self.sentence.is_empty() {
            self.end_sentence(report);
        }
    }
}

fn check_spans(row: &Triple, report: &mut dyn FnMut(String)) {
    if row.impossible != row.spans.is_empty() {
        report(format!("{}: impossible is {} with {} spans", row.id, row.impossible, row.spans.len()));
    }
    for pair in row.spans.windows(2) {
        if (pair[0].start, pair[0].end) >= (pair[1].start, pair[1].end) {
            report(format!("{}: span {}..{} is not after {}..{}", row.id, pair[1].start, pair[1].end, pair[0].start, pair[0].end));
        }
    }
    for score in row.spans.iter().filter_map(|span| span.score) {
        if !(0.0..=1.0).contains(&score) {
            report(format!("{}: score {score} is not between 0 and 1", row.id));
        }
    }
}

impl TripleInvariants {
    fn end_sentence(&mut self, report: &mut dyn FnMut(String)) {
        let sentence = std::mem::take(&mut self.sentence);
        if std::mem::take(&mut self.is_incomplete) {
            return;
        }
        let lang = &sentence[0].lang;
        let Some(expected) = self.questions.get(lang) else {
            self.questions.insert(lang.clone(), sentence.into_iter().map(|row| (row.label, row.query)).collect());
            return;
        };
        let is_same = sentence.len() == expected.len()
            && sentence.iter().zip(expected).all(|(row, (label, query))| row.label == *label && row.query == *query);
        if !is_same {
            let found: Vec<&str> = sentence.iter().map(|row| row.label.as_str()).collect();
            let expected: Vec<&str> = expected.iter().map(|(label, _)| label.as_str()).collect();
            report(format!(
                "{}: the sentence has labels [{}], expected [{}] as in the first of its language, in this order and with the same questions",
                sentence[0].id,
                found.join(" "),
                expected.join(" "),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use schemas::{Origin, Span};

    use super::*;

    fn problems(rows: Vec<Triple>) -> String {
        let mut problems = Vec::new();
        let mut invariants = TripleInvariants::default();
        for row in rows {
            invariants.check_row(row, &mut |problem| problems.push(problem));
        }
        invariants.check_end(&mut |problem| problems.push(problem));
        problems.join("; ")
    }

    fn span(start: u32, end: u32) -> Span {
        Span { start, end, text: String::new(), origin: Origin::Gold, score: None }
    }

    fn triple(sentence: u32, label: &str, spans: &[(u32, u32)]) -> Triple {
        let spans: Vec<Span> = spans.iter().map(|&(start, end)| span(start, end)).collect();
        Triple {
            id: format!("d:{sentence}:{label}"),
            doc: "d".to_owned(),
            sentence,
            label: label.to_owned(),
            context: format!("sentence {sentence}"),
            impossible: spans.is_empty(),
            spans,
            ..Triple::default()
        }
    }

    #[test]
    fn invariants_of_triples() {
        let sentence = |number| vec![triple(number, "A", &[(0, 2), (1, 3)]), triple(number, "B", &[])];
        let with = |change: fn(&mut Triple)| {
            let mut rows = [sentence(0), sentence(1)].concat();
            change(&mut rows[2]);
            rows
        };
        let order = "the sentence has labels";
        for (rows, expected) in [
            (vec![], ""),
            (with(|_| ()), ""),
            (with(|row| row.impossible = true), "d:1:A: impossible is true with 2 spans"),
            (with(|row| row.spans.swap(0, 1)), "d:1:A: span 0..2 is not after 1..3"),
            (with(|row| row.spans[1] = row.spans[0].clone()), "d:1:A: span 0..2 is not after 0..2"),
            (with(|row| row.spans[0].score = Some(1.5)), "d:1:A: score 1.5 is not between 0 and 1"),
            (with(|row| row.context.clear()), "d:1:B: context or language differs from that of d:1:A, the same sentence"),
            (with(|row| "d:1:B".clone_into(&mut row.id)), "id d:1:B is used twice"),
            (with(|row| "C".clone_into(&mut row.label)), order),
            (with(|row| "why?".clone_into(&mut row.query)), order),
            ([sentence(0), sentence(1)[..1].to_vec()].concat(), order),
            // Each language has its own questions.
            ([sentence(0), sentence(1)[..1].iter().map(|row| Triple { lang: "zh".to_owned(), ..row.clone() }).collect()].concat(), ""),
        ] {
            let found = problems(rows);
            assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{found:?}, expected {expected:?}");
        }
    }

    #[test]
    fn a_sentence_cut_by_a_missing_shard_is_no_second_problem() {
        let mut invariants = TripleInvariants::default();
        let mut problems = Vec::new();
        let rows = |number| ["A", "B"].map(|label| triple(number, label, &[]));
        for row in rows(0).into_iter().chain(rows(1).into_iter().take(1)) {
            invariants.check_row(row, &mut |problem| problems.push(problem));
        }
        invariants.rows_missing();
        for row in rows(8).into_iter().skip(1).chain(rows(9)) {
            invariants.check_row(row, &mut |problem| problems.push(problem));
        }
        invariants.check_end(&mut |problem| problems.push(problem));
        assert!(problems.is_empty(), "{problems:?}");
    }
}
