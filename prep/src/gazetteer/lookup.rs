//! Names with their labels: looked up one by one, and found in running text.

use std::collections::HashSet;
use std::ops::Range;

use super::matcher::NameMatcher;
use super::name_table::NameTable;
use super::normalizer::Normalizer;
use super::options::AmbiguousNames;

/// Names with their labels, and the words that are no names.
///
/// Memory: that of its [`NameTable`] and, where running text is searched, of its [`NameMatcher`].
#[derive(Debug)]
pub struct Gazetteer {
    pub(super) normalizer: Normalizer,
    pub(super) names: NameTable,
    /// The label of each file's names, by index in the query set.
    pub(super) label_of_file: Vec<usize>,
    pub(super) ambiguous: AmbiguousNames,
    /// Words that are no names in running text, normalized.
    pub(super) stop_names: HashSet<String>,
    /// Absent where names are only looked up.
    pub(super) mention_finder: Option<MentionFinder>,
}

/// Finds those names in running text that are long enough and on no stop list.
#[derive(Debug)]
pub(super) struct MentionFinder {
    pub matcher: NameMatcher,
    /// For each name of the matcher, its number in the gazetteer.
    pub name_numbers: Vec<u32>,
}

/// A name that the gazetteer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelledName {
    /// Number of the name.
    pub name: u32,
    /// Its label, by index in the query set. `None` for an ambiguous name under [`AmbiguousNames::Drop`].
    pub label: Option<usize>,
}

impl Gazetteer {
    /// Looks up several names of one thing, the most reliable first. Returns the first that is known and not ambiguous, or else the
    /// first that is known.
    pub fn look_up<'t>(&self, candidates: impl IntoIterator<Item = &'t str>) -> Option<LabelledName> {
        let mut first_ambiguous = None;
        for candidate in candidates {
            let Some(number) = self.names.number(&self.normalizer.normalize_name(candidate)) else { continue };
            if !self.is_ambiguous(number) {
                return Some(self.labelled_name(number));
            }
            first_ambiguous.get_or_insert(number);
        }
        first_ambiguous.map(|number| self.labelled_name(number))
    }

    /// Whether a stop list says that this is no name in running text.
    pub fn is_stop_name(&self, text: &str) -> bool {
        !self.stop_names.is_empty() && self.stop_names.contains(self.normalizer.normalize_name(text).as_ref())
    }

    /// Finds names in running text, as char ranges in ascending order. They stand between word boundaries and do not overlap: the
    /// leftmost is taken, of these the longest. `accept` may reject a range, which then hides no other.
    ///
    /// Finds nothing in a gazetteer that was loaded without `min_mention_chars`.
    pub fn find_mentions(&self, text: &str, mut accept: impl FnMut(&Range<u32>) -> bool) -> Vec<(Range<u32>, LabelledName)> {
        let Some(MentionFinder { matcher, name_numbers }) = &self.mention_finder else { return Vec::new() };
        let text = self.normalizer.normalize_text(text);
        let matches =
            matcher.leftmost_longest(text.as_str(), |found| text.original_chars(&found.bytes).is_some_and(|chars| accept(&chars)));
        let mention = |(bytes, name): (Range<usize>, usize)| Some((text.original_chars(&bytes)?, self.labelled_name(name_numbers[name])));
        matches.into_iter().filter_map(|found| mention((found.bytes, found.name))).collect()
    }

    pub(super) fn labelled_name(&self, name: u32) -> LabelledName {
        let label = match self.ambiguous {
            AmbiguousNames::Drop if self.is_ambiguous(name) => None,
            _ => self.labels(name).next(),
        };
        LabelledName { name, label }
    }

    /// The labels of a name, in the order of its files. A label is repeated where several of its files hold the name.
    pub(super) fn labels(&self, name: u32) -> impl Iterator<Item = usize> {
        self.names.files(name).iter().map(|&file| self.label_of_file[file])
    }

    pub(super) fn is_ambiguous(&self, name: u32) -> bool {
        let mut labels = self.labels(name);
        let first = labels.next();
        labels.any(|label| Some(label) != first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gazetteer::load::{LoadSummary, load};
    use crate::gazetteer::name_file::NameFile;
    use crate::gazetteer::options::GazetteerOptions;

    const FILES: [(usize, &str); 3] = [(1, "Oslo\nGeorgia\nArden\n"), (0, "Georgia\nAda_Arden\nAda\n"), (1, "OSLO\nOslo\n")];

    fn gazetteer(ambiguous: AmbiguousNames, normalizer: Normalizer, stop_list: &str) -> (Gazetteer, LoadSummary) {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: String, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let files = FILES.iter().enumerate();
        let files = files.map(|(at, (label, text))| (*label, NameFile { path: write(at.to_string(), text), column: None })).collect();
        let stop_lists = vec![write("stop".to_owned(), stop_list)];
        let encoding = encoding_rs::UTF_8;
        let options = GazetteerOptions {
            files,
            encoding,
            underscores: true,
            korean_particles: false,
            normalizer,
            ambiguous,
            stop_lists,
            min_mention_chars: Some(4),
        };
        load(options).unwrap()
    }

    #[test]
    fn names_are_looked_up() {
        let (first, summary) = gazetteer(AmbiguousNames::First, Normalizer::default(), "");
        assert_eq!(summary.names.to_string(), "8 in, 6 out, 2 skipped (duplicate 2)");
        assert_eq!(summary.inputs.len(), 4, "the stop list is an input too");
        assert!(summary.numeric_files.is_empty());
        let (drop, _) = gazetteer(AmbiguousNames::Drop, Normalizer::default(), "");
        for (candidates, in_first, in_drop) in [
            (&["Oslo"][..], Some(Some(1)), Some(Some(1))),
            (&["Bergen"], None, None),
            (&["Georgia"], Some(Some(1)), Some(None)),
            (&["Georgia", "Ada"], Some(Some(0)), Some(Some(0))),
            (&["Bergen", "Georgia"], Some(Some(1)), Some(None)),
            (&["oslo"], None, None),
        ] {
            let label = |gazetteer: &Gazetteer| gazetteer.look_up(candidates.iter().copied()).map(|found| found.label);
            assert_eq!((label(&first), label(&drop)), (in_first, in_drop), "{candidates:?}");
        }
        let (normalized, summary) =
            gazetteer(AmbiguousNames::First, Normalizer { ignore_case: true, nfkc: true, ..Normalizer::default() }, "");
        assert_eq!(summary.names.out, 5);
        assert_eq!(normalized.look_up(["ｏslo"]).map(|found| found.label), Some(Some(1)));
    }

    #[test]
    fn names_are_found_in_running_text() {
        let text = "Ödön met Ada Arden and Ada in Georgia, not Oslo.";
        for (ambiguous, stop_list, expected) in [
            (AmbiguousNames::First, "", &[(9..18, Some(0)), (30..37, Some(1)), (43..47, Some(1))][..]),
            (AmbiguousNames::Drop, "Oslo\n", &[(9..18, Some(0)), (30..37, None)]),
        ] {
            let (gazetteer, _) = gazetteer(ambiguous, Normalizer::default(), stop_list);
            let found: Vec<_> = gazetteer.find_mentions(text, |_| true).into_iter().map(|(chars, found)| (chars, found.label)).collect();
            assert_eq!(found, expected);
        }
        let (gazetteer, _) = gazetteer(AmbiguousNames::First, Normalizer::default(), "Oslo\n");
        assert!(gazetteer.is_stop_name(" Oslo ") && !gazetteer.is_stop_name("Georgia"));
        let found: Vec<_> = gazetteer.find_mentions(text, |chars| chars.start > 9).into_iter().map(|(chars, _)| chars).collect();
        assert_eq!(found, [13..18, 30..37], "a rejected range hides no other");
    }
}
