//! Splits a bzip2 file at the magic numbers of blocks and stream ends, which may begin at any bit.

use std::io::{self, Read};

use super::bit_reader::read_48_bits;
use super::format::{BLOCK_MAGIC, MAGIC_BITS, STREAM_END_MAGIC};

/// Upper limit for a compressed block in bytes: 900 kB of incompressible data take little more.
const MAX_CANDIDATE: usize = 4 << 20;
/// Number of bytes read at a time.
const READ_SIZE: usize = 1 << 18;

/// The bits of a file from one magic number to the next: a block, the end of a stream, or, if the magic number occurs inside a block,
/// part of one.
#[derive(Clone)]
pub(super) struct BlockCandidate {
    /// The bytes that hold these bits.
    pub bytes: Vec<u8>,
    /// Offset of the first bit in the file.
    pub start: u64,
    /// Offset in the file of the bit after the last one.
    pub end: u64,
}

impl BlockCandidate {
    /// Number of bits.
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// The first bit in `bytes`, and the one after the last.
    pub fn range(&self) -> (u64, u64) {
        (self.start % 8, self.start % 8 + self.length())
    }

    /// The first 48 bits: the magic number.
    pub fn magic(&self) -> u64 {
        read_48_bits(&self.bytes, self.start % 8)
    }

    /// The 32 bits at an offset from the first bit.
    pub fn word(&self, at: u64) -> u32 {
        (read_48_bits(&self.bytes, self.start % 8 + at) >> 16) as u32
    }

    /// Appends the candidate that follows in the file.
    pub fn append(&mut self, next: &Self) {
        // If the two share a byte, both hold it.
        self.bytes.extend_from_slice(&next.bytes[usize::from(!next.start.is_multiple_of(8))..]);
        self.end = next.end;
    }
}

/// An error at a bit of the file.
pub(super) fn corrupt(what: &str, bit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("corrupt bzip2: {what} at byte {} of the file", bit / 8))
}

/// Calls `consume` with each candidate of a file, in order, until it returns `false`.
///
/// `reader` begins with the header of the file, or, if `first_block` is the first bit of a block, with the byte that holds this bit.
///
/// Memory: two candidates, at most 8 MiB.
///
/// # Errors
/// The reader's errors, and a file in which no block begins after the header or within [`MAX_CANDIDATE`] bytes.
pub(super) fn for_each_candidate(
    mut reader: impl Read,
    first_block: Option<u64>,
    mut consume: impl FnMut(BlockCandidate) -> bool,
) -> io::Result<()> {
    let finder = MagicFinder::new();
    // The bytes from the start of the current candidate on, and their offset in the file.
    let mut bytes: Vec<u8> = Vec::new();
    let mut buffer_offset = first_block.map_or(0, |bit| bit / 8);
    let candidate = |bytes: &[u8], start: u64, end: u64, buffer_offset: u64| BlockCandidate {
        bytes: bytes[(start / 8) as usize..end.div_ceil(8) as usize].to_vec(),
        start: buffer_offset * 8 + start,
        end: buffer_offset * 8 + end,
    };
    // The bit of `bytes` at which the candidate begins. Before the first one is the header of the file.
    let mut start = 0u64;
    let mut in_header = true;
    let mut searched = 0;
    loop {
        let length = bytes.len();
        bytes.resize(length + READ_SIZE, 0);
        let read = match reader.read(&mut bytes[length..]) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                bytes.truncate(length);
                continue;
            }
            Err(error) => return Err(error),
        };
        bytes.truncate(length + read);
        while let Some(at) = finder.find(&bytes, searched) {
            if in_header {
                if at != first_block.map_or(32, |bit| bit % 8) {
                    return Err(corrupt("no block", buffer_offset * 8));
                }
                in_header = false;
            } else if !consume(candidate(&bytes, start, at, buffer_offset)) {
                return Ok(());
            }
            start = at;
            // A candidate is longer than its magic number.
            searched = (at / 8) as usize + 5;
        }
        if read == 0 {
            if in_header {
                return Err(corrupt("no block", buffer_offset * 8));
            }
            consume(candidate(&bytes, start, bytes.len() as u64 * 8, buffer_offset));
            return Ok(());
        }
        // A magic number may continue in the next read.
        searched = searched.max(bytes.len().saturating_sub(8));
        let done = (start / 8) as usize;
        if done > 0 && done >= bytes.len() / 2 {
            bytes.drain(..done);
            (start, searched, buffer_offset) = (start % 8, searched - done, buffer_offset + done as u64);
        }
        if bytes.len() - (start / 8) as usize > MAX_CANDIDATE {
            return Err(corrupt("no end of the block that begins", buffer_offset * 8 + start));
        }
    }
}

/// Finds the two magic numbers at any bit.
///
/// Wherever a magic number begins, it covers at least five whole bytes, and so both bytes of a pair that begins at a multiple of four. A
/// table tells which pairs lie in a magic number: one in a thousand of all, for which the bits around are compared.
struct MagicFinder {
    /// By pair of bytes, as a little-endian number: whether it lies in a magic number.
    pairs: Box<[bool; 1 << 16]>,
}

/// Distance of the pairs that are looked at.
const STRIDE: usize = 4;

impl MagicFinder {
    fn new() -> Self {
        let mut pairs = Box::new([false; 1 << 16]);
        for magic in [BLOCK_MAGIC, STREAM_END_MAGIC] {
            for first_bit in 0..=MAGIC_BITS - 16 {
                let pair = (magic >> (MAGIC_BITS - 16 - first_bit)) as u16;
                pairs[usize::from(pair.swap_bytes())] = true;
            }
        }
        Self { pairs }
    }

    /// The first bit from byte `from` on at which a complete magic number begins.
    fn find(&self, bytes: &[u8], from: usize) -> Option<u64> {
        let first_bit = from as u64 * 8;
        let bits = bytes.len() as u64 * 8;
        let pairs = bytes.get(from..).unwrap_or_default().chunks_exact(STRIDE);
        for (number, four) in pairs.enumerate() {
            if self.pairs[usize::from(u16::from_le_bytes([four[0], four[1]]))] {
                let pair = first_bit + (number * STRIDE * 8) as u64;
                // The magic number may begin before `from`, but it is asked for those that begin behind it.
                let starts = pair.saturating_sub(MAGIC_BITS - 16).max(first_bit)..=pair;
                if let Some(found) = starts.into_iter().find(|&at| at + MAGIC_BITS <= bits && is_magic(read_48_bits(bytes, at))) {
                    return Some(found);
                }
            }
        }
        // The last pair may be cut off.
        let last = bits.saturating_sub(MAGIC_BITS + STRIDE as u64 * 8).max(first_bit);
        (last..(bits + 1).saturating_sub(MAGIC_BITS)).find(|&at| is_magic(read_48_bits(bytes, at)))
    }
}

fn is_magic(bits: u64) -> bool {
    bits == BLOCK_MAGIC || bits == STREAM_END_MAGIC
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Concatenates numbers of the given lengths in bits.
    fn bits(numbers: &[(u64, u32)]) -> Vec<u8> {
        let ones: Vec<bool> = numbers.iter().flat_map(|&(number, count)| (0..count).rev().map(move |at| number >> at & 1 == 1)).collect();
        ones.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |all, (at, &one)| all | u8::from(one) << (7 - at))).collect()
    }

    #[test]
    fn magic_numbers_are_found_at_any_bit_and_from_any_byte() {
        let finder = MagicFinder::new();
        for shift in 0..40 {
            for filler in [0, 0xff_ffff, 0x31_4159, 0x59_3141] {
                let magic = if shift % 2 == 0 { BLOCK_MAGIC } else { STREAM_END_MAGIC };
                let bytes = bits(&[(filler, 24), (0, shift), (magic, 48), (filler, 13)]);
                let naive = |from: usize| (from as u64 * 8..=bytes.len() as u64 * 8 - 48).find(|&at| is_magic(read_48_bits(&bytes, at)));
                assert_eq!(naive(0), Some(24 + u64::from(shift)));
                for from in 0..bytes.len() - 6 {
                    assert_eq!(finder.find(&bytes, from), naive(from), "{shift} {filler:x} {from}");
                }
                for cut in 0..bytes.len() {
                    let whole = cut as u64 * 8 >= 24 + u64::from(shift) + 48;
                    assert_eq!(finder.find(&bytes[..cut], 0).is_some(), whole, "{shift} {filler:x} {cut}");
                }
            }
        }
    }

    #[test]
    fn candidates_are_found_at_any_bit_and_joined() {
        let finder = MagicFinder::new();
        for shift in 0..40 {
            let numbers = [(0x2a_aaaa_aaaa, shift), (BLOCK_MAGIC, 48), (0xdead_beef, 32), (STREAM_END_MAGIC, 48), (0x1234, 17)];
            let bytes = bits(&numbers);
            let first = u64::from(shift);
            assert_eq!(finder.find(&bytes, 0), Some(first), "{shift}");
            assert_eq!(finder.find(&bytes, (shift / 8 + 5) as usize), Some(first + 80));
            let mut file = b"BZh9".to_vec();
            file.extend(bits(&[(BLOCK_MAGIC, 48), (7, shift)].iter().chain(&numbers[1..]).copied().collect::<Vec<_>>()));
            let mut candidates = Vec::new();
            for_each_candidate(file.as_slice(), None, |candidate| {
                candidates.push(candidate);
                true
            })
            .unwrap();
            let starts: Vec<u64> = candidates.iter().map(|candidate| candidate.start).collect();
            assert_eq!(starts, [32, 80 + first, 160 + first], "{shift}");
            assert_eq!(candidates[1].word(48), 0xdead_beef);
            assert_eq!((candidates[1].length(), candidates[1].magic()), (80, BLOCK_MAGIC));
            let mut joined = candidates[0].clone();
            joined.append(&candidates[1]);
            joined.append(&candidates[2]);
            assert!(joined.bytes == file[4..] && joined.start == 32 && joined.end == file.len() as u64 * 8);
            assert_eq!(joined.word(48 + first + 48), 0xdead_beef);
        }
    }
}
