//! Work done ahead of the training loop by a thread of its own, so that the device does not wait for it.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Steps whose batches wait in the channel at most: enough for the loop never to wait, few enough to take little memory.
pub const PREFETCHED_STEPS: usize = 8;

/// Runs `produce` on a thread of its own and `work` on this one, with a channel from the first to the second that holds
/// [`PREFETCHED_STEPS`] items. If `work` returns early, `produce` cannot send any more, and should return too.
///
/// The thread works on host memory alone: tensors are made by the thread that trains, which is the same during the whole run, since
/// a device keeps memory for each thread that ever used it.
pub fn prefetch<T: Send, R>(produce: impl FnOnce(SyncSender<T>) + Send, work: impl FnOnce(Receiver<T>) -> R) -> R {
    let (sender, receiver) = sync_channel(PREFETCHED_STEPS);
    thread::scope(|scope| {
        scope.spawn(move || produce(sender));
        work(receiver)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn items_come_in_order_and_work_may_return_early() {
        let items = |count| {
            let produce = |sender: SyncSender<usize>| {
                let _ = (0..90).try_for_each(|item| sender.send(item));
            };
            prefetch(produce, |items| items.iter().take(count).collect::<Vec<_>>())
        };
        assert_eq!(items(1000), (0..90).collect::<Vec<_>>());
        assert_eq!(items(3), [0, 1, 2]);
    }

    #[test]
    fn items_are_made_before_they_are_asked_for() {
        let (made, is_made) = channel();
        let produce = |sender: SyncSender<usize>| {
            for item in 0..90 {
                made.send(item).unwrap();
                sender.send(item).unwrap();
            }
        };
        prefetch(produce, |items| {
            // Those in the channel and the one that waits for room in it, before any is received.
            assert_eq!(is_made.iter().take(PREFETCHED_STEPS + 1).collect::<Vec<_>>(), (0..=PREFETCHED_STEPS).collect::<Vec<_>>());
            assert_eq!(items.iter().count(), 90);
        });
    }
}
