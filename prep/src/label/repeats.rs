//! Later mentions of what a page links or is named by.

use std::collections::HashMap;
use std::ops::Range;

use schemas::SegmentView;

use super::sentences::overlaps;
use crate::gazetteer::matcher::NameMatcher;
use crate::gazetteer::normalizer::Normalizer;

/// Fewest chars of what is looked for again.
const MIN_REPEAT: usize = 2;

/// What a page says by name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Named<'a> {
    /// The name.
    pub text: &'a str,
    /// From which char of the page on a mention of it is a later one.
    pub from: u32,
    /// Its label, by its place in the query set.
    pub label: usize,
}

/// Names of a page, to be found again in its text.
pub(crate) struct Repeats {
    matcher: NameMatcher,
    names: Vec<Later>,
}

#[derive(Debug, Clone, Copy)]
struct Later {
    from: u32,
    /// Nothing where the page calls things of two labels so.
    label: Option<usize>,
}

impl Repeats {
    /// From names in their order in the page.
    pub(crate) fn new<'a>(named: impl IntoIterator<Item = Named<'a>>) -> Self {
        let mut names: HashMap<&str, Later> = HashMap::new();
        for Named { text, from, label } in named {
            if text.chars().nth(MIN_REPEAT - 1).is_some() {
                let later = names.entry(text).or_insert(Later { from, label: Some(label) });
                later.label = later.label.filter(|&known| known == label);
            }
        }
        let (texts, names): (Vec<&str>, Vec<Later>) = names.into_iter().unzip();
        let matcher = NameMatcher::new(texts).expect("the links of a page are far fewer than there is room for");
        Self { matcher, names }
    }

    /// The mentions in a block, in its chars, each with its label: the longest first, and none over a link, wherever that leads.
    pub(crate) fn find(&self, block: &SegmentView<'_>) -> Vec<(Range<u32>, usize)> {
        let text = Normalizer::default().normalize_text(block.text);
        let links: Vec<Range<u32>> = block.anchor_ranges().map(|(_, chars)| chars).collect();
        let later =
            |chars: &Range<u32>, name: usize| self.names[name].from <= block.segment.start + chars.start && !overlaps(chars, &links);
        let found = self
            .matcher
            .leftmost_longest(text.as_str(), |found| text.original_chars(&found.bytes).is_some_and(|chars| later(&chars, found.name)));
        found.into_iter().filter_map(|found| Some((text.original_chars(&found.bytes)?, self.names[found.name].label?))).collect()
    }
}

/// The family name of a person who is called so: the last of several words that all begin with an upper-case letter. Initials,
/// numerals (`Henry IV`) and what stands after a comma (`Jr.`) are none.
pub(crate) fn family_name(name: &str) -> Option<&str> {
    let (given, family) = name.rsplit_once(' ')?;
    let upper = |word: &str| word.starts_with(char::is_uppercase);
    let letters = family.chars().all(|char| char.is_alphabetic() || matches!(char, '-' | '\'' | '’'));
    let is_name = letters && family.chars().any(char::is_lowercase) && family.chars().nth(2).is_some();
    (is_name && !given.ends_with(',') && name.split(' ').all(upper)).then_some(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn family_names_are_told_from_other_last_words() {
        let check = |name: &str, expected: Option<&str>| assert_eq!(family_name(name), expected, "{name}");
        check("Ada Lovelace", Some("Lovelace"));
        check("J. R. Hartley-O'Neill", Some("Hartley-O'Neill"));
        check("Lovelace", None);
        check("Henry IV", None);
        check("Richard I of England", None);
        check("Hugh Thompson, Jr.", None);
        check("Hugh Thompson, Junior", None);
        check("Li Bo", None);
    }
}
