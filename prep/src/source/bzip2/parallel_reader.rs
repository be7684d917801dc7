//! Blocks in the order of the file, decoded on several threads.
//!
//! Memory: two pieces for each worker, of 900 kB each when decoded, 46 MB at worst, and what a [`Decoder`] takes.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::cut::{Bits, corrupt, cut};
use super::{BLOCK, Decoder, HEAD_BITS, MAGIC_BITS};
use crate::source::stream::Mark;

/// Pieces that are joined before the first is called corrupt.
const MAX_JOINED: usize = 4;

/// Decompresses on worker threads what it reads on another.
///
/// What was read before an error is sound. Reading on after it gives what follows the corrupt block, or nothing where nothing can be
/// told any more.
pub(in crate::source) struct BlockReader {
    pieces: Receiver<io::Result<Piece>>,
    /// Where workers find buffers for the next blocks.
    spare: Sender<Vec<u8>>,
    /// Decodes what had to be joined.
    decoder: Option<Box<Decoder>>,
    /// Pieces that were asked for too early.
    ahead: VecDeque<io::Result<Piece>>,
    decoded: Vec<u8>,
    taken: usize,
    stream: Stream,
    /// Decoded bytes before this block and with it.
    before: u64,
    /// Where blocks begin, from the one that was last asked for on.
    marks: VecDeque<Mark>,
}

/// Where the reader is.
enum Stream {
    /// In a stream, with its checksum so far, unless blocks of it were not read.
    Inside(Option<u32>),
    /// After one.
    Between,
    /// At the end of the file.
    Over,
}

/// From one magic number to the next.
struct Piece {
    bits: Arc<Bits>,
    /// What a block decodes to; none where a stream ends.
    block: Option<Receiver<Option<Vec<u8>>>>,
}

/// Where a piece's checksum lies.
const CHECKSUM: u64 = MAGIC_BITS;

type Work = (Arc<Bits>, Sender<Option<Vec<u8>>>);

impl BlockReader {
    /// `reader` begins with `BZh` and a digit.
    pub fn new(reader: impl Read + Send + 'static, threads: usize) -> Self {
        Self::start(reader, threads, None)
    }

    /// `reader` begins with the byte that holds the first bit of a block.
    pub fn at(mark: Mark, reader: impl Read + Send + 'static, threads: usize) -> Self {
        Self::start(reader, threads, Some(mark))
    }

    fn start(reader: impl Read + Send + 'static, threads: usize, mark: Option<Mark>) -> Self {
        let threads = threads.max(1);
        let (work_in, work_out) = bounded::<Work>(threads * 2);
        let (pieces_in, pieces) = bounded(threads * 2);
        let (spare, buffers) = bounded(threads * 2);
        for _ in 0..threads {
            let (work, buffers) = (work_out.clone(), buffers.clone());
            std::thread::spawn(move || {
                let mut decoder = Decoder::default();
                for (bits, result) in work {
                    // Who waits for a piece holds it: with the reader gone, as after a look at a file's head, nothing is decoded in vain.
                    if Arc::strong_count(&bits) > 1 {
                        let _ = result.send(decode(&mut decoder, &bits, buffers.try_recv().unwrap_or_default()));
                    }
                }
            });
        }
        std::thread::spawn(move || {
            let hand_on = |bits| hand_on(bits, &work_in, &pieces_in);
            if let Err(error) = cut(reader, mark.map(|mark| mark.bit), hand_on) {
                let _ = pieces_in.send(Err(error));
            }
        });
        let stream = Stream::Inside(mark.is_none().then_some(0));
        let before = mark.map_or(0, |mark| mark.offset);
        let (ahead, marks) = (VecDeque::new(), VecDeque::new());
        Self { pieces, spare, decoder: None, ahead, decoded: Vec::new(), taken: 0, stream, before, marks }
    }

    /// The block that holds a decoded byte; bytes before it are not asked for again.
    pub fn mark(&mut self, offset: u64) -> Option<Mark> {
        while self.marks.get(1).is_some_and(|next| next.offset <= offset) {
            self.marks.pop_front();
        }
        self.marks.front().filter(|mark| mark.offset <= offset).copied()
    }

    fn next_piece(&mut self) -> io::Result<Option<Piece>> {
        let piece = self.ahead.pop_front().map_or_else(|| self.pieces.recv().ok(), Some);
        piece.transpose()
    }

    /// Decodes the next block. Nothing more: false.
    fn next_block(&mut self) -> io::Result<bool> {
        loop {
            let Some(piece) = self.next_piece()? else {
                return match std::mem::replace(&mut self.stream, Stream::Over) {
                    Stream::Between | Stream::Over => Ok(false),
                    Stream::Inside(_) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bzip2 data ends inside a stream")),
                };
            };
            let Stream::Inside(crc) = self.stream else { return Err(corrupt("a block outside of a stream", piece.bits.start)) };
            let Some(block) = piece.block else {
                self.end_of_stream(&piece.bits, crc)?;
                continue;
            };
            let decoded = block.recv().map_err(|_| io::Error::other("a thread that decodes bzip2 broke down"))?;
            // What follows a block that is lost cannot be checked as a whole.
            self.stream = Stream::Inside(None);
            let decoded = match decoded {
                Some(decoded) => decoded,
                None => self.join(&piece.bits)?,
            };
            let _ = self.spare.try_send(std::mem::replace(&mut self.decoded, decoded));
            self.stream = Stream::Inside(crc.map(|crc| crc.rotate_left(1) ^ piece.bits.word(CHECKSUM)));
            self.taken = 0;
            self.marks.push_back(Mark { bit: piece.bits.start, offset: self.before });
            self.before += self.decoded.len() as u64;
            return Ok(true);
        }
    }

    /// A block that does not decode may go on after what looked like the start of another.
    fn join(&mut self, bits: &Bits) -> io::Result<Vec<u8>> {
        let mut joined = bits.clone();
        let mut taken = VecDeque::new();
        let mut truncated = false;
        while taken.len() + 1 < MAX_JOINED {
            let Some(next) = self.next_piece()? else {
                truncated = !taken.back().is_some_and(|last: &Piece| last.block.is_none() && last.bits.length() >= HEAD_BITS);
                break;
            };
            joined.append(&next.bits);
            if let Some(decoded) = decode(self.decoder.get_or_insert_default(), &joined, Vec::new()) {
                return Ok(decoded);
            }
            taken.push_back(next);
        }
        if truncated {
            self.stream = Stream::Over;
            let message = format!("bzip2 data ends inside the block that begins at byte {}", bits.start / 8);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        // They are blocks of their own.
        self.ahead = taken.into_iter().map(Ok).chain(self.ahead.drain(..)).collect();
        Err(corrupt("block", bits.start))
    }

    /// Checks a stream's end and what follows it: nothing, or the header of another.
    fn end_of_stream(&mut self, bits: &Bits, crc: Option<u32>) -> io::Result<()> {
        if bits.length() < HEAD_BITS {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bzip2 data ends inside the end of a stream"));
        }
        if crc.is_some_and(|crc| crc != bits.word(CHECKSUM)) {
            return Err(corrupt("checksum of the stream that ends", bits.start));
        }
        // The next stream begins at a byte of the file.
        let rest = (bits.start + HEAD_BITS).next_multiple_of(8) - bits.start;
        self.stream = match bits.length().saturating_sub(rest) {
            0 => Stream::Between,
            32 if is_header(bits.word(rest)) => Stream::Inside(Some(0)),
            _ => return Err(corrupt("something that is no bzip2 follows the stream that ends", bits.start)),
        };
        Ok(())
    }
}

impl Read for BlockReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.decoded.len() {
            if !self.next_block()? {
                return Ok(0);
            }
        }
        let size = out.len().min(self.decoded.len() - self.taken);
        out[..size].copy_from_slice(&self.decoded[self.taken..self.taken + size]);
        self.taken += size;
        Ok(size)
    }
}

fn is_header(word: u32) -> bool {
    matches!(word.to_be_bytes(), [b'B', b'Z', b'h', b'1'..=b'9'])
}

/// Hands on a piece, to a worker if it is a block. False: nobody wants more.
fn hand_on(bits: Bits, work: &Sender<Work>, pieces: &Sender<io::Result<Piece>>) -> bool {
    let bits = Arc::new(bits);
    let block = if bits.magic() == BLOCK {
        let (result_in, result) = bounded(1);
        if work.send((Arc::clone(&bits), result_in)).is_err() {
            return false;
        }
        Some(result)
    } else {
        None
    };
    pieces.send(Ok(Piece { bits, block })).is_ok()
}

/// What a piece holds, in a buffer; nothing if that is not one whole block.
fn decode(decoder: &mut Decoder, bits: &Bits, mut buffer: Vec<u8>) -> Option<Vec<u8>> {
    let (start, end) = bits.range();
    decoder.decode(&bits.bytes, start, end, &mut buffer)?;
    Some(buffer)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compress(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::new(level));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Bytes that do not compress much, so that blocks are many.
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
        let result = BlockReader::new(io::Cursor::new(bytes), threads).read_to_end(&mut out);
        (out, result)
    }

    #[test]
    fn all_kinds_of_files_are_read_whole() {
        let text = noise(1_000_000);
        let streams: Vec<u8> = text.chunks(70_000).flat_map(|chunk| compress(chunk, 9)).collect();
        for (name, file, expected) in [
            ("one stream", compress(&text, 1), &text[..]),
            ("large blocks", compress(&text, 9), &text),
            ("streams", streams, &text),
            ("nothing", compress(b"", 9), b""),
            ("nothing in between", [compress(&text[..9], 9), compress(b"", 9), compress(&text[9..], 1)].concat(), &text),
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
    fn damage_is_told_after_what_is_sound() {
        let text = noise(400_000);
        let file = compress(&text, 1);
        let told = |file: Vec<u8>| {
            let (out, result) = read(file, 2);
            assert!(text.starts_with(&out), "only sound bytes");
            (out.len(), result.unwrap_err().to_string())
        };
        let (sound, error) = told(file[..file.len() / 2].to_vec());
        assert!(sound >= 90_000 && error.contains("ends inside the block that begins at byte"), "{sound} {error}");
        let mut broken = file.clone();
        broken[file.len() * 3 / 4] ^= 16;
        let (sound, error) = told(broken);
        assert!(sound >= 190_000 && error.contains("corrupt bzip2: block at byte"), "{sound} {error}");
        assert!(told(file[..file.len() - 3].to_vec()).1.contains("inside the end of a stream"));
        assert!(told([&file[..], b"garbage"].concat()).1.contains("no bzip2 follows"));
        assert!(told(b"BZh9 is no bzip2".to_vec()).1.contains("no block at byte 0"));
        let mut file = file;
        let last = file.len() - 3;
        file[last] ^= 1;
        assert!(told(file).1.contains("checksum of the stream"));
    }

    #[test]
    fn reading_goes_on_after_a_corrupt_block_and_from_a_mark() {
        let text = noise(400_000);
        let mut file = compress(&text, 1);
        let mut reader = BlockReader::new(io::Cursor::new(file.clone()), 2);
        let mut read = vec![0; 250_000];
        reader.read_exact(&mut read).unwrap();
        let mark = reader.mark(220_000).unwrap();
        assert!(mark.offset <= 220_000 && mark.offset > 100_000 && mark.bit > 0);
        let mut rest = Vec::new();
        let at = usize::try_from(mark.bit / 8).unwrap();
        BlockReader::at(mark, io::Cursor::new(file[at..].to_vec()), 2).read_to_end(&mut rest).unwrap();
        assert!(rest == text[usize::try_from(mark.offset).unwrap()..]);

        let middle = file.len() / 2;
        file[middle] ^= 1;
        let mut reader = BlockReader::new(io::Cursor::new(file), 2);
        let mut before = Vec::new();
        reader.read_to_end(&mut before).unwrap_err();
        let mut after = Vec::new();
        reader.read_to_end(&mut after).unwrap();
        assert!(text.starts_with(&before) && text.ends_with(&after));
        assert!(before.len() + after.len() > 280_000, "one block is lost: {} {}", before.len(), after.len());
    }

    /// Flips bits and cuts at many places: an error or the whole text, and never anything else.
    #[test]
    fn random_damage() {
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
            // The padding after the end, and a stream's level, carry no information.
            assert!(result.is_err() || out == text, "{at}");
        }
    }
}
