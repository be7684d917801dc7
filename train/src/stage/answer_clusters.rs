//! Clusters of all answers of a training set, found in a sample of them: the work of stage 3 before an epoch.

use std::path::Path;

use anyhow::{Result, ensure};
use schemas::{RowSlice, TripleViews, char_slice};

use super::answer_vectors::{AnswerVectors, PooledAnswers, Reduction};
use super::answered_triples::{AnsweredTriples, COLUMNS, Chooser};
use super::pseudo_labels::PseudoLabels;
use super::rng::{self, RngStream};
use super::settings::{ClusterMethod, ClusterSettings};
use crate::cluster::cluster_file::{self, ClusterFileWriter, ClusterRow};
use crate::cluster::matching::Overlap;
use crate::cluster::{Partition, Points, kmeans, power_iteration};
use crate::data::{TripleFolder, in_order};
use crate::device::TrainBackend;
use crate::progress::{Reporter, Task};

/// Answers that principal components and clusters are computed from at most.
///
/// More than 256 points a centroid improve the means of k-means little: FAISS uses no more (`max_points_per_centroid`; Johnson, Douze
/// and Jégou 2019). This is as many for 256 clusters, and some hundred times the width of a hidden state, as a covariance needs.
pub const SAMPLE: u64 = 65_536;

/// Bytes of the sample's hidden states that are kept for the projection once the covariance is known: some 20,000 vectors of width 768.
/// More than that are computed twice, which costs little beside an epoch over a set of that size, and would take 200 MB for the sample.
pub const KEPT: usize = 64 << 20;

/// Answers whose vectors are stored in the epoch's file, for pictures; about so many of a large set.
const STORED_VECTORS: u64 = 2_000;

/// What clusters the answers of a training set.
pub struct AnswerClusters<'a, B: TrainBackend> {
    /// Its settings.
    pub settings: ClusterSettings,
    /// Makes the answers' vectors.
    pub vectors: AnswerVectors<'a, B::InnerBackend>,
    /// The training set.
    pub folder: &'a TripleFolder<'a>,
    /// Number of its answers.
    pub answers: u64,
    /// Answers of the sample in the mean; all of a set that has no more.
    pub sample: u64,
    /// Bytes of its hidden states that are kept in memory; more are computed twice.
    pub kept: usize,
    /// Seed of the sample and of the first centroids.
    pub seed: u64,
    /// Receives progress.
    pub reporter: &'a dyn Reporter,
}

/// Number of an answer's triple, and of the answer among those of the triple's sequences.
type AnswerKey = (u64, usize);

/// Clusters found in a sample, with what assigns other answers to them.
pub struct FoundClusters<B: TrainBackend> {
    reduction: Reduction<B::InnerBackend>,
    partition: Partition,
    /// Number of each cluster.
    numbers: Vec<u32>,
}

impl<B: TrainBackend> AnswerClusters<'_, B> {
    /// Finds the clusters in a sample of the answers; none if there are fewer than two answers. With `before`, the file of another
    /// epoch, clusters get the numbers of those that they overlap most.
    ///
    /// Memory: the reduced vectors of the sample, and [`kept`](Self::kept) bytes.
    ///
    /// # Errors
    /// The training set or `before` cannot be read; a hidden state is not finite.
    pub fn find(&self, before: Option<&Path>) -> Result<Option<FoundClusters<B>>> {
        let ClusterSettings { clusters, method, iterations, init, pca, .. } = self.settings;
        let chooser = Chooser { seed: self.seed, probability: self.sample as f64 / self.answers.max(1) as f64 };
        let mut keys: Vec<AnswerKey> = Vec::new();
        let mut covariance = None;
        let mut kept = Some(Vec::new());
        let mut bytes = 0;
        self.for_each_slice(
            "sampling answers",
            |row| chooser.chooses(row),
            |answered| {
                let pooled = self.vectors.pool(&answered.data, keys.len());
                for sequence in &answered.data.sequences {
                    let row = answered.rows[sequence.triple];
                    keys.extend((0..sequence.answers.len()).map(|answer| (row, sequence.answers_before + answer)));
                }
                self.vectors.add_to(&mut covariance, &pooled);
                bytes += pooled.iter().map(PooledAnswers::bytes).sum::<usize>();
                kept = kept.take().filter(|_| bytes <= self.kept);
                if let Some(kept) = &mut kept {
                    kept.extend(pooled);
                }
                Ok(())
            },
        )?;
        if keys.len() < 2 {
            // One answer is a cluster of its own; its vector has no principal components.
            return Ok(None);
        }
        let reduction = self.vectors.reduction(covariance, pca)?;
        let points = match kept {
            Some(pooled) => reduction.reduce(pooled, keys.len())?,
            None => {
                let mut points = Points { width: reduction.width(), values: Vec::with_capacity(keys.len() * reduction.width()) };
                self.for_each_slice(
                    "reducing answers",
                    |row| chooser.chooses(row),
                    |answered| {
                        let count = answered.data.sequences.iter().map(|sequence| sequence.answers.len()).sum();
                        points.values.extend(reduction.reduce(self.vectors.pool(&answered.data, 0), count)?.values);
                        Ok(())
                    },
                )?;
                points
            }
        };
        let mut rng = rng::generator(self.seed, RngStream::Cluster, 0);
        let partition = match method {
            ClusterMethod::Kmeans => {
                let on_device = B::assignment_backend(&points.values, points.width, self.vectors.device);
                let backend = on_device.as_deref().unwrap_or(&points);
                Partition::Means(kmeans::kmeans_with(&points, backend, clusters, iterations, init, &mut rng).centroids)
            }
            ClusterMethod::Pic => {
                let sample = points.every(points.len().div_ceil(power_iteration::MOST_POINTS));
                let clusters = power_iteration::power_iteration_clustering(&sample, clusters, iterations, &mut rng);
                Partition::Neighbours { sample, clusters }
            }
        };
        let numbers = match before {
            Some(before) => self.numbers(before, keys, &partition.assign(&points))?,
            None => (0..clusters as u32).collect(),
        };
        Ok(Some(FoundClusters { reduction, partition, numbers }))
    }

    /// Numbers of clusters by their overlap with those of another epoch, in the answers of the sample.
    fn numbers(&self, before: &Path, keys: Vec<AnswerKey>, assigned: &[(u32, f32)]) -> Result<Vec<u32>> {
        let mut sample: Vec<(AnswerKey, u32)> = keys.into_iter().zip(assigned.iter().map(|(cluster, _)| *cluster)).collect();
        sample.sort_unstable();
        let mut sample = sample.into_iter().peekable();
        let mut overlap = Overlap::new(self.settings.clusters);
        let mut last: Option<AnswerKey> = None;
        read_clusters(before, self.settings.clusters, |row, cluster, _| {
            let key = (row, last.filter(|last| last.0 == row).map_or(0, |last| last.1 + 1));
            last = Some(key);
            while sample.next_if(|(other, _)| *other < key).is_some() {}
            if let Some((_, new)) = sample.next_if(|(other, _)| *other == key) {
                overlap.add(cluster, new);
            }
        })?;
        Ok(overlap.numbers())
    }

    /// Assigns all answers to clusters as they are read, and writes them to `file`.
    ///
    /// Memory: the labels, and some slices of the training set.
    ///
    /// # Errors
    /// The training set cannot be read; a hidden state is not finite; a failed write.
    pub fn assign(&self, found: Option<&FoundClusters<B>>, file: &Path) -> Result<PseudoLabels> {
        let stored = Chooser { seed: !self.seed, probability: STORED_VECTORS as f64 / self.answers.max(1) as f64 };
        let mut labels = PseudoLabels::new(self.settings.clusters, self.answers);
        let mut writer = ClusterFileWriter::create(file)?;
        self.for_each_slice(
            "clustering answers",
            |_| true,
            |AnsweredTriples { rows, batches, data }| {
                let count = data.sequences.iter().map(|sequence| sequence.answers.len()).sum();
                let (points, assigned) = match found {
                    Some(found) => {
                        let points = found.reduction.reduce(self.vectors.pool(&data, 0), count)?;
                        let assigned = found.partition.assign(&points);
                        let number = |(cluster, distance): (u32, f32)| (found.numbers[cluster as usize], distance);
                        (points, assigned.into_iter().map(number).collect())
                    }
                    None => (Points::default(), vec![(0, 0.0); count]),
                };
                let mut assigned = assigned.into_iter().enumerate();
                let mut sequences = data.sequences.iter().peekable();
                let views = batches.iter().map(|batch| TripleViews::new(batch, &COLUMNS)).collect::<Result<Vec<_>, _>>()?;
                for (index, triple) in views.iter().flat_map(TripleViews::iter).enumerate() {
                    let row = rows[index];
                    while let Some(sequence) = sequences.next_if(|sequence| sequence.triple == index) {
                        let offsets = data.offsets_of(sequence);
                        for (&(first, last), (answer, (cluster, distance))) in sequence.answers.iter().zip(&mut assigned) {
                            let (start, end) = (offsets[first as usize].0, offsets[last as usize].1);
                            labels.push(row, cluster, distance);
                            writer.write(ClusterRow {
                                id: triple.id().to_owned(),
                                label: triple.label().to_owned(),
                                text: char_slice(triple.context(), start, end).unwrap_or_default().to_owned(),
                                context: triple.context().to_owned(),
                                start,
                                end,
                                cluster,
                                distance,
                                vector: (found.is_some() && stored.chooses(row)).then(|| points.row(answer).to_vec()),
                                row,
                            })?;
                        }
                    }
                }
                Ok(())
            },
        )?;
        writer.finish()?;
        Ok(labels.weighted())
    }

    /// Calls `take` with the triples of each slice that have answers and are chosen, in order.
    fn for_each_slice(
        &self,
        task: &'static str,
        is_chosen: impl Fn(u64) -> bool + Sync,
        mut take: impl FnMut(AnsweredTriples) -> Result<()>,
    ) -> Result<()> {
        let task = Task::start(self.reporter, task, self.folder.triples());
        let read = |slice: &RowSlice| Ok((slice.rows, AnsweredTriples::read(self.folder, slice, &is_chosen)?));
        in_order(self.folder.slices(), read, |(rows, answered)| {
            take(answered)?;
            task.step(rows);
            Ok(())
        })
    }
}

/// The labels that a file of an epoch holds.
///
/// # Errors
/// The file cannot be read, or holds a cluster beyond their number.
pub fn read_labels(file: &Path, clusters: usize) -> Result<PseudoLabels> {
    let mut labels = PseudoLabels::new(clusters, 0);
    read_clusters(file, clusters, |row, cluster, distance| labels.push(row, cluster, distance))?;
    Ok(labels.weighted())
}

/// Calls `take` with row, cluster and distance of each answer of a file.
fn read_clusters(file: &Path, clusters: usize, mut take: impl FnMut(u64, u32, f32)) -> Result<()> {
    let mut wrong = None;
    cluster_file::read_assignments(file, |span| {
        if (span.cluster as usize) < clusters {
            take(span.row, span.cluster, span.distance);
        } else {
            wrong = Some(span.cluster);
        }
    })?;
    let cluster = wrong.unwrap_or_default();
    ensure!(wrong.is_none(), "{} holds cluster {cluster}, but the run has {clusters}, counted from 0", file.display());
    Ok(())
}

#[cfg(test)]
mod tests;
