//! Consecutive rows of triples, divided into sentences: what one thread can look at without knowing the rows around them.

use schemas::Triple;

/// Consecutive rows of triples by sentence. Rows belong to one sentence if they follow each other and share document and number.
#[derive(Debug, Default)]
pub struct SentenceRows {
    /// Rows of the first sentence, which may have begun before.
    pub head: Vec<Triple>,
    /// Whole sentences.
    pub whole: Vec<Vec<Triple>>,
    /// Rows of the last sentence, which may go on; none if the first one is the last.
    pub tail: Vec<Triple>,
}

impl SentenceRows {
    /// Divides consecutive rows.
    pub fn new(rows: impl IntoIterator<Item = Triple>) -> Self {
        let mut sentences: Vec<Vec<Triple>> = Vec::new();
        for row in rows {
            match sentences.last_mut() {
                Some(sentence) if is_same_sentence(&sentence[0], &row) => sentence.push(row),
                _ => sentences.push(vec![row]),
            }
        }
        let tail = if sentences.len() > 1 { sentences.pop().unwrap_or_default() } else { Vec::new() };
        let mut sentences = sentences.into_iter();
        Self { head: sentences.next().unwrap_or_default(), whole: sentences.collect(), tail }
    }
}

/// Whether two rows that follow each other are of one sentence.
pub fn is_same_sentence(first: &Triple, next: &Triple) -> bool {
    first.sentence == next.sentence && first.doc == next.doc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_divided_by_document_and_number() {
        let rows = |numbers: &[(char, u32)]| {
            let row = |&(doc, sentence): &(char, u32)| Triple { doc: doc.to_string(), sentence, ..Triple::default() };
            let rows = SentenceRows::new(numbers.iter().map(row));
            (rows.head.len(), rows.whole.iter().map(Vec::len).collect::<Vec<_>>(), rows.tail.len())
        };
        assert_eq!(rows(&[]), (0, vec![], 0));
        assert_eq!(rows(&[('a', 1), ('a', 1)]), (2, vec![], 0));
        assert_eq!(rows(&[('a', 1), ('b', 1), ('b', 1)]), (1, vec![], 2));
        assert_eq!(rows(&[('a', 1), ('a', 2), ('a', 2), ('b', 2), ('a', 2)]), (1, vec![2, 1], 1));
    }
}
