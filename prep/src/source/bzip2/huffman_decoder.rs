//! One of the Huffman codes of a block.

use super::bit_reader::BitReader;

/// Longest codeword in bits.
const MAX_LENGTH: usize = 20;
/// Number of bits decoded by table look-up.
const TABLE_BITS: u32 = 10;
/// Largest alphabet: the positions 1 to 255 of the move-to-front list, two run symbols, and the end of the block.
pub(super) const MAX_SYMBOLS: usize = 258;

/// Decodes the symbols of one canonical Huffman code: short codewords by table, longer ones by their limits.
pub(super) struct HuffmanDecoder {
    /// By the next [`TABLE_BITS`] bits: the symbol times 32 plus the length of its codeword; 0 if the codeword is longer or invalid.
    table: [u16; 1 << TABLE_BITS],
    /// By length: the next [`MAX_LENGTH`] bits are less than this if they begin with a codeword of that length or a shorter one.
    limits: [u64; MAX_LENGTH + 1],
    /// By length: what is added to a codeword to give the index of its symbol in `symbols`.
    offsets: [i32; MAX_LENGTH + 1],
    /// Symbols in the order of their codewords.
    symbols: [u16; MAX_SYMBOLS],
    count: usize,
}

impl HuffmanDecoder {
    /// A decoder without codewords.
    pub fn new() -> Self {
        Self { table: [0; 1 << TABLE_BITS], limits: [0; MAX_LENGTH + 1], offsets: [0; MAX_LENGTH + 1], symbols: [0; MAX_SYMBOLS], count: 0 }
    }

    /// Reads the code of an alphabet: codeword lengths, each encoded as its difference to the one before. `None` if a length is invalid.
    pub fn read_code(&mut self, bits: &mut BitReader<'_>, symbols: usize) -> Option<()> {
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
        self.set_lengths(&lengths[..symbols]);
        Some(())
    }

    /// Assigns the canonical codewords: ascending by length, then by symbol. Incomplete and oversubscribed codes are accepted, as by the
    /// reference decoder; the checksum of the block decides.
    fn set_lengths(&mut self, lengths: &[u8]) {
        self.count = 0;
        self.table.fill(0);
        let mut code = 0u64;
        for length in 1..=MAX_LENGTH {
            self.offsets[length] = self.count as i32 - code as i32;
            for symbol in (0..lengths.len()).filter(|&symbol| usize::from(lengths[symbol]) == length) {
                self.symbols[self.count] = symbol as u16;
                self.count += 1;
                if length as u32 <= TABLE_BITS {
                    let first = (code << (TABLE_BITS - length as u32)) as usize;
                    let entry = (symbol as u16) << 5 | length as u16;
                    let slots = self.table.get_mut(first..first + (1 << (TABLE_BITS - length as u32)));
                    slots.into_iter().flatten().for_each(|slot| *slot = entry);
                }
                code += 1;
            }
            self.limits[length] = code << (MAX_LENGTH - length);
            code <<= 1;
        }
    }

    /// The symbol at the start of `next` (left-aligned bits), and the length of its codeword. `None` if the bits begin with no codeword.
    #[inline(always)]
    pub fn decode(&self, next: u64) -> Option<(u32, u32)> {
        let entry = u32::from(self.table[(next >> (64 - TABLE_BITS)) as usize]);
        if entry == 0 { self.decode_long(next) } else { Some((entry >> 5, entry & 31)) }
    }

    #[cold]
    fn decode_long(&self, next: u64) -> Option<(u32, u32)> {
        let next = next >> (64 - MAX_LENGTH);
        let length = (1..=MAX_LENGTH).find(|&length| next < self.limits[length])?;
        let code = (next >> (MAX_LENGTH - length)) as i32;
        let index = usize::try_from(code + self.offsets[length]).ok()?;
        self.symbols[..self.count].get(index).map(|&symbol| (u32::from(symbol), length as u32))
    }
}
