//! One of a block's prefix codes.

use super::bits::BitReader;

/// Longest code of a symbol.
const MAX_LENGTH: usize = 20;
/// Bits that are looked up at once.
const FAST: u32 = 10;
/// The most symbols there can be: a place for each byte but one, two for runs and one for the end.
pub(super) const MAX_SYMBOLS: usize = 258;

/// A table of all codes by their first bits, and the limits of the longer ones.
pub(super) struct Code {
    /// By the next [`FAST`] bits: the symbol, times 32, and its length; length 0 where the code is longer or none.
    fast: [u16; 1 << FAST],
    /// What the next [`MAX_LENGTH`] bits are less than where they begin with a code of that length or a shorter one.
    limits: [u64; MAX_LENGTH + 1],
    /// What is added to a code of that length to give its symbol's place in `symbols`.
    bases: [i32; MAX_LENGTH + 1],
    /// Ordered by code.
    symbols: [u16; MAX_SYMBOLS],
    count: usize,
}

impl Code {
    pub fn new() -> Self {
        Self { fast: [0; 1 << FAST], limits: [0; MAX_LENGTH + 1], bases: [0; MAX_LENGTH + 1], symbols: [0; MAX_SYMBOLS], count: 0 }
    }

    /// Reads the lengths of the codes of so many symbols, each as its difference to the one before. Nothing: no length is like that.
    pub fn read(&mut self, bits: &mut BitReader<'_>, symbols: usize) -> Option<()> {
        let mut lengths = [0u8; MAX_SYMBOLS];
        let mut length = bits.take(5);
        for slot in &mut lengths[..symbols] {
            loop {
                if !(1..=MAX_LENGTH as u32).contains(&length) {
                    return None;
                }
                match bits.take(1) {
                    0 => break,
                    _ if bits.take(1) == 0 => length += 1,
                    _ => length -= 1,
                }
            }
            *slot = length as u8;
        }
        self.set(&lengths[..symbols]);
        Some(())
    }

    /// Codes of a length follow each other in the order of their symbols, after those that are shorter. Lengths that leave some codes without a
    /// symbol, or more symbols than codes, are taken as they are: what comes of them is for the checksum to say.
    fn set(&mut self, lengths: &[u8]) {
        self.count = 0;
        self.fast.fill(0);
        let mut code = 0u64;
        for length in 1..=MAX_LENGTH {
            self.bases[length] = self.count as i32 - code as i32;
            for symbol in (0..lengths.len()).filter(|&symbol| usize::from(lengths[symbol]) == length) {
                self.symbols[self.count] = symbol as u16;
                self.count += 1;
                if length as u32 <= FAST {
                    let first = (code << (FAST - length as u32)) as usize;
                    let entry = (symbol as u16) << 5 | length as u16;
                    let slots = self.fast.get_mut(first..first + (1 << (FAST - length as u32)));
                    slots.into_iter().flatten().for_each(|slot| *slot = entry);
                }
                code += 1;
            }
            self.limits[length] = code << (MAX_LENGTH - length);
            code <<= 1;
        }
    }

    /// The symbol that the next bits begin with, [`MAX_LENGTH`] of them at most, and its length. Nothing: they are no code.
    #[inline(always)]
    pub fn symbol(&self, next: u64) -> Option<(u32, u32)> {
        let entry = u32::from(self.fast[(next >> (64 - FAST)) as usize]);
        if entry == 0 { self.long_symbol(next) } else { Some((entry >> 5, entry & 31)) }
    }

    #[cold]
    fn long_symbol(&self, next: u64) -> Option<(u32, u32)> {
        let next = next >> (64 - MAX_LENGTH);
        let length = (1..=MAX_LENGTH).find(|&length| next < self.limits[length])?;
        let code = (next >> (MAX_LENGTH - length)) as i32;
        let place = usize::try_from(code + self.bases[length]).ok()?;
        self.symbols[..self.count].get(place).map(|&symbol| (u32::from(symbol), length as u32))
    }
}
