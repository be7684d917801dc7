//! The invariants of triples.

use std::collections::BTreeMap;

use schemas::Triple;

use super::row_invariants::{RowInvariants, RowProblem};
use crate::corpora::write::sentence_rows::{SentenceRows, is_same_sentence};

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

/// What a slice of triples tells by itself.
pub struct TripleSlice {
    first_row: u64,
    /// Rows of the first and the last sentence, which may go on in the slices beside it.
    head: Vec<Triple>,
    tail: Vec<Triple>,
    /// Number of rows between them.
    whole_rows: u64,
    /// Problems with these.
    problems: Vec<RowProblem>,
    /// Labels and questions of the first whole sentence of each language.
    questions: BTreeMap<String, Vec<(String, String)>>,
}

impl RowInvariants<Triple> for TripleInvariants {
    type Slice = TripleSlice;

    fn check_slice(first_row: u64, rows: Vec<Triple>) -> TripleSlice {
        let SentenceRows { head, whole, tail } = SentenceRows::new(rows);
        let whole_rows = whole.iter().map(|rows| rows.len() as u64).sum();
        let mut invariants = Self::default();
        let mut problems = Vec::new();
        let mut number = first_row + head.len() as u64;
        for row in whole.into_iter().flatten() {
            invariants.check_row(row, &mut |problem| problems.push((number, problem)));
            number += 1;
        }
        invariants.check_end(&mut |problem| problems.push((number, problem)));
        TripleSlice { first_row, head, tail, whole_rows, problems, questions: invariants.questions }
    }

    fn join(&mut self, slice: TripleSlice, problems: &mut Vec<RowProblem>) -> bool {
        let TripleSlice { first_row, head, tail, whole_rows, problems: found, questions } = slice;
        // The sentences of the slice were compared with its first one; they must be with the folder's first.
        if questions.iter().any(|(lang, asked)| self.questions.get(lang) != Some(asked)) {
            return false;
        }
        let tail_row = first_row + head.len() as u64 + whole_rows;
        self.check_all(first_row, head, problems);
        if whole_rows > 0 {
            self.check_end(&mut |problem| problems.push((first_row, problem)));
            problems.extend(found);
        }
        self.check_all(tail_row, tail, problems);
        true
    }

    fn check_rows(&mut self, first_row: u64, rows: Vec<Triple>, problems: &mut Vec<RowProblem>) {
        self.check_all(first_row, rows, problems);
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
    /// Checks rows, the first of which has this number.
    fn check_all(&mut self, first_row: u64, rows: Vec<Triple>, problems: &mut Vec<RowProblem>) {
        for (number, row) in (first_row..).zip(rows) {
            self.check_row(row, &mut |problem| problems.push((number, problem)));
        }
    }

    /// Checks the next row, and reports what does not hold.
    fn check_row(&mut self, row: Triple, report: &mut dyn FnMut(String)) {
        check_spans(&row, report);
        if let Some(first) = self.sentence.first() {
            if !is_same_sentence(first, &row) {
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

    #[test]
    fn slices_tell_what_all_rows_tell() {
        let sentence = |number| vec![triple(number, "A", &[(0, 2), (1, 3)]), triple(number, "B", &[])];
        let sound: Vec<Triple> = (0..12).flat_map(sentence).collect();
        let all = |rows: &[Triple]| {
            let mut invariants = TripleInvariants::default();
            let mut problems = Vec::new();
            invariants.check_rows(0, rows.to_vec(), &mut problems);
            invariants.check_end(&mut |problem| problems.push((rows.len() as u64, problem)));
            problems.into_iter().map(|(_, problem)| problem).collect::<std::collections::BTreeSet<_>>()
        };
        let sliced = |rows: &[Triple], size: usize| {
            let mut invariants = TripleInvariants::default();
            let mut problems = Vec::new();
            for (number, slice) in (0u64..).zip(rows.chunks(size)) {
                let first_row = number * size as u64;
                if !invariants.join(TripleInvariants::check_slice(first_row, slice.to_vec()), &mut problems) {
                    invariants.check_rows(first_row, slice.to_vec(), &mut problems);
                }
            }
            invariants.check_end(&mut |problem| problems.push((rows.len() as u64, problem)));
            problems.into_iter().map(|(_, problem)| problem).collect::<std::collections::BTreeSet<_>>()
        };
        for at in 0..sound.len() {
            let changes: [fn(&mut Vec<Triple>, usize); 6] = [
                |_, _| (),
                |rows, at| rows[at].impossible ^= true,
                |rows, at| rows[at].context.push('x'),
                |rows, at| "C".clone_into(&mut rows[at].label),
                |rows, at| "zh".clone_into(&mut rows[at].lang),
                |rows, at| drop(rows.remove(at)),
            ];
            for change in changes {
                let mut rows = sound.clone();
                change(&mut rows, at);
                for size in [1, 2, 3, 5, 7, 24] {
                    assert_eq!(sliced(&rows, size), all(&rows), "row {at}, slices of {size}");
                }
            }
        }
    }
}
