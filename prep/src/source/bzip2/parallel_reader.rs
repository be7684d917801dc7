//! Decodes the blocks of a bzip2 file on several threads and returns their bytes in order.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::block_decoder::BlockDecoder;
use super::block_finder::{BlockCandidate, corrupt, for_each_candidate};
use super::format::{BLOCK_MAGIC, MAGIC_AND_CRC_BITS, MAGIC_BITS};
use super::not_decoded::NotDecoded;
use crate::source::buffer_pool::BufferPool;
use crate::source::chunk::{Bytes, ChunkReader};
use crate::source::seek_point::SeekPoint;
use crate::threads::{ThreadKind, spawn};

/// A block of more bytes is decoded when its turn comes, alone: its bytes are 46 times as many at worst as those of most blocks.
const MAX_OUTPUT_BESIDE_OTHERS: usize = 2 << 20;
/// Number of candidates that are joined before the first is reported as corrupt.
const MAX_JOINED: usize = 4;

/// Bit offset of the checksum in a candidate, be it a block or the end of a stream.
const CRC_OFFSET: u64 = MAGIC_BITS;

/// A bzip2 decompressor with its own threads: one reads the file, the others decode blocks.
///
/// Bytes read before an error are valid. Reading continues after an error with the block that follows the corrupt one; at the end of
/// the file, or if the error has no recovery, it returns no more bytes.
pub(in crate::source) struct Bzip2Reader {
    candidates: Receiver<io::Result<PendingCandidate>>,
    pool: BufferPool,
    /// Decodes joined candidates, and blocks that are too large to be decoded beside others.
    decoder: Option<Box<BlockDecoder>>,
    /// Candidates that were received to be joined, but are blocks of their own.
    put_back: VecDeque<io::Result<PendingCandidate>>,
    state: StreamState,
    /// Number of decoded bytes that were returned.
    offset: u64,
    /// Starts of blocks, from the last one asked for on.
    seek_points: VecDeque<SeekPoint>,
}

/// Where in the file the reader is.
enum StreamState {
    /// Inside a stream, with the checksum of its blocks so far; `None` if a block was skipped, so that the checksum cannot be verified.
    Inside(Option<u32>),
    /// Between two streams, or at the end of the file after a complete stream.
    Between,
    /// At the end, after an error that has no recovery.
    Ended,
}

/// A candidate that a worker may still be decoding.
struct PendingCandidate {
    candidate: Arc<BlockCandidate>,
    /// Receives the decoded block. No receiver for the end of a stream.
    decoded: Option<Receiver<Result<Vec<u8>, NotDecoded>>>,
}

/// A candidate for a worker, and where the worker sends the result.
type Task = (Arc<BlockCandidate>, Sender<Result<Vec<u8>, NotDecoded>>);

impl Bzip2Reader {
    /// Starts at the beginning of a file, with `threads` decoding threads. `reader` begins with `BZh` and a digit.
    pub fn new(reader: impl Read + Send + 'static, threads: usize) -> Self {
        Self::start(reader, threads, None)
    }

    /// Starts at a block. `reader` begins with the byte that holds the first bit of the block.
    pub fn from_seek_point(reader: impl Read + Send + 'static, seek_point: SeekPoint, threads: usize) -> Self {
        Self::start(reader, threads, Some(seek_point))
    }

    fn start(reader: impl Read + Send + 'static, threads: usize, seek_point: Option<SeekPoint>) -> Self {
        let threads = threads.max(1);
        let (task_sender, tasks) = bounded::<Task>(threads * 2);
        let (candidate_sender, candidates) = bounded(threads * 2);
        let pool = BufferPool::default();
        for number in 0..threads {
            let (tasks, pool) = (tasks.clone(), pool.clone());
            spawn(ThreadKind::Decode, Some(number), move || {
                let mut decoder = BlockDecoder::default();
                for (candidate, result) in tasks {
                    // If the reader was dropped, as after reading only the head of a dump, nobody else holds the candidate.
                    if Arc::strong_count(&candidate) > 1 {
                        let _ = result.send(decode(&mut decoder, &candidate, &pool, MAX_OUTPUT_BESIDE_OTHERS));
                    }
                }
            });
        }
        spawn(ThreadKind::Find, None, move || {
            let schedule = |candidate| schedule(candidate, &task_sender, &candidate_sender);
            if let Err(error) = for_each_candidate(reader, seek_point.map(|seek_point| seek_point.bit), schedule) {
                let _ = candidate_sender.send(Err(error));
            }
        });
        Self {
            candidates,
            pool,
            decoder: None,
            put_back: VecDeque::new(),
            state: StreamState::Inside(seek_point.is_none().then_some(0)),
            offset: seek_point.map_or(0, |seek_point| seek_point.offset),
            seek_points: VecDeque::new(),
        }
    }

    /// The start of the block that holds a decoded byte. Offsets of successive calls must not decrease.
    pub fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        while self.seek_points.get(1).is_some_and(|next| next.offset <= offset) {
            self.seek_points.pop_front();
        }
        self.seek_points.front().filter(|seek_point| seek_point.offset <= offset).copied()
    }

    fn next_candidate(&mut self) -> io::Result<Option<PendingCandidate>> {
        let candidate = self.put_back.pop_front().map_or_else(|| self.candidates.recv().ok(), Some);
        candidate.transpose()
    }

    /// The bytes of the next block; `None` at the end of the file.
    fn next_block(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            let Some(pending) = self.next_candidate()? else {
                return match std::mem::replace(&mut self.state, StreamState::Ended) {
                    StreamState::Between | StreamState::Ended => Ok(None),
                    StreamState::Inside(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bzip2 data ends inside a stream")),
                };
            };
            let StreamState::Inside(crc) = self.state else {
                return Err(corrupt("a block outside of a stream", pending.candidate.start));
            };
            let Some(decoded) = pending.decoded else {
                self.end_stream(&pending.candidate, crc)?;
                continue;
            };
            let decoded = decoded.recv().map_err(|_| io::Error::other("a bzip2 decoding thread panicked"))?;
            // If this block is lost, the checksum of the stream cannot be verified.
            self.state = StreamState::Inside(None);
            let decoded = match decoded {
                Ok(decoded) => decoded,
                Err(reason) => {
                    let alone = match reason {
                        NotDecoded::TooLarge => {
                            decode(self.decoder.get_or_insert_default(), &pending.candidate, &self.pool, usize::MAX).ok()
                        }
                        NotDecoded::NoBlock => None,
                    };
                    alone.map_or_else(|| self.decode_joined(&pending.candidate), Ok)?
                }
            };
            self.state = StreamState::Inside(crc.map(|crc| crc.rotate_left(1) ^ pending.candidate.word(CRC_OFFSET)));
            self.seek_points.push_back(SeekPoint { bit: pending.candidate.start, offset: self.offset });
            self.offset += decoded.len() as u64;
            let length = decoded.len();
            return Ok(Some(self.pool.share(decoded, length)));
        }
    }

    /// Decodes a candidate that is no block by itself, because a magic number occurs inside the block, joined with the next candidates.
    fn decode_joined(&mut self, candidate: &BlockCandidate) -> io::Result<Vec<u8>> {
        let is_stream_end = |pending: &PendingCandidate| pending.decoded.is_none() && pending.candidate.length() >= MAGIC_AND_CRC_BITS;
        let mut joined = candidate.clone();
        let mut taken: VecDeque<PendingCandidate> = VecDeque::new();
        let mut truncated = false;
        while taken.len() + 1 < MAX_JOINED {
            let Some(next) = self.next_candidate()? else {
                truncated = !taken.back().is_some_and(is_stream_end);
                break;
            };
            joined.append(&next.candidate);
            if let Ok(decoded) = decode(self.decoder.get_or_insert_default(), &joined, &self.pool, usize::MAX) {
                return Ok(decoded);
            }
            taken.push_back(next);
        }
        if truncated {
            self.state = StreamState::Ended;
            let message = format!("bzip2 data ends inside the block that begins at byte {}", candidate.start / 8);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        // The candidate is corrupt, and the ones taken are blocks of their own.
        self.put_back = taken.into_iter().map(Ok).chain(self.put_back.drain(..)).collect();
        Err(corrupt("block", candidate.start))
    }

    /// Verifies the checksum of a stream, and that the file ends or another stream begins after it.
    fn end_stream(&mut self, end: &BlockCandidate, crc: Option<u32>) -> io::Result<()> {
        if end.length() < MAGIC_AND_CRC_BITS {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bzip2 data ends inside the end of a stream"));
        }
        if crc.is_some_and(|crc| crc != end.word(CRC_OFFSET)) {
            return Err(corrupt("checksum of the stream that ends", end.start));
        }
        // Streams are byte-aligned.
        let rest = (end.start + MAGIC_AND_CRC_BITS).next_multiple_of(8) - end.start;
        self.state = match end.length().saturating_sub(rest) {
            0 => StreamState::Between,
            32 if is_stream_header(end.word(rest)) => StreamState::Inside(Some(0)),
            _ => return Err(corrupt("data that is not bzip2 follows the stream that ends", end.start)),
        };
        Ok(())
    }
}

impl ChunkReader for Bzip2Reader {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            match self.next_block()? {
                Some(block) if block.is_empty() => {}
                block => return Ok(block),
            }
        }
    }
}

/// Whether 32 bits are the header of a stream: `BZh` and the block size.
fn is_stream_header(word: u32) -> bool {
    matches!(word.to_be_bytes(), [b'B', b'Z', b'h', b'1'..=b'9'])
}

/// Passes a candidate to the reader and, if it may be a block, to a worker. `false` if the reader was dropped.
fn schedule(candidate: BlockCandidate, tasks: &Sender<Task>, candidates: &Sender<io::Result<PendingCandidate>>) -> bool {
    let candidate = Arc::new(candidate);
    let decoded = if candidate.magic() == BLOCK_MAGIC {
        let (result_sender, result) = bounded(1);
        if tasks.send((Arc::clone(&candidate), result_sender)).is_err() {
            return false;
        }
        Some(result)
    } else {
        None
    };
    candidates.send(Ok(PendingCandidate { candidate, decoded })).is_ok()
}

/// Decodes a candidate, unless it has more than `max_output` bytes.
fn decode(decoder: &mut BlockDecoder, candidate: &BlockCandidate, pool: &BufferPool, max_output: usize) -> Result<Vec<u8>, NotDecoded> {
    let (start, end) = candidate.range();
    let mut buffer = pool.take();
    match decoder.decode(&candidate.bytes, start, end, max_output, &mut buffer) {
        Ok(()) => Ok(buffer),
        Err(reason) => {
            pool.give_back(buffer);
            Err(reason)
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::source::chunk::ChunkBufReader;

    fn compress(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Bytes that compress little, so that there are many blocks.
    fn noise(length: usize) -> Vec<u8> {
        let mut state = 1u64;
        let next = |state: &mut u64| {
            *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*state >> 58) as u8
        };
        (0..length).map(|_| next(&mut state)).collect()
    }

    fn read(bytes: Vec<u8>, threads: usize) -> (Vec<u8>, io::Result<usize>) {
        let mut out = Vec::new();
        let result = ChunkBufReader::new(Bzip2Reader::new(io::Cursor::new(bytes), threads)).read_to_end(&mut out);
        (out, result)
    }

    #[test]
    fn one_stream_and_many_are_decoded() {
        let text = noise(1_000_000);
        let streams: Vec<u8> = text.chunks(70_000).flat_map(|chunk| compress(chunk, 9)).collect();
        for (name, file, expected) in [
            ("one stream", compress(&text, 1), &text[..]),
            ("large blocks", compress(&text, 9), &text),
            ("streams", streams, &text),
            ("empty", compress(b"", 9), b""),
            ("an empty stream between two", [compress(&text[..9], 9), compress(b"", 9), compress(&text[9..], 1)].concat(), &text),
            ("a run", compress(&vec![b'a'; 3_000_000], 1), &vec![b'a'; 3_000_000]),
        ] {
            for threads in [1, 3] {
                let (out, result) = read(file.clone(), threads);
                assert_eq!(result.unwrap(), expected.len(), "{name}");
                assert!(out == expected, "{name}");
            }
        }
    }

    #[test]
    fn an_error_comes_after_the_valid_bytes() {
        let text = noise(400_000);
        let file = compress(&text, 1);
        let error_of = |file: Vec<u8>| {
            let (out, result) = read(file, 2);
            assert!(text.starts_with(&out), "only valid bytes");
            (out.len(), result.unwrap_err().to_string())
        };
        let (valid, error) = error_of(file[..file.len() / 2].to_vec());
        assert!(valid >= 90_000 && error.contains("ends inside the block that begins at byte"), "{valid} {error}");
        let mut broken = file.clone();
        broken[file.len() * 3 / 4] ^= 16;
        let (valid, error) = error_of(broken);
        assert!(valid >= 190_000 && error.contains("corrupt bzip2: block at byte"), "{valid} {error}");
        assert!(error_of(file[..file.len() - 3].to_vec()).1.contains("inside the end of a stream"));
        assert!(error_of([&file[..], b"garbage"].concat()).1.contains("not bzip2 follows"));
        assert!(error_of(b"BZh9 is not bzip2".to_vec()).1.contains("no block at byte 0"));
        let mut file = file;
        let last = file.len() - 3;
        file[last] ^= 1;
        assert!(error_of(file).1.contains("checksum of the stream"));
    }

    #[test]
    fn reading_continues_after_a_corrupt_block_and_from_a_seek_point() {
        let text = noise(400_000);
        let mut file = compress(&text, 1);
        let mut reader = Bzip2Reader::new(io::Cursor::new(file.clone()), 2);
        while reader.offset < 250_000 {
            reader.next_chunk().unwrap().unwrap();
        }
        let seek_point = reader.seek_point(220_000).unwrap();
        assert!(seek_point.offset <= 220_000 && seek_point.offset > 100_000 && seek_point.bit > 0);
        let mut rest = Vec::new();
        let at = usize::try_from(seek_point.bit / 8).unwrap();
        let from_there = Bzip2Reader::from_seek_point(io::Cursor::new(file[at..].to_vec()), seek_point, 2);
        ChunkBufReader::new(from_there).read_to_end(&mut rest).unwrap();
        assert!(rest == text[usize::try_from(seek_point.offset).unwrap()..]);

        let middle = file.len() / 2;
        file[middle] ^= 1;
        let mut reader = ChunkBufReader::new(Bzip2Reader::new(io::Cursor::new(file), 2));
        let mut before = Vec::new();
        reader.read_to_end(&mut before).unwrap_err();
        let mut after = Vec::new();
        reader.read_to_end(&mut after).unwrap();
        assert!(text.starts_with(&before) && text.ends_with(&after));
        assert!(before.len() + after.len() > 280_000, "one block is lost: {} {}", before.len(), after.len());
    }

    /// Flips bits and truncates at many places: the result is an error or the whole text.
    #[test]
    fn random_damage_is_never_silent() {
        let text = noise(150_000);
        let file = compress(&text, 1);
        for at in 0..300 {
            let place = at * 7919 % file.len();
            let mut broken = file.clone();
            if at % 3 == 0 {
                broken.truncate(place)
            } else {
                broken[place] ^= 1 << (at % 8)
            }
            let (out, result) = read(broken, 2);
            assert!(text.starts_with(&out), "{at}");
            // The padding after the end, and the block size in the header, carry no information.
            assert!(result.is_err() || out == text, "{at}");
        }
    }
}
