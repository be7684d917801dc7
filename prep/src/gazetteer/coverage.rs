//! Which names and files the matches came from.

use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::{Found, Gazetteer};
use crate::number_format::{counted, grouped};

/// Names that are shown of each kind.
const SHOWN: usize = 10;

/// Counts matches by name.
///
/// Memory: 8 bytes a name.
#[derive(Debug)]
pub struct Coverage(Vec<u64>);

/// How gazetteers cover a text.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// By label, in the query set's order; those without a gazetteer too.
    pub labels: Vec<LabelReport>,
    /// The names found most often.
    pub top: Vec<NameReport>,
    /// Names of several labels.
    pub ambiguous: AmbiguousReport,
}

/// Matches of one label.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct LabelReport {
    /// The label.
    pub label: String,
    /// Its answers.
    pub matches: u64,
    /// Different names among them.
    pub names: u64,
    /// Its files, in the order they were given.
    pub files: Vec<FileReport>,
}

/// Matches of one file. A match counts for every file of its label that holds the name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Its path.
    pub path: String,
    /// Distinct names in it.
    pub names: u64,
    /// Those of them that were found.
    pub found: u64,
    /// How often.
    pub matches: u64,
}

/// A name and how often it was found.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct NameReport {
    /// The name as it is compared.
    pub name: String,
    /// Its labels.
    pub labels: Vec<String>,
    /// How often.
    pub matches: u64,
}

/// Names of several labels.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct AmbiguousReport {
    /// How many there are.
    pub names: u64,
    /// Those of them that were found.
    pub found: u64,
    /// How often: as answers of their first label, or dropped.
    pub matches: u64,
    /// Those found most often.
    pub top: Vec<NameReport>,
}

impl Coverage {
    /// Nothing is counted yet.
    pub fn new(gazetteer: &Gazetteer) -> Self {
        Self(vec![0; gazetteer.names.len()])
    }

    /// Counts matches of a name.
    pub fn count(&mut self, name: u32, matches: u64) {
        self.0[name as usize] += matches;
    }

    /// How often each name was found, but for those that were not.
    pub fn counts(&self) -> impl Iterator<Item = (u32, u64)> {
        (0u32..).zip(self.0.iter().copied()).filter(|(_, matches)| *matches > 0)
    }

    /// The report. `labels` are those of the query set, `paths` those of the gazetteer's files.
    pub fn report(&self, gazetteer: &Gazetteer, labels: &[&str], paths: &[String]) -> Report {
        let mut by_label: Vec<LabelReport> =
            labels.iter().map(|label| LabelReport { label: (*label).to_owned(), ..LabelReport::default() }).collect();
        let mut by_file: Vec<FileReport> =
            paths.iter().map(|path| FileReport { path: path.clone(), names: 0, found: 0, matches: 0 }).collect();
        let mut ambiguous = AmbiguousReport::default();
        let (mut top, mut top_ambiguous) = (Top::default(), Top::default());
        for (name, &matches) in (0u32..).zip(&self.0) {
            let is_found = u64::from(matches > 0);
            let is_ambiguous = gazetteer.is_ambiguous(name);
            let Found { label, .. } = gazetteer.found(name);
            if is_ambiguous {
                ambiguous.names += 1;
                ambiguous.found += is_found;
                ambiguous.matches += matches;
                top_ambiguous.add(name, matches);
            }
            for &file in gazetteer.names.files(name) {
                by_file[file].names += 1;
                if label == Some(gazetteer.label_of[file]) {
                    by_file[file].found += is_found;
                    by_file[file].matches += matches;
                }
            }
            if let Some(label) = label {
                by_label[label].names += is_found;
                by_label[label].matches += matches;
                top.add(name, matches);
            }
        }
        for (file, &label) in by_file.into_iter().zip(&gazetteer.label_of) {
            by_label[label].files.push(file);
        }
        let names = |top: Top| -> Vec<NameReport> {
            let name = |(matches, name): (u64, u32)| {
                let mut named: Vec<String> = Vec::new();
                for label in gazetteer.labels(name).map(|label| labels[label]) {
                    if !named.iter().any(|other| other == label) {
                        named.push(label.to_owned());
                    }
                }
                NameReport { name: gazetteer.names.get(name).to_owned(), labels: named, matches }
            };
            top.first().into_iter().map(name).collect()
        };
        ambiguous.top = names(top_ambiguous);
        Report { labels: by_label, top: names(top), ambiguous }
    }
}

/// The names found most often; of equal ones the first in the files.
#[derive(Default)]
struct Top(BTreeSet<(u64, Reverse<u32>)>);

impl Top {
    fn add(&mut self, name: u32, matches: u64) {
        if matches > 0 {
            self.0.insert((matches, Reverse(name)));
        }
        if self.0.len() > SHOWN {
            self.0.pop_first();
        }
    }

    fn first(self) -> Vec<(u64, u32)> {
        self.0.into_iter().rev().map(|(matches, name)| (matches, name.0)).collect()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for label in &self.labels {
            writeln!(f, "{}: {} of {}", label.label, matches(label.matches), counted(label.names, "name"))?;
            for file in &label.files {
                let names = grouped(file.names);
                writeln!(f, "  {}: {} of {} of its {names} names", file.path, matches(file.matches), grouped(file.found))?;
            }
        }
        let list = |names: &[NameReport]| {
            let name = |name: &NameReport| format!("{} ({}) {}", name.name, name.labels.join(" "), grouped(name.matches));
            names.iter().map(name).collect::<Vec<_>>().join(", ")
        };
        if !self.top.is_empty() {
            writeln!(f, "most frequent: {}", list(&self.top))?;
        }
        let ambiguous = &self.ambiguous;
        if ambiguous.names > 0 {
            let found = format!("{} of {} found", grouped(ambiguous.found), counted(ambiguous.names, "name"));
            write!(f, "of several labels: {found}, {}", matches(ambiguous.matches))?;
            writeln!(f, "{}{}", if ambiguous.top.is_empty() { "" } else { ": " }, list(&ambiguous.top))?;
        }
        Ok(())
    }
}

fn matches(count: u64) -> String {
    if count == 1 { "1 match".to_owned() } else { format!("{} matches", grouped(count)) }
}
