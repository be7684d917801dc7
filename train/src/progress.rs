//! Progress of long work, reported without knowing a terminal.

/// Receives the progress of long work.
///
/// Tasks nest: a call concerns the task that was started last and is not finished.
pub trait Reporter {
    /// A task of `steps` steps starts. `name` is a word or two, such as `training`.
    fn start(&self, name: &'static str, steps: usize);

    /// The task has this many steps, other than it seemed when it started.
    fn expect(&self, steps: usize);

    /// Steps of the task that an earlier process did: they do not count for its speed.
    fn skip(&self, steps: usize);

    /// Steps of the task are done. `status` describes the state of the task in a few words; it is called only if it is shown.
    fn step(&self, count: usize, status: &dyn Fn() -> String);

    /// The task is finished or given up.
    fn finish(&self);

    /// A line of text for the user.
    fn message(&self, line: &str);
}

/// A reporter that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn start(&self, _: &'static str, _: usize) {}

    fn expect(&self, _: usize) {}

    fn skip(&self, _: usize) {}

    fn step(&self, _: usize, _: &dyn Fn() -> String) {}

    fn finish(&self) {}

    fn message(&self, _: &str) {}
}

/// A task of a reporter; dropping it finishes the task.
pub struct Task<'a> {
    reporter: &'a dyn Reporter,
}

impl<'a> Task<'a> {
    /// Starts a task of `steps` steps.
    #[must_use = "dropping it finishes the task"]
    pub fn start(reporter: &'a dyn Reporter, name: &'static str, steps: usize) -> Self {
        reporter.start(name, steps);
        Self { reporter }
    }

    /// Steps are done.
    pub fn step(&self, count: usize) {
        self.reporter.step(count, &String::new);
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.reporter.finish();
    }
}
