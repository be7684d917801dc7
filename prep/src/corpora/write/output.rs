//! Where an export goes: a file that appears complete or not at all, or standard output.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use schemas::AtomicFile;

/// The output of an export.
pub enum Output {
    /// A file under a temporary name until [`finish`](Self::finish).
    File(AtomicFile),
    /// Standard output.
    Stdout(BufWriter<Stdout>),
}

impl Output {
    /// Opens the file, or standard output for `-`.
    ///
    /// # Errors
    /// A file that exists and is not to be overwritten, or one that cannot be written.
    pub fn create(path: &Path, overwrite: bool) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Stdout(BufWriter::new(io::stdout())));
        }
        ensure!(overwrite || !path.exists(), "{} exists; give another file with -o, or --overwrite", path.display());
        ensure!(path.file_name().is_some(), "{} is not the name of a file", path.display());
        Ok(Self::File(AtomicFile::create(path)?))
    }

    /// Writes what is buffered, and gives the file its name.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::File(file) => Ok(file.commit()?),
            Self::Stdout(mut out) => out.flush().context("cannot write to standard output"),
        }
    }
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(buffer),
            Self::Stdout(out) => out.write(buffer),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(out) => out.flush(),
        }
    }
}
