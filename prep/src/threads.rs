//! Threads with names, and the CPU time that each kind of them took.
//!
//! Thread names are seen in `top -H`, in `perf` and in `/proc/PID/task/*/comm`. The times are what `--timings` prints.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// What a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ThreadKind {
    /// The thread on which the program starts: it opens inputs, reads gazetteers and closes the last shards.
    Main,
    /// Reads the inputs and finds where pages end. One thread.
    Read,
    /// Hashes the bytes of the inputs. One thread for each input that is open.
    Hash,
    /// Finds where the blocks of a bzip2 file begin. One thread for each input that is open.
    Find,
    /// Decodes the blocks of a bzip2 file. Several threads.
    Decode,
    /// Decodes a stream that must be decoded from its start (gzip, zstd, xz, UTF-16). One thread for each that is open.
    DecodeStream,
    /// Makes rows of pages, and encodes rows as Parquet.
    Work,
    /// As [`Work`](Self::Work), for large pages, one after the other. One thread.
    Large,
    /// Appends to the shards in order. One thread.
    Write,
}

impl ThreadKind {
    /// What [`Timings`] call it.
    fn label(self) -> &'static str {
        if self == Self::DecodeStream { "stream" } else { self.name() }
    }

    /// Its name, as threads have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Read => "read",
            Self::Hash => "hash",
            Self::Find => "find",
            Self::Decode | Self::DecodeStream => "decode",
            Self::Work => "work",
            Self::Large => "large",
            Self::Write => "write",
        }
    }
}

/// The time of some threads.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct ThreadTimes {
    /// Number of threads.
    pub threads: usize,
    /// CPU time of all of them.
    pub cpu: Duration,
    /// CPU time of the busiest.
    pub busiest: Duration,
    /// Time in which they waited for each other or for the disk.
    pub waiting: Duration,
    /// Time in which they could have run, but had no core.
    pub without_core: Duration,
}

/// The times of all threads that ended, by kind. One for the process, as its threads are.
static REGISTRY: Mutex<Registry> = Mutex::new(Registry { running: 0, ended: BTreeMap::new() });
static ENDED: Condvar = Condvar::new();

struct Registry {
    running: usize,
    ended: BTreeMap<ThreadKind, ThreadTimes>,
}

fn registry() -> MutexGuard<'static, Registry> {
    REGISTRY.lock().expect("nobody panics while holding the lock")
}

/// Adds the times of a thread to the registry when the thread ends.
struct ThreadTimer {
    kind: ThreadKind,
    started: Instant,
}

impl ThreadTimer {
    fn start(kind: ThreadKind) -> Self {
        Self { kind, started: Instant::now() }
    }
}

impl Drop for ThreadTimer {
    fn drop(&mut self) {
        let (alive, (cpu, without_core)) = (self.started.elapsed(), scheduler_times());
        let mut registry = registry();
        let times = registry.ended.entry(self.kind).or_default();
        times.threads += 1;
        times.cpu += cpu;
        times.busiest = times.busiest.max(cpu);
        times.waiting += alive.saturating_sub(cpu + without_core);
        times.without_core += without_core;
        registry.running -= 1;
        ENDED.notify_all();
    }
}

/// CPU time of the calling thread since it started, and the time that it waited for a core; zero where the system does not tell.
///
/// Source: `Documentation/scheduler/sched-stats` of Linux; both in nanoseconds.
fn scheduler_times() -> (Duration, Duration) {
    let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut fields = times.split_ascii_whitespace().map(|field| Duration::from_nanos(field.parse().unwrap_or_default()));
    (fields.next().unwrap_or_default(), fields.next().unwrap_or_default())
}

fn builder(kind: ThreadKind, number: Option<usize>) -> Builder {
    registry().running += 1;
    Builder::new().name(number.map_or_else(|| kind.name().to_owned(), |number| format!("{}-{number}", kind.name())))
}

/// Starts a thread of a kind; `number` tells those of one kind apart.
///
/// # Panics
/// The system cannot start another thread.
pub fn spawn<T: Send + 'static>(kind: ThreadKind, number: Option<usize>, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    let thread = builder(kind, number).spawn(move || {
        let _timer = ThreadTimer::start(kind);
        run()
    });
    thread.expect("the system starts a thread")
}

/// Starts a scoped thread of a kind.
///
/// # Panics
/// As [`spawn`].
pub fn spawn_scoped<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    kind: ThreadKind,
    number: Option<usize>,
    run: impl FnOnce() -> T + Send + 'scope,
) -> ScopedJoinHandle<'scope, T> {
    let thread = builder(kind, number).spawn_scoped(scope, move || {
        let _timer = ThreadTimer::start(kind);
        run()
    });
    thread.expect("the system starts a thread")
}

/// The times of all threads of the process that were started here.
#[derive(Debug, Clone, Default)]
pub struct Timings(BTreeMap<ThreadKind, ThreadTimes>);

impl Timings {
    /// What was measured so far. To be called on the main thread. Waits up to a second for threads that are just ending.
    pub fn take() -> Self {
        let wait = ENDED.wait_timeout_while(registry(), Duration::from_secs(1), |registry| registry.running > 0);
        let mut kinds = wait.expect("nobody panics while holding the lock").0.ended.clone();
        let (cpu, without_core) = scheduler_times();
        kinds.insert(ThreadKind::Main, ThreadTimes { threads: 1, cpu, busiest: cpu, waiting: Duration::ZERO, without_core });
        Self(kinds)
    }

    /// The times by kind.
    pub fn kinds(&self) -> &BTreeMap<ThreadKind, ThreadTimes> {
        &self.0
    }

    /// CPU time of all threads.
    pub fn total(&self) -> Duration {
        self.0.values().map(|times| times.cpu).sum()
    }

    /// How many times as fast as one core the run can get at most on any number of cores: CPU time of all threads by that of the busiest
    /// one whose work is not divided among several.
    pub fn bound(&self) -> Option<f64> {
        let is_divided = |kind| matches!(kind, ThreadKind::Work | ThreadKind::Decode);
        let serial = self.0.iter().filter(|(kind, _)| !is_divided(**kind)).map(|(_, times)| times.busiest).max()?;
        (serial > Duration::ZERO).then(|| self.total().as_secs_f64() / serial.as_secs_f64())
    }
}

impl fmt::Display for Timings {
    /// A table, and the bound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.total().as_secs_f64();
        writeln!(f, "{:<7} {:>6} {:>9} {:>8} {:>9} {:>9} {:>8}", "threads", "number", "CPU s", "share", "busiest", "waiting", "no core")?;
        for (kind, times) in &self.0 {
            let share = if total > 0.0 { 100.0 * times.cpu.as_secs_f64() / total } else { 0.0 };
            let [cpu, busiest, waiting, without_core] =
                [times.cpu, times.busiest, times.waiting, times.without_core].map(|time| time.as_secs_f64());
            let (name, threads) = (kind.label(), times.threads);
            writeln!(f, "{name:<7} {threads:>6} {cpu:>9.3} {share:>6.1} % {busiest:>9.3} {waiting:>9.3} {without_core:>8.3}")?;
        }
        match self.bound() {
            Some(bound) => writeln!(f, "{total:.3} s of CPU; no serial thread keeps the run under {bound:.1} times the speed of one core"),
            None => writeln!(f, "{total:.3} s of CPU"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bound_is_set_by_the_busiest_serial_thread() {
        let times = |threads, cpu, busiest| {
            let (cpu, busiest) = (Duration::from_millis(cpu), Duration::from_millis(busiest));
            ThreadTimes { threads, cpu, busiest, ..ThreadTimes::default() }
        };
        let kinds =
            [(ThreadKind::Read, times(1, 500, 500)), (ThreadKind::Work, times(2, 9000, 6000)), (ThreadKind::Write, times(1, 100, 100))];
        let mut timings = Timings(BTreeMap::from(kinds));
        assert_eq!(timings.bound(), Some(9.6 / 0.5));
        timings.0.insert(ThreadKind::DecodeStream, times(1, 2400, 2400));
        assert_eq!(timings.bound(), Some(12.0 / 2.4));
        timings.0.remove(&ThreadKind::DecodeStream);
        timings.0.insert(ThreadKind::Decode, times(4, 2400, 600));
        assert_eq!(timings.bound(), Some(12.0 / 0.5));
        assert_eq!(Timings::default().bound(), None);
    }

    #[test]
    fn threads_have_names() {
        let name = spawn(ThreadKind::Decode, Some(3), || std::thread::current().name().map(str::to_owned)).join().unwrap();
        assert_eq!(name.as_deref(), Some("decode-3"));
        let name = std::thread::scope(|scope| {
            spawn_scoped(scope, ThreadKind::Read, None, || std::thread::current().name().map(str::to_owned)).join().unwrap()
        });
        assert_eq!(name.as_deref(), Some("read"));
        assert!(Timings::take().kinds()[&ThreadKind::Read].threads >= 1);
    }
}
