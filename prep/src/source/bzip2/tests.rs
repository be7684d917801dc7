//! Compares the decoder with the `bzip2` crate: the same bytes for valid files, an error for the same invalid ones.
#![allow(clippy::unwrap_used)]

use std::io::{self, Read, Write};

use ::bzip2::read::MultiBzDecoder;
use ::bzip2::write::BzEncoder;
use proptest::prelude::*;

use super::block_decoder::BlockDecoder;
use super::block_finder::for_each_candidate;
use super::crc32::crc32;
use super::derandomize::derandomize;
use super::format::{BLOCK_MAGIC, MAGIC_BITS};
use super::parallel_reader::Bzip2Reader;
use crate::source::chunk::ChunkBufReader;

fn compress(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), ::bzip2::Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn read_all(mut reader: impl Read) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    reader.read_to_end(&mut out).map(|_| out)
}

fn ours(file: &[u8]) -> io::Result<Vec<u8>> {
    read_all(ChunkBufReader::new(Bzip2Reader::new(io::Cursor::new(file.to_vec()), 1)))
}

fn theirs(file: &[u8]) -> io::Result<Vec<u8>> {
    read_all(MultiBzDecoder::new(file))
}

/// Bytes of the kinds that the format encodes differently: noise, few symbols, runs, repetitions, words.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..3000);
    let few = (1u8..5, proptest::collection::vec(any::<u8>(), 0..3000))
        .prop_map(|(count, bytes)| bytes.iter().map(|byte| byte % count).collect());
    let runs = proptest::collection::vec((any::<u8>(), 1usize..600), 0..60)
        .prop_map(|runs| runs.into_iter().flat_map(|(byte, length)| std::iter::repeat_n(byte, length)).collect());
    let repeated = (proptest::collection::vec(any::<u8>(), 1..40), 1usize..2000).prop_map(|(part, times)| part.repeat(times));
    let words = proptest::collection::vec("[a-f]{1,5} ", 0..3000).prop_map(|words| words.concat().into_bytes());
    prop_oneof![noise, few, runs, repeated, words]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn compressed_bytes_are_restored(bytes in bytes(), level in 1u32..10) {
        prop_assert_eq!(ours(&compress(&bytes, level)).unwrap(), bytes);
    }

    #[test]
    fn both_decoders_reject_the_same_files(bytes in bytes(), flips in proptest::collection::vec(any::<(prop::sample::Index, u8)>(), 1..4)) {
        let mut file = compress(&bytes, 1);
        for (place, bit) in flips {
            // The caller checks the header, and this decoder does not use the block size in it.
            let place = place.index(file.len());
            file[place] ^= if place < 4 { 0 } else { 1 << (bit % 8) };
        }
        match (ours(&file), theirs(&file)) {
            (Ok(ours), Ok(theirs)) => prop_assert_eq!(ours, theirs),
            (Err(_), Err(_)) => {}
            (ours, theirs) => prop_assert!(false, "{:?} {:?}", ours.map(|bytes| bytes.len()), theirs.map(|bytes| bytes.len())),
        }
    }

    #[test]
    fn noise_is_not_a_block(noise in proptest::collection::vec(any::<u8>(), 0..400), keep in 0usize..40) {
        let mut block = compress(b"a block to begin with", 9)[4..4 + keep.min(30)].to_vec();
        block.extend(noise);
        prop_assert!(BlockDecoder::default().decode(&block, 0, block.len() as u64 * 8, usize::MAX, &mut Vec::new()).is_err());
    }
}

#[test]
fn large_blocks_are_restored() {
    let mut state = 1u64;
    let mut next = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    let noise: Vec<u8> = (0..2_000_000).map(|_| next(256) as u8).collect();
    let text: Vec<u8> =
        (0..300_000).flat_map(|_| [b"the ".as_slice(), b"of ", b"and ", b"wiki", b"pedia\n"][next(5) as usize].to_vec()).collect();
    let repeated = b"0123456789abcdef".repeat(150_000);
    let runs: Vec<u8> = (0..3000u32).flat_map(|run| std::iter::repeat_n(run as u8, (run * 7 % 1000) as usize)).collect();
    for bytes in [noise, text, repeated, runs, vec![b'x'; 20_000_000]] {
        for level in [1, 9] {
            assert!(ours(&compress(&bytes, level)).unwrap() == bytes, "{level} {}", bytes.len());
        }
    }
}

/// Current versions of bzip2 write no randomised blocks, so this sets the flag of an ordinary block and corrects the checksums.
#[test]
fn randomised_blocks_are_decoded() {
    let text: Vec<u8> = (0..90_000u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8 & 0x7e).collect();
    let mut file = compress(&text, 1);
    let mut changed = text.clone();
    derandomize(&mut changed);
    assert!(changed.iter().zip(&text).filter(|(one, other)| one != other).count() > 100);
    let crc = crc32(&changed).to_be_bytes();
    file[10..14].copy_from_slice(&crc);
    file[14] |= 0x80;
    let mut blocks = Vec::new();
    for_each_candidate(file.as_slice(), None, |candidate| {
        blocks.push(candidate);
        true
    })
    .unwrap();
    // The checksum of a stream with one block is that of the block.
    let end = (blocks[1].start + MAGIC_BITS) as usize;
    for bit in 0..32 {
        let one = crc[bit / 8] >> (7 - bit % 8) & 1;
        let byte = &mut file[(end + bit) / 8];
        let mask = 0x80 >> ((end + bit) % 8);
        *byte = if one == 1 { *byte | mask } else { *byte & !mask };
    }
    assert_eq!(blocks[0].magic(), BLOCK_MAGIC);
    assert!(theirs(&file).unwrap() == changed);
    assert!(ours(&file).unwrap() == changed);
}
