//! What a person sees of long work: a bar on a terminal, plain lines elsewhere, nothing if so wished.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of work of a known number of steps.
pub struct Progress {
    show: Show,
    what: &'static str,
    total: usize,
    done: usize,
    skipped: usize,
    started: Instant,
}

enum Show {
    Bar(ProgressBar),
    Lines { last: Instant },
    Nothing,
}

impl Progress {
    /// Starts. `what` names the work in a word.
    pub fn start(what: &'static str, total: usize, quiet: bool) -> Self {
        let show = if quiet {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(Some(total as u64), ProgressDrawTarget::stderr_with_hz(5));
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta} left").expect("the template is sound");
            bar.set_style(style);
            bar.set_prefix(what);
            Show::Bar(bar)
        } else {
            Show::Lines { last: Instant::now() }
        };
        Self { show, what, total, done: 0, skipped: 0, started: Instant::now() }
    }

    /// So many steps were done before.
    pub fn skip(&mut self, steps: usize) {
        self.done += steps;
        self.skipped += steps;
        if let Show::Bar(bar) = &self.show {
            bar.set_position(steps as u64);
            bar.reset_eta();
        }
    }

    /// A step is done; `message` says how things stand.
    pub fn step(&mut self, message: impl FnOnce() -> String) {
        self.done += 1;
        match &mut self.show {
            Show::Bar(bar) => {
                bar.set_message(message());
                bar.inc(1);
            }
            Show::Lines { last } if last.elapsed() >= LINE_EVERY => {
                *last = Instant::now();
                let left = self.started.elapsed().as_secs_f64() / (self.done - self.skipped) as f64
                    * (self.total - self.done.min(self.total)) as f64;
                eprintln!("{} {}/{} {} {:.0} s left", self.what, self.done, self.total, message(), left);
            }
            _ => {}
        }
    }

    /// Prints a line without disturbing the bar.
    pub fn say(&self, line: &str) {
        match &self.show {
            Show::Bar(bar) => bar.suspend(|| eprintln!("{line}")),
            Show::Lines { .. } => eprintln!("{line}"),
            Show::Nothing => {}
        }
    }

    /// Hides the bar while something else shows its own.
    pub fn pause<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let since = Instant::now();
        let result = match &self.show {
            Show::Bar(bar) => bar.suspend(work),
            _ => work(),
        };
        if self.done == self.skipped {
            // Before the first step: it says nothing about how long the steps take.
            self.started += since.elapsed();
            if let Show::Bar(bar) = &self.show {
                bar.reset_eta();
            }
        }
        result
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
    }
}
