//! What each cluster of a stage-3 run holds: its size, the labels of its spans, its most frequent surface forms.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Result;

use crate::cluster::cluster_file::{self, PlotRow};
use crate::stage::answered_triples::Chooser;

/// Spans whose surface forms are counted, in the mean; all of a file that has no more.
pub const SAMPLE: u64 = 65_536;

/// Clusters that [`describe`] lists.
const LISTED_CLUSTERS: usize = 40;
/// Surface forms that [`describe`] lists for each cluster.
const LISTED_SURFACE_FORMS: usize = 6;

/// One cluster.
#[derive(Debug, PartialEq, Eq)]
pub struct ClusterSummary {
    /// Its number.
    pub cluster: u32,
    /// Spans in it.
    pub size: usize,
    /// Spans of each label, most frequent first.
    pub labels: Vec<(String, usize)>,
    /// Spans of each surface form in the sample, most frequent first.
    pub surface_forms: Vec<(String, usize)>,
}

/// Spans and clusters of a file, counted as it is read.
///
/// Memory: the surface forms of the sample, and the spans that have vectors.
#[derive(Debug)]
pub struct ClusterCounts {
    sample: Chooser,
    rows: u64,
    clusters: BTreeMap<u32, Counts>,
    with_vectors: Vec<PlotRow>,
}

/// Spans of a cluster, and those of the sample.
#[derive(Debug, Default)]
struct Counts {
    labels: BTreeMap<String, usize>,
    surface_forms: BTreeMap<String, usize>,
}

impl ClusterCounts {
    /// No spans yet of so many; the seed chooses some `sample` of them.
    pub fn new(rows: u64, sample: u64, seed: u64) -> Self {
        let sample = Chooser { seed, probability: sample as f64 / rows.max(1) as f64 };
        Self { sample, rows: 0, clusters: BTreeMap::new(), with_vectors: Vec::new() }
    }

    /// Counts the spans of a file of clusters. The same file and seed give the same counts.
    ///
    /// # Errors
    /// The file cannot be read, or a column is missing or of another type.
    pub fn read(file: &Path, seed: u64) -> Result<Self> {
        let mut counts = Self::new(cluster_file::row_count(file)?, SAMPLE, seed);
        cluster_file::read_plot_rows(file, |row| counts.add(row))?;
        Ok(counts)
    }

    /// Counts a span.
    pub fn add(&mut self, row: PlotRow) {
        let counts = self.clusters.entry(row.cluster).or_default();
        add_one(&mut counts.labels, &row.label);
        if self.sample.chooses(self.rows) {
            add_one(&mut counts.surface_forms, &row.text);
        }
        self.rows += 1;
        if row.vector.is_some() {
            self.with_vectors.push(row);
        }
    }

    /// The clusters, largest first, and the spans that have vectors.
    pub fn finish(self) -> (Vec<ClusterSummary>, Vec<PlotRow>) {
        let summary = |(cluster, counts): (u32, Counts)| ClusterSummary {
            cluster,
            size: counts.labels.values().sum(),
            labels: by_frequency(counts.labels),
            surface_forms: by_frequency(counts.surface_forms),
        };
        let mut clusters: Vec<ClusterSummary> = self.clusters.into_iter().map(summary).collect();
        clusters.sort_by_key(|cluster| Reverse(cluster.size));
        (clusters, self.with_vectors)
    }
}

fn add_one(counts: &mut BTreeMap<String, usize>, key: &str) {
    match counts.get_mut(key) {
        Some(count) => *count += 1,
        None => drop(counts.insert(key.to_owned(), 1)),
    }
}

/// Keys with their counts: most frequent first, then in the order of the keys.
pub fn by_frequency<K>(counts: BTreeMap<K, usize>) -> Vec<(K, usize)> {
    let mut counts: Vec<(K, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// How often each key occurs, as [`by_frequency`].
pub fn count_by_frequency<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, usize)> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    by_frequency(counts)
}

/// The clusters as text, a line each: `cluster 2, 41 spans (LOC 37, ORG 4): Oslo, Paris, …`.
pub fn describe(clusters: &[ClusterSummary]) -> String {
    let mut text = String::new();
    for cluster in clusters.iter().take(LISTED_CLUSTERS) {
        let labels: Vec<String> = cluster.labels.iter().map(|(label, count)| format!("{label} {count}")).collect();
        let mut surface_forms: Vec<&str> = cluster.surface_forms.iter().take(LISTED_SURFACE_FORMS).map(|(form, _)| form.as_str()).collect();
        if cluster.surface_forms.len() > LISTED_SURFACE_FORMS {
            surface_forms.push("…");
        }
        let (number, size, labels, surface_forms) = (cluster.cluster, cluster.size, labels.join(", "), surface_forms.join(", "));
        let spans = if size == 1 { "span" } else { "spans" };
        writeln!(text, "cluster {number}, {size} {spans} ({labels}): {surface_forms}").expect("writing to a string does not fail");
    }
    if clusters.len() > LISTED_CLUSTERS {
        writeln!(text, "and {} smaller clusters", clusters.len() - LISTED_CLUSTERS).expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summarize(spans: &[(&str, &str, u32)], sample: u64) -> Vec<ClusterSummary> {
        let mut counts = ClusterCounts::new(spans.len() as u64, sample, 1);
        for &(text, label, cluster) in spans {
            counts.add(PlotRow { text: text.to_owned(), label: label.to_owned(), cluster, vector: None });
        }
        counts.finish().0
    }

    #[test]
    fn clusters_are_described_largest_first() {
        let spans = [("Ödön", "PER", 7), ("Oslo", "LOC", 2), ("Rome", "LOC", 2), ("Oslo", "ORG", 2)];
        let expected = "cluster 2, 3 spans (LOC 2, ORG 1): Oslo, Rome\ncluster 7, 1 span (PER 1): Ödön\n";
        assert_eq!(describe(&summarize(&spans, SAMPLE)), expected);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..9).map(|number| format!("N{number}")).collect();
        let spans: Vec<(&str, &str, u32)> = names.iter().map(|name| (name.as_str(), "X", 0)).collect();
        assert_eq!(describe(&summarize(&spans, SAMPLE)), "cluster 0, 9 spans (X 9): N0, N1, N2, N3, N4, N5, …\n");
        let spans: Vec<(&str, &str, u32)> = (0..42).map(|cluster| ("a", "X", cluster)).collect();
        assert!(describe(&summarize(&spans, SAMPLE)).ends_with("and 2 smaller clusters\n"));
    }

    #[test]
    fn all_spans_are_counted_and_a_sample_of_their_texts() {
        let names: Vec<String> = (0..20_000).map(|number| format!("N{number}")).collect();
        let spans: Vec<(&str, &str, u32)> = names.iter().enumerate().map(|(at, name)| (name.as_str(), "X", at as u32 % 2)).collect();
        let clusters = summarize(&spans, 1000);
        let forms: usize = clusters.iter().map(|cluster| cluster.surface_forms.len()).sum();
        assert!(clusters.iter().all(|cluster| cluster.size == 10_000) && (800..1200).contains(&forms), "{forms} surface forms");
        assert_eq!(summarize(&spans, 1000), clusters, "the same seed chooses the same");
    }
}
