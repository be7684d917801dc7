//! Work in order on several threads.

use std::collections::BTreeMap;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Pieces of work that may be under way for each worker: enough to keep it busy, few enough to bound the memory.
const AHEAD: usize = 4;

/// Where the producer puts its work. Refuses it once nobody wants more.
pub struct Feed<I> {
    work: Sender<(u64, I)>,
    permits: Receiver<()>,
    next: u64,
}

impl<I> Feed<I> {
    /// Hands on a piece of work; waits while too much is under way. False: the run is ending, stop.
    pub fn send(&mut self, item: I) -> bool {
        let sent = self.permits.recv().is_ok() && self.work.send((self.next, item)).is_ok();
        self.next += 1;
        sent
    }
}

/// Runs `produce` on a thread, `map` on `threads` others and `consume` on this one, results in the order of the work.
///
/// Ends early when `consume` fails; `produce` then sees [`Feed::send`] refuse.
///
/// # Errors
/// What `consume` fails with. What `produce` has to say comes back beside it.
pub fn ordered<I: Send, O: Send, P: Send, E>(
    threads: usize,
    produce: impl FnOnce(&mut Feed<I>) -> P + Send,
    map: impl Fn(I) -> O + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> (P, Result<(), E>) {
    let ahead = threads * AHEAD;
    let (work_in, work_out) = bounded::<(u64, I)>(ahead);
    let (done_in, done_out) = bounded::<(u64, O)>(ahead);
    let (permit_in, permit_out) = bounded::<()>(ahead);
    for _ in 0..ahead {
        permit_in.send(()).expect("the channel has room for all permits");
    }
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || {
            let mut feed = Feed { work: work_in, permits: permit_out, next: 0 };
            produce(&mut feed)
        });
        for _ in 0..threads {
            let (work, done, map) = (work_out.clone(), done_in.clone(), &map);
            scope.spawn(move || {
                for (number, item) in work {
                    if done.send((number, map(item))).is_err() {
                        return;
                    }
                }
            });
        }
        drop((work_out, done_in));
        let mut result = Ok(());
        let mut waiting: BTreeMap<u64, O> = BTreeMap::new();
        let mut next = 0;
        'all: for (number, output) in &done_out {
            waiting.insert(number, output);
            while let Some(output) = waiting.remove(&next) {
                next += 1;
                result = consume(output);
                if result.is_err() {
                    break 'all;
                }
                // The producer may be gone already.
                let _ = permit_in.send(());
            }
        }
        drop((permit_in, done_out));
        let said = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (said, result)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            let (sent, result) = ordered(
                threads,
                |feed| (0..500u64).take_while(|&n| feed.send(n)).count(),
                |n| {
                    if n % 7 == 0 {
                        std::thread::sleep(std::time::Duration::from_micros(200));
                    }
                    n * 2
                },
                |n| {
                    seen.push(n);
                    Ok::<(), ()>(())
                },
            );
            assert_eq!((sent, result), (500, Ok(())));
            assert!(seen.iter().copied().eq((0..500).map(|n| n * 2)));
        }
    }

    #[test]
    fn a_failure_ends_the_run() {
        let mut seen = 0;
        let (sent, result) = ordered(
            3,
            |feed| (0..1_000_000u64).take_while(|&n| feed.send(n)).count(),
            |n| n,
            |n| {
                seen += 1;
                if n == 10 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!((seen, result), (11, Err("full")));
        assert!(sent < 1000, "the producer stopped");
    }
}
