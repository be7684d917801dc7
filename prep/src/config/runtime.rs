//! How a command runs, whatever it does. Nothing here shapes the output.

use crate::ordered_map::Limits;

/// Bytes of memory for a byte of text from when it is read until its rows are written, at worst.
const MEMORY_PER_TEXT_BYTE: u64 = 16;
/// Bytes of memory of a thread that decodes bzip2, with its share of the blocks that wait.
const MEMORY_PER_DECODER: u64 = 16 << 20;

/// Threads, memory and messages.
#[derive(Debug, Clone, Copy)]
pub struct Runtime {
    /// Worker threads; at least 1.
    pub threads: usize,
    /// Memory for pages in flight, in bytes.
    pub memory: u64,
    /// Most verbose level of log events that are shown.
    pub log_level: tracing::Level,
    /// Whether progress and summaries are not printed.
    pub quiet: bool,
    /// Whether the CPU time of the threads is printed at the end.
    pub timings: bool,
}

impl Runtime {
    /// Threads that decode bzip2: as many as there are workers, if half of the memory suffices.
    pub fn decoder_threads(&self) -> usize {
        let most = usize::try_from(self.memory / 2 / MEMORY_PER_DECODER).unwrap_or(usize::MAX);
        self.threads.min(most.max(1))
    }

    /// Limits of what is in flight between reading and writing.
    pub fn limits(&self) -> Limits {
        Limits { threads: self.threads, budget: self.memory / MEMORY_PER_TEXT_BYTE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoders_fit_into_the_memory() {
        let decoders =
            |threads, memory| Runtime { threads, memory, log_level: tracing::Level::WARN, quiet: true, timings: false }.decoder_threads();
        assert_eq!([decoders(64, 512 << 20), decoders(2, 512 << 20), decoders(8, 1), decoders(64, 4 << 30)], [16, 2, 1, 64]);
    }
}
