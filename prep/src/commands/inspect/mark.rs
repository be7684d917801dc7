//! Texts with their spans marked, for people to read.

use std::ops::Range;

/// How spans are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `[mention|label]`
    Brackets,
    /// Bold and coloured, the label dim behind.
    Colours,
}

/// The text with spaces for control characters: a dump must not steer the terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}

/// The text with each span (chars, half-open) marked with its label, all [`printable`]. Spans may nest and overlap.
pub fn marked(text: &str, spans: &[(Range<u32>, String)], style: Style) -> String {
    let mut opens: Vec<&Range<u32>> = spans.iter().map(|(range, _)| range).collect();
    opens.sort_by_key(|range| range.start);
    let mut closes: Vec<&(Range<u32>, String)> = spans.iter().collect();
    // Of spans that end together, the inner one ends first.
    closes.sort_by_key(|(range, _)| (range.end, u32::MAX - range.start));
    let (mut opens, mut closes) = (opens.into_iter().peekable(), closes.into_iter().peekable());
    let mut out = String::with_capacity(text.len() + spans.len() * 16);
    let mut depth = 0;
    for (at, char) in text.chars().map(Some).chain([None]).enumerate() {
        while let Some((_, label)) = closes.next_if(|(range, _)| range.end as usize <= at) {
            depth -= 1;
            out.push_str(&close(&printable(label), depth, style));
        }
        while opens.next_if(|range| range.start as usize <= at).is_some() {
            depth += 1;
            out.push_str(open(style));
        }
        out.extend(char.map(|char| if char.is_control() { ' ' } else { char }));
    }
    out
}

fn open(style: Style) -> &'static str {
    match style {
        Style::Brackets => "[",
        Style::Colours => "\u{1b}[1;33m",
    }
}

fn close(label: &str, depth: u32, style: Style) -> String {
    match style {
        Style::Brackets => format!("|{label}]"),
        // The outer span, if there is one, goes on in its colour.
        Style::Colours => format!("\u{1b}[0m\u{1b}[2m|{label}\u{1b}[0m{}", if depth > 0 { open(style) } else { "" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_marked() {
        for (text, spans, expected) in [
            ("no span\there", vec![], "no span here"),
            ("Ödön in 北京", vec![(0..4, "PER"), (8..10, "LOC")], "[Ödön|PER] in [北京|LOC]"),
            ("北京大学", vec![(0..2, "LOC"), (0..4, "ORG")], "[[北京|LOC]大学|ORG]"),
            ("北京大学", vec![(2..4, "X"), (0..4, "ORG")], "[北京[大学|X]|ORG]"),
            ("abc", vec![(0..1, "A"), (1..2, "B")], "[a|A][b|B]c"),
            ("abc", vec![(0..2, "A"), (1..3, "B")], "[a[b|A]c|B]"),
        ] {
            let spans: Vec<_> = spans.into_iter().map(|(range, label)| (range, label.to_owned())).collect();
            assert_eq!(marked(text, &spans, Style::Brackets), expected);
        }
        assert_eq!(marked("ab", &[(0..1, "A".to_owned())], Style::Colours), "\u{1b}[1;33ma\u{1b}[0m\u{1b}[2m|A\u{1b}[0mb");
    }
}
