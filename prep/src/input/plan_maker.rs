//! Makes a plan: dumps are cut into parts of about the same size.
//!
//! Uncompressed dumps are cut before a page. Dumps in bzip2, one stream or many, are cut at the start of a block in which a page begins. Other
//! formats can be decompressed only from their start and are not cut.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use schemas::manifest::InputFile;

use super::plan::{PLAN_VERSION, Plan, PlannedDump, PlannedRange};
use crate::source::bzip2::BLOCK_MAGIC;
use crate::source::{BytesRead, FilePart, InputStream, PageSplitter, SeekPoint, SiteInfo};

/// Bytes in which the start of a bzip2 block is searched for. A block holds 900 kB, and its compressed form is hardly larger.
const SEARCH_BYTES: usize = 4 << 20;

/// Dumps that are to be cut.
pub struct PlanMaker {
    dumps: Vec<CuttableDump>,
}

/// A place at which a part begins: the number of a dump, and a seek point in it or `None` for its start.
type Cut = (usize, Option<SeekPoint>);

impl PlanMaker {
    /// Opens the dumps and reads their heads.
    ///
    /// # Errors
    /// An input that is not a file, or not a dump.
    pub fn open(paths: &[PathBuf]) -> anyhow::Result<Self> {
        let dumps = paths.iter().map(|path| CuttableDump::open(path)).collect::<anyhow::Result<_>>()?;
        Ok(Self { dumps })
    }

    /// Size of all dumps in bytes.
    pub fn bytes(&self) -> u64 {
        self.dumps.iter().map(|dump| dump.bytes).sum()
    }

    /// Cuts the dumps into at most `parts` parts and hashes them; `hashed` is called with each number of bytes that was hashed. There are
    /// fewer parts where the dumps have fewer places to cut at.
    ///
    /// # Errors
    /// A dump that cannot be read, or changes while it is read.
    pub fn plan(self, parts: usize, mut hashed: impl FnMut(u64)) -> anyhow::Result<Plan> {
        let cuts = self.cuts(parts)?;
        let mut plan = Plan { version: PLAN_VERSION, dumps: Vec::new(), parts: vec![Vec::new(); cuts.len()] };
        for (number, dump) in self.dumps.into_iter().enumerate() {
            // The part that continues or begins at the start of this dump, and the cuts inside the dump.
            let first = cuts.partition_point(|&(dump, mark)| (dump, mark.is_some()) <= (number, false)) - 1;
            let inside: Vec<SeekPoint> = cuts.iter().filter(|cut| cut.0 == number).filter_map(|cut| cut.1).collect();
            let starts = std::iter::once(None).chain(inside.iter().copied().map(Some));
            let ends = inside.iter().map(|mark| Some(mark.bit)).chain([None]);
            let ranges: Vec<FilePart> = starts.zip(ends).map(|(from, until)| FilePart { start: from, end_bit: until }).collect();
            let (input, hashes) = dump.hash(&ranges, &mut hashed)?;
            for (at, (part, (bytes, blake3))) in ranges.into_iter().zip(hashes).enumerate() {
                plan.parts[first + at].push(PlannedRange { dump: number, part, bytes, blake3 });
            }
            plan.dumps.push(PlannedDump { input, site: dump.site });
        }
        Ok(plan)
    }

    /// Where each part begins, ascending.
    fn cuts(&self, parts: usize) -> anyhow::Result<Vec<Cut>> {
        let total = self.bytes();
        let mut cuts: Vec<Cut> = vec![(0, None)];
        for part in 1..parts as u64 {
            let mut at = u64::try_from(u128::from(total) * u128::from(part) / parts as u128).expect("less than the total");
            let mut number = 0;
            while at >= self.dumps[number].bytes {
                at -= self.dumps[number].bytes;
                number += 1;
            }
            let cut = match self.dumps[number].cut_from(at)? {
                Some(mark) => (number, Some(mark)),
                None => (number + 1, None),
            };
            let key = |cut: &Cut| (cut.0, cut.1.map_or(0, |mark| mark.bit));
            if cut.0 < self.dumps.len() && cuts.last().is_some_and(|last| key(last) < key(&cut)) {
                cuts.push(cut);
            }
        }
        Ok(cuts)
    }
}

/// A dump that is to be cut.
struct CuttableDump {
    path: PathBuf,
    bytes: u64,
    site: SiteInfo,
    cut_points: CutPoints,
}

/// Where a dump can be cut.
enum CutPoints {
    /// Before each page; the XML is preceded by this many bytes.
    Pages(u64),
    /// At each bzip2 block.
    Bzip2Blocks,
    /// Nowhere.
    None,
}

impl CuttableDump {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let meta = fs::metadata(path).with_context(|| format!("cannot open {name}"))?;
        ensure!(meta.is_file(), "{name} is not a file; a plan is made of dumps, which can be read from any place");
        let mut magic = [0; 3];
        File::open(path).and_then(|mut file| file.read(&mut magic)).with_context(|| format!("cannot read {name}"))?;
        let mut splitter = PageSplitter::new(InputStream::open(path, BytesRead::default())?).with_context(|| name.to_string())?;
        let cut_points = match splitter.reader().seek_point(0) {
            Some(_) if magic == *b"BZh" => CutPoints::Bzip2Blocks,
            Some(mark) => CutPoints::Pages(mark.bit / 8),
            None => CutPoints::None,
        };
        Ok(Self { path: path.to_owned(), bytes: meta.len(), site: splitter.site().clone(), cut_points })
    }

    /// The first place at or after a byte of the file at which the dump can be cut.
    fn cut_from(&self, at: u64) -> anyhow::Result<Option<SeekPoint>> {
        match self.cut_points {
            CutPoints::None => Ok(None),
            CutPoints::Pages(skipped) => {
                Ok(self.first_page_from(SeekPoint { bit: at.max(skipped) * 8, offset: at.saturating_sub(skipped) }))
            }
            CutPoints::Bzip2Blocks => {
                let name = || format!("cannot read {}", self.path.display());
                let mut file = File::open(&self.path).with_context(name)?;
                file.seek(SeekFrom::Start(at)).with_context(name)?;
                let mut window = Vec::new();
                file.take(SEARCH_BYTES as u64).read_to_end(&mut window).with_context(name)?;
                // Bits that only look like the start of a block do not decode.
                let blocks = block_starts(&window).map(|bit| SeekPoint { bit: at * 8 + bit, offset: 0 });
                Ok(blocks.filter_map(|mark| self.first_page_from(mark)).next().map(|mark| SeekPoint { offset: 0, ..mark }))
            }
        }
    }

    /// The last seek point before the first page that begins after a seek point.
    fn first_page_from(&self, mark: SeekPoint) -> Option<SeekPoint> {
        let part = FilePart { start: Some(mark), end_bit: None };
        let stream = InputStream::open_part(&self.path, &part, None, 1, BytesRead::default()).ok()?;
        let mut splitter = PageSplitter::resume(stream, SiteInfo::default(), mark.offset, mark.offset, 0).ok()?;
        let page = splitter.next()?.ok()?;
        splitter.reader().seek_point(page.offset)
    }

    /// Hashes the whole file, and each range.
    fn hash(&self, ranges: &[FilePart], hashed: &mut impl FnMut(u64)) -> anyhow::Result<(InputFile, Vec<(u64, String)>)> {
        let name = || format!("cannot read {}", self.path.display());
        let mut file = File::open(&self.path).with_context(name)?;
        let mut whole = Hash::default();
        let mut hashes = Vec::new();
        for range in ranges {
            let bytes = range.byte_range();
            let mut range = Hash::default();
            let mut writer = HashWriter { hashes: [&mut whole, &mut range], hashed };
            io::copy(&mut (&mut file).take(bytes.end - bytes.start), &mut writer).with_context(name)?;
            hashes.push(range.finish());
        }
        let (bytes, blake3) = whole.finish();
        ensure!(bytes == self.bytes, "{} changed while it was read; run again", self.path.display());
        Ok((InputFile { path: self.path.display().to_string(), bytes, blake3 }, hashes))
    }
}

/// A hash of bytes, and their number.
#[derive(Default)]
struct Hash {
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Hash {
    fn finish(self) -> (u64, String) {
        (self.bytes, self.hasher.finalize().to_string())
    }
}

/// Hashes what is written into both hashes.
struct HashWriter<'a, F> {
    hashes: [&'a mut Hash; 2],
    hashed: &'a mut F,
}

impl<F: FnMut(u64)> io::Write for HashWriter<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for hash in &mut self.hashes {
            hash.hasher.update(bytes);
            hash.bytes += bytes.len() as u64;
        }
        (self.hashed)(bytes.len() as u64);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Bits at which a bzip2 block may begin: where the 48-bit magic number of blocks stands.
fn block_starts(bytes: &[u8]) -> impl Iterator<Item = u64> {
    const MASK: u64 = (1 << 48) - 1;
    let mut word = 0u64;
    (0u64..).zip(bytes).flat_map(move |(at, &byte)| {
        word = word << 8 | u64::from(byte);
        // The 48-bit words that end at each bit of this byte.
        let (word, end) = (word, (at + 1) * 8);
        (0..8u64).rev().filter_map(move |shift| (word >> shift & MASK == BLOCK_MAGIC).then(|| (end - shift).checked_sub(48)).flatten())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_starts_are_found_at_any_bit() {
        for shift in 0..8u32 {
            let mut bytes = vec![0xff; 3];
            bytes.extend((u128::from(BLOCK_MAGIC) << (80 - shift)).to_be_bytes());
            assert_eq!(block_starts(&bytes).collect::<Vec<_>>(), [24 + u64::from(shift)]);
        }
        assert_eq!(block_starts(&BLOCK_MAGIC.to_be_bytes()[2..]).collect::<Vec<_>>(), [0]);
        assert_eq!(block_starts(b"BZh9").count(), 0);
    }
}
