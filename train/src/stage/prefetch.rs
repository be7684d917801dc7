//! Batches made ahead of the loop, on a thread of their own, so that the device need not wait for them.

use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::answer::Reading;
use crate::data::{Batch, DataSet};

/// Steps whose batches are ready at most: enough for the loop never to wait, few enough to take little memory.
const AHEAD: usize = 8;

/// Does work with the batches of these steps, each step's together, in their order. What the work does not take is not made.
///
/// The thread touches host memory alone: tensors are made by the one that trains, which is the same all along, for a device keeps
/// memory for each thread that it has seen.
pub fn with_batches<R>(data: &DataSet, reading: Reading, steps: &[Vec<Vec<usize>>], work: impl FnOnce(Receiver<Vec<Batch>>) -> R) -> R {
    let (sender, receiver) = sync_channel(AHEAD);
    thread::scope(|scope| {
        scope.spawn(move || {
            for step in steps {
                let batches = step.iter().map(|numbers| reading.batch(data, numbers)).collect();
                if sender.send(batches).is_err() {
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
    use crate::data::batch::Specials;
    use crate::data::{BatchSize, Sequence};
    use crate::device::Device;

    #[test]
    fn batches_come_in_order_and_work_may_stop() {
        let sequence = |length| {
            let pieces = crate::data::tokenizer::Pieces { ids: vec![5; length], offsets: vec![(0, 0); length] };
            Sequence { triple: length, query: Default::default(), context: pieces.into(), window: 0..length, answers: Vec::new() }
        };
        let data = DataSet { sequences: (1..100).map(sequence).collect(), ..DataSet::default() };
        let specials = Specials { cls: 1, sep: 2, pad: 0 };
        let reading = Reading { specials, batch: BatchSize::Sequences(1), device: Device::Cpu, threshold: 0.5, quiet: true };
        let steps: Vec<Vec<Vec<usize>>> = (0..90).map(|at| vec![vec![at], vec![at + 1, at + 2]]).collect();
        let lengths = |count| {
            with_batches(&data, reading, &steps, |batches| {
                batches.iter().take(count).map(|step| step.iter().map(|batch| batch.length).collect()).collect::<Vec<Vec<usize>>>()
            })
        };
        assert_eq!(lengths(1000), (0..90).map(|at| vec![at + 4, at + 6]).collect::<Vec<_>>());
        assert_eq!(lengths(3), [[4, 6], [5, 7], [6, 8]]);
    }
}
