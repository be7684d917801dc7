//! What is spilled of the dump: the records of names by partition, and the edges between classes, a file for each unit.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemas::AtomicFile;

/// Partitions of names, by hash: of all names of Wikidata in a language, one has some hundred thousand. A constant: the order of the rows
/// depends on it.
pub const PARTITIONS: usize = 1024;
/// The last bytes of a file.
const MAGIC: &[u8; 8] = b"c2fspil1";
/// Sections: the partitions, and the edges.
const SECTIONS: usize = PARTITIONS + 1;
/// zstd's level: fast, as the data is read once.
const LEVEL: i32 = 1;

/// The partition of a name.
pub fn partition_of(name: &str) -> u16 {
    let hash = blake3::hash(name.as_bytes());
    u16::from_le_bytes([hash.as_bytes()[0], hash.as_bytes()[1]]) % PARTITIONS as u16
}

/// The records of a unit, while it is read.
#[derive(Debug)]
pub struct SpillUnit {
    partitions: Vec<Vec<u8>>,
    edges: Vec<u8>,
}

impl Default for SpillUnit {
    fn default() -> Self {
        Self { partitions: vec![Vec::new(); PARTITIONS], edges: Vec::new() }
    }
}

impl SpillUnit {
    /// Adds records of a partition.
    pub fn add_records(&mut self, partition: u16, records: &[u8]) {
        self.partitions[usize::from(partition)].extend_from_slice(records);
    }

    /// Adds statements of classes and their superclasses.
    pub fn add_edges(&mut self, edges: &[(u32, u32)]) {
        for (class, superclass) in edges {
            self.edges.extend_from_slice(&class.to_le_bytes());
            self.edges.extend_from_slice(&superclass.to_le_bytes());
        }
    }

    /// Bytes of all records.
    pub fn bytes(&self) -> usize {
        self.partitions.iter().map(Vec::len).sum::<usize>() + self.edges.len()
    }

    /// Writes the unit: a zstd frame for each section, where each ends, and a magic number. The file is complete or not there.
    ///
    /// # Errors
    /// A failed write.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let place = || format!("cannot write {}", path.display());
        let mut file = AtomicFile::create(path).with_context(place)?;
        let (mut end, mut ends) = (0u64, Vec::with_capacity(8 * SECTIONS));
        for section in self.partitions.iter().chain([&self.edges]) {
            // Most units have nothing in some sections.
            if !section.is_empty() {
                let frame = zstd::bulk::compress(section, LEVEL).with_context(place)?;
                file.write_all(&frame).with_context(place)?;
                end += frame.len() as u64;
            }
            ends.extend_from_slice(&end.to_le_bytes());
        }
        file.write_all(&ends).and_then(|()| file.write_all(MAGIC)).with_context(place)?;
        file.commit().with_context(place)?;
        Ok(())
    }
}

/// The files of all units, open.
#[derive(Debug)]
pub struct SpillFiles {
    files: Vec<SpillFile>,
}

#[derive(Debug)]
struct SpillFile {
    path: PathBuf,
    /// Where each section ends.
    ends: Vec<u64>,
}

impl SpillFiles {
    /// Opens files of units.
    ///
    /// # Errors
    /// One cannot be read, or is not whole.
    pub fn open(paths: impl IntoIterator<Item = PathBuf>) -> anyhow::Result<Self> {
        let files = paths.into_iter().map(SpillFile::open);
        Ok(Self { files: files.collect::<anyhow::Result<_>>()? })
    }

    /// The records of a partition, of all units.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn records(&self, partition: usize) -> anyhow::Result<Vec<u8>> {
        self.section(partition)
    }

    /// Bytes that the records of a partition take on disk.
    pub fn compressed_bytes(&self, partition: usize) -> u64 {
        self.files.iter().map(|file| file.range(partition).1).sum()
    }

    /// The statements of classes and their superclasses.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn edges(&self) -> anyhow::Result<Vec<(u32, u32)>> {
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let bytes = self.section(PARTITIONS)?;
        Ok(bytes.as_chunks::<8>().0.iter().map(|edge| (number(&edge[..4]), number(&edge[4..]))).collect())
    }

    fn section(&self, section: usize) -> anyhow::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for file in &self.files {
            file.read(section, &mut bytes).with_context(|| format!("cannot read {}", file.path.display()))?;
        }
        Ok(bytes)
    }
}

impl SpillFile {
    fn open(path: PathBuf) -> anyhow::Result<Self> {
        let tail = 8 * SECTIONS + MAGIC.len();
        let read = || -> io::Result<Option<Vec<u8>>> {
            let mut file = File::open(&path)?;
            if file.metadata()?.len() < tail as u64 {
                return Ok(None);
            }
            file.seek(SeekFrom::End(-(tail as i64)))?;
            let mut bytes = Vec::with_capacity(tail);
            file.read_to_end(&mut bytes)?;
            Ok(Some(bytes).filter(|bytes| bytes.ends_with(MAGIC)))
        };
        let tail = read().with_context(|| format!("cannot read {}", path.display()))?;
        let whole = || format!("{} is not whole; start again with --overwrite", path.display());
        let tail = tail.with_context(whole)?;
        let (ends, _) = tail[..8 * SECTIONS].as_chunks::<8>();
        let ends: Vec<u64> = ends.iter().map(|end| u64::from_le_bytes(*end)).collect();
        ensure!(ends.is_sorted(), "{}", whole());
        Ok(Self { path, ends })
    }

    /// Where a section begins, and its length.
    fn range(&self, section: usize) -> (u64, u64) {
        let start = if section == 0 { 0 } else { self.ends[section - 1] };
        (start, self.ends[section] - start)
    }

    /// Appends a section.
    fn read(&self, section: usize, to: &mut Vec<u8>) -> io::Result<()> {
        let (start, length) = self.range(section);
        if length == 0 {
            return Ok(());
        }
        // Files are opened as they are needed: there may be more of them than a process may hold open.
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(start))?;
        zstd::Decoder::new(file.take(length))?.read_to_end(to)?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        for (path, text) in paths.iter().zip(["one", "two"]) {
            let mut unit = SpillUnit::default();
            unit.add_records(0, text.as_bytes());
            unit.add_records(1023, b"last");
            unit.add_edges(&[(1, 2), (3, u32::MAX)]);
            assert_eq!(unit.bytes(), text.len() + 4 + 16);
            unit.write(path).unwrap();
        }
        let files = SpillFiles::open(paths.clone()).unwrap();
        assert_eq!(files.records(0).unwrap(), b"onetwo");
        assert_eq!(files.records(1).unwrap(), b"");
        assert_eq!(files.records(1023).unwrap(), b"lastlast");
        assert_eq!(files.edges().unwrap(), [(1, 2), (3, u32::MAX), (1, 2), (3, u32::MAX)]);
        assert!(files.compressed_bytes(0) > 0 && files.compressed_bytes(1) == 0);

        let whole = std::fs::read(&paths[0]).unwrap();
        for cut in [&whole[..whole.len() - 1], &whole[..10]] {
            std::fs::write(&paths[0], cut).unwrap();
            assert!(SpillFiles::open(paths.clone()).unwrap_err().to_string().contains("is not whole; start again with --overwrite"));
        }
    }
}
