//! Batches made ahead of the training loop by a thread of their own, so that the device does not wait for them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::data::Batch;

/// Steps whose batches wait in the channel at most: enough for the loop never to wait, few enough to take little memory.
const PREFETCHED_STEPS: usize = 8;

/// Calls `work` with the batches of each step, in the order of `steps`. A step is given by its batches, a batch by the positions of
/// its sequences, from which `make` makes it. If `work` returns early, the remaining batches are not made.
///
/// The thread works on host memory alone: tensors are made by the thread that trains, which is the same during the whole run, since
/// a device keeps memory for each thread that ever used it.
pub fn prefetch<R>(steps: &[Vec<Vec<usize>>], make: impl Fn(&[usize]) -> Batch + Send, work: impl FnOnce(Receiver<Vec<Batch>>) -> R) -> R {
    let (sender, receiver) = sync_channel(PREFETCHED_STEPS);
    thread::scope(|scope| {
        scope.spawn(move || {
            for step in steps {
                let batches = step.iter().map(|positions| make(positions)).collect();
                if sender.send(batches).is_err() {
                    // The receiver is dropped: `work` has returned.
                    return;
                }
            }
        });
        work(receiver)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Sequence;
    use crate::data::{PaddingRule, SpecialTokens};
    use std::sync::mpsc::channel;

    /// Sequences of 1 to 99 context pieces, in this order.
    fn sequences() -> Vec<Sequence> {
        let sequence = |length| {
            let text = crate::data::TokenizedText { ids: vec![5; length], offsets: vec![(0, 0); length] };
            Sequence { triple: length, query: Default::default(), context: text.into(), window: 0..length, answers: Vec::new() }
        };
        (1..100).map(sequence).collect()
    }

    fn batch(sequences: &[Sequence], positions: &[usize]) -> Batch {
        Batch::new(sequences, positions, SpecialTokens { cls: 1, sep: 2, pad: 0 }, PaddingRule::Longest)
    }

    #[test]
    fn batches_come_in_order_and_work_may_return_early() {
        let sequences = sequences();
        let steps: Vec<Vec<Vec<usize>>> = (0..90).map(|at| vec![vec![at], vec![at + 1, at + 2]]).collect();
        let lengths = |count| {
            prefetch(
                &steps,
                |positions| batch(&sequences, positions),
                |batches| {
                    batches.iter().take(count).map(|step| step.iter().map(|batch| batch.length).collect()).collect::<Vec<Vec<usize>>>()
                },
            )
        };
        assert_eq!(lengths(1000), (0..90).map(|at| vec![at + 4, at + 6]).collect::<Vec<_>>());
        assert_eq!(lengths(3), [[4, 6], [5, 7], [6, 8]]);
    }

    #[test]
    fn batches_are_made_before_they_are_asked_for() {
        let sequences = sequences();
        let steps: Vec<Vec<Vec<usize>>> = (0..90).map(|at| vec![vec![at]]).collect();
        let (made, is_made) = channel();
        prefetch(
            &steps,
            |positions| {
                made.send(positions[0]).unwrap();
                batch(&sequences, positions)
            },
            |batches| {
                // Those in the channel and the one that waits for room in it, before any is received.
                assert_eq!(is_made.iter().take(PREFETCHED_STEPS + 1).collect::<Vec<_>>(), (0..=PREFETCHED_STEPS).collect::<Vec<_>>());
                assert_eq!(batches.iter().count(), 90);
            },
        );
    }
}
