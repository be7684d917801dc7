//! What the numbers of a span count, and spans resolved against their text.

use std::ops::Range;

use schemas::char_slice;
use serde::Serialize;
use serde_json::Value;

use super::fields::{ElementError, type_name};
use crate::corpora::read::corpus_reader::excerpt;
use crate::corpora::sentence::Annotation;

/// What the numbers of a span count, and whether its end belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct SpanOffsets {
    unit: OffsetUnit,
    /// Whether the end is the last token or char of the span, instead of the one after it.
    #[serde(rename = "end_is_inside")]
    end_is_inclusive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum OffsetUnit {
    /// Words between white space.
    Tokens,
    /// Unicode scalar values.
    Chars,
}

/// A span as a file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawSpan {
    /// The first token or char.
    pub start: u64,
    /// The last token or char, or the one after it.
    pub end: u64,
    /// The label.
    pub label: String,
    /// The text that the span covers according to the file.
    pub text: Option<String>,
}

impl SpanOffsets {
    /// Tokens between white space; the end is the last token of the span. The default of BERT-MRC's formats.
    pub const TOKENS_INCLUSIVE: Self = Self { unit: OffsetUnit::Tokens, end_is_inclusive: true };
    /// Tokens between white space; the end is the token after the span.
    pub const TOKENS_EXCLUSIVE: Self = Self { unit: OffsetUnit::Tokens, end_is_inclusive: false };
    /// Chars; the end is the last char of the span.
    pub const CHARS_INCLUSIVE: Self = Self { unit: OffsetUnit::Chars, end_is_inclusive: true };
    /// Chars; the end is the char after the span. The default of the formats of annotation tools.
    pub const CHARS_EXCLUSIVE: Self = Self { unit: OffsetUnit::Chars, end_is_inclusive: false };

    /// Resolves the spans of a text.
    ///
    /// A span that carries its text must cover exactly that text. Where it does not by chars but does by UTF-16 code units, which
    /// annotation tools in a browser count, it is taken that way.
    ///
    /// # Errors
    /// A span that is empty, outside of the text, or covers another text than it carries.
    pub fn resolve(self, text: &str, spans: Vec<RawSpan>) -> Result<Annotation, ElementError> {
        match self.unit {
            OffsetUnit::Tokens => {
                let tokens: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                let resolve = |span: RawSpan| Ok((self.range_within(&span, tokens.len(), "tokens")?, span.label));
                let spans = spans.into_iter().map(resolve).collect::<Result<_, ElementError>>()?;
                Ok(Annotation::TokenSpans { tokens, spans })
            }
            OffsetUnit::Chars => {
                let text_chars = text.chars().count();
                let resolve = |span: RawSpan| Ok((self.char_range(&span, text, text_chars)?, span.label));
                let spans = spans.into_iter().map(resolve).collect::<Result<_, ElementError>>()?;
                Ok(Annotation::CharSpans { text: text.to_owned(), spans })
            }
        }
    }

    fn char_range(self, span: &RawSpan, text: &str, text_chars: usize) -> Result<Range<u32>, ElementError> {
        let by_char = self.range_within(span, text_chars, "chars").map(to_u32);
        let Some(expected) = &span.text else {
            return by_char?.ok_or_else(|| ElementError::new("too long", "the text is too long".to_owned()));
        };
        let covers_expected = |range: &Range<u32>| char_slice(text, range.start, range.end) == Some(expected);
        if let Ok(Some(range)) = &by_char
            && covers_expected(range)
        {
            return Ok(range.clone());
        }
        let by_utf16 = self.range_within(span, text.encode_utf16().count(), "chars").ok();
        let by_utf16 = by_utf16.and_then(|units| utf16_to_chars(text, &units)).and_then(to_u32);
        by_utf16.filter(covers_expected).ok_or_else(|| match by_char {
            Err(error) => error,
            Ok(range) => {
                let found = range.and_then(|range| char_slice(text, range.start, range.end)).unwrap_or_default();
                let (found, expected) = (excerpt(found), excerpt(expected));
                let detail =
                    format!("span {};{} covers {found:?} but says {expected:?}, expected both to be the same", span.start, span.end);
                ElementError::new("other text", detail)
            }
        })
    }

    /// The span as a half-open range within `length` tokens or chars.
    fn range_within(self, span: &RawSpan, length: usize, unit: &str) -> Result<Range<usize>, ElementError> {
        let RawSpan { start, end, .. } = *span;
        let end_exclusive = if self.end_is_inclusive { end.checked_add(1) } else { Some(end) };
        let range = usize::try_from(start).ok().zip(end_exclusive.and_then(|end| usize::try_from(end).ok()));
        range.filter(|&(start, end)| start < end && end <= length).map(|(start, end)| start..end).ok_or_else(|| {
            let rule = if self.end_is_inclusive { "where the end is the last one" } else { "where the end is the one after the last" };
            let detail = format!("span {start};{end} is not within the {length} {unit} of the text, {rule}; see --offsets");
            ElementError::new("span outside", detail)
        })
    }
}

fn to_u32(range: Range<usize>) -> Option<Range<u32>> {
    Some(u32::try_from(range.start).ok()?..u32::try_from(range.end).ok()?)
}

/// The chars of a range of UTF-16 code units. `None` where it cuts a surrogate pair.
fn utf16_to_chars(text: &str, units: &Range<usize>) -> Option<Range<usize>> {
    let mut unit = 0;
    let mut char_starts = vec![unit];
    for char in text.chars() {
        unit += char.len_utf16();
        char_starts.push(unit);
    }
    Some(char_starts.binary_search(&units.start).ok()?..char_starts.binary_search(&units.end).ok()?)
}

/// Parses a token or char offset: a whole number, or a string of one.
///
/// # Errors
/// Any other value.
pub fn parse_offset(value: &Value) -> Result<u64, ElementError> {
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    number.ok_or_else(|| {
        let detail = format!("position {} is {}, expected a whole number from 0", excerpt(&value.to_string()), type_name(value));
        ElementError::new("bad span", detail)
    })
}

/// Parses the start and the end of a span: `"3;5"`, `"3,5"` or `[3, 5]`.
///
/// # Errors
/// Any other value.
pub fn parse_span(value: &Value) -> Result<(u64, u64), ElementError> {
    let malformed = || ElementError::new("bad span", format!("span {} is not \"start;end\", as in \"3;5\"", excerpt(&value.to_string())));
    match value {
        Value::String(text) => {
            let (start, end) = text.split_once([';', ',']).ok_or_else(malformed)?;
            start.trim().parse().ok().zip(end.trim().parse().ok()).ok_or_else(malformed)
        }
        Value::Array(items) => match items.as_slice() {
            [start, end] => Ok((parse_offset(start)?, parse_offset(end)?)),
            _ => Err(malformed()),
        },
        _ => Err(malformed()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text that a span covers, or the reason why it is refused.
    fn covered(offsets: SpanOffsets, text: &str, start: u64, end: u64, expected: Option<&str>) -> String {
        let span = RawSpan { start, end, label: "X".to_owned(), text: expected.map(str::to_owned) };
        match offsets.resolve(text, vec![span]) {
            Ok(Annotation::TokenSpans { tokens, spans }) => tokens[spans[0].0.clone()].join("|"),
            Ok(Annotation::CharSpans { text, spans }) => char_slice(&text, spans[0].0.start, spans[0].0.end).unwrap().to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(error) => error.reason.to_owned(),
        }
    }

    #[test]
    fn spans_are_resolved() {
        let (tokens_inclusive, tokens_exclusive) = (SpanOffsets::TOKENS_INCLUSIVE, SpanOffsets::TOKENS_EXCLUSIVE);
        let (chars_inclusive, chars_exclusive) = (SpanOffsets::CHARS_INCLUSIVE, SpanOffsets::CHARS_EXCLUSIVE);
        let text = "🎉 Ödön  von Horváth";
        for (offsets, start, end, carried, expected) in [
            (tokens_inclusive, 1, 3, None, "Ödön|von|Horváth"),
            (tokens_exclusive, 1, 3, None, "Ödön|von"),
            (tokens_exclusive, 1, 4, None, "Ödön|von|Horváth"),
            (tokens_inclusive, 1, 4, None, "span outside"),
            (tokens_inclusive, 2, 1, None, "span outside"),
            (chars_exclusive, 2, 6, None, "Ödön"),
            (chars_inclusive, 2, 5, None, "Ödön"),
            (chars_exclusive, 2, 2, None, "span outside"),
            (chars_exclusive, 2, 99, None, "span outside"),
            (chars_exclusive, 2, 6, Some("Ödön"), "Ödön"),
            // The same in UTF-16 code units, of which 🎉 has two.
            (chars_exclusive, 3, 7, Some("Ödön"), "Ödön"),
            (chars_inclusive, 3, 6, Some("Ödön"), "Ödön"),
            (chars_exclusive, 13, 20, Some("Horváth"), "Horváth"),
            (chars_exclusive, 1, 7, Some("Ödön"), "other text"),
            (chars_exclusive, 2, 6, Some("von"), "other text"),
            (chars_inclusive, u64::MAX, u64::MAX, None, "span outside"),
        ] {
            assert_eq!(covered(offsets, text, start, end, carried), expected, "{offsets:?} {start};{end}");
        }
    }

    #[test]
    fn spans_are_parsed() {
        for (json, expected) in [
            (r#""3;5""#, Some((3, 5))),
            (r#""3, 5""#, Some((3, 5))),
            ("[3, 5]", Some((3, 5))),
            (r#"["3", 5]"#, Some((3, 5))),
            (r#""35""#, None),
            (r#""-1;2""#, None),
            ("[3]", None),
            ("3", None),
            ("[3, 5.5]", None),
        ] {
            assert_eq!(parse_span(&serde_json::from_str(json).unwrap()).ok(), expected, "{json}");
        }
    }
}
