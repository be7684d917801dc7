//! Pseudo-labels: the cluster of each answer of the training set.

use crate::cluster::ClusterSpread;
use crate::data::Batch;

/// The cluster of each answer of a training set, and the weight of each cluster.
///
/// Memory: 12 bytes an answer.
#[derive(Debug, Default)]
pub struct PseudoLabels {
    /// Number of the triple of each answer, ascending.
    rows: Vec<u64>,
    /// Cluster of each answer.
    clusters: Vec<u32>,
    spread: ClusterSpread,
    /// Weight of each cluster.
    weights: Vec<f32>,
}

impl PseudoLabels {
    /// No answers yet, and so many clusters; with room for so many answers.
    pub fn new(clusters: usize, room: u64) -> Self {
        let room = room as usize;
        let (rows, labels) = (Vec::with_capacity(room), Vec::with_capacity(room));
        Self { rows, clusters: labels, spread: ClusterSpread::new(clusters), weights: Vec::new() }
    }

    /// Adds an answer: the number of its triple, its cluster and its distance from the mean of that. Answers come in the order of
    /// triples, those of a triple in the order of its sequences.
    pub fn push(&mut self, row: u64, cluster: u32, distance: f32) {
        self.rows.push(row);
        self.clusters.push(cluster);
        self.spread.add(cluster, distance);
    }

    /// Computes the weights, after the last answer was added. Clusters of close answers weigh more: see [`ClusterSpread::weights`].
    #[must_use]
    pub fn weighted(mut self) -> Self {
        self.weights = self.spread.weights();
        self
    }

    /// Number of answers.
    pub fn len(&self) -> usize {
        self.clusters.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.clusters.is_empty()
    }

    /// The clusters of a batch's answers, in their order.
    ///
    /// # Panics
    /// An answer that was not added.
    pub fn of_batch<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = u32> + 'a {
        let mut next = 0;
        let mut sequence = usize::MAX;
        batch.answers.iter().map(move |&[first, _]| {
            if first / batch.length != sequence {
                sequence = first / batch.length;
                let triple = batch.triples[sequence] as u64;
                next = self.rows.partition_point(|&row| row < triple) + batch.answers_before[sequence];
            }
            next += 1;
            self.clusters[next - 1]
        })
    }

    /// The weight of a cluster in the loss.
    pub fn weight(&self, cluster: u32) -> f32 {
        self.weights[cluster as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{PaddingRule, Sequence, SpecialTokens};

    #[test]
    fn a_batch_finds_the_clusters_of_its_answers() {
        let sequence = |triple, answers: &[(u32, u32)], answers_before| Sequence {
            triple,
            query: Default::default(),
            context: vec![5; 4].into(),
            window: 0..4,
            answers: answers.to_vec(),
            answers_before,
        };
        // The first triple has two windows.
        let sequences = vec![sequence(3, &[(0, 0), (2, 3)], 0), sequence(3, &[(2, 3)], 2), sequence(4, &[], 0), sequence(8, &[(1, 1)], 0)];
        let mut labels = PseudoLabels::new(5, 5);
        assert!(labels.is_empty());
        for (row, cluster) in [(0, 1), (3, 4), (3, 0), (3, 3), (8, 2)] {
            labels.push(row, cluster, 0.5);
        }
        let batch = Batch::new(&sequences, &[3, 2, 1, 0], SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest);
        assert_eq!(labels.of_batch(&batch).collect::<Vec<_>>(), [2, 3, 4, 0]);
        assert_eq!(labels.len(), 5);
    }
}
