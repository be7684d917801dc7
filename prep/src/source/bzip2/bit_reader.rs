//! Bits, the first one highest in its byte.

/// Reads bits from a place on; what lies beyond the end reads as 0.
#[derive(Clone, Copy)]
pub(super) struct BitReader<'b> {
    bytes: &'b [u8],
    /// The next byte that is not in `buffer`.
    next: usize,
    /// The next bits, from the highest on.
    buffer: u64,
    /// How many of them are sure to be there.
    count: u32,
}

impl<'b> BitReader<'b> {
    pub fn at(bytes: &'b [u8], bit: u64) -> Self {
        let mut reader = Self { bytes, next: usize::try_from(bit / 8).unwrap_or(usize::MAX), buffer: 0, count: 0 };
        reader.refill();
        reader.skip((bit % 8) as u32);
        reader
    }

    /// Makes sure that 56 bits are there.
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

    /// The next bits, highest first; as many as were there after [`refill`](Self::refill).
    #[inline(always)]
    pub fn peek(&self) -> u64 {
        self.buffer
    }

    /// Passes over bits that are there.
    #[inline(always)]
    pub fn skip(&mut self, bits: u32) {
        self.buffer <<= bits;
        self.count -= bits;
    }

    /// The next bits as a number: 1 to 32.
    pub fn take(&mut self, bits: u32) -> u32 {
        self.refill();
        let value = (self.buffer >> (64 - bits)) as u32;
        self.skip(bits);
        value
    }

    /// The place of the next bit.
    pub fn bit(&self) -> u64 {
        self.next as u64 * 8 - u64::from(self.count)
    }
}

#[cold]
fn last_bytes(bytes: &[u8], from: usize) -> u64 {
    (0..8).fold(0, |word, at| word << 8 | u64::from(bytes.get(from.saturating_add(at)).copied().unwrap_or(0)))
}

/// The 48 bits at a bit; what lies beyond the end is 0.
pub(super) fn bits_at(bytes: &[u8], at: u64) -> u64 {
    BitReader::at(bytes, at).peek() >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_wherever_they_are() {
        let bytes: Vec<u8> = (1..40u8).map(|byte| byte.wrapping_mul(91)).collect();
        let bit = |at: u64| bytes.get((at / 8) as usize).map_or(0, |byte| u32::from(byte >> (7 - at % 8) & 1));
        for start in 0..bytes.len() as u64 * 8 {
            let mut reader = BitReader::at(&bytes, start);
            let mut at = start;
            for length in [1, 5, 32, 20, 3, 17] {
                let expected = (at..at + u64::from(length)).fold(0u32, |value, at| value << 1 | bit(at));
                assert_eq!(reader.take(length), expected, "{length} bits at {at}");
                at += u64::from(length);
                assert_eq!(reader.bit(), at);
            }
            assert_eq!(bits_at(&bytes, start), (start..start + 48).fold(0u64, |value, at| value << 1 | u64::from(bit(at))));
        }
    }
}
