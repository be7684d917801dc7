//! Decodes one bzip2 block: Huffman codes, run lengths, move-to-front, inverse Burrows–Wheeler transform, run lengths again, checksum.

use super::bit_reader::BitReader;
use super::crc32::crc32;
use super::derandomize::derandomize;
use super::format::BLOCK_MAGIC;
use super::huffman_decoder::{HuffmanDecoder, MAX_SYMBOLS};
use super::inverse_bwt::{ByteRun, InverseBwt};
use super::move_to_front::{move_to_front, split_list};
use super::not_decoded::NotDecoded;
use super::run_length::decode_runs;

/// Largest block in bytes, before the last run-length decoding.
const MAX_BLOCK: u32 = 900_000;
/// Number of consecutive symbols that use the same Huffman code.
const GROUP: usize = 50;
const MAX_CODES: usize = 6;
/// Groups of the largest block. More may be announced, but are never reached.
const MAX_GROUPS: usize = MAX_BLOCK as usize / GROUP + 2;
/// The highest power of two in the length of a run.
const MAX_SHIFT: u32 = 20;

/// Decodes blocks one after the other and reuses its buffers: about 12 MB, and the size of the largest output.
pub struct BlockDecoder {
    codes: Vec<HuffmanDecoder>,
    /// Index of the Huffman code of each group.
    selectors: Vec<u8>,
    /// The block after Huffman and move-to-front decoding, as runs: the byte in the low 8 bits, the length of the run above them.
    runs: Vec<u32>,
    inverse_bwt: InverseBwt,
    /// The block after the inverse transform.
    block: Vec<u8>,
}

impl Default for BlockDecoder {
    fn default() -> Self {
        Self {
            codes: (0..MAX_CODES).map(|_| HuffmanDecoder::new()).collect(),
            selectors: Vec::with_capacity(MAX_GROUPS),
            runs: vec![0; MAX_GROUPS * GROUP + 1],
            inverse_bwt: InverseBwt::new(),
            block: Vec::new(),
        }
    }
}

impl BlockDecoder {
    /// Decodes the block in bits `start..end` of `bytes`, its magic number included, and replaces the content of `out`.
    ///
    /// # Errors
    /// These bits are not exactly one block with a valid checksum, or it has more than `max_output` bytes; no block has more than 46 MB.
    /// `out` is then unspecified.
    pub fn decode(&mut self, bytes: &[u8], start: u64, end: u64, max_output: usize, out: &mut Vec<u8>) -> Result<(), NotDecoded> {
        let crc = self.decode_to_runs(bytes, start, end).ok_or(NotDecoded::NoBlock)?;
        decode_runs(&self.block, max_output, out)?;
        if crc32(out) == crc { Ok(()) } else { Err(NotDecoded::NoBlock) }
    }

    /// Decodes all but the last run lengths into `self.block`. Returns the checksum that the block states.
    fn decode_to_runs(&mut self, bytes: &[u8], start: u64, end: u64) -> Option<u32> {
        let mut bits = BitReader::at(bytes, start);
        if u64::from(bits.take(24)) << 24 | u64::from(bits.take(24)) != BLOCK_MAGIC {
            return None;
        }
        let crc = bits.take(32);
        let randomised = bits.take(1) == 1;
        let origin = bits.take(24) as usize;
        let (list, count) = read_used_bytes(&mut bits);
        if count == 0 {
            return None;
        }
        self.read_codes(&mut bits, count + 2)?;
        let (found, stopped) = self.read_runs(bits, list, count as u32 + 1)?;
        if stopped != end {
            return None;
        }
        let runs = &self.runs[..found];
        let mut counts = [0u32; 256];
        let mut total = 0u32;
        for run in runs {
            counts[(run & 0xff) as usize] += run >> 8;
            total += run >> 8;
            if total > MAX_BLOCK {
                return None;
            }
        }
        let runs = runs.iter().map(|run| ByteRun { byte: *run as u8, length: (run >> 8) as usize });
        self.inverse_bwt.invert(runs, &counts, origin, &mut self.block)?;
        if randomised {
            derandomize(&mut self.block);
        }
        Some(crc)
    }

    /// Reads the selectors of the groups and the Huffman codes.
    fn read_codes(&mut self, bits: &mut BitReader<'_>, symbols: usize) -> Option<()> {
        let codes = bits.take(3) as usize;
        let groups = bits.take(15) as usize;
        if !(2..=MAX_CODES).contains(&codes) || groups == 0 {
            return None;
        }
        self.selectors.clear();
        // Selectors are move-to-front coded too.
        let mut list: [u8; MAX_CODES] = std::array::from_fn(|code| code as u8);
        for _ in 0..groups {
            let mut index = 0;
            while bits.take(1) == 1 {
                index += 1;
                if index == codes {
                    return None;
                }
            }
            list[..=index].rotate_right(1);
            if self.selectors.len() < MAX_GROUPS {
                self.selectors.push(list[0]);
            }
        }
        self.codes[..codes].iter_mut().try_for_each(|code| code.read_code(bits, symbols))
    }

    /// Reads the symbols up to `end_symbol` into `self.runs`. Returns the number of runs and the bit after the last symbol.
    fn read_runs(&mut self, mut bits: BitReader<'_>, list: [u8; 256], end_symbol: u32) -> Option<(usize, u64)> {
        let (mut front, mut rest) = split_list(list);
        let mut written = 0;
        // The first run is empty unless the block begins with a run of the first byte of the list.
        let mut run = u32::from(list[0]);
        let mut shift = 0;
        for selector in &self.selectors {
            let code = &self.codes[usize::from(*selector)];
            let slots = self.runs.get_mut(written..written + GROUP + 1)?;
            let mut at = 0;
            // A refill holds two symbols of any length.
            for pair in 0..GROUP {
                if pair % 2 == 0 {
                    bits.refill();
                }
                let (symbol, length) = code.decode(bits.peek())?;
                bits.skip(length);
                if symbol >= end_symbol {
                    slots[at] = run;
                    return Some((written + at + 1, bits.position()));
                }
                front = move_to_front(front, &mut rest, symbol.saturating_sub(1));
                slots[at] = run;
                // Symbols 0 and 1 are the digits of a run length in bijective base 2. Whether one follows is unpredictable, so this
                // avoids a branch.
                let ends = u32::from(symbol > 1);
                at += ends as usize;
                let more = ends.wrapping_sub(1);
                run = (run.wrapping_add((symbol + 1) << (shift + 8)) & more) | (((front & 0xff) as u32 | 1 << 8) & !more);
                shift = (shift + 1) & more;
                if shift > MAX_SHIFT {
                    return None;
                }
            }
            written += at;
        }
        None
    }
}

/// Reads which byte values occur in the block, as a bitmap of 16 rows. Returns them in ascending order with their number.
fn read_used_bytes(bits: &mut BitReader<'_>) -> ([u8; 256], usize) {
    let mut bytes = [0; 256];
    let mut count = 0;
    let rows = bits.take(16);
    for row in (0..16u8).filter(|row| rows >> (15 - row) & 1 == 1) {
        let columns = bits.take(16);
        for column in (0..16u8).filter(|column| columns >> (15 - column) & 1 == 1) {
            bytes[count] = row * 16 + column;
            count += 1;
        }
    }
    (bytes, count)
}

const _: () = assert!(MAX_SYMBOLS == 256 + 2);
