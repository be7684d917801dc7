//! From token probabilities to answers.

use std::ops::Range;

/// An answer in word pieces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenSpan {
    /// First piece.
    pub first: usize,
    /// Last piece, included.
    pub last: usize,
    /// `P(start) · P(end)`, or of a nested answer the probability of the pair.
    pub score: f32,
}

/// The margin at which a probability is reached.
pub fn margin(probability: f32) -> f32 {
    (probability / (1.0 - probability)).ln()
}

/// Flat decoding: each start takes the nearest end at or after it, crossing no other start.
///
/// `starts` and `ends` are margins, the logit of yes less that of no, of the context's pieces; above `least` is yes.
pub fn flat(starts: &[f32], ends: &[f32], least: f32) -> Vec<TokenSpan> {
    debug_assert_eq!(starts.len(), ends.len());
    let mut spans = Vec::new();
    let mut open = None;
    for (at, (&start, &end)) in starts.iter().zip(ends).enumerate() {
        if start > least {
            open = Some(at);
        }
        if end > least
            && let Some(first) = open.take()
        {
            spans.push(TokenSpan { first, last: at, score: sigmoid(starts[first]) * sigmoid(end) });
        }
    }
    spans
}

/// Nested decoding: every pair of pieces whose margin is above `least`.
///
/// `pairs` are the margins of the context's pieces, first by last, row by row.
pub fn nested(pairs: &[f32], pieces: usize, least: f32) -> Vec<TokenSpan> {
    debug_assert_eq!(pairs.len(), pieces * pieces);
    let spans = (0..pieces).flat_map(|first| (first..pieces).map(move |last| (first, last)));
    let spans = spans.map(|(first, last)| (first, last, pairs[first * pieces + last])).filter(|(_, _, margin)| *margin > least);
    spans.map(|(first, last, margin)| TokenSpan { first, last, score: sigmoid(margin) }).collect()
}

fn sigmoid(margin: f32) -> f32 {
    1.0 / (1.0 + (-margin).exp())
}

/// Joins the answers of a context's windows: each is taken from the window where it lies most central, and unless answers may
/// overlap (`nested`), of two of different windows that do the surer one stays. Pieces are counted in the context; `pieces` is
/// how many it has.
pub fn join_windows(windows: &[(Range<usize>, Vec<TokenSpan>)], pieces: usize, nested: bool) -> Vec<TokenSpan> {
    if let [(_, spans)] = windows {
        return spans.clone();
    }
    let mut joined: Vec<TokenSpan> = Vec::new();
    for (number, (_, spans)) in windows.iter().enumerate() {
        for span in spans {
            // Ties go to the earlier window.
            let best = (0..windows.len()).rev().max_by_key(|&other| centrality(&windows[other].0, span, pieces));
            if best == Some(number) {
                joined.push(*span);
            }
        }
    }
    joined.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)));
    let mut kept: Vec<TokenSpan> = Vec::new();
    for span in joined {
        if nested || kept.iter().all(|other| span.last < other.first || other.last < span.first) {
            kept.push(span);
        }
    }
    kept.sort_by_key(|span| (span.first, span.last));
    kept
}

/// Pieces between a span and the nearer border of a window, if it holds the span. The context's own borders are none.
fn centrality(window: &Range<usize>, span: &TokenSpan, pieces: usize) -> Option<usize> {
    if span.first < window.start || span.last >= window.end {
        return None;
    }
    let left = if window.start == 0 { usize::MAX } else { span.first - window.start };
    let right = if window.end == pieces { usize::MAX } else { window.end - 1 - span.last };
    Some(left.min(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `starts` and `ends` by a letter a piece: `S` starts, `E` ends, `B` both.
    fn check(pieces: &str, expected: &[(usize, usize)]) {
        let margin = |yes: &str| pieces.chars().map(|piece| if yes.contains(piece) { 1.0 } else { -1.0 }).collect::<Vec<f32>>();
        let spans: Vec<(usize, usize)> = flat(&margin("SB"), &margin("EB"), 0.0).iter().map(|span| (span.first, span.last)).collect();
        assert_eq!(spans, expected, "{pieces}");
    }

    #[test]
    fn starts_take_the_nearest_end() {
        check("....", &[]);
        check(".B..", &[(1, 1)]);
        check(".S.E", &[(1, 3)]);
        check("SEE.", &[(0, 1)]);
        check("SSE.", &[(1, 2)]);
        check("S..S", &[]);
        check("E.S.", &[]);
        check("SBE.", &[(1, 1)]);
        check("BB.B", &[(0, 0), (1, 1), (3, 3)]);
        // A missing end spoils its own answer only.
        check("S.SE.B", &[(2, 3), (5, 5)]);
    }

    #[test]
    fn a_threshold_lets_more_or_less_through() {
        let (starts, ends) = ([margin(0.2), margin(0.9)], [margin(0.2), margin(0.6)]);
        let spans = |threshold| flat(&starts, &ends, margin(threshold)).iter().map(|span| (span.first, span.last)).collect::<Vec<_>>();
        assert_eq!((spans(0.1), spans(0.5), spans(0.7)), (vec![(0, 0), (1, 1)], vec![(1, 1)], vec![]));
    }

    #[test]
    fn nested_answers_are_all_pairs_that_end_where_they_start_or_later() {
        let pairs = [2.0, -1.0, 1.0, 9.0, -2.0, 0.5, 9.0, 9.0, -3.0];
        let spans: Vec<(usize, usize)> = nested(&pairs, 3, 0.0).iter().map(|span| (span.first, span.last)).collect();
        assert_eq!(spans, [(0, 0), (0, 2), (1, 2)]);
    }

    fn span(first: usize, last: usize, score: f32) -> TokenSpan {
        TokenSpan { first, last, score }
    }

    #[test]
    fn answers_come_from_the_window_where_they_lie_most_central() {
        let (at_edge, central) = (span(8, 8, 0.9), span(8, 9, 0.6));
        let windows = [(0..10, vec![span(0, 1, 0.5), at_edge]), (5..15, vec![central]), (10..20, vec![span(19, 19, 0.5)])];
        // (8, 8) lies 1 from the border of the first window, 3 from that of the second, which reads (8, 9) there.
        assert_eq!(join_windows(&windows, 20, false), [span(0, 1, 0.5), central, span(19, 19, 0.5)]);
    }

    #[test]
    fn overlapping_answers_of_two_windows_leave_the_surer_one() {
        let windows = [(0..10, vec![span(2, 7, 0.4)]), (5..15, vec![span(7, 8, 0.8)])];
        assert_eq!(join_windows(&windows, 15, false), [span(7, 8, 0.8)]);
        assert_eq!(join_windows(&windows, 15, true), [span(2, 7, 0.4), span(7, 8, 0.8)]);
    }
}
