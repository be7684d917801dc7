//! The error of a command line that cannot be carried out, whatever the inputs hold.

/// Arguments that contradict each other, are out of range, or name an unknown query set or label. The program exits with code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// An error that says what was given and what would be right.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
