//! Reads bits in bzip2's order: the first bit of a byte is its highest.

/// Reads bits from a bit offset on. Bits beyond the end of the bytes are 0.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'b> {
    bytes: &'b [u8],
    /// Index of the next byte that is not in `buffer`.
    next: usize,
    /// The next bits, left-aligned.
    buffer: u64,
    /// Number of valid bits in `buffer`.
    count: u32,
}

impl<'b> BitReader<'b> {
    /// A reader that starts at a bit offset.
    pub fn at(bytes: &'b [u8], bit: u64) -> Self {
        let mut reader = Self { bytes, next: usize::try_from(bit / 8).unwrap_or(usize::MAX), buffer: 0, count: 0 };
        reader.refill();
        reader.skip((bit % 8) as u32);
        reader
    }

    /// Fills the buffer to at least 56 bits.
    #[inline(always)]
    pub fn refill(&mut self) {
        let word = match self.bytes.get(self.next..).and_then(|rest| rest.first_chunk::<8>()) {
            Some(eight) => u64::from_be_bytes(*eight),
            None => last_bytes(self.bytes, self.next),
        };
        self.buffer |= word >> self.count;
        self.next += ((63 - self.count) / 8) as usize;
        self.count |= 56;
    }

    /// The next bits, left-aligned: at least 56 after [`refill`](Self::refill), less those skipped since.
    #[inline(always)]
    pub fn peek(&self) -> u64 {
        self.buffer
    }

    /// Skips bits that are in the buffer.
    #[inline(always)]
    pub fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// Reads 1 to 32 bits as a number.
    pub fn take(&mut self, bits: u32) -> u32 {
        self.refill();
        let value = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// Offset of the next bit.
    pub fn position(&self) -> u64 {
        self.next as u64 * 8 - u64::from(self.count)
    }
}

#[cold]
fn last_bytes(bytes: &[u8], from: usize) -> u64 {
    (0..8).fold(0, |word, at| word << 8 | u64::from(bytes.get(from.saturating_add(at)).copied().unwrap_or(0)))
}

/// The 48 bits at a bit offset. Bits beyond the end are 0.
pub(super) fn read_48_bits(bytes: &[u8], at: u64) -> u64 {
    BitReader::at(bytes, at).peek() >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_at_any_offset() {
        let bytes: Vec<u8> = (1..40u8).map(|byte| byte.wrapping_mul(91)).collect();
        let bit = |at: u64| bytes.get((at / 8) as usize).map_or(0, |byte| u32::from(byte >> (7 - at % 8) & 1));
        for start in 0..bytes.len() as u64 * 8 {
            let mut reader = BitReader::at(&bytes, start);
            let mut at = start;
            for length in [1, 5, 32, 20, 3, 17] {
                let expected = (at..at + u64::from(length)).fold(0u32, |value, at| value << 1 | bit(at));
                assert_eq!(reader.take(length), expected, "{length} bits at {at}");
                at += u64::from(length);
                assert_eq!(reader.position(), at);
            }
            assert_eq!(read_48_bits(&bytes, start), (start..start + 48).fold(0u64, |value, at| value << 1 | u64::from(bit(at))));
        }
    }
}
