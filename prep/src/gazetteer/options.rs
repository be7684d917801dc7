//! Settings of a gazetteer.

use std::path::PathBuf;

use encoding_rs::Encoding;
use serde::Serialize;

use super::name_file::NameFile;
use super::names_folder::NamesFolders;
use super::normalizer::Normalizer;

/// What becomes of an ambiguous name: one that gazetteers of several labels hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AmbiguousNames {
    /// It gets the label whose gazetteer is given first.
    First,
    /// It gets no label.
    Drop,
}

/// The files of a gazetteer and how its names are compared.
#[derive(Debug)]
pub struct GazetteerOptions {
    /// Files of names, each with its label, by index in the query set.
    pub files: Vec<(usize, NameFile)>,
    /// Folders of names.
    pub folders: NamesFolders,
    /// Encoding of text files without a byte-order mark.
    pub encoding: &'static Encoding,
    /// Whether underscores in names are spaces, as in lists of page titles.
    pub underscores: bool,
    /// Whether a name may end before a particle of Korean inside a word.
    pub korean_particles: bool,
    /// How names and text are made comparable.
    pub normalizer: Normalizer,
    /// What becomes of ambiguous names.
    pub ambiguous: AmbiguousNames,
    /// Stop lists: files of words that are no names in running text.
    pub stop_lists: Vec<PathBuf>,
    /// Names of fewer chars are not looked for in running text. `None` where no name is, which saves the memory of the matcher.
    pub min_mention_chars: Option<usize>,
}

impl GazetteerOptions {
    /// What counts as the file of the names of a label in a folder, or of its titles. Labels that the query set lacks are one more.
    pub(super) fn file_of_folder(&self, folder: usize, label: usize, is_title: bool) -> usize {
        self.files.len() + (2 * folder + usize::from(is_title)) * (self.folders.labels.len() + 1) + label
    }
}
