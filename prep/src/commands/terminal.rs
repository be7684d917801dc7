//! The terminal: progress bars, warnings, summaries and the log, all on standard error.

use std::io::{self, IsTerminal, Write, stderr};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, MultiProgress, ProgressBar, ProgressStyle};
use schemas::Manifest;

use crate::config::Runtime;
use crate::counters::{CounterKey, Counters};
use crate::run::observer::RunObserver;
use crate::source::BytesRead;
use crate::threads::Timings;

/// Number of warnings that are printed. All are counted.
const MAX_WARNINGS: usize = 10;
/// Time between two progress lines where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// All bars of the program: the log is written above them.
static BARS: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Starts to write log events up to a level.
pub fn start_log(level: tracing::Level) {
    // A log that was started already, as by a test, stays.
    let log = tracing_subscriber::fmt().with_max_level(level).with_writer(|| LogWriter).with_ansi(stderr().is_terminal());
    let _ = log.without_time().try_init();
}

/// Writes log lines without breaking a bar.
struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        BARS.suspend(|| stderr().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().flush()
    }
}

/// Prints the CPU time of the threads.
pub fn print_timings() {
    eprint!("{}", Timings::take());
}

/// Says that a complete folder is left as it is.
pub fn say_complete(dir: &Path, runtime: &Runtime) {
    if !runtime.quiet {
        eprintln!("{} is complete: nothing to do", dir.display());
    }
}

/// A progress bar of `total` bytes, or a spinner if the total is 0.
pub fn byte_bar(total: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).expect("templates are constants");
    let bar = BARS.add(ProgressBar::new(total).with_style(style));
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// Shows the progress of a pass over the inputs: a bar on a terminal, a line now and then otherwise.
pub struct ProgressReporter {
    quiet: bool,
    shows_warnings: bool,
    bar: Option<ProgressBar>,
    /// Bytes of all inputs; 0 if the number is unknown.
    total: u64,
    bytes_read: BytesRead,
    /// Bytes and pages that an earlier run read.
    resumed_bytes: u64,
    resumed_pages: u64,
    /// What is counted, in the plural.
    noun: &'static str,
    start: Instant,
    last_line: Instant,
    warnings: usize,
}

impl ProgressReporter {
    /// A reporter of a pass over `total` bytes, of which `bytes_read` counts those that were read.
    pub fn new(runtime: &Runtime, total: u64, bytes_read: BytesRead, resumed_pages: u64) -> Self {
        let bar = (!runtime.quiet && stderr().is_terminal()).then(|| {
            byte_bar(total, if total > 0 { "{bar:25} {percent}% {bytes}/{total_bytes} {msg}" } else { "{spinner} {bytes} {msg}" })
        });
        let now = Instant::now();
        Self {
            quiet: runtime.quiet,
            shows_warnings: runtime.log_level >= tracing::Level::WARN,
            bar,
            total,
            resumed_bytes: bytes_read.get(),
            bytes_read,
            resumed_pages,
            noun: "pages",
            start: now,
            last_line: now,
            warnings: 0,
        }
    }

    /// Counts things of another name than `pages`.
    #[must_use]
    pub fn with_noun(mut self, noun: &'static str) -> Self {
        self.noun = noun;
        self
    }

    /// Shows that so many pages were read.
    pub fn show_pages(&mut self, pages: u64) {
        let is_line_due = self.bar.is_none() && !self.quiet && self.last_line.elapsed() >= LINE_INTERVAL;
        if self.bar.is_none() && !is_line_due {
            return;
        }
        let read = self.bytes_read.get();
        let speed = self.speed(pages, read);
        if let Some(bar) = &self.bar {
            bar.set_position(read);
            bar.set_message(format!("{} {}, {speed}", HumanCount(pages), self.noun));
        } else {
            self.last_line = Instant::now();
            let total = if self.total > 0 { format!(" of {}", HumanBytes(self.total)) } else { String::new() };
            eprintln!("{}{total} read, {} {}, {speed}", HumanBytes(read), HumanCount(pages), self.noun);
        }
    }

    /// Pages and bytes per second, and the time left.
    fn speed(&self, pages: u64, read: u64) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(1e-3);
        let new_bytes = read.saturating_sub(self.resumed_bytes) as f64;
        let new_pages = pages.saturating_sub(self.resumed_pages) as f64;
        let rates = format!("{:.0}/s, {:.1} MB/s", new_pages / seconds, new_bytes / seconds / 1e6);
        // An estimate from the first blocks would be far off.
        if self.total <= read || new_bytes == 0.0 || seconds < 2.0 {
            return rates;
        }
        let left = Duration::from_secs_f64((self.total - read) as f64 / new_bytes * seconds);
        format!("{rates}, {} left", HumanDuration(left))
    }

    /// Prints a line above the bar, unless the user asked for quiet.
    pub fn note(&self, line: &str) {
        if !self.quiet {
            BARS.suspend(|| eprintln!("{line}"));
        }
    }

    /// Prints what came of the run.
    pub fn print_summary(self, manifest: &Manifest, dir: &Path) {
        if self.quiet {
            return;
        }
        self.clear();
        for (name, counter) in &manifest.counters {
            eprintln!("{name}: {counter}");
        }
        let bytes: u64 = manifest.shards.iter().map(|shard| shard.bytes).sum();
        let seconds = self.start.elapsed().as_secs_f64();
        let shards = if manifest.shards.len() == 1 { "shard" } else { "shards" };
        eprintln!(
            "{} rows in {} {shards} ({}) in {} after {seconds:.1} s",
            HumanCount(manifest.rows()),
            manifest.shards.len(),
            HumanBytes(bytes),
            dir.display()
        );
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for ProgressReporter {
    fn drop(&mut self) {
        self.clear();
    }
}

impl RunObserver for ProgressReporter {
    fn warn(&mut self, warning: &str) {
        self.warnings += 1;
        if !self.shows_warnings {
            return;
        }
        match self.warnings {
            ..=MAX_WARNINGS => BARS.suspend(|| eprintln!("warning: {warning}")),
            n if n == MAX_WARNINGS + 1 => BARS.suspend(|| eprintln!("warning: further warnings are counted, not shown")),
            _ => {}
        }
    }

    fn progress(&mut self, counters: &Counters) {
        self.show_pages(counters.seen(CounterKey::Pages));
    }
}
