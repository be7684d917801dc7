//! Wrong usage: exit code 2.

/// A command line, or a file of settings, that cannot be meant, whatever the data are.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(String);

impl UsageError {
    /// An error by what was found and what would be right.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}
