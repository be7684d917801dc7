//! Logits to spans: decoding of one context, joining of windows, and the choice between overlapping spans.
//!
//! The decoding is that of BERT-MRC (Li et al. 2020, "A Unified MRC Framework for Named Entity Recognition"): two binary
//! classifiers mark the word pieces that start and that end an answer; a third one, where the model has it, says for every pair
//! of word pieces whether they enclose an answer.
//!
//! ```
//! use train::decode::{Decoding, decode_flat, decode_nested, logit};
//!
//! // Word pieces:      Ada   Lovelace  met   Babbage
//! let start_logits = [ 4.0, -3.0,     -5.0,  2.0];
//! let end_logits =   [-2.0,  3.0,     -4.0,  2.0];
//! let spans = decode_flat(&start_logits, &end_logits, logit(0.5), Decoding::Nearest);
//! let bounds: Vec<(usize, usize)> = spans.iter().map(|span| (span.first, span.last)).collect();
//! assert_eq!(bounds, [(0, 1), (3, 3)]);
//!
//! // Bank of China: row = first word piece, column = last one. "China" lies within "Bank of China".
//! let pair_logits = [
//!     -3.0, -4.0,  2.0,
//!     -9.0, -5.0, -3.0,
//!     -9.0, -9.0,  1.0,
//! ];
//! let spans = decode_nested(&pair_logits, 3, logit(0.5));
//! let bounds: Vec<(usize, usize)> = spans.iter().map(|span| (span.first, span.last)).collect();
//! assert_eq!(bounds, [(0, 2), (2, 2)]);
//! ```

use std::ops::Range;

use schemas::tokens::DisjointRanges;
use serde::{Deserialize, Serialize};

/// Which end a start takes in flat decoding, of those between it and the next start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decoding {
    /// The nearest, as BERT-MRC does.
    #[default]
    Nearest,
    /// The one with the highest probability, of equal ones the nearest: in `Department of Physics and Astronomy`, `Physics` may be an end too.
    Likeliest,
}

/// A span in word pieces of a context.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WordPieceSpan {
    /// First word piece.
    pub first: usize,
    /// Last word piece, included.
    pub last: usize,
    /// `P(start) · P(end)`, or for a nested span the probability of the pair.
    pub score: f32,
}

/// A span in chars of a context, half-open, with the model's confidence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoredSpan {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// Confidence from 0 to 1: see [`WordPieceSpan::score`].
    pub score: f32,
}

/// The logit at which the sigmoid is `probability`: `ln(p / (1 - p))`.
pub fn logit(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}

/// Flat decoding: each start takes an end at or after it, crossing no other start; [`Decoding`] says which. Spans do not overlap.
///
/// `start_logits` and `end_logits` hold a value for each word piece of the context, the logit of "yes" less that of "no"; a
/// value above `threshold` (a logit, see [`logit()`]) is "yes".
///
/// # Panics
/// In debug builds, if the two differ in length.
pub fn decode_flat(start_logits: &[f32], end_logits: &[f32], threshold: f32, decoding: Decoding) -> Vec<WordPieceSpan> {
    debug_assert_eq!(start_logits.len(), end_logits.len());
    let mut spans: Vec<WordPieceSpan> = Vec::new();
    // The last start, and the end that it took so far.
    let (mut open, mut taken) = (None, None);
    for (at, (&start, &end)) in start_logits.iter().zip(end_logits).enumerate() {
        if start > threshold {
            (open, taken) = (Some(at), None);
        }
        let is_better = match (decoding, taken) {
            (_, None) => true,
            (Decoding::Nearest, Some(_)) => false,
            (Decoding::Likeliest, Some(other)) => end > other,
        };
        if end > threshold
            && is_better
            && let Some(first) = open
        {
            let span = WordPieceSpan { first, last: at, score: sigmoid(start_logits[first]) * sigmoid(end) };
            match (taken.replace(end), spans.last_mut()) {
                (Some(_), Some(last)) => *last = span,
                _ => spans.push(span),
            }
        }
    }
    spans
}

/// Nested decoding: every pair of a first and a last word piece whose logit is above `threshold`. Spans may overlap.
///
/// `pair_logits` is the matrix `[word_pieces, word_pieces]`, row by row: row = first word piece, column = last one. What lies
/// below the diagonal is not looked at.
///
/// # Panics
/// In debug builds, if the matrix is not of that size.
pub fn decode_nested(pair_logits: &[f32], word_pieces: usize, threshold: f32) -> Vec<WordPieceSpan> {
    debug_assert_eq!(pair_logits.len(), word_pieces * word_pieces);
    let pairs = (0..word_pieces).flat_map(|first| (first..word_pieces).map(move |last| (first, last)));
    pairs
        .map(|(first, last)| (first, last, pair_logits[first * word_pieces + last]))
        .filter(|&(_, _, logit)| logit > threshold)
        .map(|(first, last, logit)| WordPieceSpan { first, last, score: sigmoid(logit) })
        .collect()
}

fn sigmoid(logit: f32) -> f32 {
    1.0 / (1.0 + (-logit).exp())
}

/// Joins the spans of a context's overlapping windows; all are counted in word pieces of the context, which has `word_pieces`.
///
/// Each span is taken from the window in which it is most central, for that is where the model sees most around it. Unless spans
/// may overlap (`nested`), of two overlapping ones of different windows the one with the higher score stays.
///
/// Gives the spans by position.
pub fn join_windows(windows: &[(Range<usize>, Vec<WordPieceSpan>)], word_pieces: usize, nested: bool) -> Vec<WordPieceSpan> {
    if let [(_, spans)] = windows {
        return spans.clone();
    }
    let mut joined: Vec<WordPieceSpan> = Vec::new();
    for (number, (_, spans)) in windows.iter().enumerate() {
        for span in spans {
            // Ties go to the earlier window.
            let most_central = (0..windows.len()).rev().max_by_key(|&other| centrality(&windows[other].0, span, word_pieces));
            if most_central == Some(number) {
                joined.push(*span);
            }
        }
    }
    joined.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    if !nested {
        let mut kept = DisjointRanges::default();
        joined.retain(|span| kept.insert(span.first as u32..span.last as u32 + 1));
    }
    joined.sort_by_key(|span| (span.first, span.last));
    joined
}

/// Word pieces between a span and the nearer border of a window that holds it. The context's own borders count as infinitely
/// far: nothing is cut off there.
fn centrality(window: &Range<usize>, span: &WordPieceSpan, word_pieces: usize) -> Option<usize> {
    if span.first < window.start || span.last >= window.end {
        return None;
    }
    let left = if window.start == 0 { usize::MAX } else { span.first - window.start };
    let right = if window.end == word_pieces { usize::MAX } else { window.end - 1 - span.last };
    Some(left.min(right))
}

/// The flat reading of spans that may overlap, such as those of several labels: at most one span covers a char.
///
/// Spans are taken greedily by score; of equal scores the leftmost first, then the longest, then the first in the list. A span
/// that overlaps one taken before is dropped.
///
/// Gives indices of `spans`, by position of the spans. Cost: that of sorting.
///
/// ```
/// use train::decode::{ScoredSpan, flat_reading};
///
/// let span = |start, end, score| ScoredSpan { start, end, score };
/// // [University of Harwen ORG], [Harwen LOC], [Belmora LOC]
/// let spans = [span(0, 20, 0.9), span(14, 20, 0.7), span(32, 39, 0.8)];
/// assert_eq!(flat_reading(&spans), [0, 2]);
/// ```
pub fn flat_reading(spans: &[ScoredSpan]) -> Vec<usize> {
    let mut ranked: Vec<usize> = (0..spans.len()).collect();
    ranked.sort_by(|&a, &b| {
        let (a, b) = (&spans[a], &spans[b]);
        b.score.total_cmp(&a.score).then(a.start.cmp(&b.start)).then(b.end.cmp(&a.end))
    });
    let mut kept = DisjointRanges::default();
    ranked.retain(|&index| kept.insert(spans[index].start..spans[index].end));
    ranked.sort_by_key(|&index| spans[index].start);
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(spans: &[WordPieceSpan]) -> Vec<(usize, usize)> {
        spans.iter().map(|span| (span.first, span.last)).collect()
    }

    /// A letter for each word piece: `S` starts, `E` ends, `B` both.
    fn check(word_pieces: &str, expected: &[(usize, usize)]) {
        let logits = |yes: &str| word_pieces.chars().map(|letter| if yes.contains(letter) { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
        assert_eq!(bounds(&decode_flat(&logits("SB"), &logits("EB"), 0.0, Decoding::Nearest)), expected, "{word_pieces}");
    }

    #[test]
    fn a_start_takes_the_nearest_end() {
        check("", &[]);
        check("....", &[]);
        check(".B..", &[(1, 1)]);
        check(".S.E", &[(1, 3)]);
        check("SEE.", &[(0, 1)]);
        check("SSE.", &[(1, 2)]);
        check("S..S", &[]);
        check("E.S.", &[]);
        check("SBE.", &[(1, 1)]);
        check("BB.B", &[(0, 0), (1, 1), (3, 3)]);
        // A missing end spoils no other span.
        check("S.SE.B", &[(2, 3), (5, 5)]);
    }

    #[test]
    fn the_score_is_the_product_of_both_probabilities() {
        let spans = decode_flat(&[logit(0.8), -9.0], &[-9.0, logit(0.6)], 0.0, Decoding::Nearest);
        assert!((spans[0].score - 0.48).abs() < 1e-6, "{spans:?}");
        let spans = decode_nested(&[-9.0, logit(0.7), 0.0, -9.0], 2, 0.0);
        assert!((spans[0].score - 0.7).abs() < 1e-6, "{spans:?}");
    }

    #[test]
    fn a_start_takes_the_nearest_end_or_the_likeliest() {
        // Two ends after the first start, of which the second is likelier, and an end after the second start that is likelier than both.
        let starts = [2.0, -9.0, -9.0, 1.0, -9.0, -9.0];
        let check = |ends: [f32; 6], nearest: &[(usize, usize)], likeliest: &[(usize, usize)]| {
            assert_eq!(bounds(&decode_flat(&starts, &ends, 0.0, Decoding::Nearest)), nearest, "{ends:?}");
            assert_eq!(bounds(&decode_flat(&starts, &ends, 0.0, Decoding::Likeliest)), likeliest, "{ends:?}");
        };
        check([-9.0, 1.0, 2.0, -9.0, 3.0, -9.0], &[(0, 1), (3, 4)], &[(0, 2), (3, 4)]);
        check([-9.0, 1.0, 1.0, -9.0, -9.0, -9.0], &[(0, 1)], &[(0, 1)]);
        check([1.0, 0.5, -9.0, 2.0, 1.0, 3.0], &[(0, 0), (3, 3)], &[(0, 0), (3, 5)]);
        let spans = decode_flat(&[logit(0.8), -9.0], &[logit(0.6), logit(0.7)], 0.0, Decoding::Likeliest);
        assert!((spans[0].score - 0.56).abs() < 1e-6);
    }

    #[test]
    fn a_higher_threshold_finds_fewer_spans() {
        let (starts, ends) = ([logit(0.2), logit(0.9)], [logit(0.2), logit(0.6)]);
        let spans = |threshold| bounds(&decode_flat(&starts, &ends, logit(threshold), Decoding::Nearest));
        assert_eq!((spans(0.1), spans(0.5), spans(0.7)), (vec![(0, 0), (1, 1)], vec![(1, 1)], vec![]));
        let spans = |threshold| bounds(&decode_nested(&[logit(0.2), logit(0.6), 9.0, logit(0.9)], 2, logit(threshold)));
        assert_eq!((spans(0.1), spans(0.5), spans(0.95)), (vec![(0, 0), (0, 1), (1, 1)], vec![(0, 1), (1, 1)], vec![]));
    }

    #[test]
    fn nested_spans_are_all_pairs_on_or_above_the_diagonal() {
        let pair_logits = [2.0, -1.0, 1.0, 9.0, -2.0, 0.5, 9.0, 9.0, -3.0];
        assert_eq!(bounds(&decode_nested(&pair_logits, 3, 0.0)), [(0, 0), (0, 2), (1, 2)]);
        assert_eq!(decode_nested(&[], 0, 0.0), []);
    }

    fn span(first: usize, last: usize, score: f32) -> WordPieceSpan {
        WordPieceSpan { first, last, score }
    }

    #[test]
    fn a_span_comes_from_the_window_in_which_it_is_most_central() {
        let (at_edge, central) = (span(8, 8, 0.9), span(8, 9, 0.6));
        let windows = [(0..10, vec![span(0, 1, 0.5), at_edge]), (5..15, vec![central]), (10..20, vec![span(19, 19, 0.5)])];
        // (8, 8) lies 1 from the border of the first window, 3 from that of the second, which reads (8, 9) there.
        assert_eq!(join_windows(&windows, 20, false), [span(0, 1, 0.5), central, span(19, 19, 0.5)]);
    }

    #[test]
    fn of_overlapping_spans_of_two_windows_the_surer_one_stays() {
        let windows = [(0..10, vec![span(2, 7, 0.4)]), (5..15, vec![span(7, 8, 0.8)])];
        assert_eq!(join_windows(&windows, 15, false), [span(7, 8, 0.8)]);
        assert_eq!(join_windows(&windows, 15, true), [span(2, 7, 0.4), span(7, 8, 0.8)]);
    }

    /// Spans as `(start, end, score)`.
    fn check_flat_reading(spans: &[(u32, u32, f32)], expected: &[usize]) {
        let spans: Vec<ScoredSpan> = spans.iter().map(|&(start, end, score)| ScoredSpan { start, end, score }).collect();
        assert_eq!(flat_reading(&spans), expected, "{spans:?}");
    }

    #[test]
    fn one_span_covers_a_char() {
        check_flat_reading(&[], &[]);
        check_flat_reading(&[(0, 4, 0.6), (4, 6, 0.9)], &[0, 1]);
        // The surest wins, whether it lies inside, outside or across.
        check_flat_reading(&[(0, 9, 0.6), (3, 5, 0.9)], &[1]);
        check_flat_reading(&[(0, 9, 0.9), (3, 5, 0.6)], &[0]);
        check_flat_reading(&[(0, 5, 0.6), (3, 9, 0.9)], &[1]);
        // What loses to a span that loses itself is kept.
        check_flat_reading(&[(0, 3, 0.5), (2, 6, 0.7), (5, 9, 0.9)], &[0, 2]);
        // Ties: leftmost, longest, first in the list.
        check_flat_reading(&[(2, 6, 0.5), (0, 3, 0.5)], &[1]);
        check_flat_reading(&[(0, 3, 0.5), (0, 6, 0.5)], &[1]);
        check_flat_reading(&[(0, 3, 0.5), (0, 3, 0.5)], &[0]);
        check_flat_reading(&[(7, 9, 0.2), (0, 3, 0.1)], &[1, 0]);
    }
}
