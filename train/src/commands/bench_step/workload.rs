//! The batches that are timed: sequences of random word pieces.

use std::fs;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::config::BenchStepConfig;
use crate::data::{BatchSampler, BatchSize, Dataset, PaddingRule, Sequence, StepBatches};

/// Word pieces of the query, as many as a real query has.
const QUERY: usize = 4;

/// Tokens of a sequence that are not context: the query, `[CLS]` and two `[SEP]`.
const NOT_CONTEXT: usize = QUERY + 3;

/// Sequences, and steps of one batch each.
pub struct Workload {
    /// All sequences.
    pub data: Dataset,
    /// The batches of each step, as positions of sequences: one batch a step.
    pub steps: Vec<StepBatches>,
}

/// Sizes of a workload, in word pieces.
pub struct WorkloadSize {
    /// Sequences.
    pub sequences: usize,
    /// Word pieces without padding.
    pub word_pieces: usize,
    /// Word pieces with padding.
    pub padded_word_pieces: usize,
    /// Sum of the squares of the sequences' lengths, to which the cost of attention is proportional.
    pub squares: usize,
}

impl Workload {
    /// The workload of the settings: `warmup + steps` steps, or fewer where the file of lengths holds fewer.
    ///
    /// # Errors
    /// The file of lengths cannot be read, holds something else than numbers, or no more steps than `warmup`.
    pub fn new(config: &BenchStepConfig) -> Result<Self> {
        let wanted = config.warmup + config.steps;
        let lengths: Vec<usize> = match &config.lengths {
            None => vec![config.seq; config.batch * wanted],
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
                text.split_whitespace()
                    .map(|length| length.parse().with_context(|| format!("{}: `{length}` is not a length", path.display())))
                    .collect::<Result<_>>()?
            }
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let query = random_text(&mut rng, QUERY);
        let sequence = |(triple, length): (usize, usize)| {
            let context = random_text(&mut rng, length.saturating_sub(NOT_CONTEXT).max(1));
            let window = 0..context.len();
            Sequence { triple, query: query.clone(), context, window, answers: vec![(0, 0)], answers_before: 0 }
        };
        let sequences: Vec<Sequence> = lengths.into_iter().enumerate().map(sequence).collect();
        let mut steps: Vec<StepBatches> = match config.max_tokens {
            None => {
                let positions: Vec<usize> = (0..sequences.len()).collect();
                positions.chunks_exact(config.batch).map(|batch| vec![batch.to_vec()]).collect()
            }
            Some(tokens) => BatchSampler { batch: BatchSize::Tokens(tokens), accumulate: 1, padding: config.runtime.device.into() }
                .steps(&sequences, &mut rng),
        };
        steps.truncate(wanted);
        ensure!(
            steps.len() > config.warmup,
            "--lengths gives {} batches, of which --warmup {} leaves none to time; give a longer file or a smaller --warmup",
            steps.len(),
            config.warmup
        );
        Ok(Self { data: Dataset { sequences, ..Dataset::default() }, steps })
    }

    /// The size of some of the steps.
    pub fn size(&self, steps: &[StepBatches], padding: PaddingRule) -> WorkloadSize {
        let mut size = WorkloadSize { sequences: 0, word_pieces: 0, padded_word_pieces: 0, squares: 0 };
        for step in steps {
            let lengths = || step[0].iter().map(|&position| self.data.sequences[position].length());
            size.sequences += step[0].len();
            size.word_pieces += lengths().sum::<usize>();
            size.padded_word_pieces += step[0].len() * padding.padded(lengths().max().unwrap_or(0));
            size.squares += lengths().map(|length| length * length).sum::<usize>();
        }
        size
    }
}

fn random_text(rng: &mut ChaCha8Rng, count: usize) -> Arc<[u32]> {
    (0..count).map(|_| rng.random_range(1000..30_000)).collect()
}
