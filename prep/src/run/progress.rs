//! What a run shows while it goes on and when it ends: a bar on a terminal, a line now and then otherwise.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use schemas::{Counter, Manifest};

use crate::source::BytesRead;

/// Warnings that are printed; all are counted.
const SHOWN_WARNINGS: usize = 10;
/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows how far a run is.
pub(crate) struct Reporter {
    quiet: bool,
    bar: Option<ProgressBar>,
    total: u64,
    read: BytesRead,
    /// Bytes and pages that an earlier run read.
    skipped: u64,
    before: u64,
    start: Instant,
    last_line: Instant,
    warnings: usize,
}

impl Reporter {
    /// `total`: bytes of all inputs, as `read` counts them; 0 if unknown. `before`: pages of an earlier run.
    pub(crate) fn new(quiet: bool, total: u64, read: BytesRead, before: u64) -> Self {
        let bar = (!quiet && stderr().is_terminal()).then(|| {
            let style = if total > 0 { "{bar:25} {percent}% {bytes}/{total_bytes} {msg}" } else { "{spinner} {bytes} {msg}" };
            let bar = ProgressBar::new(total).with_style(ProgressStyle::with_template(style).expect("the template is a constant"));
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let now = Instant::now();
        let skipped = read.get();
        Self { quiet, bar, total, read, skipped, before, start: now, last_line: now, warnings: 0 }
    }

    /// Something went wrong that does not end the run.
    pub(crate) fn warn(&mut self, warnings: &[String]) {
        for warning in warnings {
            self.warnings += 1;
            match self.warnings {
                ..=SHOWN_WARNINGS => self.say(&format!("warning: {warning}")),
                n if n == SHOWN_WARNINGS + 1 => self.say("warning: more of these are counted, not shown"),
                _ => {}
            }
        }
    }

    /// Something the user should know.
    pub(crate) fn note(&self, line: &str) {
        if !self.quiet {
            self.say(line);
        }
    }

    /// A batch was written.
    pub(crate) fn show(&mut self, counters: &BTreeMap<String, Counter>) {
        let line = self.bar.is_none() && !self.quiet && self.last_line.elapsed() >= LINE_EVERY;
        if self.bar.is_none() && !line {
            return;
        }
        let pages = counters.get("pages").map_or(0, |tally| tally.seen);
        let read = self.read.get();
        let speed = self.speed(pages, read);
        if let Some(bar) = &self.bar {
            bar.set_position(read);
            bar.set_message(format!("{} pages, {speed}", HumanCount(pages)));
        } else {
            self.last_line = Instant::now();
            let total = if self.total > 0 { format!(" of {}", HumanBytes(self.total)) } else { String::new() };
            eprintln!("{}{total} read, {} pages, {speed}", HumanBytes(read), HumanCount(pages));
        }
    }

    /// Pages and bytes of input a second in this run, and by these the time that is left.
    fn speed(&self, pages: u64, read: u64) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(1e-3);
        let here = read.saturating_sub(self.skipped) as f64;
        let rates = format!("{:.0}/s, {:.1} MB/s", pages.saturating_sub(self.before) as f64 / seconds, here / seconds / 1e6);
        // The first blocks say little.
        if self.total <= read || here == 0.0 || seconds < 2.0 {
            return rates;
        }
        let left = Duration::from_secs_f64((self.total - read) as f64 / here * seconds);
        format!("{rates}, {} left", HumanDuration(left))
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// A pass ended that has nothing to show.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The run ended: what came of it.
    pub(crate) fn finish(self, manifest: &Manifest, dir: &Path) {
        self.end();
        if self.quiet {
            return;
        }
        for (name, tally) in &manifest.counters {
            eprintln!("{name}: {tally}");
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
}
