//! What each cluster of a stage-3 run holds: its size, the labels of its spans, its most frequent surface forms.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

use crate::cluster::cluster_file::PlotRow;

/// Clusters that [`describe`] lists.
const LISTED_CLUSTERS: usize = 40;
/// Surface forms that [`describe`] lists for each cluster.
const LISTED_SURFACE_FORMS: usize = 6;

/// One cluster.
#[derive(Debug, PartialEq, Eq)]
pub struct ClusterSummary<'a> {
    /// Its number.
    pub cluster: u32,
    /// Spans in it.
    pub size: usize,
    /// Spans of each label, most frequent first.
    pub labels: Vec<(&'a str, usize)>,
    /// Spans of each surface form, most frequent first.
    pub surface_forms: Vec<(&'a str, usize)>,
}

/// How often each key occurs: most frequent first, then in the order of the keys.
pub fn count_by_frequency<K: Ord>(keys: impl Iterator<Item = K>) -> Vec<(K, usize)> {
    let mut counts = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_insert(0) += 1);
    let mut counts: Vec<(K, usize)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    counts
}

/// The clusters of the spans, largest first.
pub fn summarize(rows: &[PlotRow]) -> Vec<ClusterSummary<'_>> {
    let mut members: BTreeMap<u32, Vec<&PlotRow>> = BTreeMap::new();
    rows.iter().for_each(|row| members.entry(row.cluster).or_default().push(row));
    let mut clusters: Vec<ClusterSummary<'_>> = members
        .into_iter()
        .map(|(cluster, rows)| ClusterSummary {
            cluster,
            size: rows.len(),
            labels: count_by_frequency(rows.iter().map(|row| row.label.as_str())),
            surface_forms: count_by_frequency(rows.iter().map(|row| row.text.as_str())),
        })
        .collect();
    clusters.sort_by_key(|cluster| Reverse(cluster.size));
    clusters
}

/// The clusters as text, a line each: `cluster 2, 41 spans (LOC 37, ORG 4): Oslo, Paris, …`.
pub fn describe(clusters: &[ClusterSummary<'_>]) -> String {
    let mut text = String::new();
    for cluster in clusters.iter().take(LISTED_CLUSTERS) {
        let labels: Vec<String> = cluster.labels.iter().map(|(label, count)| format!("{label} {count}")).collect();
        let mut surface_forms: Vec<&str> = cluster.surface_forms.iter().take(LISTED_SURFACE_FORMS).map(|(form, _)| *form).collect();
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

    fn rows(spans: &[(&str, &str, u32)]) -> Vec<PlotRow> {
        let row =
            |&(text, label, cluster): &(&str, &str, u32)| PlotRow { text: text.to_owned(), label: label.to_owned(), cluster, vector: None };
        spans.iter().map(row).collect()
    }

    #[test]
    fn clusters_are_described_largest_first() {
        let rows = rows(&[("Ödön", "PER", 7), ("Oslo", "LOC", 2), ("Rome", "LOC", 2), ("Oslo", "ORG", 2)]);
        let expected = "cluster 2, 3 spans (LOC 2, ORG 1): Oslo, Rome\ncluster 7, 1 span (PER 1): Ödön\n";
        assert_eq!(describe(&summarize(&rows)), expected);
    }

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (0..9).map(|number| format!("N{number}")).collect();
        let spans: Vec<(&str, &str, u32)> = names.iter().map(|name| (name.as_str(), "X", 0)).collect();
        assert_eq!(describe(&summarize(&rows(&spans))), "cluster 0, 9 spans (X 9): N0, N1, N2, N3, N4, N5, …\n");
        let spans: Vec<(&str, &str, u32)> = (0..42).map(|cluster| ("a", "X", cluster)).collect();
        assert!(describe(&summarize(&rows(&spans))).ends_with("and 2 smaller clusters\n"));
    }
}
