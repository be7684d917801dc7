//! `BlockDecoder`: for any bytes, it rejects them or returns what the `bzip2` crate returns.
#![no_main]

use std::io::Read;

use bzip2::read::BzDecoder;
use libfuzzer_sys::fuzz_target;
use prep::source::bzip2::BlockDecoder;

const BLOCK_MAGIC: [u8; 6] = [0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
const STREAM_END_MAGIC: u64 = 0x1772_4538_5090;

fuzz_target!(|data: &[u8]| {
    let block = [&BLOCK_MAGIC, data].concat();
    let mut out = Vec::new();
    // A block may end at any bit of the last byte.
    for end in (block.len() as u64 * 8).saturating_sub(7)..=block.len() as u64 * 8 {
        if BlockDecoder::default().decode(&block, 0, end, usize::MAX, &mut out).is_ok() {
            let crc = u32::from_be_bytes([block[6], block[7], block[8], block[9]]);
            let mut expected = Vec::new();
            BzDecoder::new(file_of(&block, end, crc).as_slice()).read_to_end(&mut expected).expect("a valid block");
            assert_eq!(out, expected);
        }
    }
});

/// A bzip2 file with this block only.
fn file_of(block: &[u8], end: u64, crc: u32) -> Vec<u8> {
    let bits = |value: u64, count: u32| (0..count).rev().map(move |at| value >> at & 1 == 1);
    let block = block.iter().flat_map(|&byte| bits(byte.into(), 8)).take(end as usize);
    let all: Vec<bool> = block.chain(bits(STREAM_END_MAGIC, 48)).chain(bits(crc.into(), 32)).collect();
    let bytes = all.chunks(8).map(|byte| byte.iter().enumerate().fold(0, |all, (at, &one)| all | u8::from(one) << (7 - at)));
    b"BZh9".iter().copied().chain(bytes).collect()
}
