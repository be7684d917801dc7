//! Names with their labels: looked up one by one, and found in running text.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::matcher::NameMatcher;
use super::name_table::NameTable;
use super::normalizer::Normalizer;
use super::options::AmbiguousNames;
use crate::wikitext::strip_disambiguator;

/// Names with their labels, and the words that are no names.
///
/// Memory: that of its [`NameTable`] and, where running text is searched, of its [`NameMatcher`].
#[derive(Debug)]
pub struct Gazetteer {
    pub(super) normalizer: Normalizer,
    pub(super) names: NameTable,
    /// Titles of pages, which label the links to them. Their numbers follow those of the names.
    pub(super) titles: NameTable,
    /// For titles whose name ends before a comma, its chars, by number in `titles`.
    pub(super) chars_before_comma: HashMap<u32, u32>,
    /// The label of each file's names, as in [`LabelledName`]. After the files come the folders: their names, and their titles, by label.
    pub(super) label_of_file: Vec<usize>,
    /// The label that stands for those that the query set lacks; `None` without folders of names.
    pub(super) other_label: Option<usize>,
    /// Number of the files, without the folders.
    pub(super) files: usize,
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
    /// Its label, by index in the query set, the number of whose labels stands for all that it lacks. `None` for an ambiguous name under
    /// [`AmbiguousNames::Drop`].
    pub label: Option<usize>,
    /// Chars at the beginning of the link's text that are the name, if it is not all of it: `Springfield` in `Springfield, Illinois`.
    pub name_chars: Option<u32>,
}

impl Gazetteer {
    /// Looks up what a link leads to: the title of its target, then the names in its target and its text. `target` is absent where the link
    /// leads to a section, which is not about the page.
    ///
    /// The text, and the target without its bracket, say nothing of a page in a folder of names that has a bracket and no label there: `Paris
    /// (mythology)` is not the city.
    pub fn look_up_link(&self, target: Option<&str>, text: &str) -> Option<LabelledName> {
        let title = target.and_then(|target| Some((target, self.titles.number(&self.normalizer.normalize_name(target))?)));
        if let Some((target, number)) = title.filter(|(_, number)| !self.is_ambiguous(self.names_len() + number)) {
            let name_chars = self.chars_before_comma.get(&number).copied().filter(|&chars| {
                let mut both = target.chars().zip(text.chars()).take(chars as usize);
                both.all(|(one, other)| one == other) && text.chars().count() > chars as usize
            });
            return Some(LabelledName { name_chars, ..self.labelled_name(self.names_len() + number) });
        }
        let bare = target.map(strip_disambiguator).filter(|&bare| Some(bare) != target);
        let candidates = target.into_iter().chain(bare).chain(Some(text).filter(|&text| Some(text) != target));
        self.look_up_in(candidates, bare.is_none())
    }

    /// Looks up several names of one thing, the most reliable first. Returns the first that is known and not ambiguous, or else the
    /// first that is known.
    pub fn look_up<'t>(&self, candidates: impl IntoIterator<Item = &'t str>) -> Option<LabelledName> {
        self.look_up_in(candidates, true)
    }

    fn look_up_in<'t>(&self, candidates: impl IntoIterator<Item = &'t str>, in_folders: bool) -> Option<LabelledName> {
        let mut first_ambiguous = None;
        for candidate in candidates {
            let Some(number) = self.names.number(&self.normalizer.normalize_name(candidate)) else { continue };
            if !in_folders && self.files_of(number).iter().all(|&file| file >= self.files) {
                continue;
            }
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
        LabelledName { name, label, name_chars: None }
    }

    /// Number of the names without titles.
    fn names_len(&self) -> u32 {
        u32::try_from(self.names.len()).expect("numbers of names are u32")
    }

    /// Number of names and titles.
    pub(super) fn len(&self) -> usize {
        self.names.len() + self.titles.len()
    }

    /// The text of a name or a title.
    pub(super) fn text_of(&self, name: u32) -> &str {
        name.checked_sub(self.names_len()).map_or_else(|| self.names.name(name), |title| self.titles.name(title))
    }

    /// The files and folders that hold a name or a title.
    pub(super) fn files_of(&self, name: u32) -> &[usize] {
        name.checked_sub(self.names_len()).map_or_else(|| self.names.files(name), |title| self.titles.files(title))
    }

    /// The labels of a name, in the order of its files. A label is repeated where several of its files hold the name. Labels that the query
    /// set lacks give way to its own.
    pub(super) fn labels(&self, name: u32) -> impl Iterator<Item = usize> {
        let files = self.files_of(name);
        let is_other = |file: &usize| self.other_label == Some(self.label_of_file[*file]);
        let all_other = files.iter().all(is_other);
        files.iter().filter(move |&file| all_other || !is_other(file)).map(|&file| self.label_of_file[file])
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
    use crate::gazetteer::names_folder::NamesFolders;
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
            folders: NamesFolders::default(),
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
