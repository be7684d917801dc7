//! What must hold in rows beyond [`Row::check`].

use std::collections::BTreeMap;

use schemas::CharSlicer;
use schemas::{Page, Row, Triple};

/// Looks at the rows of a folder one after the other.
pub trait Check<R: Row> {
    /// Looks at the next row and reports what does not hold.
    fn row(&mut self, row: R, fault: &mut dyn FnMut(String));
    /// Takes note that rows are missing here.
    fn gap(&mut self);
    /// Looks at what only the end can tell.
    fn end(&mut self, fault: &mut dyn FnMut(String));
}

/// Triples:
///
/// - `impossible` just where there is no span; spans in ascending order of (start, end), none twice; scores from 0 to 1;
/// - the rows of a sentence (doc and number) follow each other and share context and language, each with its own id;
/// - every sentence has the labels of the first one of its language in the same order, with the same questions.
#[derive(Debug, Default)]
pub struct TripleCheck {
    sentence: Vec<Triple>,
    /// Labels and questions of the first sentence of each language.
    asked: BTreeMap<String, Vec<(String, String)>>,
    /// Whether rows of this sentence may be missing.
    torn: bool,
}

impl Check<Triple> for TripleCheck {
    fn row(&mut self, row: Triple, fault: &mut dyn FnMut(String)) {
        if row.impossible != row.spans.is_empty() {
            fault(format!("{}: impossible is {} with {} spans", row.id, row.impossible, row.spans.len()));
        }
        for pair in row.spans.windows(2) {
            if (pair[0].start, pair[0].end) >= (pair[1].start, pair[1].end) {
                fault(format!("{}: span {}..{} is not after {}..{}", row.id, pair[1].start, pair[1].end, pair[0].start, pair[0].end));
            }
        }
        for score in row.spans.iter().filter_map(|span| span.score) {
            if !(0.0..=1.0).contains(&score) {
                fault(format!("{}: score {score} is not between 0 and 1", row.id));
            }
        }
        if let Some(first) = self.sentence.first() {
            if (&first.doc, first.sentence) != (&row.doc, row.sentence) {
                self.end_sentence(fault);
            } else if first.context != row.context || first.lang != row.lang {
                fault(format!("{}: context or language differs from that of {}, the same sentence", row.id, first.id));
            }
        }
        if let Some(other) = self.sentence.iter().find(|other| other.id == row.id) {
            fault(format!("id {} comes twice", other.id));
        }
        self.sentence.push(row);
    }

    fn gap(&mut self) {
        self.sentence.clear();
        self.torn = true;
    }

    fn end(&mut self, fault: &mut dyn FnMut(String)) {
        if !self.sentence.is_empty() {
            self.end_sentence(fault);
        }
    }
}

impl TripleCheck {
    fn end_sentence(&mut self, fault: &mut dyn FnMut(String)) {
        let sentence = std::mem::take(&mut self.sentence);
        if std::mem::take(&mut self.torn) {
            return;
        }
        let lang = &sentence[0].lang;
        let Some(asked) = self.asked.get(lang) else {
            self.asked.insert(lang.clone(), sentence.into_iter().map(|row| (row.label, row.query)).collect());
            return;
        };
        let same = sentence.len() == asked.len()
            && sentence.iter().zip(asked).all(|(row, (label, query))| row.label == *label && row.query == *query);
        if !same {
            let labels = |labels: Vec<&str>| labels.join(" ");
            fault(format!(
                "{}: the sentence is asked for [{}], expected [{}] as in the first of its language, in this order and with the same questions",
                sentence[0].id,
                labels(sentence.iter().map(|row| row.label.as_str()).collect()),
                labels(asked.iter().map(|(label, _)| label.as_str()).collect()),
            ));
        }
    }
}

/// Pages: anchors in order and apart; nothing but line feeds between segments.
#[derive(Debug)]
pub struct PageCheck;

impl Check<Page<'_>> for PageCheck {
    fn row(&mut self, row: Page<'_>, fault: &mut dyn FnMut(String)) {
        for pair in row.anchors.windows(2) {
            if pair[1].start < pair[0].end {
                fault(format!(
                    "{}: anchor {}..{} begins before {}..{} ends",
                    row.title, pair[1].start, pair[1].end, pair[0].start, pair[0].end
                ));
            }
        }
        let chars = u32::try_from(row.text.chars().count()).unwrap_or(u32::MAX);
        let mut slicer = CharSlicer::new(&row.text);
        let mut at = 0;
        for (start, end) in row.segments.iter().map(|segment| (segment.start, segment.end)).chain([(chars, chars)]) {
            if slicer.slice(at, start).is_some_and(|between| !between.trim_matches('\n').is_empty()) {
                fault(format!("{}: text at {at}..{start} is in no segment", row.title));
            }
            at = end;
        }
    }

    fn gap(&mut self) {}

    fn end(&mut self, _: &mut dyn FnMut(String)) {}
}

#[cfg(test)]
mod tests {
    use schemas::{Anchor, Origin, Segment, SegmentKind, Span};

    use super::*;

    fn faults<R: Row>(mut check: impl Check<R>, rows: Vec<R>) -> String {
        let mut faults = Vec::new();
        for row in rows {
            check.row(row, &mut |fault| faults.push(fault));
        }
        check.end(&mut |fault| faults.push(fault));
        faults.join("; ")
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
    fn triples() {
        let sentence = |number| vec![triple(number, "A", &[(0, 2), (1, 3)]), triple(number, "B", &[])];
        let with = |change: fn(&mut Triple)| {
            let mut rows = [sentence(0), sentence(1)].concat();
            change(&mut rows[2]);
            rows
        };
        let order = "the sentence is asked for";
        for (rows, expected) in [
            (vec![], ""),
            (with(|_| ()), ""),
            (with(|row| row.impossible = true), "d:1:A: impossible is true with 2 spans"),
            (with(|row| row.spans.swap(0, 1)), "d:1:A: span 0..2 is not after 1..3"),
            (with(|row| row.spans[1] = row.spans[0].clone()), "d:1:A: span 0..2 is not after 0..2"),
            (with(|row| row.spans[0].score = Some(1.5)), "d:1:A: score 1.5 is not between 0 and 1"),
            (with(|row| row.context.clear()), "d:1:B: context or language differs from that of d:1:A, the same sentence"),
            (with(|row| "d:1:B".clone_into(&mut row.id)), "id d:1:B comes twice"),
            (with(|row| "C".clone_into(&mut row.label)), order),
            (with(|row| "why?".clone_into(&mut row.query)), order),
            ([sentence(0), sentence(1)[..1].to_vec()].concat(), order),
            // Another language has questions of its own.
            ([sentence(0), sentence(1)[..1].iter().map(|row| Triple { lang: "zh".to_owned(), ..row.clone() }).collect()].concat(), ""),
        ] {
            let found = faults(TripleCheck::default(), rows);
            assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{found:?}, expected {expected:?}");
        }
    }

    #[test]
    fn a_sentence_torn_by_a_lost_shard_is_no_second_fault() {
        let mut check = TripleCheck::default();
        let mut faults = Vec::new();
        let rows = |number| ["A", "B"].map(|label| triple(number, label, &[]));
        for row in rows(0).into_iter().chain(rows(1).into_iter().take(1)) {
            check.row(row, &mut |fault| faults.push(fault));
        }
        check.gap();
        for row in rows(8).into_iter().skip(1).chain(rows(9)) {
            check.row(row, &mut |fault| faults.push(fault));
        }
        check.end(&mut |fault| faults.push(fault));
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn pages() {
        let segment = |start, end| Segment { start, end, kind: SegmentKind::Paragraph, level: 0 };
        let anchor = |start, end| Anchor { start, end, ..Anchor::default() };
        for (text, segments, anchors, expected) in [
            ("", vec![], vec![], ""),
            ("北京\n\nis\n", vec![segment(0, 2), segment(4, 6)], vec![anchor(0, 1), anchor(1, 2)], ""),
            ("abcdef", vec![segment(0, 6)], vec![anchor(0, 2), anchor(1, 3)], "anchor 1..3 begins before 0..2 ends"),
            ("a bc", vec![segment(0, 1), segment(2, 4)], vec![], "text at 1..2 is in no segment"),
            ("abc", vec![segment(0, 2)], vec![], "text at 2..3 is in no segment"),
        ] {
            let found = faults(PageCheck, vec![Page { text: text.into(), segments, anchors, ..Page::default() }]);
            assert!(if expected.is_empty() { found.is_empty() } else { found.contains(expected) }, "{found:?}, expected {expected:?}");
        }
    }
}
