//! One block to the bytes it was made of.

use super::bits::BitReader;
use super::crc::checksum;
use super::huffman::{Code, MAX_SYMBOLS};
use super::transform::{Inverse, Run};
use super::{BLOCK, random, runs};

/// Largest block, before runs are expanded.
const MAX_BLOCK: u32 = 900_000;
/// Symbols that share a code.
const GROUP: usize = 50;
const MAX_CODES: usize = 6;
/// Groups of the largest block; more may be announced, and are never reached.
const MAX_GROUPS: usize = MAX_BLOCK as usize / GROUP + 2;
/// The highest power of two in the length of a run.
const MAX_SHIFT: u32 = 20;

/// Decodes blocks, one after the other, in buffers that it keeps: 12 MB, and what a block expands to.
pub struct Decoder {
    codes: Vec<Code>,
    groups: Vec<u8>,
    /// The block after Huffman's code and moving to the front: from the eighth bit on how often, below it which byte.
    runs: Vec<u32>,
    inverse: Inverse,
    block: Vec<u8>,
}

impl Default for Decoder {
    fn default() -> Self {
        Self {
            codes: (0..MAX_CODES).map(|_| Code::new()).collect(),
            groups: Vec::with_capacity(MAX_GROUPS),
            runs: vec![0; MAX_GROUPS * GROUP + 1],
            inverse: Inverse::new(),
            block: Vec::new(),
        }
    }
}

impl Decoder {
    /// Decodes the block that takes the bits from `start` to `end`, its magic number with them. Nothing if that is not one whole block with the
    /// right checksum.
    pub fn decode(&mut self, bytes: &[u8], start: u64, end: u64, out: &mut Vec<u8>) -> Option<()> {
        let mut bits = BitReader::at(bytes, start);
        if u64::from(bits.take(24)) << 24 | u64::from(bits.take(24)) != BLOCK {
            return None;
        }
        let crc = bits.take(32);
        let randomised = bits.take(1) == 1;
        let origin = bits.take(24) as usize;
        let (front, count) = read_bytes(&mut bits);
        if count == 0 {
            return None;
        }
        self.read_codes(&mut bits, count + 2)?;
        let (found, stopped) = self.read_runs(bits, front, count as u32 + 1)?;
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
        let runs = runs.iter().map(|run| Run { byte: *run as u8, length: (run >> 8) as usize });
        self.inverse.run(runs, &counts, origin, &mut self.block)?;
        if randomised {
            random::restore(&mut self.block);
        }
        runs::expand(&self.block, out)?;
        (checksum(out) == crc).then_some(())
    }

    /// The codes, and which of them each group of symbols is written in.
    fn read_codes(&mut self, bits: &mut BitReader<'_>, symbols: usize) -> Option<()> {
        let codes = bits.take(3) as usize;
        let groups = bits.take(15) as usize;
        if !(2..=MAX_CODES).contains(&codes) || groups == 0 {
            return None;
        }
        self.groups.clear();
        let mut recent: [u8; MAX_CODES] = std::array::from_fn(|code| code as u8);
        for _ in 0..groups {
            let mut place = 0;
            while bits.take(1) == 1 {
                place += 1;
                if place == codes {
                    return None;
                }
            }
            recent[..=place].rotate_right(1);
            if self.groups.len() < MAX_GROUPS {
                self.groups.push(recent[0]);
            }
        }
        self.codes[..codes].iter_mut().try_for_each(|code| code.read(bits, symbols))
    }

    /// The symbols up to the one for the end. Says how many runs they are, and where they end.
    fn read_runs(&mut self, mut bits: BitReader<'_>, bytes: [u8; 256], end: u32) -> Option<(usize, u64)> {
        let (mut front, mut rest) = split(bytes);
        let mut written = 0;
        // The first is empty if the block does not begin with one of the byte that is in front.
        let mut run = u32::from(bytes[0]);
        let mut shift = 0;
        for group in &self.groups {
            let code = &self.codes[usize::from(*group)];
            let slots = self.runs.get_mut(written..written + GROUP + 1)?;
            let mut at = 0;
            // What is read at once holds two symbols of any length.
            for pair in 0..GROUP {
                if pair % 2 == 0 {
                    bits.refill();
                }
                let (symbol, length) = code.symbol(bits.peek())?;
                bits.skip(length);
                if symbol >= end {
                    slots[at] = run;
                    return Some((written + at + 1, bits.bit()));
                }
                front = to_front(front, &mut rest, symbol.saturating_sub(1));
                slots[at] = run;
                // Whether the run goes on is as good as random: no branch is taken by it.
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

/// Which bytes the block has, in order, and how many.
fn read_bytes(bits: &mut BitReader<'_>) -> ([u8; 256], usize) {
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

/// Bytes in the order in which they were last met: the first eight, the very first lowest, and the rest.
fn split(bytes: [u8; 256]) -> (u64, [u8; 256]) {
    let mut rest = [0; 256];
    rest[..248].copy_from_slice(&bytes[8..]);
    (bytes[..8].iter().rev().fold(0, |front, &byte| front << 8 | u64::from(byte)), rest)
}

/// Moves the byte at a place to the front.
#[inline(always)]
fn to_front(front: u64, rest: &mut [u8; 256], place: u32) -> u64 {
    if place < 8 {
        let shift = place * 8;
        let byte = front >> shift & 0xff;
        // Those before it move up by one; those after it stay.
        let before = front & ((1 << shift) - 1);
        let after = (front >> shift >> 8) << shift << 8;
        after | before << 8 | byte
    } else {
        let place = (place as usize - 8) % 256;
        let byte = rest[place];
        rest.copy_within(..place, 1);
        rest[0] = (front >> 56) as u8;
        front << 8 | u64::from(byte)
    }
}

const _: () = assert!(MAX_SYMBOLS == 256 + 2);
