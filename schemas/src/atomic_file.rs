//! Atomic writes: a file appears complete under its final name, or not at all.
//!
//! Every output of `prep` and `train` that has a final name goes through this module. The content is written to
//! `.NAME.tmp` in the same folder, synced, renamed to `NAME`, and the folder is synced, so that the rename also survives a
//! loss of power. A reader sees the old content or the new content, never a part of it.
//!
//! Append-only logs (`metrics.jsonl`, TensorBoard events, `--report`) are not written this way: they are meant to be read
//! while they grow.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

const BUFFER_BYTES: usize = 1 << 18;

/// A file could not be written, synced or renamed.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}")]
pub struct WriteError {
    /// Final name of the file.
    pub path: PathBuf,
    /// The error of the operating system.
    #[source]
    pub source: io::Error,
}

/// Writes a whole file atomically. An existing file of that name is replaced.
///
/// # Errors
/// The temporary file cannot be created, written, synced or renamed. An existing file keeps its content then.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("result.json");
/// schemas::atomic_file::write(&path, b"{}\n")?;
/// assert_eq!(std::fs::read(&path)?, b"{}\n");
/// # Ok(())
/// # }
/// ```
pub fn write(path: &Path, content: &[u8]) -> Result<(), WriteError> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(content).map_err(|source| WriteError { path: path.to_owned(), source })?;
    file.commit()
}

/// Writes a value as indented JSON with a line feed at the end, atomically.
///
/// # Errors
/// As [`write`](fn@write).
///
/// # Panics
/// The value cannot be serialized, such as a map whose keys are not strings.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    let mut json = serde_json::to_vec_pretty(value).expect("values written as JSON are plain data");
    json.push(b'\n');
    write(path, &json)
}

/// Renames a finished file or folder to its final name and syncs the folder that holds it.
///
/// The content must be synced already. Used for folders whose files were written one by one, such as checkpoints.
///
/// # Errors
/// The rename or the sync fails.
pub fn rename(from: &Path, to: &Path) -> Result<(), WriteError> {
    let renamed = fs::rename(from, to).and_then(|()| sync_dir(parent(to)));
    renamed.map_err(|source| WriteError { path: to.to_owned(), source })
}

/// Syncs the entries of a folder: files created, renamed or removed in it.
///
/// # Errors
/// The folder cannot be opened or synced.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// The temporary name of a file or folder while it is written: `.NAME.tmp` beside it.
pub fn temporary_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.tmp"))
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A file that is written piece by piece and appears under its final name on [`commit`](Self::commit).
///
/// Dropped without a commit, it removes its temporary file, and an existing file of that name stays as it was. Writes are
/// buffered (256 KiB).
///
/// A path that exists and is not a regular file, such as a pipe or `/dev/null`, is written in place: renaming would replace
/// the device by a file.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::io::Write;
///
/// let dir = tempfile::tempdir()?;
/// let path = dir.path().join("predictions.jsonl");
/// let mut file = schemas::AtomicFile::create(&path)?;
/// writeln!(file, "{{}}")?;
/// assert!(!path.exists());
/// file.commit()?;
/// assert!(path.exists());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct AtomicFile {
    /// Open until the commit.
    writer: Option<BufWriter<File>>,
    path: PathBuf,
    /// Where the content is until the commit; nothing for a pipe or a device.
    temporary: Option<PathBuf>,
}

impl AtomicFile {
    /// Creates the temporary file. The folder must exist.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn create(path: &Path) -> Result<Self, WriteError> {
        let in_place = fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir());
        let temporary = (!in_place).then(|| temporary_path(path));
        let file = match &temporary {
            Some(temporary) => File::create(temporary),
            None => File::options().write(true).open(path),
        };
        let file = file.map_err(|source| WriteError { path: path.to_owned(), source })?;
        Ok(Self { writer: Some(BufWriter::with_capacity(BUFFER_BYTES, file)), path: path.to_owned(), temporary })
    }

    /// The final name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is buffered, syncs the file, renames it and syncs its folder.
    ///
    /// # Errors
    /// One of these steps fails. The temporary file is removed then.
    pub fn commit(mut self) -> Result<(), WriteError> {
        self.flush_and_sync().map_err(|source| WriteError { path: self.path.clone(), source })?;
        // After a failed rename the drop removes the file.
        self.temporary.as_ref().map_or(Ok(()), |temporary| rename(temporary, &self.path))?;
        self.temporary = None;
        Ok(())
    }

    fn flush_and_sync(&mut self) -> io::Result<()> {
        let Some(writer) = self.writer.take() else { return Ok(()) };
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        // Pipes and devices have nothing to sync.
        if self.temporary.is_some() { file.sync_all() } else { Ok(()) }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.as_mut().map_or(Ok(0), |writer| writer.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        let Some(temporary) = &self.temporary else { return };
        // The buffered rest is discarded, not written: on a full disk every byte counts.
        if let Some(writer) = self.writer.take() {
            drop(writer.into_parts());
        }
        let _ = fs::remove_file(temporary);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn content_appears_on_commit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        write(&path, b"old").unwrap();
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        file.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["a.txt"]);
    }

    #[test]
    fn dropped_without_commit_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = AtomicFile::create(&dir.path().join("a.txt")).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(dir.path()), [".a.txt.tmp"]);
        drop(file);
        assert_eq!(names(dir.path()), [""; 0]);
    }

    #[test]
    fn failed_rename_names_the_file_and_removes_the_temporary_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder");
        fs::create_dir(&path).unwrap();
        let error = write(&path, b"x").unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write {}", path.display()));
        assert_eq!(names(dir.path()), ["folder"]);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_in_place() {
        use std::os::unix::fs::FileTypeExt;
        write(Path::new("/dev/null"), b"x").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
    }
}
