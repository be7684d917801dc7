//! A parallel map that keeps the order of its input and bounds what is in flight.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crossbeam_channel::{Receiver, Sender, bounded, never, select_biased, unbounded};
use schemas::shard::{Executor, Task};

use crate::threads::{ThreadKind, spawn_scoped};

/// Items in flight for each worker: enough to keep all workers busy.
const ITEMS_PER_THREAD: usize = 4;
/// Items of at least this fraction (1/8) of the in-flight budget are mapped by one thread of their own, one after the other. An allocator
/// keeps freed memory per thread; with large items on every thread it would keep it many times over.
const LARGE_ITEM_FRACTION: u64 = 8;

/// Limits of an [`ordered_map`].
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Worker threads.
    pub threads: usize,
    /// In-flight budget: the largest sum of the weights of all items between producer and consumer. An item above the budget is processed
    /// alone.
    pub budget: u64,
}

/// Weight of rows of a shard against the in-flight budget, by the bytes of their values. It is a quarter of the weight of text that is still to
/// be cleaned, as is the memory that they take.
pub fn row_weight(bytes: u64) -> u64 {
    bytes / 4
}

/// Tasks that the workers of an [`ordered_map`] run, before they take further items. Without workers a task is run at once, on the thread
/// that brings it. Clones share the queue.
#[derive(Clone)]
pub struct TaskQueue {
    sender: Sender<Task>,
    tasks: Receiver<Task>,
    /// Workers that run tasks.
    workers: Arc<AtomicUsize>,
}

impl Default for TaskQueue {
    fn default() -> Self {
        let (sender, tasks) = unbounded();
        Self { sender, tasks, workers: Arc::default() }
    }
}

impl Executor for TaskQueue {
    fn execute(&self, task: Task) {
        if self.workers.load(Ordering::Acquire) == 0 {
            task();
        } else {
            self.sender.send(task).expect("the queue holds the other end");
        }
    }
}

/// Admits items while the limits allow it.
struct Gate {
    limits: Limits,
    in_flight: Mutex<InFlight>,
    changed: Condvar,
}

#[derive(Default)]
struct InFlight {
    items: usize,
    weight: u64,
    closed: bool,
}

impl Gate {
    fn in_flight(&self) -> MutexGuard<'_, InFlight> {
        self.in_flight.lock().expect("nobody panics while holding the lock")
    }

    /// Waits until an item of this weight fits. Returns false if the gate is closed.
    fn enter(&self, weight: u64) -> bool {
        let is_full = |in_flight: &mut InFlight| {
            let over_budget = in_flight.items > 0 && in_flight.weight.saturating_add(weight) > self.limits.budget;
            !in_flight.closed && (over_budget || in_flight.items >= self.limits.threads * ITEMS_PER_THREAD)
        };
        let mut in_flight = self.changed.wait_while(self.in_flight(), is_full).expect("nobody panics while holding the lock");
        in_flight.items += 1;
        in_flight.weight = in_flight.weight.saturating_add(weight);
        !in_flight.closed
    }

    fn leave(&self, weight: u64) {
        let mut in_flight = self.in_flight();
        in_flight.items -= 1;
        in_flight.weight = in_flight.weight.saturating_sub(weight);
        self.changed.notify_one();
    }

    fn close(&self) {
        self.in_flight().closed = true;
        self.changed.notify_one();
    }
}

/// Closes the gate if its thread panics: the item that the thread held never reaches the consumer, and the producer would wait for ever.
struct CloseOnPanic<'a>(&'a Gate);

impl Drop for CloseOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.close();
        }
    }
}

/// An item with its place in the input order.
struct Numbered<T> {
    number: u64,
    weight: u64,
    item: T,
}

/// The producer's end of an [`ordered_map`].
pub struct Feed<'a, I> {
    items: Sender<Numbered<I>>,
    large_items: Sender<Numbered<I>>,
    gate: &'a Gate,
    next: u64,
}

impl<I> Feed<'_, I> {
    /// Hands an item to the workers; blocks while the in-flight budget is used up. Returns false if the consumer has failed: the producer
    /// should return.
    pub fn send(&mut self, item: I, weight: u64) -> bool {
        let number = self.next;
        self.next += 1;
        let lane = if weight >= self.gate.limits.budget / LARGE_ITEM_FRACTION { &self.large_items } else { &self.items };
        self.gate.enter(weight) && lane.send(Numbered { number, weight, item }).is_ok()
    }
}

/// Maps items in parallel and consumes the results in the order of the items.
///
/// `produce` runs on the thread `read`, `map` on `limits.threads` threads `work-N` and one more for large items, `consume` on the thread
/// `write`. The workers also run what `consume` puts into `tasks`, before further items; at the end all tasks are done. If `consume` fails,
/// [`Feed::send`] returns false and the run ends early.
///
/// Returns what `produce` returned, and the first error of `consume`.
///
/// # Panics
/// If one of the closures panics.
pub fn ordered_map<I: Send, O: Send, P: Send, E: Send>(
    limits: Limits,
    tasks: &TaskQueue,
    produce: impl FnOnce(&mut Feed<'_, I>) -> P + Send,
    map: impl Fn(I) -> O + Sync,
    consume: impl FnMut(O) -> Result<(), E> + Send,
) -> (P, Result<(), E>) {
    let gate = &Gate { limits, in_flight: Mutex::default(), changed: Condvar::new() };
    // The channels never fill up: the gate admits fewer items.
    let capacity = limits.threads * ITEMS_PER_THREAD;
    let (items_in, items) = bounded::<Numbered<I>>(capacity);
    let (large_in, large_items) = bounded::<Numbered<I>>(capacity);
    let (results_in, results) = bounded::<Numbered<O>>(capacity);
    // Closed when all results are consumed.
    let (open, closed) = bounded::<()>(0);
    tasks.workers.store(limits.threads, Ordering::Release);
    let outcome = std::thread::scope(|scope| {
        let producer = spawn_scoped(scope, ThreadKind::Read, None, move || {
            let mut feed = Feed { items: items_in, large_items: large_in, gate, next: 0 };
            produce(&mut feed)
        });
        let worker = Worker { gate, map: &map, results: results_in };
        for number in 0..limits.threads {
            let (worker, items, tasks, closed) = (worker.clone(), items.clone(), &tasks.tasks, closed.clone());
            spawn_scoped(scope, ThreadKind::Work, Some(number), move || worker.run(items, tasks, closed));
        }
        spawn_scoped(scope, ThreadKind::Large, None, move || large_items.iter().all(|item| worker.map_item(item)));
        let consumer = spawn_scoped(scope, ThreadKind::Write, None, move || {
            let _close = CloseOnPanic(gate);
            let outcome = consume_in_order(results, gate, consume);
            gate.close();
            drop(open);
            outcome
        });
        let consumed = consumer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let produced = producer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (produced, consumed)
    });
    tasks.workers.store(0, Ordering::Release);
    outcome
}

/// What a worker needs.
struct Worker<'a, O, F> {
    gate: &'a Gate,
    map: &'a F,
    results: Sender<Numbered<O>>,
}

impl<O, F> Clone for Worker<'_, O, F> {
    fn clone(&self) -> Self {
        Self { gate: self.gate, map: self.map, results: self.results.clone() }
    }
}

impl<O, F> Worker<'_, O, F> {
    /// Maps an item. Returns false if nobody wants the result.
    fn map_item<I>(&self, item: Numbered<I>) -> bool
    where
        F: Fn(I) -> O,
    {
        let _close = CloseOnPanic(self.gate);
        let Numbered { number, weight, item } = item;
        self.results.send(Numbered { number, weight, item: (self.map)(item) }).is_ok()
    }

    /// Runs tasks and maps items; after the last item tasks alone, until all results are consumed and no task is left.
    fn run<I>(self, items: Receiver<Numbered<I>>, tasks: &Receiver<Task>, closed: Receiver<()>)
    where
        F: Fn(I) -> O,
    {
        // When the last worker has no more items, the results end.
        let mut worker = Some(self);
        let mut items = items;
        loop {
            select_biased! {
                recv(tasks) -> task => task.expect("the queue holds the other end")(),
                recv(items) -> item => {
                    let is_wanted = worker.as_ref().zip(item.ok()).is_some_and(|(worker, item)| worker.map_item(item));
                    if !is_wanted {
                        (worker, items) = (None, never());
                    }
                }
                recv(closed) -> _ => match tasks.try_recv() {
                    Ok(task) => task(),
                    Err(_) => return,
                },
            }
        }
    }
}

/// Consumes results in the order of their numbers, up to the first error.
fn consume_in_order<O, E>(results: Receiver<Numbered<O>>, gate: &Gate, mut consume: impl FnMut(O) -> Result<(), E>) -> Result<(), E> {
    // Results that arrived before an earlier one.
    let mut waiting: BTreeMap<u64, (u64, O)> = BTreeMap::new();
    let mut next = 0;
    for Numbered { number, weight, item } in results {
        waiting.insert(number, (weight, item));
        while let Some((weight, result)) = waiting.remove(&next) {
            next += 1;
            consume(result)?;
            gate.leave(weight);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    fn limits(threads: usize) -> Limits {
        Limits { threads, budget: u64::MAX }
    }

    #[test]
    fn results_keep_the_order_of_the_input() {
        for threads in [1, 2, 5] {
            let mut seen = Vec::new();
            let (sent, result) = ordered_map(
                limits(threads),
                &TaskQueue::default(),
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
    fn a_failing_consumer_stops_the_producer() {
        let mut seen = 0;
        let (sent, result) = ordered_map(
            limits(3),
            &TaskQueue::default(),
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
    fn the_in_flight_budget_holds_for_any_number_of_threads() {
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let ((), result) = ordered_map(
            Limits { threads: 8, budget: 100 },
            &TaskQueue::default(),
            |feed| {
                for n in 0..200u64 {
                    // Some items alone exceed the budget.
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
    fn a_panicking_worker_stops_the_run() {
        let panicked = std::panic::catch_unwind(|| {
            ordered_map(
                limits(2),
                &TaskQueue::default(),
                |feed| (0..1_000_000u64).take_while(|&n| feed.send(n, 1)).count(),
                |n| assert_ne!(n, 100, "a bug"),
                |()| Ok::<(), ()>(()),
            )
        });
        assert!(panicked.is_err());
    }

    #[test]
    fn tasks_of_the_consumer_are_all_done() {
        for threads in [1, 3] {
            let tasks = TaskQueue::default();
            let done = Arc::new(AtomicU64::new(0));
            let add = |n: u64| {
                let done = Arc::clone(&done);
                tasks.execute(Box::new(move || {
                    done.fetch_add(n, Ordering::SeqCst);
                }));
            };
            let (_, result) = ordered_map(
                limits(threads),
                &tasks,
                |feed| (0..200u64).all(|n| feed.send(n, 1)),
                |n| n,
                |n| {
                    add(n);
                    Ok::<(), ()>(())
                },
            );
            assert_eq!((result, done.load(Ordering::SeqCst)), (Ok(()), 199 * 100));
            // Without workers: at once.
            add(1);
            assert_eq!(done.load(Ordering::SeqCst), 199 * 100 + 1);
        }
    }

    #[test]
    fn a_consumer_may_wait_for_its_tasks() {
        let tasks = TaskQueue::default();
        let (_, result) = ordered_map(
            limits(2),
            &tasks,
            |feed| (0..100u64).all(|n| feed.send(n, 1)),
            |n| n,
            |n| {
                let (sender, receiver) = bounded(1);
                tasks.execute(Box::new(move || sender.send(n).unwrap()));
                assert_eq!(receiver.recv(), Ok(n));
                Ok::<(), ()>(())
            },
        );
        assert_eq!(result, Ok(()));
    }
}
