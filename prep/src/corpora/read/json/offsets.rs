//! What the numbers of a span count, and spans resolved against their text.

use std::ops::Range;

use schemas::char_slice;
use serde::Serialize;
use serde_json::Value;

use super::fields::{ElementError, type_name};
use crate::corpora::read::corpus_reader::excerpt;
use crate::corpora::sentence::{AnnotatedSentence, Annotation, DroppedSpan, SentenceNotes};

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
    /// Code units of UTF-16, as JavaScript and Java count them.
    Utf16,
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

/// A text with its spans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedText {
    /// The text and the spans that lie in it.
    pub annotation: Annotation,
    /// What is to be reported, among it the other spans.
    pub notes: SentenceNotes,
}

impl ResolvedText {
    /// The sentence of an element, given by its number in the file and its line.
    pub fn into_sentence(self, number: u32, (element, line): (u64, u64)) -> AnnotatedSentence {
        let Self { annotation, mut notes } = self;
        for detail in notes.dropped.iter_mut().filter_map(|span| span.detail.as_mut()) {
            *detail = format!("element {element}: {detail}");
        }
        notes.notations.values_mut().for_each(|(_, at, _)| *at = line);
        AnnotatedSentence { number, line, annotation, questions: Vec::new(), notes }
    }
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

    /// UTF-16 code units; the end is the unit after the span.
    pub const UTF16_EXCLUSIVE: Self = Self { unit: OffsetUnit::Utf16, end_is_inclusive: false };

    /// Resolves the spans of a text. One that is malformed, empty, outside of the text, or covers another text than it carries is dropped.
    ///
    /// A span that carries its text must cover that text; white space does not matter, for tools collapse it. Where it does not by
    /// chars but does by UTF-16 code units, which annotation tools in a browser count, it is taken that way.
    pub fn resolve(self, text: &str, spans: Vec<Result<RawSpan, ElementError>>) -> ResolvedText {
        if self.unit == OffsetUnit::Tokens {
            return self.resolve_tokens(text.split_whitespace().map(str::to_owned).collect(), spans);
        }
        let mut dropped: Vec<DroppedSpan> = Vec::new();
        let mut keep = |found: Result<RawSpan, ElementError>| found.map_err(|error| dropped.push(error.into_dropped())).ok();
        let spans: Vec<RawSpan> = spans.into_iter().filter_map(&mut keep).collect();
        let text_chars = text.chars().count();
        // The first char after which chars and UTF-16 code units are counted otherwise.
        let first_pair = text.chars().position(|char| char.len_utf16() == 2).filter(|_| self.unit == OffsetUnit::Chars);
        let mut ambiguous_offsets = false;
        let resolve = |span: RawSpan| match self.char_range(&span, text, text_chars) {
            Ok(range) => {
                ambiguous_offsets |= span.text.is_none() && first_pair.is_some_and(|pair| (range.end as usize) > pair);
                Some((range, span.label))
            }
            Err(error) => {
                dropped.push(error.into_dropped());
                None
            }
        };
        let spans = spans.into_iter().filter_map(resolve).collect();
        let notes = SentenceNotes { dropped, ambiguous_offsets, ..SentenceNotes::default() };
        ResolvedText { annotation: Annotation::CharSpans { text: text.to_owned(), spans }, notes }
    }

    /// Resolves the spans of tokens, whose numbers count these. One that is malformed, empty or outside of them is dropped.
    pub fn resolve_tokens(self, tokens: Vec<String>, spans: Vec<Result<RawSpan, ElementError>>) -> ResolvedText {
        let mut dropped: Vec<DroppedSpan> = Vec::new();
        let resolve = |span: Result<RawSpan, ElementError>| {
            let resolved = span.and_then(|span| Ok((self.range_within(&span, tokens.len(), "tokens")?, span.label)));
            resolved.map_err(|error| dropped.push(error.into_dropped())).ok()
        };
        let spans = spans.into_iter().filter_map(resolve).collect();
        let notes = SentenceNotes { dropped, ..SentenceNotes::default() };
        ResolvedText { annotation: Annotation::TokenSpans { tokens, spans }, notes }
    }

    fn char_range(self, span: &RawSpan, text: &str, text_chars: usize) -> Result<Range<u32>, ElementError> {
        let by_utf16 = || {
            let units = self.range_within(span, text.encode_utf16().count(), "UTF-16 code units")?;
            let chars = utf16_to_chars(text, &units).and_then(to_u32);
            chars.ok_or_else(|| {
                ElementError::new("span outside", format!("span {};{} cuts a char of two UTF-16 code units", span.start, span.end))
            })
        };
        let by_char = || {
            let range = self.range_within(span, text_chars, "chars")?;
            to_u32(range).ok_or_else(|| ElementError::new("too long", "the text is too long".to_owned()))
        };
        let given = if self.unit == OffsetUnit::Utf16 { by_utf16() } else { by_char() };
        let Some(expected) = &span.text else { return given };
        let covers_expected = |range: &Range<u32>| {
            char_slice(text, range.start, range.end)
                .is_some_and(|found| found == expected || without_space(found).eq(without_space(expected)))
        };
        let other = || if self.unit == OffsetUnit::Utf16 { by_char() } else { by_utf16() };
        match given {
            Ok(range) if covers_expected(&range) => Ok(range),
            given => other().ok().filter(covers_expected).map_or_else(
                || {
                    let range = given?;
                    let found = char_slice(text, range.start, range.end).unwrap_or_default();
                    let (found, expected) = (excerpt(found), excerpt(expected));
                    let detail =
                        format!("span {};{} covers {found:?} but says {expected:?}, expected both to be the same", span.start, span.end);
                    Err(ElementError::new("other text", detail))
                },
                Ok,
            ),
        }
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

/// The chars of a text that are no white space.
fn without_space(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|char| !char.is_whitespace())
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
        let ResolvedText { annotation, notes } = offsets.resolve(text, vec![Ok(span)]);
        if let Some(dropped) = notes.dropped.first() {
            return dropped.reason.to_owned();
        }
        match annotation {
            Annotation::TokenSpans { tokens, spans } => tokens[spans[0].0.clone()].join("|"),
            Annotation::CharSpans { text, spans } => char_slice(&text, spans[0].0.start, spans[0].0.end).unwrap().to_owned(),
            other => format!("{other:?}"),
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
            (chars_exclusive, 2, 6, Some("von"), "other text"),
            (chars_inclusive, u64::MAX, u64::MAX, None, "span outside"),
            (SpanOffsets::UTF16_EXCLUSIVE, 3, 7, None, "Ödön"),
            (SpanOffsets::UTF16_EXCLUSIVE, 2, 6, Some("Ödön"), "Ödön"),
            (SpanOffsets::UTF16_EXCLUSIVE, 1, 2, None, "span outside"),
            // Tools trim and collapse white space.
            (chars_exclusive, 1, 7, Some("Ödön"), " Ödön "),
            (chars_exclusive, 2, 11, Some(" Ödön von\n"), "Ödön  von"),
        ] {
            assert_eq!(covered(offsets, text, start, end, carried), expected, "{offsets:?} {start};{end}");
        }
    }

    #[test]
    fn offsets_that_may_be_utf16_are_noticed() {
        let ambiguous = |offsets: SpanOffsets, start, end, text: Option<&str>| {
            let span = RawSpan { start, end, label: "X".to_owned(), text: text.map(str::to_owned) };
            offsets.resolve("Ada 🎉 Bo", vec![Ok(span)]).notes.ambiguous_offsets
        };
        let chars = SpanOffsets::CHARS_EXCLUSIVE;
        assert_eq!([ambiguous(chars, 0, 3, None), ambiguous(chars, 6, 8, None), ambiguous(chars, 6, 8, Some("Bo"))], [false, true, false]);
        assert!(!ambiguous(SpanOffsets::UTF16_EXCLUSIVE, 7, 9, None));
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
