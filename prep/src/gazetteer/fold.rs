//! Names and text made comparable, with the offsets of the text as it was.

use std::borrow::Cow;
use std::cell::Cell;
use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, decompose_compatible};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::wikitext::ScriptConverter;

/// What counts as the same.
#[derive(Debug, Default)]
pub struct Folding {
    /// Compatibility forms: `ＡＢＣ` is `ABC`, `é` is `e` with an accent (Unicode's NFKC).
    pub nfkc: bool,
    /// Upper and lower case.
    pub ignore_case: bool,
    /// Names are converted to Simplified Chinese, as the text is already.
    pub simplify: Option<ScriptConverter>,
}

/// Stands in [`Starts::Folded`] where no char of the original begins.
const INSIDE: u32 = u32::MAX;

/// A text as it is compared.
#[derive(Debug)]
pub struct Folded<'t> {
    text: Cow<'t, str>,
    starts: Starts,
}

/// Which char of the original begins at a byte of the folded text.
#[derive(Debug)]
enum Starts {
    /// Each byte is a char.
    Ascii,
    /// The text is the original. Its chars are counted up to a place, byte and char: slices are asked for in their order, most often.
    Same(Cell<(usize, u32)>),
    /// For each byte, and for the end.
    Folded(Vec<u32>),
}

impl Folded<'_> {
    /// The folded text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a slice of the folded text lies in the original, in chars; nothing where it cuts one of the original's chars.
    pub fn chars(&self, bytes: &Range<usize>) -> Option<Range<u32>> {
        match &self.starts {
            Starts::Ascii => Some(u32::try_from(bytes.start).ok()?..u32::try_from(bytes.end).ok()?),
            Starts::Same(counted) => {
                let count = |from: usize, to: usize| u32::try_from(self.text.get(from..to)?.chars().count()).ok();
                let (from, chars) = Some(counted.get()).filter(|&(from, _)| from <= bytes.start).unwrap_or_default();
                let start = chars + count(from, bytes.start)?;
                counted.set((bytes.start, start));
                Some(start..start + count(bytes.start, bytes.end)?)
            }
            Starts::Folded(starts) => {
                let start = |byte: usize| Some(starts[byte]).filter(|&start| start != INSIDE);
                Some(start(bytes.start)?..start(bytes.end)?)
            }
        }
    }
}

impl Folding {
    /// Folds a name. White space is trimmed, and inside becomes one space, as in the text of pages.
    pub fn name<'n>(&self, name: &'n str) -> Cow<'n, str> {
        let name = one_space(name);
        if name.is_ascii() {
            return if self.ignore_case { Cow::Owned(name.to_ascii_lowercase()) } else { name };
        }
        let mut simplified = String::new();
        if let Some(converter) = &self.simplify {
            converter.convert(&name, &mut simplified);
        } else {
            simplified.push_str(&name);
        }
        Cow::Owned(one_space(&self.text(&simplified).text).into_owned())
    }

    /// Folds a text.
    pub fn text<'t>(&self, text: &'t str) -> Folded<'t> {
        if text.is_ascii() {
            let text = if self.ignore_case { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
            return Folded { text, starts: Starts::Ascii };
        }
        if !self.ignore_case && (!self.nfkc || is_nfkc_quick(text.chars()) == IsNormalized::Yes) {
            return Folded { text: Cow::Borrowed(text), starts: Starts::Same(Cell::default()) };
        }
        let mut folded = String::with_capacity(text.len());
        let mut starts = Vec::with_capacity(text.len() + 1);
        let mut at = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((start, first)) = chars.next() {
            let mut count = 1;
            if self.nfkc {
                while chars.next_if(|&(_, next)| composes_with_what_is_before(next)).is_some() {
                    count += 1;
                }
            }
            if !self.nfkc || (count == 1 && is_stable(first)) {
                self.push(first, &mut folded);
            } else {
                let end = chars.peek().map_or(text.len(), |&(end, _)| end);
                text[start..end].nfkc().for_each(|c| self.push(c, &mut folded));
            }
            starts.push(at);
            starts.resize(folded.len(), INSIDE);
            at += count;
        }
        starts.push(at);
        Folded { text: Cow::Owned(folded), starts: Starts::Folded(starts) }
    }

    fn push(&self, c: char, out: &mut String) {
        if self.ignore_case { out.extend(c.to_lowercase()) } else { out.push(c) }
    }
}

fn one_space(text: &str) -> Cow<'_, str> {
    // All white space but the space itself is a control character or not ASCII.
    if crate::interner::is_spaced_once(text, |byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let mut words = text.split_whitespace();
    let mut spaced = words.next().unwrap_or_default().to_owned();
    words.for_each(|word| {
        spaced.push(' ');
        spaced.push_str(word);
    });
    Cow::Owned(spaced)
}

/// The chars that most texts are made of, and that no normalization changes.
fn is_plain(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{4e00}'..='\u{9fff}')
}

fn is_stable(c: char) -> bool {
    is_plain(c) || is_nfkc_quick(std::iter::once(c)) == IsNormalized::Yes
}

fn composes_with_what_is_before(c: char) -> bool {
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

    fn all() -> Folding {
        Folding { nfkc: true, ignore_case: true, simplify: None }
    }

    #[test]
    fn names_are_folded() {
        let zh = Folding { simplify: ScriptConverter::to(crate::wikitext::ChineseVariant::Simplified), ..all() };
        for (folding, name, expected) in [
            (Folding::default(), " New \t York\u{a0}", "New York"),
            (Folding::default(), "ＡＢＣ", "ＡＢＣ"),
            (all(), "ＡＢＣ公司", "abc公司"),
            (all(), "Cafe\u{301}", "café"),
            (all(), "ÉCOLE", "école"),
            (all(), "ｶﾞﾝﾀﾞﾑ", "ガンダム"),
            (all(), "①", "1"),
            (all(), "각", "각"),
            (zh, "臺灣", "台湾"),
        ] {
            assert_eq!(folding.name(name), expected, "{name}");
        }
    }

    #[test]
    fn offsets_are_those_of_the_original() {
        let text = "Ｃafe\u{301} ½ 北京①號";
        let folded = all().text(text);
        assert_eq!(folded.text(), "café 1⁄2 北京1號");
        let find = |part: &str| {
            let start = folded.text().find(part).unwrap();
            folded.chars(&(start..start + part.len()))
        };
        for (part, expected) in [("café", Some(0..5)), ("fé", Some(2..5)), ("1⁄2", Some(6..7)), ("⁄2", None), ("京1", Some(9..11))] {
            assert_eq!(find(part), expected, "{part}");
        }
    }

    proptest! {
        #[test]
        fn folding_by_parts_is_folding_the_whole(text in "[a-zé가-힣\u{1100}-\u{11ff}\u{300}-\u{310}ｱ-ﾟÀ-ÿ①½ǆﬁﷺ北\u{3099}か]{0,12}") {
            let folding = Folding { nfkc: true, ..Folding::default() };
            let folded = folding.text(&text);
            prop_assert_eq!(folded.text(), text.nfkc().collect::<String>());
        }

        #[test]
        fn every_border_is_a_border_of_the_text(text in "\\PC{0,20}") {
            let folded = all().text(&text);
            let borders: Vec<u32> = (0..=folded.text.len()).filter_map(|byte| folded.chars(&(byte..byte))).map(|at| at.start).collect();
            prop_assert!(borders.is_sorted() && borders.first() == Some(&0));
            prop_assert_eq!(borders.last(), Some(&u32::try_from(text.chars().count()).unwrap()));
        }
    }
}
