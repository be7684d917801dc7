//! What the numbers of a span count.

use std::ops::Range;

use schemas::char_slice;
use serde::Serialize;
use serde_json::Value;

use super::{Trouble, kind};
use crate::corpora::sentence::{Body, shortened};

/// What the numbers of a span count, and whether its end is the last one in it or the first one after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Offsets {
    unit: Unit,
    end_is_inside: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Unit {
    Tokens,
    Chars,
}

/// An entity as the file gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// First token or char.
    pub start: u64,
    /// The last one or the one after.
    pub end: u64,
    /// The label.
    pub label: String,
    /// What the file says that the span reads.
    pub text: Option<String>,
}

impl Offsets {
    /// Tokens between white space, the end being the last one: what BERT-MRC's files count.
    pub const TOKENS: Self = Self { unit: Unit::Tokens, end_is_inside: true };
    /// Chars, half-open: what annotation tools count.
    pub const CHARS: Self = Self { unit: Unit::Chars, end_is_inside: false };
    /// Tokens between white space, half-open.
    pub const TOKENS_EXCLUSIVE: Self = Self { unit: Unit::Tokens, end_is_inside: false };
    /// Chars, the end being the last one.
    pub const CHARS_INCLUSIVE: Self = Self { unit: Unit::Chars, end_is_inside: true };

    /// The text with its entities.
    ///
    /// A span with a text of its own must read so, by chars or else by UTF-16 units, which annotation tools in browsers count.
    ///
    /// # Errors
    /// A span outside of the text, an empty one, or one that reads otherwise than it says.
    pub fn body(self, text: &str, spans: Vec<Marked>) -> Result<Body, Trouble> {
        match self.unit {
            Unit::Tokens => {
                let tokens: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
                let entities = spans.into_iter().map(|span| Ok((self.range(&span, tokens.len(), "tokens")?, span.label)));
                let entities = entities.collect::<Result<_, Trouble>>()?;
                Ok(Body::Tokens { tokens, entities })
            }
            Unit::Chars => {
                let chars = text.chars().count();
                let entities = spans.into_iter().map(|span| Ok((self.chars(&span, text, chars)?, span.label)));
                let entities = entities.collect::<Result<_, Trouble>>()?;
                Ok(Body::Text { text: text.to_owned(), entities })
            }
        }
    }

    fn chars(self, span: &Marked, text: &str, chars: usize) -> Result<Range<u32>, Trouble> {
        let narrow =
            |range: Range<usize>| u32::try_from(range.start).ok().zip(u32::try_from(range.end).ok()).map(|(start, end)| start..end);
        let by_char = self.range(span, chars, "chars").map(narrow);
        let Some(carried) = &span.text else { return by_char?.ok_or_else(|| Trouble::new("too long", "the text is too long".to_owned())) };
        let reads = |range: &Range<u32>| char_slice(text, range.start, range.end) == Some(carried);
        if let Ok(Some(range)) = &by_char
            && reads(range)
        {
            return Ok(range.clone());
        }
        let by_unit =
            self.range(span, text.encode_utf16().count(), "chars").ok().and_then(|units| chars_of_units(text, &units)).and_then(narrow);
        by_unit.filter(reads).ok_or_else(|| match by_char {
            Err(trouble) => trouble,
            Ok(range) => {
                let found = range.and_then(|range| char_slice(text, range.start, range.end)).unwrap_or_default();
                let (found, carried) = (shortened(found), shortened(carried));
                let detail = format!("span {};{} reads {found:?} but says {carried:?}, expected both to be the same", span.start, span.end);
                Trouble::new("other text", detail)
            }
        })
    }

    /// The span, half-open.
    fn range(self, span: &Marked, length: usize, what: &str) -> Result<Range<usize>, Trouble> {
        let Marked { start, end, .. } = *span;
        let after = if self.end_is_inside { end.checked_add(1) } else { Some(end) };
        let bounds = usize::try_from(start).ok().zip(after.and_then(|after| usize::try_from(after).ok()));
        bounds.filter(|&(start, after)| start < after && after <= length).map(|(start, after)| start..after).ok_or_else(|| {
            let rule = if self.end_is_inside { "the end being the last one" } else { "the end being the one after the last" };
            let detail = format!("span {start};{end} is not within the {length} {what} of the text, {rule}; --offsets says otherwise");
            Trouble::new("span outside", detail)
        })
    }
}

/// The chars of a range of UTF-16 units; nothing where it cuts one.
fn chars_of_units(text: &str, units: &Range<usize>) -> Option<Range<usize>> {
    let mut unit = 0;
    let mut borders = vec![unit];
    for char in text.chars() {
        unit += char.len_utf16();
        borders.push(unit);
    }
    Some(borders.binary_search(&units.start).ok()?..borders.binary_search(&units.end).ok()?)
}

/// A position: a whole number, or one in a string.
///
/// # Errors
/// Anything else.
pub fn position(value: &Value) -> Result<u64, Trouble> {
    let number = value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    number.ok_or_else(|| {
        Trouble::new("bad span", format!("position {} is {}, expected a whole number from 0", shortened(&value.to_string()), kind(value)))
    })
}

/// A span of two positions: `"3;5"`, `"3,5"` or `[3, 5]`.
///
/// # Errors
/// Anything else.
pub fn pair(value: &Value) -> Result<(u64, u64), Trouble> {
    let bad = || Trouble::new("bad span", format!("span {} is not \"start;end\", as in \"3;5\"", shortened(&value.to_string())));
    match value {
        Value::String(text) => {
            let (start, end) = text.split_once([';', ',']).ok_or_else(bad)?;
            start.trim().parse().ok().zip(end.trim().parse().ok()).ok_or_else(bad)
        }
        Value::Array(items) => match items.as_slice() {
            [start, end] => Ok((position(start)?, position(end)?)),
            _ => Err(bad()),
        },
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(offsets: Offsets, text: &str, start: u64, end: u64, carried: Option<&str>) -> String {
        let span = Marked { start, end, label: "X".to_owned(), text: carried.map(str::to_owned) };
        match offsets.body(text, vec![span]) {
            Ok(Body::Tokens { tokens, entities }) => tokens[entities[0].0.clone()].join("|"),
            Ok(Body::Text { text, entities }) => char_slice(&text, entities[0].0.start, entities[0].0.end).unwrap().to_owned(),
            Ok(other) => format!("{other:?}"),
            Err(trouble) => trouble.reason.to_owned(),
        }
    }

    #[test]
    fn offsets_count_what_they_say() {
        let text = "🎉 Ödön  von Horváth";
        for (offsets, start, end, carried, expected) in [
            (Offsets::TOKENS, 1, 3, None, "Ödön|von|Horváth"),
            (Offsets::TOKENS_EXCLUSIVE, 1, 3, None, "Ödön|von"),
            (Offsets::TOKENS_EXCLUSIVE, 1, 4, None, "Ödön|von|Horváth"),
            (Offsets::TOKENS, 1, 4, None, "span outside"),
            (Offsets::TOKENS, 2, 1, None, "span outside"),
            (Offsets::CHARS, 2, 6, None, "Ödön"),
            (Offsets::CHARS_INCLUSIVE, 2, 5, None, "Ödön"),
            (Offsets::CHARS, 2, 2, None, "span outside"),
            (Offsets::CHARS, 2, 99, None, "span outside"),
            (Offsets::CHARS, 2, 6, Some("Ödön"), "Ödön"),
            // The same in UTF-16 units: 🎉 is two.
            (Offsets::CHARS, 3, 7, Some("Ödön"), "Ödön"),
            (Offsets::CHARS_INCLUSIVE, 3, 6, Some("Ödön"), "Ödön"),
            (Offsets::CHARS, 13, 20, Some("Horváth"), "Horváth"),
            (Offsets::CHARS, 1, 7, Some("Ödön"), "other text"),
            (Offsets::CHARS, 2, 6, Some("von"), "other text"),
            (Offsets::CHARS_INCLUSIVE, u64::MAX, u64::MAX, None, "span outside"),
        ] {
            assert_eq!(body(offsets, text, start, end, carried), expected, "{offsets:?} {start};{end}");
        }
    }

    #[test]
    fn pairs() {
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
            assert_eq!(pair(&serde_json::from_str(json).unwrap()).ok(), expected, "{json}");
        }
    }
}
