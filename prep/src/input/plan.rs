//! Dumps cut into parts that several machines can work on.
//!
//! A part is a row of ranges, each of one dump, in the order of the dumps; the pages that begin in a range are its own. Dumps that are not
//! compressed are cut before a page, those in bzip2, one stream or many, at the start of a block in which a page begins. Other formats can only
//! be read from their start and are not cut.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use schemas::manifest::InputFile;
use serde::{Deserialize, Serialize};

use crate::source::bzip2::BLOCK_MAGIC;
use crate::source::{BytesRead, FilePart, InputStream, PageSplitter, SeekPoint, SiteInfo};

/// Version of the file's format.
const VERSION: u32 = 1;
/// Bytes in which a block's first bits are looked for; a block has 900 kB at most, and hardly more when compressed.
const WINDOW: usize = 4 << 20;

/// The parts of some dumps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    version: u32,
    /// The dumps.
    pub dumps: Vec<PlannedDump>,
    /// The parts, each with its ranges.
    pub parts: Vec<Vec<PlannedRange>>,
}

/// A dump of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedDump {
    /// All of the file.
    pub input: InputFile,
    /// What it says of its wiki.
    pub site: SiteInfo,
}

/// A range of a dump.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedRange {
    /// The dump, by its number.
    pub dump: usize,
    /// Where it lies.
    pub part: FilePart,
    /// Its bytes and their hash.
    pub bytes: u64,
    /// BLAKE3 of these bytes.
    pub blake3: String,
}

impl Plan {
    /// Reads a plan, and gives the hash of its file.
    ///
    /// # Errors
    /// A file that is no plan.
    pub fn read(path: &Path) -> anyhow::Result<(Self, String)> {
        let name = path.display();
        let json = fs::read(path).with_context(|| format!("cannot read {name}"))?;
        let plan: Self = serde_json::from_slice(&json).with_context(|| format!("{name} is no plan of `prep plan`"))?;
        ensure!(plan.version == VERSION, "{name} is a plan of version {}, expected {VERSION}", plan.version);
        let known = |range: &PlannedRange| range.dump < plan.dumps.len();
        ensure!(plan.parts.iter().flatten().all(known), "{name} names a dump that it does not hold");
        Ok((plan, blake3::hash(&json).to_string()))
    }

    pub(crate) fn make(paths: &[PathBuf], parts: usize, quiet: bool) -> anyhow::Result<Self> {
        let dumps: Vec<Cuttable> = paths.iter().map(|path| Cuttable::open(path)).collect::<anyhow::Result<_>>()?;
        let total: u64 = dumps.iter().map(|dump| dump.bytes).sum();
        // Where parts begin: a dump, and a place in it.
        let mut cuts: Vec<(usize, Option<SeekPoint>)> = vec![(0, None)];
        for part in 1..parts as u64 {
            let mut at = u64::try_from(u128::from(total) * u128::from(part) / parts as u128).expect("less than the total");
            let mut number = 0;
            while at >= dumps[number].bytes {
                at -= dumps[number].bytes;
                number += 1;
            }
            let cut = match dumps[number].border(at)? {
                Some(mark) => (number, Some(mark)),
                None => (number + 1, None),
            };
            let place = |cut: &(usize, Option<SeekPoint>)| (cut.0, cut.1.map_or(0, |mark| mark.bit));
            if cut.0 < dumps.len() && cuts.last().is_some_and(|last| place(last) < place(&cut)) {
                cuts.push(cut);
            }
        }
        let bar = ProgressBar::hidden();
        if !quiet {
            bar.set_draw_target(indicatif::ProgressDrawTarget::stderr());
        }
        bar.set_length(total);
        bar.set_style(
            ProgressStyle::with_template("hashing {bar:25} {percent}% {bytes}/{total_bytes} {bytes_per_sec}, {eta} left").context("bar")?,
        );
        bar.enable_steady_tick(Duration::from_millis(250));
        let mut plan = Self { version: VERSION, dumps: Vec::new(), parts: vec![Vec::new(); cuts.len()] };
        for (number, dump) in dumps.into_iter().enumerate() {
            // The part that goes on here, and those that begin inside.
            let first = cuts.partition_point(|&(dump, mark)| (dump, mark.is_some()) <= (number, false)) - 1;
            let inside: Vec<SeekPoint> = cuts.iter().filter(|cut| cut.0 == number).filter_map(|cut| cut.1).collect();
            let starts = std::iter::once(None).chain(inside.iter().copied().map(Some));
            let ends = inside.iter().map(|mark| Some(mark.bit)).chain([None]);
            let ranges: Vec<FilePart> = starts.zip(ends).map(|(from, until)| FilePart { start: from, end_bit: until }).collect();
            let (input, hashes) = dump.hash(&ranges, &bar)?;
            for (at, (part, (bytes, blake3))) in ranges.into_iter().zip(hashes).enumerate() {
                plan.parts[first + at].push(PlannedRange { dump: number, part, bytes, blake3 });
            }
            plan.dumps.push(PlannedDump { input, site: dump.site });
        }
        bar.finish_and_clear();
        Ok(plan)
    }
}

/// A dump that is to be cut.
struct Cuttable {
    path: PathBuf,
    bytes: u64,
    site: SiteInfo,
    kind: Kind,
}

/// Where it can be.
enum Kind {
    /// Before each page; so many bytes come before the XML.
    Plain(u64),
    /// At each block.
    Bzip2,
    Whole,
}

impl Cuttable {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let meta = fs::metadata(path).with_context(|| format!("cannot open {name}"))?;
        ensure!(meta.is_file(), "{name} is not a file; a plan is made of dumps, which are read from any place");
        let mut magic = [0; 3];
        File::open(path).and_then(|mut file| file.read(&mut magic)).with_context(|| format!("cannot read {name}"))?;
        let mut splitter = PageSplitter::new(InputStream::open(path, BytesRead::default())?).with_context(|| name.to_string())?;
        let kind = match splitter.reader().seek_point(0) {
            Some(_) if magic == *b"BZh" => Kind::Bzip2,
            Some(mark) => Kind::Plain(mark.bit / 8),
            None => Kind::Whole,
        };
        Ok(Self { path: path.to_owned(), bytes: meta.len(), site: splitter.site().clone(), kind })
    }

    /// The first place at or after a byte at which the dump can be cut.
    fn border(&self, at: u64) -> anyhow::Result<Option<SeekPoint>> {
        match self.kind {
            Kind::Whole => Ok(None),
            Kind::Plain(skipped) => Ok(self.page_after(SeekPoint { bit: at.max(skipped) * 8, offset: at.saturating_sub(skipped) })),
            Kind::Bzip2 => {
                let name = || format!("cannot read {}", self.path.display());
                let mut file = File::open(&self.path).with_context(name)?;
                file.seek(SeekFrom::Start(at)).with_context(name)?;
                let mut window = Vec::new();
                file.take(WINDOW as u64).read_to_end(&mut window).with_context(name)?;
                // What only looks like a block does not decode.
                let blocks = block_starts(&window).map(|bit| SeekPoint { bit: at * 8 + bit, offset: 0 });
                Ok(blocks.filter_map(|mark| self.page_after(mark)).next().map(|mark| SeekPoint { offset: 0, ..mark }))
            }
        }
    }

    /// The place in which the first page after a place begins.
    fn page_after(&self, mark: SeekPoint) -> Option<SeekPoint> {
        let part = FilePart { start: Some(mark), end_bit: None };
        let stream = InputStream::open_part(&self.path, &part, None, 1, BytesRead::default()).ok()?;
        let mut splitter = PageSplitter::resume(stream, SiteInfo::default(), mark.offset, mark.offset, 0).ok()?;
        let page = splitter.next()?.ok()?;
        splitter.reader().seek_point(page.offset)
    }

    /// Hashes all of the file, and the bytes of each range.
    fn hash(&self, ranges: &[FilePart], bar: &ProgressBar) -> anyhow::Result<(InputFile, Vec<(u64, String)>)> {
        let name = || format!("cannot read {}", self.path.display());
        let mut file = File::open(&self.path).with_context(name)?;
        let mut whole = Hashed::default();
        let mut hashes = Vec::new();
        for range in ranges {
            let bytes = range.byte_range();
            let mut hashed = Hashed::default();
            let mut reader = bar.wrap_read((&mut file).take(bytes.end - bytes.start));
            io::copy(&mut reader, &mut Both(&mut whole, &mut hashed)).with_context(name)?;
            hashes.push(hashed.finish());
        }
        let (bytes, blake3) = whole.finish();
        ensure!(bytes == self.bytes, "{} changed while it was read", self.path.display());
        Ok((InputFile { path: self.path.display().to_string(), bytes, blake3 }, hashes))
    }
}

#[derive(Default)]
struct Hashed {
    hash: blake3::Hasher,
    bytes: u64,
}

impl Hashed {
    fn finish(self) -> (u64, String) {
        (self.bytes, self.hash.finalize().to_string())
    }
}

struct Both<'a>(&'a mut Hashed, &'a mut Hashed);

impl io::Write for Both<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for hashed in [&mut *self.0, &mut *self.1] {
            hashed.hash.update(bytes);
            hashed.bytes += bytes.len() as u64;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bits at which a block of bzip2 may begin.
fn block_starts(bytes: &[u8]) -> impl Iterator<Item = u64> {
    const MASK: u64 = (1 << 48) - 1;
    let mut word = 0u64;
    (0u64..).zip(bytes).flat_map(move |(at, &byte)| {
        word = word << 8 | u64::from(byte);
        // The 48 bits that end at each bit of this byte.
        let (word, end) = (word, (at + 1) * 8);
        (0..8u64).rev().filter_map(move |shift| (word >> shift & MASK == BLOCK_MAGIC).then(|| (end - shift).checked_sub(48)).flatten())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_begin_at_any_bit() {
        for shift in 0..8u32 {
            let mut bytes = vec![0xff; 3];
            bytes.extend((u128::from(BLOCK_MAGIC) << (80 - shift)).to_be_bytes());
            assert_eq!(block_starts(&bytes).collect::<Vec<_>>(), [24 + u64::from(shift)]);
        }
        assert_eq!(block_starts(&BLOCK_MAGIC.to_be_bytes()[2..]).collect::<Vec<_>>(), [0]);
        assert_eq!(block_starts(b"BZh9").count(), 0);
    }
}
