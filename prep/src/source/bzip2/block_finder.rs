//! Cuts a file at the magic numbers.

use std::io::{self, Read};

use aho_corasick::{AhoCorasick, Input};

use super::bits::bits_at;
use super::{BLOCK, END, MAGIC_BITS};

/// No block is longer than this when compressed: 900 kB that do not compress take little more.
const MAX_PIECE: usize = 4 << 20;
const READ: usize = 1 << 18;

/// Bits of a file, from one magic number to the next.
#[derive(Clone)]
pub(super) struct Bits {
    /// From the byte that holds the first of them to the one that holds the last.
    pub bytes: Vec<u8>,
    /// The first one, by its place in the file.
    pub start: u64,
    /// Behind the last one.
    pub end: u64,
}

impl Bits {
    /// How many they are.
    pub fn length(&self) -> u64 {
        self.end - self.start
    }

    /// Where they begin and end in `bytes`.
    pub fn range(&self) -> (u64, u64) {
        (self.start % 8, self.start % 8 + self.length())
    }

    /// The magic number, or whatever 48 bits there are.
    pub fn magic(&self) -> u64 {
        bits_at(&self.bytes, self.start % 8)
    }

    /// 32 bits.
    pub fn word(&self, at: u64) -> u32 {
        (bits_at(&self.bytes, self.start % 8 + at) >> 16) as u32
    }

    /// Appends what follows in the file.
    pub fn append(&mut self, next: &Self) {
        // A byte that both have a part of is in both.
        self.bytes.extend_from_slice(&next.bytes[usize::from(!next.start.is_multiple_of(8))..]);
        self.end = next.end;
    }
}

pub(super) fn corrupt(what: &str, bit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("corrupt bzip2: {what} at byte {} of the file", bit / 8))
}

/// Calls `piece` with each piece of a file, in order, until it says that nobody wants more. `reader` begins with the header of the file, or,
/// where `block` is a block's first bit, with the byte that holds it.
pub(super) fn cut(mut reader: impl Read, block: Option<u64>, mut piece: impl FnMut(Bits) -> bool) -> io::Result<()> {
    let finder = Finder::new();
    // Bytes from that of the piece's first bit on, and where they lie in the file.
    let mut bytes: Vec<u8> = Vec::new();
    let mut before = block.map_or(0, |bit| bit / 8);
    let cut_out = |bytes: &[u8], start: u64, end: u64, before: u64| Bits {
        bytes: bytes[(start / 8) as usize..end.div_ceil(8) as usize].to_vec(),
        start: before * 8 + start,
        end: before * 8 + end,
    };
    // Bit in `bytes` at which the piece begins. The first is the header, which no magic number begins.
    let mut start = 0u64;
    let mut head = true;
    let mut searched = 0;
    loop {
        let length = bytes.len();
        bytes.resize(length + READ, 0);
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
            if head {
                if at != block.map_or(32, |bit| bit % 8) {
                    return Err(corrupt("no block", before * 8));
                }
                head = false;
            } else if !piece(cut_out(&bytes, start, at, before)) {
                return Ok(());
            }
            start = at;
            // The shortest piece is longer than its magic number.
            searched = (at / 8) as usize + 5;
        }
        if read == 0 {
            if head {
                return Err(corrupt("no block", before * 8));
            }
            piece(cut_out(&bytes, start, bytes.len() as u64 * 8, before));
            return Ok(());
        }
        // A magic number may lie across the border.
        searched = searched.max(bytes.len().saturating_sub(8));
        let done = (start / 8) as usize;
        if done > 0 && done >= bytes.len() / 2 {
            bytes.drain(..done);
            (start, searched, before) = (start % 8, searched - done, before + done as u64);
        }
        if bytes.len() - (start / 8) as usize > MAX_PIECE {
            return Err(corrupt("no end of the block that begins", before * 8 + start));
        }
    }
}

/// Finds the two magic numbers at any bit.
struct Finder {
    /// The whole bytes in a magic number that begins at each bit of a byte.
    bytes: AhoCorasick,
}

impl Finder {
    fn new() -> Self {
        let whole = |magic: u64, shift: u32| {
            let spread = (magic << (8 - shift)).to_be_bytes();
            if shift == 0 { spread[1..7].to_vec() } else { spread[2..7].to_vec() }
        };
        let patterns = [BLOCK, END].into_iter().flat_map(|magic| (0..8).map(move |shift| whole(magic, shift)));
        Self { bytes: AhoCorasick::new(patterns).expect("sixteen short patterns") }
    }

    /// The first bit at or after a byte at which a magic number begins, as far as all of it is there.
    fn find(&self, bytes: &[u8], from: usize) -> Option<u64> {
        let mut from = from;
        while let Some(found) = self.bytes.find(Input::new(bytes).span(from..bytes.len())) {
            let shift = (found.pattern().as_usize() % 8) as u64;
            let at = if shift == 0 { Some(found.start() as u64 * 8) } else { (found.start() as u64 * 8).checked_sub(8 - shift) };
            if let Some(at) = at.filter(|at| at + MAGIC_BITS <= bytes.len() as u64 * 8) {
                let magic = bits_at(bytes, at);
                if magic == BLOCK || magic == END {
                    return Some(at);
                }
            }
            from = found.start() + 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of so many bits each, one after the other.
    fn bits(numbers: &[(u64, u32)]) -> Vec<u8> {
        let ones: Vec<bool> = numbers.iter().flat_map(|&(number, count)| (0..count).rev().map(move |at| number >> at & 1 == 1)).collect();
        ones.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |all, (at, &one)| all | u8::from(one) << (7 - at))).collect()
    }

    #[test]
    fn pieces_are_cut_at_any_bit_and_joined() {
        let finder = Finder::new();
        for shift in 0..40 {
            let numbers = [(0x2a_aaaa_aaaa, shift), (BLOCK, 48), (0xdead_beef, 32), (END, 48), (0x1234, 17)];
            let bytes = bits(&numbers);
            let first = u64::from(shift);
            assert_eq!(finder.find(&bytes, 0), Some(first), "{shift}");
            assert_eq!(finder.find(&bytes, (shift / 8 + 5) as usize), Some(first + 80));
            let mut file = b"BZh9".to_vec();
            file.extend(bits(&[(BLOCK, 48), (7, shift)].iter().chain(&numbers[1..]).copied().collect::<Vec<_>>()));
            let mut pieces = Vec::new();
            cut(file.as_slice(), None, |piece| {
                pieces.push(piece);
                true
            })
            .unwrap();
            let starts: Vec<u64> = pieces.iter().map(|piece| piece.start).collect();
            assert_eq!(starts, [32, 80 + first, 160 + first], "{shift}");
            assert_eq!(pieces[1].word(48), 0xdead_beef);
            assert_eq!((pieces[1].length(), pieces[1].magic()), (80, BLOCK));
            let mut joined = pieces[0].clone();
            joined.append(&pieces[1]);
            joined.append(&pieces[2]);
            assert!(joined.bytes == file[4..] && joined.start == 32 && joined.end == file.len() as u64 * 8);
            assert_eq!(joined.word(48 + first + 48), 0xdead_beef);
        }
    }
}
