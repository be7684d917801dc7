//! The file that an export goes to: whole, or not there.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// A file under a temporary name, or standard output.
pub struct Output {
    writer: BufWriter<Box<dyn Write>>,
    file: Option<Pending>,
}

/// A file that goes away unless it is finished.
struct Pending {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After the renaming there is none.
        let _ = fs::remove_file(&self.temporary);
    }
}

impl Output {
    /// Opens the file, or standard output for `-`.
    ///
    /// # Errors
    /// A file that is there and may not be replaced, or one that cannot be written.
    pub fn create(path: &Path, overwrite: bool) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self { writer: BufWriter::new(Box::new(io::stdout())), file: None });
        }
        ensure!(overwrite || !path.exists(), "{} exists; give another file with -o, or --overwrite", path.display());
        let name = path.file_name().with_context(|| format!("{} is not the name of a file", path.display()))?;
        let temporary = path.with_file_name(format!(".{}.tmp", name.to_string_lossy()));
        let open = || anyhow::Ok((File::create(&temporary)?, path.to_owned()));
        let (file, path) = open().with_context(|| format!("cannot write {}", path.display()))?;
        let writer: Box<dyn Write> = Box::new(file.try_clone().with_context(|| format!("cannot write {}", path.display()))?);
        Ok(Self { writer: BufWriter::with_capacity(1 << 18, writer), file: Some(Pending { file, temporary, path }) })
    }

    /// Writes what is left and gives the file its name.
    ///
    /// # Errors
    /// A failed write.
    pub fn finish(mut self) -> anyhow::Result<()> {
        self.writer.flush().context("cannot write the output")?;
        let Some(pending) = self.file else { return Ok(()) };
        let end = || {
            pending.file.sync_all()?;
            fs::rename(&pending.temporary, &pending.path)
        };
        end().with_context(|| format!("cannot write {}", pending.path.display()))
    }
}

impl Write for Output {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.writer.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
