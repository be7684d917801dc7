//! Texts with their spans highlighted, for a terminal.

use std::ops::Range;

/// How spans are highlighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HighlightStyle {
    /// `[mention|label]`
    Brackets,
    /// In bold and colour, with the label dimmed after it.
    Colours,
}

/// The text with spaces in the place of control characters, which could otherwise control the terminal.
pub fn without_control_chars(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// The text with its spans highlighted, each with its label, and [without control characters](without_control_chars). Spans are half-open
/// ranges of chars; they may nest and overlap.
pub fn highlight_spans(text: &str, spans: &[(Range<u32>, String)], style: HighlightStyle) -> String {
    let mut opens: Vec<&Range<u32>> = spans.iter().map(|(range, _)| range).collect();
    opens.sort_by_key(|range| range.start);
    let mut closes: Vec<&(Range<u32>, String)> = spans.iter().collect();
    // Of spans that end together, the inner one is closed first.
    closes.sort_by_key(|(range, _)| (range.end, u32::MAX - range.start));
    let (mut opens, mut closes) = (opens.into_iter().peekable(), closes.into_iter().peekable());
    let mut out = String::with_capacity(text.len() + spans.len() * 16);
    let mut depth = 0;
    for (at, char) in text.chars().map(Some).chain([None]).enumerate() {
        while let Some((_, label)) = closes.next_if(|(range, _)| range.end as usize <= at) {
            depth -= 1;
            out.push_str(&close(&without_control_chars(label), depth, style));
        }
        while opens.next_if(|range| range.start as usize <= at).is_some() {
            depth += 1;
            out.push_str(open(style));
        }
        out.extend(char.map(|char| if char.is_control() { ' ' } else { char }));
    }
    out
}

fn open(style: HighlightStyle) -> &'static str {
    match style {
        HighlightStyle::Brackets => "[",
        HighlightStyle::Colours => "\u{1b}[1;33m",
    }
}

fn close(label: &str, depth: u32, style: HighlightStyle) -> String {
    match style {
        HighlightStyle::Brackets => format!("|{label}]"),
        // An outer span continues in its colour.
        HighlightStyle::Colours => format!("\u{1b}[0m\u{1b}[2m|{label}\u{1b}[0m{}", if depth > 0 { open(style) } else { "" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_highlighted() {
        for (text, spans, expected) in [
            ("no span\there", vec![], "no span here"),
            ("Ödön in 北京", vec![(0..4, "PER"), (8..10, "LOC")], "[Ödön|PER] in [北京|LOC]"),
            ("北京大学", vec![(0..2, "LOC"), (0..4, "ORG")], "[[北京|LOC]大学|ORG]"),
            ("北京大学", vec![(2..4, "X"), (0..4, "ORG")], "[北京[大学|X]|ORG]"),
            ("abc", vec![(0..1, "A"), (1..2, "B")], "[a|A][b|B]c"),
            ("abc", vec![(0..2, "A"), (1..3, "B")], "[a[b|A]c|B]"),
        ] {
            let spans: Vec<_> = spans.into_iter().map(|(range, label)| (range, label.to_owned())).collect();
            assert_eq!(highlight_spans(text, &spans, HighlightStyle::Brackets), expected);
        }
        assert_eq!(
            highlight_spans("ab", &[(0..1, "A".to_owned())], HighlightStyle::Colours),
            "\u{1b}[1;33ma\u{1b}[0m\u{1b}[2m|A\u{1b}[0mb"
        );
    }
}
