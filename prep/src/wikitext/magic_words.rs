//! Behaviour switches: magic words between double underscores, such as `__NOTOC__`. They show nothing.

use super::language_data::LanguageData;

/// The canonical ones, which hold in every language.
const CANONICAL: [&str; 23] = [
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
    "__DISAMBIG__",
    "__NOGLOBAL__",
    "__NOHEADER__",
    "__ARCHIVEDTALK__",
    "__NOTALK__",
];

/// The behaviour switches of a wiki.
#[derive(Debug, Clone, Default)]
pub(super) struct MagicWords(Vec<String>);

impl MagicWords {
    pub fn new(language: &LanguageData) -> Self {
        Self(CANONICAL.iter().map(|word| (*word).to_owned()).chain(language.magic_words.iter().cloned()).collect())
    }

    /// Length of the magic word at the start of `text`, without regard to ASCII case.
    pub fn length_at_start(&self, text: &str) -> Option<usize> {
        // In a long run of underscores, a word may begin only at the last two.
        if text.as_bytes().get(2) == Some(&b'_') {
            return None;
        }
        let starts = |word: &&String| text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
        self.0.iter().find(starts).map(String::len)
    }
}
