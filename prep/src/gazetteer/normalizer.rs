//! Brings names and text into a form in which they can be compared, and maps offsets back to the original text.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::wikitext::ScriptConverter;

/// Which differences between a name and a text are ignored. The default ignores none.
#[derive(Debug, Default)]
pub struct Normalizer {
    /// Unicode compatibility composition (NFKC): `ＡＢＣ` equals `ABC`, and `é` equals `e` with a combining accent. With it go the forms of
    /// one mark that NFKC keeps apart: apostrophes, hyphens, and chars without width, which are left out.
    pub nfkc: bool,
    /// Upper and lower case.
    pub ignore_case: bool,
    /// The lower case of `I` is `ı`, and of `İ` is `i`, as in Turkish: see [`has_dotted_i`](crate::wikitext::has_dotted_i).
    pub dotted_i: bool,
    /// Converts names to the Chinese script that the text is in already. Text is not converted.
    pub convert_names: Option<ScriptConverter>,
}

/// A normalized text that knows where each of its parts lies in the original.
#[derive(Debug)]
pub struct NormalizedText<'t> {
    text: Cow<'t, str>,
    offsets: OffsetMap,
}

/// Maps byte offsets of the normalized text to char offsets of the original.
#[derive(Debug)]
enum OffsetMap {
    /// Both are ASCII and of equal length: byte and char offsets are the same.
    Ascii,
    /// The text was normalized already. Holds the number of chars before each [`BLOCK`] of bytes, once an offset was asked for.
    Unchanged(OnceCell<Vec<u32>>),
    /// The char offset for each byte and for the end, or [`INSIDE_CHAR`]. 4 bytes per byte of text.
    Changed(Vec<u32>),
}

/// Bytes of an unchanged text in which chars are counted anew for each offset.
const BLOCK: usize = 64;

/// Marks a byte at which no char of the original begins.
const INSIDE_CHAR: u32 = u32::MAX;

impl NormalizedText<'_> {
    /// The normalized text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The char range of the original text that became a byte range of the normalized one. `None` where the range begins or ends inside
    /// of what a single char of the original became, as in `½`, which becomes `1⁄2`.
    pub fn original_chars(&self, bytes: &Range<usize>) -> Option<Range<u32>> {
        match &self.offsets {
            OffsetMap::Ascii => Some(u32::try_from(bytes.start).ok()?..u32::try_from(bytes.end).ok()?),
            OffsetMap::Unchanged(blocks) => {
                let blocks = blocks.get_or_init(|| chars_before_blocks(&self.text));
                let char_at = |byte: usize| {
                    let block = byte / BLOCK;
                    let rest = self.text.as_bytes().get(block * BLOCK..byte).filter(|_| self.text.is_char_boundary(byte))?;
                    Some(blocks[block] + count_chars(rest))
                };
                Some(char_at(bytes.start)?..char_at(bytes.end)?)
            }
            OffsetMap::Changed(char_at) => {
                let char_at = |byte: usize| Some(char_at[byte]).filter(|&char| char != INSIDE_CHAR);
                Some(char_at(bytes.start)?..char_at(bytes.end)?)
            }
        }
    }
}

/// The number of chars that begin before each block of bytes of a text, and before its end.
fn chars_before_blocks(text: &str) -> Vec<u32> {
    let mut before = vec![0];
    let mut chars = 0;
    for block in text.as_bytes().chunks(BLOCK) {
        chars += count_chars(block);
        before.push(chars);
    }
    before
}

/// The number of chars that begin in a slice of UTF-8.
fn count_chars(bytes: &[u8]) -> u32 {
    // Continuation bytes are 0x80 to 0xBF.
    bytes.iter().map(|&byte| u32::from(byte as i8 >= -0x40)).sum()
}

impl Normalizer {
    /// Normalizes a name. White space is trimmed and collapsed to single spaces, as in the text of pages.
    pub fn normalize_name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let name = collapse_whitespace(name);
        if name.is_ascii() && !self.dotted_i {
            return if self.ignore_case { Cow::Owned(name.to_ascii_lowercase()) } else { name };
        }
        let mut converted = String::new();
        if let Some(converter) = &self.convert_names {
            converter.convert(&name, &mut converted);
        } else {
            converted.push_str(&name);
        }
        Cow::Owned(collapse_whitespace(&self.normalize_text(&converted).text).into_owned())
    }

    /// Normalizes a text, and keeps how its offsets change. Borrows the text where nothing changes.
    pub fn normalize_text<'t>(&self, text: &'t str) -> NormalizedText<'t> {
        if text.is_ascii() && !(self.ignore_case && self.dotted_i && text.contains('I')) {
            let text = if self.ignore_case { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
            return NormalizedText { text, offsets: OffsetMap::Ascii };
        }
        let is_normalized = || is_nfkc_quick(text.chars()) == IsNormalized::Yes && !text.contains(is_variant_mark);
        if !self.ignore_case && (!self.nfkc || is_normalized()) {
            return NormalizedText { text: Cow::Borrowed(text), offsets: OffsetMap::Unchanged(OnceCell::new()) };
        }
        self.normalize_by_cluster(text)
    }

    /// Normalizes each char together with the chars that may compose with it, so that the offsets between such clusters map to chars
    /// of the original.
    fn normalize_by_cluster(&self, text: &str) -> NormalizedText<'static> {
        let mut normalized = String::with_capacity(text.len());
        let mut char_at = Vec::with_capacity(text.len() + 1);
        let mut char = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((start, first)) = chars.next() {
            let mut cluster_chars = 1;
            if self.nfkc {
                while chars.next_if(|&(_, next)| may_compose_with_previous(next)).is_some() {
                    cluster_chars += 1;
                }
            }
            if !self.nfkc || (cluster_chars == 1 && is_stable(first)) {
                self.push(first, &mut normalized);
            } else {
                let end = chars.peek().map_or(text.len(), |&(end, _)| end);
                text[start..end].nfkc().for_each(|c| self.push(c, &mut normalized));
            }
            if normalized.len() > char_at.len() {
                char_at.push(char);
                char_at.resize(normalized.len(), INSIDE_CHAR);
            }
            char += cluster_chars;
        }
        char_at.push(char);
        NormalizedText { text: Cow::Owned(normalized), offsets: OffsetMap::Changed(char_at) }
    }

    fn push(&self, c: char, out: &mut String) {
        let c = match c {
            _ if !self.nfkc => c,
            _ if is_apostrophe(c) => '\'',
            _ if is_hyphen(c) => '-',
            _ if is_invisible(c) => return,
            c => c,
        };
        match c {
            'I' if self.ignore_case && self.dotted_i => out.push('ı'),
            'İ' if self.ignore_case && self.dotted_i => out.push('i'),
            // The form that a sigma has at the end of a word.
            'Σ' | 'ς' if self.ignore_case => out.push('σ'),
            c if self.ignore_case => out.extend(c.to_lowercase()),
            c => out.push(c),
        }
    }
}

/// Whether a char is a form of a mark that NFKC keeps apart from its ASCII form, or has no width.
fn is_variant_mark(c: char) -> bool {
    is_apostrophe(c) || is_hyphen(c) || is_invisible(c)
}

/// Whether a char stands for an apostrophe: `’` and `‘`, and the modifier letters that look like it.
fn is_apostrophe(c: char) -> bool {
    matches!(c, '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bb}' | '\u{2bc}' | '\u{2bd}' | '\u{2032}')
}

/// Whether a char stands for a hyphen: the hyphens and the hyphen bullet of Unicode. Dashes part words and are none.
fn is_hyphen(c: char) -> bool {
    matches!(c, '\u{2010}' | '\u{2011}' | '\u{2043}')
}

/// Whether a char has no width: the soft hyphen, zero-width spaces and joiners, marks of direction.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

/// Trims white space and replaces each run of it by one space.
fn collapse_whitespace(text: &str) -> Cow<'_, str> {
    // All white space but the space itself is a control character or not ASCII.
    if crate::wikitext::is_single_spaced(text, |byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let mut words = text.split_whitespace();
    let mut collapsed = words.next().unwrap_or_default().to_owned();
    words.for_each(|word| {
        collapsed.push(' ');
        collapsed.push_str(word);
    });
    Cow::Owned(collapsed)
}

/// Whether a char is one of those that most texts are made of and that NFKC never changes. A quick test before the tables of Unicode.
fn is_plain(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{4e00}'..='\u{9fff}')
}

/// Whether NFKC leaves a char alone that stands on its own.
fn is_stable(c: char) -> bool {
    is_plain(c) || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes
}

fn may_compose_with_previous(c: char) -> bool {
    if is_plain(c) {
        return false;
    }
    let mut first = None;
    decompose_compatible(c, |part| {
        first.get_or_insert(part);
    });
    first.is_some_and(|first| canonical_combining_class(first) != 0 || is_nfkc_quick(std::iter::once(first)) == IsNormalized::Maybe)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nfkc_without_case() -> Normalizer {
        Normalizer { nfkc: true, ignore_case: true, ..Normalizer::default() }
    }

    #[test]
    fn names_are_normalized() {
        let to_simplified =
            Normalizer { convert_names: ScriptConverter::to(crate::wikitext::ChineseVariant::Simplified), ..nfkc_without_case() };
        for (normalizer, name, expected) in [
            (Normalizer::default(), " New \t York\u{a0}", "New York"),
            (Normalizer::default(), "ＡＢＣ", "ＡＢＣ"),
            (nfkc_without_case(), "ＡＢＣ公司", "abc公司"),
            (nfkc_without_case(), "Cafe\u{301}", "café"),
            (nfkc_without_case(), "ÉCOLE", "école"),
            (nfkc_without_case(), "ｶﾞﾝﾀﾞﾑ", "ガンダム"),
            (nfkc_without_case(), "①", "1"),
            (nfkc_without_case(), "각", "각"),
            (nfkc_without_case(), "O’Neil‑Arden ʼN SO\u{ad}FT", "o'neil-arden 'n soft"),
            (Normalizer::default(), "O’Neil", "O’Neil"),
            (nfkc_without_case(), "ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            (nfkc_without_case(), "Οδυσσεύς", "οδυσσεύσ"),
            (Normalizer { dotted_i: true, ..nfkc_without_case() }, "DIYARBAKIR İl", "dıyarbakır il"),
            (to_simplified, "臺灣", "台湾"),
        ] {
            assert_eq!(normalizer.normalize_name(name), expected, "{name}");
        }
    }

    #[test]
    fn offsets_are_those_of_the_original() {
        let text = "Ｃafe\u{301} ½ 北京①號";
        let normalized = nfkc_without_case().normalize_text(text);
        assert_eq!(normalized.as_str(), "café 1⁄2 北京1號");
        let find = |part: &str| {
            let start = normalized.as_str().find(part).unwrap();
            normalized.original_chars(&(start..start + part.len()))
        };
        let soft = nfkc_without_case().normalize_text("Har\u{ad}wen’s \u{200b}Ada");
        assert_eq!(
            (soft.as_str(), soft.original_chars(&(0..6)), soft.original_chars(&(9..12))),
            ("harwen's ada", Some(0..7), Some(11..14))
        );
        for (part, expected) in [("café", Some(0..5)), ("fé", Some(2..5)), ("1⁄2", Some(6..7)), ("⁄2", None), ("京1", Some(9..11))] {
            assert_eq!(find(part), expected, "{part}");
        }
    }

    #[test]
    fn offsets_of_an_unchanged_text_are_counted_by_blocks() {
        let text = "é北🎉a".repeat(50);
        let normalized = Normalizer::default().normalize_text(&text);
        for (char, (byte, _)) in text.char_indices().chain([(text.len(), ' ')]).enumerate() {
            assert_eq!(normalized.original_chars(&(byte..byte)), Some(char as u32..char as u32));
        }
        assert_eq!(normalized.original_chars(&(0..1)), None);
    }

    proptest! {
        #[test]
        fn normalizing_by_cluster_equals_normalizing_the_whole(text in "[a-zé가-힣\u{1100}-\u{11ff}\u{300}-\u{310}ｱ-ﾟÀ-ÿ①½ǆﬁﷺ北\u{3099}か]{0,12}") {
            let normalizer = Normalizer { nfkc: true, ..Normalizer::default() };
            let normalized = normalizer.normalize_text(&text);
            prop_assert_eq!(normalized.as_str(), text.nfkc().collect::<String>());
        }

        #[test]
        fn mapped_offsets_ascend_from_start_to_end(text in "\\PC{0,20}") {
            let normalized = nfkc_without_case().normalize_text(&text);
            let chars: Vec<u32> =
                (0..=normalized.text.len()).filter_map(|byte| normalized.original_chars(&(byte..byte))).map(|at| at.start).collect();
            prop_assert!(chars.is_sorted() && chars.first() == Some(&0));
            prop_assert_eq!(chars.last(), Some(&u32::try_from(text.chars().count()).unwrap()));
        }
    }
}
