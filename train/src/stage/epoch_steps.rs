//! The steps of an epoch: read, tokenised, shuffled and batched ahead of the training loop.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use anyhow::Result;
use rand_chacha::ChaCha8Rng;
use schemas::RowSlice;

use super::checkpoint_state::BlockPosition;
use super::prefetch::prefetch;
use super::rng::{self, RngStream};
use crate::data::{Batch, BatchSampler, Block, TrainingSet};

/// What the training loop is handed, in order.
#[derive(Debug)]
pub enum EpochItem {
    /// The batches of a step.
    Step(TrainStep),
    /// All steps were handed over.
    End {
        /// Words drawn for shuffling until the end of the epoch.
        shuffle_words: u64,
    },
}

/// The batches of a step, and its place in the epoch.
#[derive(Debug)]
pub struct TrainStep {
    /// The batches.
    pub batches: Vec<Batch>,
    /// Where the epoch continues after it.
    pub position: BlockPosition,
    /// Share of the epoch that is done before the step, and after it.
    pub done: [f64; 2],
    /// Whether it is the last step of the epoch.
    pub ends_epoch: bool,
}

/// Where an epoch starts.
#[derive(Debug, Clone, Copy)]
pub struct EpochStart {
    /// The run's seed.
    pub seed: u64,
    /// Words drawn for shuffling before the epoch.
    pub shuffle_words: u64,
    /// Where a stopped run continues within it.
    pub position: Option<BlockPosition>,
}

/// Calls `work` with the steps of an epoch from `start` on. One thread reads a block while another batches the one before.
///
/// Steps depend on the training set, the sampler and the seed alone.
pub fn epoch_steps<R>(
    data: &TrainingSet<'_>,
    sampler: BatchSampler,
    start: EpochStart,
    work: impl FnOnce(Receiver<Result<EpochItem>>) -> R,
) -> R {
    let mut rng = rng::generator(start.seed, RngStream::Shuffle, start.shuffle_words);
    let blocks = data.epoch_blocks(&mut rng);
    let first = start.position.unwrap_or(BlockPosition { block: 0, step: 0, shuffle_words: rng::words_drawn(&rng) });
    let rng = rng::generator(start.seed, RngStream::Shuffle, first.shuffle_words);
    // Handed over without a place to wait in: a block that was read stays with its reader until it is asked for.
    let (sender, read) = sync_channel(0);
    thread::scope(|scope| {
        let blocks = &blocks;
        scope.spawn(move || {
            for slices in blocks.iter().skip(first.block) {
                let block = data.block(slices);
                let failed = block.is_err();
                if sender.send(block).is_err() || failed {
                    return;
                }
            }
        });
        let triples = data.folder().triples();
        prefetch(move |sender| Feeder { data, sampler, blocks, triples, rng, sender }.feed(first, &read), work)
    })
}

/// Makes the batches of blocks that were read, and sends them.
struct Feeder<'a> {
    data: &'a TrainingSet<'a>,
    sampler: BatchSampler,
    blocks: &'a [Vec<RowSlice>],
    triples: usize,
    rng: ChaCha8Rng,
    sender: SyncSender<Result<EpochItem>>,
}

impl Feeder<'_> {
    fn feed(mut self, first: BlockPosition, read: &Receiver<Result<Arc<Block>>>) {
        let size = |slices: &[RowSlice]| slices.iter().map(|slice| slice.rows).sum::<usize>();
        let mut before: usize = self.blocks[..first.block.min(self.blocks.len())].iter().map(|slices| size(slices)).sum();
        for (number, slices) in self.blocks.iter().enumerate().skip(first.block) {
            let triples = size(slices);
            let Ok(block) = read.recv() else { return };
            let skip = if number == first.block { first.step } else { 0 };
            let sent = match block {
                Ok(block) => self.feed_block(&block, BlockPosition { block: number, step: skip, ..first }, before, triples),
                Err(error) => {
                    // The receiver may be gone, which is no fault of the block.
                    let _ = self.sender.send(Err(error));
                    false
                }
            };
            if !sent {
                return;
            }
            before += triples;
        }
        let _ = self.sender.send(Ok(EpochItem::End { shuffle_words: rng::words_drawn(&self.rng) }));
    }

    /// Sends the steps of a block; `before` triples are in earlier ones and `triples` in it. Whether the receiver took them all.
    fn feed_block(&mut self, block: &Block, position: BlockPosition, before: usize, triples: usize) -> bool {
        let shuffle_words = rng::words_drawn(&self.rng);
        let steps = self.sampler.steps(&block.sequences, &mut self.rng);
        let special = self.data.folder().encoder().tokenizer().special_tokens();
        let done = |step: usize| (before as f64 + triples as f64 * step as f64 / steps.len() as f64) / self.triples as f64;
        let is_last = position.block + 1 == self.blocks.len();
        for (number, step) in steps.iter().enumerate().skip(position.step) {
            let batch = |indices: &Vec<usize>| Batch::new(&block.sequences, indices, special, self.sampler.padding);
            let step = TrainStep {
                batches: step.iter().map(batch).collect(),
                position: BlockPosition { block: position.block, step: number + 1, shuffle_words },
                done: [done(number), done(number + 1)],
                ends_epoch: is_last && number + 1 == steps.len(),
            };
            if self.sender.send(Ok(EpochItem::Step(step))).is_err() {
                // The training loop has ended.
                return false;
            }
        }
        true
    }
}
