//! Stage 3: clusters of answers' vectors are pseudo-labels of an auxiliary task. They are made anew before each epoch.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use burn::module::AutodiffModule;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData, activation};
use clap::ValueEnum;
use rand::seq::index;
use schemas::char_slice;
use schemas::{ShardFolder, Triple};
use serde::{Deserialize, Serialize};

use super::checkpoint_state::{self, Use};
use super::objective::{Objective, answer_loss};
use super::training_loop::Learner;
use crate::answer::Reading;
use crate::cluster::table::{self, Clustered};
use crate::cluster::tensors::{self, Projection};
use crate::cluster::{Clusters, Points, align, class_weights, kmeans, pca::Covariance, pca::Pca, pic};
use crate::commands::progress::Progress;
use crate::data::{Batch, DataSet, batches_by_length};
use crate::device::TrainBackend;
use crate::model::{Dropouts, Kernels, Pool, Reader, Weighting, pool, weights};

/// ShardFolder of clusters in a run.
pub const FOLDER: &str = "clusters";

/// Answers that principal components are found from at most: evenly taken, they tell as much as all.
const PCA_ANSWERS: usize = 200_000;

/// Answers whose vectors are stored, for pictures.
const STORED_VECTORS: usize = 2_000;

/// The newest epoch that a run has clusters of, and their file.
pub fn last_epoch(run: &Path) -> Option<(usize, PathBuf)> {
    (1..).map(|epoch| (epoch, file(run, epoch))).take_while(|(_, path)| path.exists()).last()
}

fn file(run: &Path, epoch: usize) -> PathBuf {
    run.join(FOLDER).join(format!("epoch-{epoch}.parquet"))
}

/// Settings of the auxiliary task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// Clusters.
    pub clusters: usize,
    /// Weight of the auxiliary loss.
    pub gamma: f64,
    /// How clusters are found.
    pub method: Method,
    /// Iterations at most.
    pub iterations: usize,
    /// First means of k-means.
    pub start: kmeans::Start,
    /// Principal components that are kept.
    pub pca: usize,
    /// How an answer's pieces become one vector.
    pub pool: Pool,
    /// What becomes of the head when clusters are made anew.
    pub head: Head,
}

/// How clusters are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// k-means.
    Kmeans,
    /// Power iteration clustering on a graph of nearest neighbours.
    Pic,
}

/// What becomes of the head when clusters are made anew, and their numbers with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Head {
    /// It stays; clusters get the numbers of those before that they overlap most.
    Align,
    /// It starts from random weights again.
    Reset,
}

/// The stage's objective.
pub struct PseudoLabels<'a, B: TrainBackend> {
    /// Where the reader is.
    pub device: &'a B::Device,
    /// Its settings.
    pub settings: Clustering,
    /// How much each label's loss weighs.
    pub weighting: Weighting,
    /// How sequences are read to be clustered.
    pub reading: Reading,
    /// The triples that it learns from.
    pub source: &'a Path,
    /// Its run.
    pub run: &'a Path,
    /// The run's seed.
    pub seed: u64,
    /// Deviation of fresh weights.
    pub deviation: f64,
    /// This epoch's labels.
    pub labels: Labels,
}

/// Pseudo-labels of the answers of a data set.
#[derive(Debug, Default)]
pub struct Labels {
    /// Answers of the sequences before each.
    before: Vec<usize>,
    /// Cluster of each answer.
    of: Vec<u32>,
    /// Weight of each cluster.
    weights: Vec<f32>,
}

impl Labels {
    fn new(data: &DataSet, of: Vec<u32>, distances: &[f32], clusters: usize) -> Self {
        let weights = class_weights(&of, distances, clusters);
        Self { before: answers_before(data), of, weights }
    }

    /// Clusters of a batch's answers, in their order.
    fn of_batch<'a>(&'a self, batch: &'a Batch) -> impl Iterator<Item = u32> + 'a {
        batch.numbers.iter().flat_map(|&number| &self.of[self.before[number]..self.before[number + 1]]).copied()
    }
}

fn values<B: Backend>(rows: Tensor<B, 2>) -> Vec<f32> {
    rows.into_data().convert::<f32>().to_vec().expect("converted to f32")
}

/// Answers of all sequences before each, and at the end of all.
fn answers_before(data: &DataSet) -> Vec<usize> {
    let mut sum = 0;
    let counts = data.sequences.iter().map(|sequence| sequence.answers.len());
    std::iter::once(0)
        .chain(counts.map(|count| {
            sum += count;
            sum
        }))
        .collect()
}

impl<B: TrainBackend> Objective<B> for PseudoLabels<'_, B> {
    fn begin_epoch(&mut self, epoch: usize, again: bool, learner: &mut Learner<B>, data: &mut DataSet) -> Result<()> {
        let (of, distances) = if again {
            table::read(&self.file(epoch))?
        } else {
            if epoch == 1 || self.settings.head == Head::Reset {
                let seed = self.seed.wrapping_add(epoch as u64);
                learner.reader = weights::renew_clusters(learner.reader.clone(), self.deviation, seed);
                learner.optimizer.forget(weights::CLUSTERS);
            }
            self.cluster(epoch, &learner.reader.valid(), data)?
        };
        let answers = *answers_before(data).last().expect("there is always an end");
        ensure!(of.len() == answers, "{} holds {} spans, the training set {answers}", self.file(epoch).display(), of.len());
        self.labels = Labels::new(data, of, &distances, self.settings.clusters);
        Ok(())
    }

    /// Half the loss of starts and ends, and the weighted mean of the cross-entropy of clusters.
    fn loss(&self, reader: &Reader<B>, batch: &Batch, step: &[Batch], dropouts: &mut Dropouts) -> Tensor<B, 1> {
        let hidden = reader.bert.forward(&batch.input(&reader.device()), dropouts);
        let loss = answer_loss(reader, hidden.clone(), batch, step, dropouts, self.weighting) * 0.5;
        if batch.answers.is_empty() {
            return loss;
        }
        let Some(logits) = reader.clusters(pool(hidden, &batch.answers, self.settings.pool), dropouts) else { return loss };
        let all: f32 = step.iter().flat_map(|batch| self.labels.of_batch(batch)).map(|cluster| self.labels.weights[cluster as usize]).sum();
        let clusters = self.settings.clusters;
        let mut shares = vec![0.0; batch.answers.len() * clusters];
        for (answer, cluster) in self.labels.of_batch(batch).enumerate() {
            shares[answer * clusters + cluster as usize] = self.labels.weights[cluster as usize] / all.max(f32::MIN_POSITIVE);
        }
        let shares = Tensor::<B, 2>::from_data(TensorData::new(shares, [batch.answers.len(), clusters]), &logits.device());
        let cross_entropy = (activation::log_softmax(logits, 1) * shares).sum().neg();
        loss + cross_entropy * self.settings.gamma
    }
}

impl<B: TrainBackend> PseudoLabels<'_, B> {
    fn file(&self, epoch: usize) -> PathBuf {
        file(self.run, epoch)
    }

    /// Clusters of all answers, written to the epoch's file too: numbers and distances.
    fn cluster(&self, epoch: usize, reader: &Reader<B::InnerBackend>, data: &DataSet) -> Result<(Vec<u32>, Vec<f32>)> {
        let Clustering { clusters, method, iterations, start, head, .. } = self.settings;
        let answers: usize = data.sequences.iter().map(|sequence| sequence.answers.len()).sum();
        let mut rng = checkpoint_state::generator(self.seed.wrapping_add(epoch as u64), Use::Cluster, 0);
        let (points, mut found) = if answers > 1 {
            let points = self.vectors(reader, data)?;
            let found = match method {
                Method::Kmeans => {
                    let on_device = B::InnerBackend::neighbours(&points, self.device);
                    let neighbours = on_device.as_deref().unwrap_or(&points);
                    kmeans::kmeans_by(&points, neighbours, clusters, iterations, start, &mut rng)
                }
                Method::Pic => pic::pic(&points, clusters, iterations, &mut rng),
            };
            (points, found)
        } else {
            // Nothing to tell apart.
            let found = Clusters { centroids: Points::zeros(1, 1), of: vec![0; answers], distances: vec![0.0; answers] };
            (Points::default(), found)
        };
        if epoch > 1 && head == Head::Align {
            let (before, _) = table::read(&self.file(epoch - 1))?;
            align::align(&before, &mut found.of, clusters);
        }
        let sample = index::sample(&mut rng, points.len(), STORED_VECTORS.min(points.len())).into_iter().collect();
        self.write(epoch, data, &found, &points, &sample)?;
        Ok((found.of, found.distances))
    }

    /// A vector for each answer: pooled, reduced, of length 1.
    ///
    /// Memory: these vectors alone. The hidden states are computed twice, for the components and for what is left of them.
    fn vectors(&self, reader: &Reader<B::InnerBackend>, data: &DataSet) -> Result<Points> {
        let before = answers_before(data);
        let count = before[before.len() - 1];
        let mut covariance = None;
        let every = count.div_ceil(PCA_ANSWERS);
        self.pooled(reader, data, every, "finding components", |_, rows| {
            let covariance = covariance.get_or_insert_with(|| Covariance::new(rows.dims()[1]));
            if B::InnerBackend::CLUSTERS {
                tensors::add(covariance, rows);
            } else {
                covariance.add(&values(rows));
            }
        })?;
        let covariance = covariance.context("there are no answers to cluster")?;
        let pca: Pca = covariance.components(self.settings.pca).context("if hidden states are no numbers, lower --lr or raise --warmup")?;
        let projection = B::InnerBackend::CLUSTERS.then(|| Projection::<B::InnerBackend>::new(&pca, self.device));
        let mut points = Points::zeros(count, pca.width());
        self.pooled(reader, data, 1, "reducing", |numbers, rows| {
            let reduced = match &projection {
                Some(projection) => projection.project(rows),
                None => pca.project(&values(rows)),
            };
            let mut reduced = reduced.chunks_exact(pca.width());
            for &number in numbers {
                for (at, row) in (before[number]..before[number + 1]).zip(&mut reduced) {
                    points.values[at * pca.width()..][..pca.width()].copy_from_slice(row);
                }
            }
        })?;
        let finite = points.values.iter().all(|value| value.is_finite());
        ensure!(finite, "a hidden state is not a number; lower --lr or raise --warmup");
        points.normalise();
        Ok(points)
    }

    /// Hands on the pooled vectors of a batch after the other: its sequences, and the vectors of all its answers, `[answers, hidden]`.
    /// Of those with answers, every `every`th sequence is read.
    fn pooled(
        &self,
        reader: &Reader<B::InnerBackend>,
        data: &DataSet,
        every: usize,
        what: &'static str,
        mut take: impl FnMut(&[usize], Tensor<B::InnerBackend, 2>),
    ) -> Result<()> {
        let with_answers = (0..data.sequences.len()).filter(|&number| !data.sequences[number].answers.is_empty()).step_by(every);
        let batches = batches_by_length(&data.sequences, with_answers, self.reading.batch, self.reading.device);
        let mut progress = Progress::start(what, batches.len(), self.reading.quiet);
        for numbers in &batches {
            let batch = self.reading.batch(data, numbers);
            let hidden = reader.bert.forward(&batch.input(self.device), &mut Dropouts::off());
            take(numbers, pool(hidden, &batch.answers, self.settings.pool));
            progress.step(String::new);
        }
        Ok(())
    }

    /// Writes the epoch's file, with the vectors of a sample. Contexts come from the triples again: they are not kept in memory.
    fn write(&self, epoch: usize, data: &DataSet, found: &Clusters, points: &Points, sample: &HashSet<usize>) -> Result<()> {
        let path = self.file(epoch);
        let mut writer = table::Writer::create(&path)?;
        let folder = ShardFolder::open::<Triple>(self.source)?;
        let mut sequences = data.sequences.iter().peekable();
        let mut assigned = found.of.iter().zip(&found.distances).enumerate();
        let mut triple_number = 0;
        for rows in folder.rows::<Triple>() {
            for triple in rows? {
                while let Some(sequence) = sequences.next_if(|sequence| sequence.triple == triple_number) {
                    let offsets = &sequence.context.offsets;
                    for (&(first, last), (answer, (&cluster, &distance))) in sequence.answers.iter().zip(&mut assigned) {
                        let (start, end) = (offsets[first as usize].0, offsets[last as usize].1);
                        writer.write(Clustered {
                            id: triple.id.clone(),
                            label: triple.label.clone(),
                            text: char_slice(&triple.context, start, end).unwrap_or_default().to_owned(),
                            context: triple.context.clone(),
                            start,
                            end,
                            cluster,
                            distance,
                            vector: sample.contains(&answer).then(|| points.row(answer).to_vec()),
                        })?;
                    }
                }
                triple_number += 1;
            }
        }
        writer.finish()
    }
}
