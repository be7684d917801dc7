//! Behaviour switches: magic words between double underscores, such as `__NOTOC__`. They show nothing.

use std::collections::HashMap;

use super::wiki_words::WikiWords;

/// The canonical ones, which hold in every language.
const CANONICAL: [&str; 24] = [
    "__NOTOC__",
    "__FORCETOC__",
    "__TOC__",
    "__NOEDITSECTION__",
    "__NEWSECTIONLINK__",
    "__NONEWSECTIONLINK__",
    "__NOGALLERY__",
    "__HIDDENCAT__",
    "__EXPECTUNUSEDCATEGORY__",
    "__NOCONTENTCONVERT__",
    "__NOCC__",
    "__NOTITLECONVERT__",
    "__NOTC__",
    "__START__",
    "__END__",
    "__INDEX__",
    "__NOINDEX__",
    "__STATICREDIRECT__",
    "__NOGLOBAL__",
    "__NOHEADER__",
    "__ARCHIVEDTALK__",
    "__NOTALK__",
    "__EXPECTED_UNCONNECTED_PAGE__",
    "__EXPECTWITHOUTSCANS__",
];

/// The one that marks a disambiguation page in every language.
const DISAMBIGUATION: &str = "__DISAMBIG__";

/// The behaviour switches of a wiki.
#[derive(Debug, Clone, Default)]
pub(super) struct MagicWords {
    /// Whether a switch, in lower case, marks a disambiguation page.
    marks_disambiguation: HashMap<String, bool>,
    /// Length of the longest switch, in bytes.
    max_length: usize,
}

/// A behaviour switch in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MagicWord {
    /// Length in bytes.
    pub length: usize,
    /// Whether it marks a disambiguation page.
    pub marks_disambiguation: bool,
}

impl MagicWords {
    pub fn new(words: &WikiWords) -> Self {
        let canonical = CANONICAL.iter().map(|word| (word.to_lowercase(), false));
        let local = words.switches.iter().map(|word| (word.clone(), false));
        let disambiguations = words.disambiguations.iter().cloned().chain([DISAMBIGUATION.to_lowercase()]).map(|word| (word, true));
        let marks_disambiguation: HashMap<String, bool> = canonical.chain(local).chain(disambiguations).collect();
        // A char in lower case may be shorter than in upper case.
        let max_length = 2 * marks_disambiguation.keys().map(String::len).max().unwrap_or_default();
        Self { marks_disambiguation, max_length }
    }

    /// The switch at the start of `text`, which begins with two underscores, without regard to case.
    pub fn at_start(&self, text: &str) -> Option<MagicWord> {
        let underscore = text.chars().next()?;
        let open = 2 * underscore.len_utf8();
        // In a long run of underscores, a word may begin only at the last two.
        let rest = text.get(open..)?;
        if rest.starts_with(underscore) {
            return None;
        }
        let window = &rest.as_bytes()[..rest.len().min(self.max_length)];
        let length = open + memchr::memmem::find(window, &text.as_bytes()[..open])? + open;
        let marks_disambiguation = *self.marks_disambiguation.get(&text[..length].to_lowercase())?;
        Some(MagicWord { length, marks_disambiguation })
    }
}

#[cfg(test)]
mod tests {
    use super::super::language_data::LanguageData;
    use super::*;

    #[test]
    fn switches_are_found() {
        for (lang, text, length) in [
            ("en", "__NOTOC__ a", Some(9)),
            ("en", "__notoc__", Some(9)),
            ("en", "__UNKNOWN__", None),
            ("en", "___NOTOC__", None),
            ("en", "__", None),
            ("ko", "__목차숨김__가", Some(16)),
            ("ru", "__БЕЗ_ОГЛАВЛЕНИЯ__", Some(31)),
            ("ja", "＿＿目次非表示＿＿", Some(27)),
            ("vi", "__KHÔNGMỤCLỤC__", Some("__KHÔNGMỤCLỤC__".len())),
        ] {
            let found = MagicWords::new(&LanguageData::of(lang).words).at_start(text);
            assert_eq!(found.map(|word| word.length), length, "{lang} {text}");
        }
        for (lang, text) in [("en", "__DISAMBIG__"), ("no", "__PEKER__"), ("zh", "__消除歧义__")] {
            let found = MagicWords::new(&LanguageData::of(lang).words).at_start(text);
            assert!(found.is_some_and(|word| word.marks_disambiguation), "{lang} {text}");
        }
    }
}
