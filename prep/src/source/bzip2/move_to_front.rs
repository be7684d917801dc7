//! The move-to-front list: bytes in the order of their last use.
//!
//! Most symbols refer to the first few bytes, so the first eight are kept in one register. The list is two variables of the caller instead
//! of one struct, because the compiler would keep a struct with an indexed array in memory.

/// The first eight bytes of the list, the first one lowest, and the other bytes.
pub(super) fn split_list(bytes: [u8; 256]) -> (u64, [u8; 256]) {
    let mut rest = [0; 256];
    rest[..248].copy_from_slice(&bytes[8..]);
    (bytes[..8].iter().rev().fold(0, |front, &byte| front << 8 | u64::from(byte)), rest)
}

/// Moves the byte at an index to the front, and returns the new first eight bytes.
#[inline(always)]
pub(super) fn move_to_front(front: u64, rest: &mut [u8; 256], index: u32) -> u64 {
    if index < 8 {
        let shift = index * 8;
        replace(front, shift, front >> shift & 0xff)
    } else {
        let index = (index as usize - 8) % 256;
        let byte = rest[index];
        // Word by word: the distance is unpredictable and short, so a call of `memmove` costs more.
        let (words, _) = rest.as_chunks_mut::<8>();
        let mut carry = front >> 56;
        for word in &mut words[..index / 8] {
            let value = u64::from_le_bytes(*word);
            *word = (value << 8 | carry).to_le_bytes();
            carry = value >> 56;
        }
        let last = &mut words[index / 8];
        *last = replace(u64::from_le_bytes(*last), (index % 8) as u32 * 8, carry).to_le_bytes();
        front << 8 | u64::from(byte)
    }
}

/// Removes the byte at a bit offset from a word and inserts another one before the first. The bytes after the offset stay.
#[inline(always)]
fn replace(word: u64, shift: u32, first: u64) -> u64 {
    let before = word & ((1 << shift) - 1);
    let after = (word >> shift >> 8) << shift << 8;
    after | before << 8 | first
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_move_to_the_front_from_any_index() {
        let mut expected: Vec<u8> = (0..=255).collect();
        let (mut front, mut rest) = split_list(std::array::from_fn(|index| index as u8));
        for index in (0..256).map(|step| step * 37 % 256) {
            let byte = expected.remove(index);
            expected.insert(0, byte);
            front = move_to_front(front, &mut rest, index as u32);
            assert_eq!(front.to_le_bytes(), expected[..8], "{index}");
            assert_eq!(rest[..248], expected[8..], "{index}");
        }
    }
}
