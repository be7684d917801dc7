//! The run-length code that bzip2 applies first and undoes last: four equal bytes are followed by the number of further ones.

use super::not_decoded::NotDecoded;

/// Decodes the runs of a block into `out`.
///
/// # Errors
/// The block ends between the fourth byte of a run and the number, or `out` has more than `max_output` bytes.
pub(super) fn decode_runs(block: &[u8], max_output: usize, out: &mut Vec<u8>) -> Result<(), NotDecoded> {
    out.clear();
    out.reserve(block.len() + 256);
    let mut rest = block;
    while let Some(at) = find_four_equal(rest) {
        let (&more, after) = rest[at + 4..].split_first().ok_or(NotDecoded::NoBlock)?;
        out.extend_from_slice(&rest[..at + 4]);
        out.resize(out.len() + usize::from(more), rest[at]);
        if out.len() > max_output {
            return Err(NotDecoded::TooLarge);
        }
        rest = after;
    }
    out.extend_from_slice(rest);
    if out.len() <= max_output { Ok(()) } else { Err(NotDecoded::TooLarge) }
}

/// Index of the first four equal bytes.
fn find_four_equal(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut at = 0;
    // Eight bytes hold five candidate positions, which are tested together.
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*eight);
        let same = word ^ (word >> 8);
        // A byte of `differ` is zero where four bytes are equal. The highest three have fewer than three bytes after them.
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
    fn runs_are_found_at_any_index() {
        for length in 4..30 {
            for at in 0..=length - 4 {
                let mut bytes: Vec<u8> = (0..length as u8).collect();
                bytes[at..at + 4].fill(200);
                assert_eq!(find_four_equal(&bytes), Some(at), "{length}");
                bytes[at + 2] = 0;
                assert_eq!(find_four_equal(&bytes), None, "{length}");
            }
        }
    }

    #[test]
    fn runs_are_decoded() {
        for (block, expected) in [
            (&b"abc"[..], Some("abc")),
            (b"aaaa\0", Some("aaaa")),
            (b"xaaaa\x02aaaa\x01b", Some("xaaaaaaaaaaab")),
            (b"aaaa\x04aaaa", None),
            (b"\x01\x01\x01\x01\x01b", Some("\x01\x01\x01\x01\x01b")),
            (b"", Some("")),
        ] {
            let mut out = Vec::new();
            let done = decode_runs(block, 99, &mut out);
            assert_eq!(done.map(|()| out.as_slice()), expected.map(str::as_bytes).ok_or(NotDecoded::NoBlock));
        }
        for (block, max_output) in [(&b"aaaa\x04b"[..], 8), (b"abc", 2)] {
            assert_eq!(decode_runs(block, max_output, &mut Vec::new()), Err(NotDecoded::TooLarge));
            assert_eq!(decode_runs(block, max_output + 1, &mut Vec::new()), Ok(()));
        }
    }
}
