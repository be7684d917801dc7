//! Overlapping spans of a sentence reduced to the surest.

use std::cmp::Reverse;

use schemas::tokens::DisjointRanges;
use schemas::{Span, Triple};

/// Removes spans so that at most one covers a char, whatever their labels: they are kept by score, of equal ones the longest first, then the
/// leftmost, then that of the label that comes first. A span without a score counts as sure. Returns how many were removed.
pub fn flatten(rows: &mut [Triple]) -> u64 {
    let mut ranked: Vec<(usize, Span)> = Vec::new();
    for (row, triple) in rows.iter_mut().enumerate() {
        ranked.extend(triple.spans.drain(..).map(|span| (row, span)));
    }
    let score = |span: &Span| span.score.unwrap_or(1.0);
    ranked.sort_by(|(row, a), (other_row, b)| {
        let place = |row: &usize, span: &Span| (Reverse(span.end - span.start), span.start, *row);
        score(b).total_cmp(&score(a)).then_with(|| place(row, a).cmp(&place(other_row, b)))
    });
    let mut kept = DisjointRanges::default();
    let mut removed = 0;
    for (row, span) in ranked {
        if kept.insert(span.start..span.end) {
            rows[row].spans.push(span);
        } else {
            removed += 1;
        }
    }
    for row in rows {
        row.spans.sort_by_key(|span| (span.start, span.end));
        row.impossible = row.spans.is_empty();
    }
    removed
}

#[cfg(test)]
mod tests {
    use schemas::Origin;

    use super::*;

    #[test]
    fn the_surest_span_covers_a_char() {
        let row = |spans: &[(u32, u32, Option<f32>)]| Triple {
            spans: spans.iter().map(|&(start, end, score)| Span { start, end, text: String::new(), origin: Origin::Gold, score }).collect(),
            ..Triple::default()
        };
        for (rows, expected, removed) in [
            (vec![row(&[(0, 3, None), (5, 7, None)]), row(&[(0, 7, None)])], vec![vec![], vec![(0, 7)]], 2),
            (vec![row(&[(0, 3, Some(0.9)), (5, 7, Some(0.4))]), row(&[(0, 6, Some(0.6))])], vec![vec![(0, 3), (5, 7)], vec![]], 1),
            (vec![row(&[(0, 3, None)]), row(&[(0, 3, None)])], vec![vec![(0, 3)], vec![]], 1),
            (vec![row(&[(3, 5, None), (5, 7, None)])], vec![vec![(3, 5), (5, 7)]], 0),
        ] {
            let mut rows = rows;
            assert_eq!(flatten(&mut rows), removed);
            let found: Vec<Vec<(u32, u32)>> =
                rows.iter().map(|row| row.spans.iter().map(|span| (span.start, span.end)).collect()).collect();
            assert_eq!(found, expected);
        }
    }
}
