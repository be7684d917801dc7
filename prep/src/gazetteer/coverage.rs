//! Coverage report: which labels, files and names the matches of a run came from.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::Serialize;

use super::lookup::Gazetteer;
use crate::number_format::{counted, grouped};

/// Names listed in each part of a report.
const LISTED_NAMES: usize = 10;

/// Counts the matches of each name.
///
/// Memory: 8 bytes per name of the gazetteer.
#[derive(Debug)]
pub struct NameMatchCounts(Vec<u64>);

impl NameMatchCounts {
    /// Zero matches for each name of a gazetteer.
    pub fn new(gazetteer: &Gazetteer) -> Self {
        Self(vec![0; gazetteer.len()])
    }

    /// Adds matches of a name.
    ///
    /// # Panics
    /// If the gazetteer has no name of this number.
    pub fn add(&mut self, name: u32, matches: u64) {
        self.0[name as usize] += matches;
    }

    /// The names that were found, by number, each with its matches.
    pub fn found(&self) -> impl Iterator<Item = (u32, u64)> {
        self.all().filter(|(_, matches)| *matches > 0)
    }

    fn all(&self) -> impl Iterator<Item = (u32, u64)> {
        (0u32..).zip(self.0.iter().copied())
    }
}

/// What a gazetteer covered. Serialized as the `report` of a manifest.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct CoverageReport {
    /// All labels of the query set, in its order, and [`OTHER_LABELS`] where folders of names have some.
    pub labels: Vec<LabelCoverage>,
    /// The names with the most matches.
    #[serde(rename = "top")]
    pub most_frequent: Vec<NameFrequency>,
    /// Names of several labels.
    pub ambiguous: AmbiguousCoverage,
}

/// Matches of a label.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct LabelCoverage {
    /// The label.
    pub label: String,
    /// Matches that got the label.
    pub matches: u64,
    /// Distinct names among them.
    #[serde(rename = "names")]
    pub found: u64,
    /// The files of the label, in the order in which they were given.
    pub files: Vec<FileCoverage>,
}

/// Matches of a file. A match counts for each file of its label that holds the name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FileCoverage {
    /// Path of the file.
    pub path: String,
    /// Distinct names in it.
    pub names: u64,
    /// Those of them that were found.
    pub found: u64,
    /// Matches of them.
    pub matches: u64,
}

/// A name with its matches.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NameFrequency {
    /// The normalized name.
    pub name: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// Its matches.
    pub matches: u64,
}

/// Names that gazetteers of several labels hold.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct AmbiguousCoverage {
    /// Distinct ambiguous names.
    pub names: u64,
    /// Those of them that were found.
    pub found: u64,
    /// Matches of them, whether they got their first label or none.
    pub matches: u64,
    /// Those with the most matches.
    #[serde(rename = "top")]
    pub most_frequent: Vec<NameFrequency>,
}

/// What reports call the labels of folders of names that the query set lacks.
pub const OTHER_LABELS: &str = "other labels";

impl CoverageReport {
    /// The report of a run. `labels` are those of the query set and, where there are folders of names, [`OTHER_LABELS`];
    /// `paths` are those of the gazetteer's files.
    ///
    /// Cost: one pass over all names of the gazetteer.
    pub fn new(counts: &NameMatchCounts, gazetteer: &Gazetteer, labels: &[&str], paths: &[String]) -> Self {
        let label = |label: &&str| LabelCoverage { label: (*label).to_owned(), ..LabelCoverage::default() };
        let mut by_label: Vec<LabelCoverage> = labels.iter().map(label).collect();
        let file = |path: &String| FileCoverage { path: path.clone(), names: 0, found: 0, matches: 0 };
        let mut by_file: Vec<FileCoverage> = paths.iter().map(file).collect();
        let mut ambiguous = AmbiguousCoverage::default();
        let (mut top, mut top_ambiguous) = (MostFrequent::default(), MostFrequent::default());
        for (name, matches) in counts.all() {
            let is_found = u64::from(matches > 0);
            let name_label = gazetteer.labelled_name(name).label;
            if gazetteer.is_ambiguous(name) {
                ambiguous.names += 1;
                ambiguous.found += is_found;
                ambiguous.matches += matches;
                top_ambiguous.add(name, matches);
            }
            for &file in gazetteer.files_of(name) {
                by_file[file].names += 1;
                if name_label == Some(gazetteer.label_of_file[file]) {
                    by_file[file].found += is_found;
                    by_file[file].matches += matches;
                }
            }
            if let Some(label) = name_label {
                by_label[label].found += is_found;
                by_label[label].matches += matches;
                top.add(name, matches);
            }
        }
        for (file, &label) in by_file.into_iter().zip(&gazetteer.label_of_file) {
            by_label[label].files.push(file);
        }
        by_label.retain(|label| label.label != OTHER_LABELS || label.files.iter().any(|file| file.names > 0));
        ambiguous.most_frequent = top_ambiguous.into_frequencies(gazetteer, labels);
        Self { labels: by_label, most_frequent: top.into_frequencies(gazetteer, labels), ambiguous }
    }
}

/// The [`LISTED_NAMES`] names with the most matches; of equal ones those that come first in the files.
#[derive(Default)]
struct MostFrequent(BTreeSet<(u64, Reverse<u32>)>);

impl MostFrequent {
    fn add(&mut self, name: u32, matches: u64) {
        if matches > 0 {
            self.0.insert((matches, Reverse(name)));
        }
        if self.0.len() > LISTED_NAMES {
            self.0.pop_first();
        }
    }

    fn into_frequencies(self, gazetteer: &Gazetteer, labels: &[&str]) -> Vec<NameFrequency> {
        let distinct_labels = |name: u32| {
            let mut distinct: Vec<String> = Vec::new();
            for label in gazetteer.labels(name).map(|label| labels[label]) {
                if !distinct.iter().any(|known| known == label) {
                    distinct.push(label.to_owned());
                }
            }
            distinct
        };
        let frequency = |(matches, Reverse(name)): (u64, Reverse<u32>)| {
            let text = gazetteer.text_of(name).to_owned();
            NameFrequency { name: text, labels: distinct_labels(name), matches }
        };
        self.0.into_iter().rev().map(frequency).collect()
    }
}

impl std::fmt::Display for CoverageReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for label in &self.labels {
            writeln!(f, "{}: {} of {}", label.label, matches(label.matches), counted(label.found, "name"))?;
            for file in &label.files {
                let names = grouped(file.names);
                writeln!(f, "  {}: {} of {} of its {names} names", file.path, matches(file.matches), grouped(file.found))?;
            }
        }
        let list = |names: &[NameFrequency]| {
            let name = |name: &NameFrequency| format!("{} ({}) {}", name.name, name.labels.join(" "), grouped(name.matches));
            names.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        if !self.most_frequent.is_empty() {
            writeln!(f, "most frequent: {}", list(&self.most_frequent))?;
        }
        let ambiguous = &self.ambiguous;
        if ambiguous.names > 0 {
            let found = format!("{} of {} found", grouped(ambiguous.found), counted(ambiguous.names, "name"));
            write!(f, "of several labels: {found}, {}", matches(ambiguous.matches))?;
            let separator = if ambiguous.most_frequent.is_empty() { "" } else { ": " };
            writeln!(f, "{separator}{}", list(&ambiguous.most_frequent))?;
        }
        Ok(())
    }
}

fn matches(count: u64) -> String {
    if count == 1 { "1 match".to_owned() } else { format!("{} matches", grouped(count)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gazetteer::load::load;
    use crate::gazetteer::name_file::NameFile;
    use crate::gazetteer::names_folder::NamesFolders;
    use crate::gazetteer::normalizer::Normalizer;
    use crate::gazetteer::options::{AmbiguousNames, GazetteerOptions};

    #[test]
    fn matches_are_counted_by_label_and_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            NameFile { path, column: None }
        };
        let files = vec![(0, file("people", "Ada\nGeorgia\n")), (1, file("places", "Oslo\nGeorgia\n")), (1, file("more", "Oslo\n"))];
        let paths = ["people", "places", "more"].map(str::to_owned);
        let options = GazetteerOptions {
            files,
            folders: NamesFolders::default(),
            encoding: encoding_rs::UTF_8,
            underscores: false,
            korean_particles: false,
            normalizer: Normalizer::default(),
            ambiguous: AmbiguousNames::First,
            stop_lists: Vec::new(),
            min_mention_chars: None,
        };
        let (gazetteer, _) = load(options).unwrap();
        let mut counts = NameMatchCounts::new(&gazetteer);
        for (name, matches) in [("Georgia", 2), ("Oslo", 1), ("Georgia", 1)] {
            counts.add(gazetteer.look_up([name]).unwrap().name, matches);
        }
        assert_eq!(counts.found().count(), 2);
        let report = CoverageReport::new(&counts, &gazetteer, &["PER", "LOC", "ORG"], &paths);
        let expected = "PER: 3 matches of 1 name\n  people: 3 matches of 1 of its 2 names\n\
             LOC: 1 match of 1 name\n  places: 1 match of 1 of its 2 names\n  more: 1 match of 1 of its 1 names\n\
             ORG: 0 matches of 0 names\n\
             most frequent: Georgia (PER LOC) 3, Oslo (LOC) 1\n\
             of several labels: 1 of 1 name found, 3 matches: Georgia (PER LOC) 3\n";
        assert_eq!(report.to_string(), expected);
    }
}
