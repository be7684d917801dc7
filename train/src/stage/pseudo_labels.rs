//! Pseudo-labels: the cluster of each answer of the training set.

use crate::cluster::cluster_weights;
use crate::data::{Batch, Dataset};

/// The cluster of each answer of a data set, and the weight of each cluster.
#[derive(Debug, Default)]
pub struct PseudoLabels {
    /// Number of answers before each sequence, and of all at the end.
    offsets: Vec<usize>,
    /// Cluster of each answer.
    clusters: Vec<u32>,
    /// Weight of each cluster.
    weights: Vec<f32>,
}

impl PseudoLabels {
    /// Labels the answers of `data`, in the order of its sequences, with their clusters. Clusters of close answers weigh more: see
    /// [`cluster_weights()`]. `distances` are those of the answers from their centroids.
    pub fn new(data: &Dataset, clusters: Vec<u32>, distances: &[f32], count: usize) -> Self {
        let weights = cluster_weights(&clusters, distances, count);
        Self { offsets: answer_offsets(data), clusters, weights }
    }

    /// The clusters of a batch's answers, in their order.
    pub fn of_batch<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = u32> + 'a {
        batch.sequences.iter().flat_map(|&number| &self.clusters[self.offsets[number]..self.offsets[number + 1]]).copied()
    }

    /// The weight of a cluster in the loss.
    pub fn weight(&self, cluster: u32) -> f32 {
        self.weights[cluster as usize]
    }
}

/// The number of answers before each sequence, and of all at the end.
pub fn answer_offsets(data: &Dataset) -> Vec<usize> {
    let mut offsets = Vec::with_capacity(data.sequences.len() + 1);
    let mut sum = 0;
    offsets.push(sum);
    for sequence in &data.sequences {
        sum += sequence.answers.len();
        offsets.push(sum);
    }
    offsets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Sequence;
    use crate::data::{PaddingRule, SpecialTokens};

    #[test]
    fn a_batch_finds_the_clusters_of_its_answers() {
        let sequence = |answers: &[(u32, u32)]| {
            let text = crate::data::TokenizedText { ids: vec![5; 4], offsets: vec![(0, 0); 4] };
            Sequence { triple: 0, query: Default::default(), context: text.into(), window: 0..4, answers: answers.to_vec() }
        };
        let sequences = vec![sequence(&[(0, 0), (2, 3)]), sequence(&[]), sequence(&[(1, 1)])];
        let data = Dataset { sequences, ..Dataset::default() };
        assert_eq!(answer_offsets(&data), [0, 2, 2, 3]);
        let labels = PseudoLabels::new(&data, vec![4, 0, 2], &[0.5; 3], 5);
        let batch = Batch::new(&data.sequences, &[2, 1, 0], SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest);
        assert_eq!(labels.of_batch(&batch).collect::<Vec<_>>(), [2, 4, 0]);
    }
}
