//! Progress on standard error: a bar for each running task on a terminal, a plain line every ten seconds elsewhere, nothing with `--quiet`.

use std::cell::RefCell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::progress::Reporter;

/// Time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Redraws of the bars per second, at most.
const REDRAWS: u8 = 5;

/// Shows progress on standard error.
#[derive(Debug)]
pub struct TerminalReporter {
    quiet: bool,
    /// The running tasks, the innermost last.
    tasks: RefCell<Vec<RunningTask>>,
    bars: MultiProgress,
}

#[derive(Debug)]
struct RunningTask {
    name: &'static str,
    total: usize,
    done: usize,
    /// Steps that an earlier process did.
    skipped: usize,
    started: Instant,
    last_line: Instant,
    /// On a terminal.
    bar: Option<ProgressBar>,
}

impl TerminalReporter {
    /// A reporter without tasks; a `quiet` one shows nothing, ever.
    pub fn new(quiet: bool) -> Self {
        Self { quiet, tasks: RefCell::default(), bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS)) }
    }

    fn with_task(&self, change: impl FnOnce(&mut RunningTask)) {
        if let Some(task) = self.tasks.borrow_mut().last_mut() {
            change(task);
        }
    }
}

impl RunningTask {
    /// Seconds that the remaining steps take at the speed of those done so far.
    fn seconds_left(&self) -> f64 {
        let per_step = self.started.elapsed().as_secs_f64() / (self.done - self.skipped).max(1) as f64;
        per_step * self.total.saturating_sub(self.done) as f64
    }

    /// Leaves time that was spent on another task before the first step out of the estimate.
    fn exclude(&mut self, spent: Duration) {
        if self.done == self.skipped {
            self.started += spent;
            if let Some(bar) = &self.bar {
                bar.reset_eta();
            }
        }
    }
}

impl Reporter for TerminalReporter {
    fn start(&self, name: &'static str, steps: usize) {
        if self.quiet {
            return;
        }
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta} left").expect("the template is valid");
            self.bars.add(ProgressBar::new(steps as u64).with_style(style).with_prefix(name))
        });
        let now = Instant::now();
        self.tasks.borrow_mut().push(RunningTask { name, total: steps, done: 0, skipped: 0, started: now, last_line: now, bar });
    }

    fn expect(&self, steps: usize) {
        self.with_task(|task| {
            task.total = steps;
            if let Some(bar) = &task.bar {
                bar.set_length(steps as u64);
            }
        });
    }

    fn skip(&self, steps: usize) {
        self.with_task(|task| {
            task.done += steps;
            task.skipped += steps;
            if let Some(bar) = &task.bar {
                bar.set_position(task.done as u64);
                bar.reset_eta();
            }
        });
    }

    fn step(&self, count: usize, status: &dyn Fn() -> String) {
        self.with_task(|task| {
            task.done += count;
            if let Some(bar) = &task.bar {
                bar.set_message(status());
                bar.inc(count as u64);
            } else if task.last_line.elapsed() >= LINE_INTERVAL {
                task.last_line = Instant::now();
                to_stderr(&format!("{} {}/{} {} {:.0} s left", task.name, task.done, task.total, status(), task.seconds_left()));
            }
        });
    }

    fn finish(&self) {
        let Some(task) = self.tasks.borrow_mut().pop() else { return };
        if let Some(bar) = &task.bar {
            bar.finish_and_clear();
            self.bars.remove(bar);
        }
        self.with_task(|outer| outer.exclude(task.started.elapsed()));
    }

    fn message(&self, line: &str) {
        if self.quiet {
            return;
        }
        // Where it fails, as on a terminal that was closed, the work goes on.
        if std::io::stderr().is_terminal() {
            let _ = self.bars.println(line);
        } else {
            to_stderr(line);
        }
    }
}

/// Writes a line to standard error. What is behind it may be closed or full: a message that cannot be shown ends nothing.
pub fn to_stderr(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Writes a result to standard output, with a line feed at its end.
///
/// # Errors
/// What is behind it is closed or full.
pub fn to_stdout(text: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", text.trim_end_matches('\n')).and_then(|()| stdout.flush()).context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Task;

    #[test]
    fn steps_concern_the_innermost_task() {
        let reporter = TerminalReporter::new(false);
        let counts = |reporter: &TerminalReporter| reporter.tasks.borrow().iter().map(|task| (task.done, task.skipped)).collect::<Vec<_>>();
        let outer = Task::start(&reporter, "training", 10);
        reporter.skip(3);
        outer.step(1);
        let inner = Task::start(&reporter, "evaluating", 2);
        inner.step(1);
        assert_eq!(counts(&reporter), [(4, 3), (1, 0)]);
        drop(inner);
        reporter.step(1, &String::new);
        assert_eq!(counts(&reporter), [(5, 3)]);
        drop(outer);
        assert!(counts(&reporter).is_empty());
    }

    #[test]
    fn a_quiet_reporter_has_no_tasks() {
        let reporter = TerminalReporter::new(true);
        let task = Task::start(&reporter, "training", 10);
        task.step(1);
        assert!(reporter.tasks.borrow().is_empty());
    }
}
