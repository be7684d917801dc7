//! The first and last step of bzip2: four equal bytes are followed by how many more there are.

/// Undoes it. Nothing where the block ends between the fourth byte and the number.
pub(super) fn expand(block: &[u8], out: &mut Vec<u8>) -> Option<()> {
    out.clear();
    out.reserve(block.len() + 256);
    let mut rest = block;
    while let Some(at) = four_equal(rest) {
        let (&more, after) = rest[at + 4..].split_first()?;
        out.extend_from_slice(&rest[..at + 4]);
        out.resize(out.len() + usize::from(more), rest[at]);
        rest = after;
    }
    out.extend_from_slice(rest);
    Some(())
}

/// Where four equal bytes stand first.
fn four_equal(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    // Of eight bytes the five first places are looked at together.
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let same = word ^ (word >> 8);
        // A byte of `differ` is zero where four are equal; the highest three bytes have no three after them.
        let differ = same | (same >> 8) | (same >> 16) | (0xff_ffff << 40);
        let zero = differ.wrapping_sub(ONES) & !differ & (ONES << 7);
        if zero != 0 {
            return Some(at + (zero.trailing_zeros() / 8) as usize);
        }
        at += 5;
    }
    (at..bytes.len().saturating_sub(3)).find(|&at| bytes[at + 1..at + 4].iter().all(|&byte| byte == bytes[at]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_found_wherever_they_stand() {
        for length in 4..30 {
            for at in 0..=length - 4 {
                let mut bytes: Vec<u8> = (0..length as u8).collect();
                bytes[at..at + 4].fill(200);
                assert_eq!(four_equal(&bytes), Some(at), "{length}");
                bytes[at + 2] = 0;
                assert_eq!(four_equal(&bytes), None, "{length}");
            }
        }
    }

    #[test]
    fn runs_are_expanded() {
        for (block, expected) in [
            (&b"abc"[..], Some("abc")),
            (b"aaaa\0", Some("aaaa")),
            (b"xaaaa\x02aaaa\x01b", Some("xaaaaaaaaaaab")),
            (b"aaaa\x04aaaa", None),
            (b"\x01\x01\x01\x01\x01b", Some("\x01\x01\x01\x01\x01b")),
            (b"", Some("")),
        ] {
            let mut out = Vec::new();
            let done = expand(block, &mut out);
            assert_eq!(done.map(|()| out.as_slice()), expected.map(str::as_bytes));
        }
    }
}
