//! Where the tasks of a writer run.

/// A task of a writer. It blocks on nothing.
pub type Task = Box<dyn FnOnce() + Send>;

/// Runs the tasks of a writer: at once, or later on other threads, in any order.
///
/// A task that is accepted must be run: the writer waits for it.
pub trait Executor: Send + Sync {
    /// Accepts a task.
    fn execute(&self, task: Task);
}

/// Runs each task at once, on the thread that brings it.
pub(super) struct CallingThread;

impl Executor for CallingThread {
    fn execute(&self, task: Task) {
        task();
    }
}
