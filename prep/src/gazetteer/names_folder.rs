//! Reads folders of names, as `prep names` writes them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::ensure;
use schemas::manifest::InputFile;
use schemas::{Name, ShardFolder};

/// A folder of names.
#[derive(Debug, Clone)]
pub struct NamesFolder {
    folder: ShardFolder,
    path: PathBuf,
}

/// Which of its names are looked for in running text, and label links by their text.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SureNames {
    /// Smallest share.
    pub min_share: f32,
    /// Smallest count.
    pub min_count: u32,
    /// Languages of the names; empty for all.
    pub langs: Vec<String>,
}

/// Folders of names, and which of their names are used.
#[derive(Debug, Default)]
pub struct NamesFolders {
    /// The folders.
    pub folders: Vec<NamesFolder>,
    /// Which of their names are looked for in running text, and label links by their text.
    pub sure: SureNames,
    /// The labels of the query set, among which those of the names are looked up.
    pub labels: Vec<String>,
}

/// Labels that mean the same in different query sets.
const SYNONYMS: [&[&str]; 3] = [&["PER", "PERSON", "person", "NR"], &["LOC", "location", "NS"], &["ORG", "organization", "NT"]];

/// The position of a label of names among the labels of a query set: that of the same label, or of one that means the same.
pub fn position_of_label(label: &str, labels: &[&str]) -> Option<usize> {
    let position = |label: &str| labels.iter().position(|known| *known == label);
    let synonyms = || SYNONYMS.iter().find(|group| group.contains(&label)).into_iter().flat_map(|group| group.iter());
    position(label).or_else(|| synonyms().find_map(|synonym| position(synonym)))
}

impl NamesFolders {
    /// The position in the query set of a label of the folders; the number of its labels for one that it lacks.
    pub(super) fn position_of_label(&self, label: &str) -> usize {
        let labels: Vec<&str> = self.labels.iter().map(String::as_str).collect();
        position_of_label(label, &labels).unwrap_or(labels.len())
    }
}

impl NamesFolder {
    /// Opens a complete folder of names.
    ///
    /// # Errors
    /// See [`ShardFolder::open`].
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Ok(Self { folder: ShardFolder::open::<Name>(path)?, path: path.to_owned() })
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its shards, as its manifest has them.
    pub fn inputs(&self) -> impl Iterator<Item = InputFile> {
        self.folder.manifest().shards.iter().map(|shard| {
            let path = self.path.join(&shard.file).display().to_string();
            InputFile { path, bytes: shard.bytes, blake3: shard.blake3.clone() }
        })
    }

    /// Calls `take` with each row of one of these languages.
    ///
    /// # Errors
    /// A shard that cannot be read, or an error of `take`.
    pub fn for_each_row(&self, langs: &[String], mut take: impl FnMut(&Name) -> anyhow::Result<()>) -> anyhow::Result<()> {
        for rows in self.folder.rows::<Name>() {
            let rows = rows?;
            let mut of_langs = rows.iter().filter(|row| langs.is_empty() || langs.contains(&row.lang));
            of_langs.try_for_each(&mut take)?;
        }
        Ok(())
    }

    /// Checks that some of its labels are labels of the query set.
    ///
    /// # Errors
    /// None is, or a shard cannot be read.
    pub fn check_labels(&self, labels: &[&str]) -> anyhow::Result<()> {
        let mut found = BTreeSet::new();
        self.for_each_row(&[], |row| {
            if let Some(label) = row.label.as_ref().filter(|label| !found.contains(*label)) {
                found.insert(label.clone());
            }
            Ok(())
        })?;
        let is_known = found.is_empty() || found.iter().any(|label| position_of_label(label, labels).is_some());
        let found = found.into_iter().collect::<Vec<_>>().join(", ");
        ensure!(is_known, "{} has names of the labels {found}, and the query set has {}", self.path.display(), labels.join(", "));
        Ok(())
    }
}

impl SureNames {
    /// Whether a name is sure enough.
    pub fn include(&self, row: &Name) -> bool {
        row.share >= self.min_share && row.count >= self.min_count
    }
}

/// Chars of a title before a comma that are the name in it: 11 of `Springfield, Illinois`, whose name is `Springfield`.
pub(super) fn chars_before_comma(name: &Name) -> Option<u32> {
    let title = name.title.as_deref()?;
    let is_cut = title.strip_prefix(name.name.as_str()).is_some_and(|rest| rest.starts_with(", "));
    is_cut.then(|| u32::try_from(name.name.chars().count()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_mean_the_same_in_several_query_sets() {
        let check = |label: &str, labels: &[&str], expected: Option<usize>| {
            assert_eq!(position_of_label(label, labels), expected, "{label} in {labels:?}");
        };
        check("PER", &["NR", "NS", "NT"], Some(0));
        check("ORG", &["NR", "NS", "NT"], Some(2));
        check("LOC", &["GPE", "LOC", "ORG"], Some(1));
        check("NS", &["ORG", "LOC"], Some(1));
        check("ART", &["ORG", "LOC"], None);
    }
}
