//! The page report: a file with a JSON line for each page that is skipped or has issues, and for each damaged stretch.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, ensure};

/// The open report.
pub struct PageReport {
    path: String,
    file: BufWriter<File>,
    /// Whether it is a regular file: a pipe or a device has no length and cannot be synced.
    is_regular: bool,
    bytes: u64,
}

impl PageReport {
    /// Creates the file, or continues it after its first `bytes` bytes.
    ///
    /// # Errors
    /// A file that cannot be written, or is shorter than `bytes`.
    pub fn open(path: &Path, bytes: u64) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let cannot = || format!("cannot write {name}");
        let mut file = OpenOptions::new().write(true).create(true).truncate(bytes == 0).open(path).with_context(cannot)?;
        let meta = file.metadata().with_context(cannot)?;
        if meta.is_file() {
            ensure!(meta.len() >= bytes, "cannot resume {name}: it has {} bytes, but had {bytes} at the checkpoint", meta.len());
            file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes))).with_context(cannot)?;
        }
        Ok(Self { path: name, file: BufWriter::new(file), is_regular: meta.is_file(), bytes })
    }

    /// Appends lines.
    ///
    /// # Errors
    /// A failed write.
    pub fn write_lines(&mut self, lines: impl IntoIterator<Item = impl AsRef<str>>) -> anyhow::Result<()> {
        for line in lines {
            let line = line.as_ref();
            writeln!(self.file, "{line}").with_context(|| format!("cannot write {}", self.path))?;
            self.bytes += line.len() as u64 + 1;
        }
        Ok(())
    }

    /// Syncs all lines to disk, and returns the length of the file in bytes.
    ///
    /// # Errors
    /// A failed write.
    pub fn sync(&mut self) -> anyhow::Result<u64> {
        let synced = self.file.flush().and_then(|()| if self.is_regular { self.file.get_ref().sync_data() } else { Ok(()) });
        synced.with_context(|| format!("cannot write {}", self.path))?;
        Ok(self.bytes)
    }
}
