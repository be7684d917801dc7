//! Work in order on several threads.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard};

use crossbeam_channel::{Sender, bounded};

/// Pieces of work that may be under way for each worker: enough to keep it busy.
const AHEAD: usize = 4;
/// A piece that weighs a part like this of what may be under way is heavy. All heavy ones are worked on by one thread: what an allocator
/// keeps of their memory it keeps for each thread.
const HEAVY: u64 = 8;

/// How much may be under way.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Workers.
    pub threads: usize,
    /// Weight of all pieces of work together. One that is heavier by itself is done alone.
    pub weight: u64,
}

/// Lets work in while there is room.
struct Gate {
    limits: Limits,
    inside: Mutex<Inside>,
    left: Condvar,
}

#[derive(Default)]
struct Inside {
    pieces: usize,
    weight: u64,
    closed: bool,
}

impl Gate {
    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().expect("nobody panics while holding the lock")
    }

    /// Waits for room. False: the gate is closed.
    fn enter(&self, weight: u64) -> bool {
        let full = |inside: &mut Inside| {
            let heavy = inside.pieces > 0 && inside.weight.saturating_add(weight) > self.limits.weight;
            !inside.closed && (heavy || inside.pieces >= self.limits.threads * AHEAD)
        };
        let mut inside = self.left.wait_while(self.inside(), full).expect("nobody panics while holding the lock");
        inside.pieces += 1;
        inside.weight = inside.weight.saturating_add(weight);
        !inside.closed
    }

    fn leave(&self, weight: u64) {
        let mut inside = self.inside();
        inside.pieces -= 1;
        inside.weight = inside.weight.saturating_sub(weight);
        self.left.notify_one();
    }

    fn close(&self) {
        self.inside().closed = true;
        self.left.notify_one();
    }
}

/// Closes the gate when its thread panics: what it had taken never arrives, and all the others would wait for it.
struct CloseOnPanic<'a>(&'a Gate);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// A piece of work on its way.
struct Piece<T> {
    number: u64,
    weight: u64,
    item: T,
}

/// Where the producer puts its work. Refuses it once nobody wants more.
pub struct Feed<'a, I> {
    work: Sender<Piece<I>>,
    heavy: Sender<Piece<I>>,
    gate: &'a Gate,
    next: u64,
}

impl<I> Feed<'_, I> {
    /// Hands on a piece of work; waits while too much is under way. False: the run is ending, stop.
    pub fn send(&mut self, item: I, weight: u64) -> bool {
        let number = self.next;
        self.next += 1;
        let lane = if weight >= self.gate.limits.weight / HEAVY { &self.heavy } else { &self.work };
        self.gate.enter(weight) && lane.send(Piece { number, weight, item }).is_ok()
    }
}

/// Runs `produce` on a thread, `map` on as many others as `limits` says, heavy pieces on one more, and `consume` on this one, results in the order of the work.
///
/// Ends early when `consume` fails; `produce` then sees [`Feed::send`] refuse.
///
/// # Errors
/// What `consume` fails with. What `produce` has to say comes back beside it.
pub fn ordered<I: Send, O: Send, P: Send, E>(
    limits: Limits,
    produce: impl FnOnce(&mut Feed<'_, I>) -> P + Send,
    map: impl Fn(I) -> O + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> (P, Result<(), E>) {
    let gate = &Gate { limits, inside: Mutex::default(), left: Condvar::new() };
    // Never full: the gate lets fewer in.
    let ahead = limits.threads * AHEAD;
    let (work_in, work_out) = bounded::<Piece<I>>(ahead);
    let (heavy_in, heavy_out) = bounded::<Piece<I>>(ahead);
    let (done_in, done_out) = bounded::<Piece<O>>(ahead);
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || {
            let mut feed = Feed { work: work_in, heavy: heavy_in, gate, next: 0 };
            produce(&mut feed)
        });
        for work in std::iter::repeat_n(work_out, limits.threads).chain([heavy_out]) {
            let (done, map) = (done_in.clone(), &map);
            scope.spawn(move || {
                let _close = CloseOnPanic(gate);
                for Piece { number, weight, item } in work {
                    if done.send(Piece { number, weight, item: map(item) }).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done_in);
        let mut result = Ok(());
        let mut waiting: BTreeMap<u64, (u64, O)> = BTreeMap::new();
        let mut next = 0;
        'all: for Piece { number, weight, item } in &done_out {
            waiting.insert(number, (weight, item));
            while let Some((weight, output)) = waiting.remove(&next) {
                next += 1;
                result = consume(output);
                if result.is_err() {
                    break 'all;
                }
                gate.leave(weight);
            }
        }
        gate.close();
        drop(done_out);
        let said = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (said, result)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn limits(threads: usize) -> Limits {
        Limits { threads, weight: u64::MAX }
    }

    #[test]
    fn results_come_in_order() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            let (sent, result) = ordered(
                limits(threads),
                |feed| (0..500u64).take_while(|&n| feed.send(n, 1)).count(),
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
            limits(3),
            |feed| (0..1_000_000u64).take_while(|&n| feed.send(n, 1)).count(),
            |n| n,
            |n| {
                seen += 1;
                if n == 10 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!((seen, result), (11, Err("full")));
        assert!(sent < 1000, "the producer stopped");
    }

    #[test]
    fn weight_is_bounded_whatever_the_threads() {
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let ((), result) = ordered(
            Limits { threads: 8, weight: 100 },
            |feed| {
                for n in 0..200u64 {
                    // Some are too heavy by themselves.
                    let weight = if n % 50 == 0 { 150 } else { n % 40 };
                    assert!(feed.send(weight, weight));
                }
            },
            |weight| {
                most.fetch_max(now.fetch_add(weight, Ordering::SeqCst) + weight, Ordering::SeqCst);
                weight
            },
            |weight| {
                now.fetch_sub(weight, Ordering::SeqCst);
                Ok::<(), ()>(())
            },
        );
        assert_eq!(result, Ok(()));
        let most = most.into_inner();
        assert!((50..=150).contains(&most), "{most}");
    }

    #[test]
    fn a_panic_ends_the_run_too() {
        let panicked = std::panic::catch_unwind(|| {
            ordered(
                limits(2),
                |feed| (0..1_000_000u64).take_while(|&n| feed.send(n, 1)).count(),
                |n| assert_ne!(n, 100, "a bug"),
                |()| Ok::<(), ()>(()),
            )
        });
        assert!(panicked.is_err());
    }
}
