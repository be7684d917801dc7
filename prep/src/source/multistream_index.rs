//! The index of a multistream dump: a line `offset:page_id:title` for each page, the offset being that of the bzip2 stream which holds it.
//!
//! Streams are found without it. It tells what the dump must hold, and so whether the file is whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::{Context, bail, ensure};
use schemas::manifest::InputFile;

use super::bzip2::BLOCK;
use super::stream::{Progress, Stream};
use crate::number_format::{counted, grouped};

/// Most bytes of a line that are looked at together: titles have 255 bytes at most.
const LINE: u64 = 4096;

/// What an index says of its dump.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// The file, as it was read.
    pub input: InputFile,
    /// How many pages it lists.
    pub pages: u64,
}

impl Index {
    /// Reads an index, compressed or not, and looks into the dump whether a stream begins at each of its offsets.
    ///
    /// Memory: a line.
    ///
    /// # Errors
    /// A file that cannot be read or is no index, or one of another dump.
    pub fn read(path: &Path, dump: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        ensure!(dump.is_file(), "--index {name} is of a file, and {} is none", dump.display());
        let mut file = File::open(dump).with_context(|| format!("cannot open {}", dump.display()))?;
        let mut lines = BufReader::with_capacity(1 << 18, Stream::open(path, Progress::default())?);
        let (mut line, mut pages, mut last) = (Vec::new(), 0_u64, None);
        loop {
            line.clear();
            (&mut lines).take(LINE).read_until(b'\n', &mut line).with_context(|| format!("cannot read {name}"))?;
            if line.is_empty() {
                break;
            }
            pages += 1;
            let offset = offset(&line).with_context(|| {
                let line = String::from_utf8_lossy(&line[..line.len().min(80)]).trim_end().to_owned();
                format!("{name}, line {pages}: expected offset:page_id:title, found `{line}`")
            })?;
            if last.is_some_and(|last| offset < last) {
                bail!("{name}, line {pages}: offset {offset} is less than that of the line before");
            }
            if last != Some(offset) && !is_stream(&mut file, offset).with_context(|| format!("cannot read {}", dump.display()))? {
                bail!(
                    "{name}, line {pages}: a bzip2 stream is to begin at byte {offset} of {}, and none does; \
                     the index is of another dump, or the dump was cut short",
                    dump.display()
                );
            }
            last = Some(offset);
        }
        ensure!(pages > 0, "{name} is empty, and no index of a dump");
        Ok(Self { input: lines.into_inner().input(), pages })
    }

    /// What is wrong if the dump has so many pages.
    pub fn differs(&self, pages: u64) -> Option<String> {
        (pages != self.pages)
            .then(|| format!("it has {}, and its index {} lists {}", counted(pages, "page"), self.input.path, grouped(self.pages)))
    }
}

/// The offset of a line.
fn offset(line: &[u8]) -> Option<u64> {
    let mut parts = line.splitn(3, |&byte| byte == b':').map(|part| std::str::from_utf8(part).ok());
    let (offset, page) = (parts.next()??, parts.next()??);
    page.parse::<u64>().ok()?;
    parts.next()?;
    offset.parse().ok()
}

/// Whether a stream that holds something begins there: `BZh`, the size of its blocks, and a block.
fn is_stream(file: &mut File, offset: u64) -> std::io::Result<bool> {
    let mut head = Vec::with_capacity(10);
    file.seek(SeekFrom::Start(offset))?;
    file.take(10).read_to_end(&mut head)?;
    Ok(head.len() == 10 && head.starts_with(b"BZh") && head[4..] == BLOCK.to_be_bytes()[2..])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        for (line, expected) in [
            ("616:12:Anarchism\n", Some(616)),
            ("616:12:Title: with a colon\n", Some(616)),
            ("0:1:", Some(0)),
            ("616:12\n", None),
            ("x:12:A\n", None),
            ("616:x:A\n", None),
            ("\n", None),
        ] {
            assert_eq!(offset(line.as_bytes()), expected, "{line}");
        }
        assert_eq!(offset("5:1:é".as_bytes()), Some(5));
        assert_eq!(offset(b"5:1:\xff"), Some(5), "titles are not looked at");
    }

    #[test]
    fn an_index_is_read_beside_its_dump() {
        let dir = std::env::temp_dir().join(format!("prep-index-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let (dump, path) = (dir.join("dump.bz2"), dir.join("index.txt"));
        std::fs::write(&dump, b"--BZh91AY&SY....BZh11AY&SY..").unwrap();
        let read = |index: &[u8]| {
            std::fs::write(&path, index).unwrap();
            Index::read(&path, &dump).map_err(|error| format!("{error:#}"))
        };
        let index = read(b"2:1:A\n2:2:B\n16:3:C\n").unwrap();
        assert_eq!((index.pages, index.input.bytes), (3, 19));
        assert_eq!(index.differs(3), None);
        assert!(index.differs(2).unwrap().contains("it has 2 pages, and its index"));
        for (wrong, told) in [
            (&b"2:1:A\n17:3:C\n"[..], "line 2: a bzip2 stream is to begin at byte 17"),
            (b"2:1:A\n90:3:C\n", "to begin at byte 90"),
            (b"16:1:A\n2:2:B\n", "offset 2 is less than"),
            (b"2:1:A\n<mediawiki>\n", "line 2: expected offset:page_id:title, found `<mediawiki>`"),
            (&[b'x'; 10_000], "line 1: expected offset:page_id:title"),
            (b"", "is empty"),
        ] {
            assert!(read(wrong).unwrap_err().contains(told), "{told}");
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
