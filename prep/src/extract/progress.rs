//! What a run shows while it goes on and when it ends: a bar on a terminal, a line now and then otherwise.

use std::collections::BTreeMap;
use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use schemas::{Manifest, Tally};

use crate::source::Progress;

/// Warnings that are printed; all are counted.
const SHOWN_WARNINGS: usize = 10;
/// Time between two lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(30);

/// Shows how far a run is.
pub(super) struct Reporter {
    quiet: bool,
    bar: Option<ProgressBar>,
    total: u64,
    read: Progress,
    start: Instant,
    last_line: Instant,
    warnings: usize,
}

impl Reporter {
    /// `total`: bytes of all inputs, as `read` counts them; 0 if unknown.
    pub(super) fn new(quiet: bool, total: u64, read: Progress) -> Self {
        let bar = (!quiet && stderr().is_terminal()).then(|| {
            let style = if total > 0 { "{bar:30} {percent}% {bytes}/{total_bytes} {msg} {eta} left" } else { "{spinner} {bytes} {msg}" };
            ProgressBar::new(total).with_style(ProgressStyle::with_template(style).expect("the template is a constant"))
        });
        let now = Instant::now();
        Self { quiet, bar, total, read, start: now, last_line: now, warnings: 0 }
    }

    /// A batch was written.
    pub(super) fn batch(&mut self, counters: &BTreeMap<String, Tally>, warnings: &[String]) {
        for warning in warnings {
            self.warnings += 1;
            match self.warnings {
                ..=SHOWN_WARNINGS => self.say(&format!("warning: {warning}")),
                n if n == SHOWN_WARNINGS + 1 => self.say("warning: more of these are counted, not shown"),
                _ => {}
            }
        }
        let pages = counters.get("pages").map_or(0, |tally| tally.seen);
        let rate = pages as f64 / self.start.elapsed().as_secs_f64().max(1e-3);
        if let Some(bar) = &self.bar {
            bar.set_position(self.read.bytes().min(self.total.max(self.read.bytes())));
            bar.set_message(format!("{} pages, {rate:.0}/s", HumanCount(pages)));
        } else if !self.quiet && self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            let read = self.read.bytes();
            let left = if self.total > read && read > 0 {
                let left = self.start.elapsed().mul_f64((self.total - read) as f64 / read as f64);
                format!(", {} left", HumanDuration(left))
            } else {
                String::new()
            };
            eprintln!("{} of {} read, {} pages, {rate:.0}/s{left}", HumanBytes(read), HumanBytes(self.total), HumanCount(pages));
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// A pass ended that has nothing to show.
    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// The run ended: what came of it.
    pub(super) fn finish(self, manifest: &Manifest, dir: &Path) {
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
