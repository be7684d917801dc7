//! The index file of a multistream dump: one line `offset:page_id:title` per page, where `offset` is the byte of the file at which the
//! bzip2 stream that holds the page begins.
//!
//! Decompression does not need the index, because streams are found without it. The index says what the dump must contain, and so
//! whether the file is complete: a dump that was cut off between two streams is a valid bzip2 file.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;

use super::bzip2::BLOCK_MAGIC;
use super::file_chunks::BytesRead;
use super::input_stream::InputStream;
use crate::number_format::{counted, grouped};

/// Most bytes of a line read at a time. Titles have at most 255 bytes, so a longer line is malformed.
const MAX_LINE: u64 = 4096;

/// A multistream index that was checked against its dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultistreamIndex {
    /// Path, size and hash of the index file.
    pub input: InputFile,
    /// Number of pages listed.
    pub pages: u64,
}

impl MultistreamIndex {
    /// Reads an index, compressed or not, and checks that a bzip2 stream begins at each of its offsets in the dump.
    ///
    /// Memory: one line.
    ///
    /// # Errors
    /// A file cannot be read, the index has a malformed line, or it is the index of another dump.
    pub fn read(path: &Path, dump: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        ensure!(dump.is_file(), "--index {name} needs a dump that is a file, and {} is not one", dump.display());
        let mut file = File::open(dump).with_context(|| format!("cannot open {}", dump.display()))?;
        let mut lines = BufReader::with_capacity(1 << 18, InputStream::open(path, BytesRead::default())?);
        let (mut line, mut pages, mut last) = (Vec::new(), 0_u64, None);
        loop {
            line.clear();
            (&mut lines).take(MAX_LINE).read_until(b'\n', &mut line).with_context(|| format!("cannot read {name}"))?;
            if line.is_empty() {
                break;
            }
            pages += 1;
            let offset = parse_offset(&line).with_context(|| {
                let line = String::from_utf8_lossy(&line[..line.len().min(80)]).trim_end().to_owned();
                format!("{name}, line {pages}: expected offset:page_id:title, found `{line}`")
            })?;
            if last.is_some_and(|last| offset < last) {
                bail!("{name}, line {pages}: offset {offset} is less than that of the line before; offsets must not decrease");
            }
            if last != Some(offset) && !stream_begins_at(&mut file, offset).with_context(|| format!("cannot read {}", dump.display()))? {
                bail!(
                    "{name}, line {pages}: expected a bzip2 stream at byte {offset} of {}, found none; \
                     the index is of another dump, or the dump is incomplete",
                    dump.display()
                );
            }
            last = Some(offset);
        }
        ensure!(pages > 0, "{name} is empty, expected an index with one line per page of the dump");
        Ok(Self { input: lines.into_inner().input(), pages })
    }

    /// An error message if the dump's number of pages is not the number listed.
    pub fn page_count_mismatch(&self, pages: u64) -> Option<String> {
        (pages != self.pages)
            .then(|| format!("it has {}, and its index {} lists {}", counted(pages, "page"), self.input.path, grouped(self.pages)))
    }
}

/// The offset of a line `offset:page_id:title`.
fn parse_offset(line: &[u8]) -> Option<u64> {
    let mut parts = line.splitn(3, |&byte| byte == b':').map(|part| std::str::from_utf8(part).ok());
    let (offset, page_id) = (parts.next()??, parts.next()??);
    page_id.parse::<u64>().ok()?;
    parts.next()?;
    offset.parse().ok()
}

/// Whether a non-empty bzip2 stream begins at a byte of the file: `BZh`, the block size, and the magic number of a block.
fn stream_begins_at(file: &mut File, offset: u64) -> std::io::Result<bool> {
    let mut head = Vec::with_capacity(10);
    file.seek(SeekFrom::Start(offset))?;
    file.take(10).read_to_end(&mut head)?;
    Ok(head.len() == 10 && head.starts_with(b"BZh") && head[4..] == BLOCK_MAGIC.to_be_bytes()[2..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_parsed() {
        for (line, expected) in [
            ("616:12:Anarchism\n", Some(616)),
            ("616:12:Title: with a colon\n", Some(616)),
            ("0:1:", Some(0)),
            ("616:12\n", None),
            ("x:12:A\n", None),
            ("616:x:A\n", None),
            ("\n", None),
        ] {
            assert_eq!(parse_offset(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(parse_offset("5:1:é".as_bytes()), Some(5));
        assert_eq!(parse_offset(b"5:1:\xff"), Some(5), "titles are not decoded");
    }

    #[test]
    fn an_index_is_checked_against_its_dump() {
        let dir = std::env::temp_dir().join(format!("prep-index-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (dump, path) = (dir.join("dump.bz2"), dir.join("index.txt"));
        std::fs::write(&dump, b"--BZh91AY&SY....BZh11AY&SY..").unwrap();
        let read = |index: &[u8]| {
            std::fs::write(&path, index).unwrap();
            MultistreamIndex::read(&path, &dump).map_err(|error| format!("{error:#}"))
        };
        let index = read(b"2:1:A\n2:2:B\n16:3:C\n").unwrap();
        assert_eq!((index.pages, index.input.bytes), (3, 19));
        assert_eq!(index.page_count_mismatch(3), None);
        assert!(index.page_count_mismatch(2).unwrap().contains("it has 2 pages, and its index"));
        for (malformed, message) in [
            (&b"2:1:A\n17:3:C\n"[..], "line 2: expected a bzip2 stream at byte 17"),
            (b"2:1:A\n90:3:C\n", "expected a bzip2 stream at byte 90"),
            (b"16:1:A\n2:2:B\n", "offset 2 is less than"),
            (b"2:1:A\n<mediawiki>\n", "line 2: expected offset:page_id:title, found `<mediawiki>`"),
            (&[b'x'; 10_000], "line 1: expected offset:page_id:title"),
            (b"", "is empty"),
        ] {
            assert!(read(malformed).unwrap_err().contains(message), "{message}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
