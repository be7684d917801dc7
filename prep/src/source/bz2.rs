//! bzip2 on several threads: any file, one stream or many, is a row of blocks that can be decoded alone.
//!
//! A block begins with 48 bits that may stand at any bit of the file, and that may, rarely, occur inside a block too. So one thread
//! looks for them and cuts the file there; workers decode each piece as a stream of its own, with header and trailer put around it,
//! and the reader takes the results in order. A piece that does not decode is joined with the next one before it is called corrupt.
//! The checksums of all blocks and of all streams are checked.
//!
//! Memory: two pieces for each worker, of 900 kB each when decoded, 46 MB at worst.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;

use aho_corasick::{AhoCorasick, Input};
use bzip2::{Decompress, Status};
use crossbeam_channel::{Receiver, Sender, bounded};

use super::stream::Mark;

const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
const MAGIC_BITS: u64 = 48;
/// Bytes that the header of a stream takes, and that every piece begins with.
const HEADER: &[u8; 4] = b"BZh9";
/// Where a piece's checksum lies, and where what follows it does.
const CHECKSUM: u64 = 32 + MAGIC_BITS;
const TRAILER: u64 = CHECKSUM + 32;
/// No block is longer than this when compressed: 900 kB that do not compress take little more.
const MAX_PIECE: usize = 4 << 20;
/// Pieces that are joined before the first is called corrupt.
const MAX_JOINED: usize = 4;
const READ: usize = 1 << 18;

/// Decompresses on worker threads what it reads on another.
///
/// What was read before an error is sound. Reading on after it gives what follows the corrupt block, or nothing where nothing can be
/// told any more.
pub(super) struct BlockReader {
    pieces: Receiver<io::Result<Piece>>,
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
    /// First bit in the file.
    start: u64,
    bits: Arc<Bits>,
    /// What a block decodes to; none where a stream ends.
    block: Option<Receiver<Option<Vec<u8>>>>,
}

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
        for _ in 0..threads {
            let work = work_out.clone();
            std::thread::spawn(move || {
                for (bits, result) in work {
                    // Who waits for a piece holds it: with the reader gone, as after a look at a file's head, nothing is decoded in vain.
                    if Arc::strong_count(&bits) > 1 {
                        let _ = result.send(decode(&bits));
                    }
                }
            });
        }
        std::thread::spawn(move || {
            let cutter = Cutter { work: work_in, pieces: pieces_in };
            if let Err(error) = cutter.run(reader, mark.map(|mark| mark.bit)) {
                let _ = cutter.pieces.send(Err(error));
            }
        });
        let stream = Stream::Inside(mark.is_none().then_some(0));
        let before = mark.map_or(0, |mark| mark.offset);
        Self { pieces, ahead: VecDeque::new(), decoded: Vec::new(), taken: 0, stream, before, marks: VecDeque::new() }
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
            let Stream::Inside(crc) = self.stream else { return Err(corrupt("a block outside of a stream", piece.start)) };
            let Some(block) = piece.block else {
                self.end_of_stream(&piece.bits, piece.start, crc)?;
                continue;
            };
            let decoded = block.recv().map_err(|_| io::Error::other("a thread that decodes bzip2 broke down"))?;
            // What follows a block that is lost cannot be checked as a whole.
            self.stream = Stream::Inside(None);
            self.decoded = match decoded {
                Some(decoded) => decoded,
                None => self.join(&piece.bits, piece.start)?,
            };
            self.stream = Stream::Inside(crc.map(|crc| crc.rotate_left(1) ^ piece.bits.word(CHECKSUM)));
            self.taken = 0;
            self.marks.push_back(Mark { bit: piece.start, offset: self.before });
            self.before += self.decoded.len() as u64;
            return Ok(true);
        }
    }

    /// A block that does not decode may go on after what looked like the start of another.
    fn join(&mut self, bits: &Bits, start: u64) -> io::Result<Vec<u8>> {
        let mut joined = bits.clone();
        let mut taken = VecDeque::new();
        let mut truncated = false;
        while taken.len() + 1 < MAX_JOINED {
            let Some(next) = self.next_piece()? else {
                truncated = !taken.back().is_some_and(|last: &Piece| last.block.is_none() && last.bits.length >= TRAILER);
                break;
            };
            joined.append(&next.bits);
            if let Some(decoded) = decode(&joined) {
                return Ok(decoded);
            }
            taken.push_back(next);
        }
        if truncated {
            self.stream = Stream::Over;
            let message = format!("bzip2 data ends inside the block that begins at byte {}", start / 8);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        // They are blocks of their own.
        self.ahead = taken.into_iter().map(Ok).chain(self.ahead.drain(..)).collect();
        Err(corrupt("block", start))
    }

    /// Checks a stream's end and what follows it: nothing, or the header of another.
    fn end_of_stream(&mut self, bits: &Bits, start: u64, crc: Option<u32>) -> io::Result<()> {
        if bits.length < TRAILER {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "bzip2 data ends inside the end of a stream"));
        }
        if crc.is_some_and(|crc| crc != bits.word(CHECKSUM)) {
            return Err(corrupt("checksum of the stream that ends", start));
        }
        // The next stream begins at a byte of the file.
        let padding = (8 - (start + MAGIC_BITS + 32) % 8) % 8;
        let rest = TRAILER + padding;
        self.stream = match bits.length.saturating_sub(rest) {
            0 => Stream::Between,
            32 if is_header(bits.word(rest)) => Stream::Inside(Some(0)),
            _ => return Err(corrupt("something that is no bzip2 follows the stream that ends", start)),
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

fn corrupt(what: &str, bit: u64) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("corrupt bzip2: {what} at byte {} of the file", bit / 8))
}

fn is_header(word: u32) -> bool {
    matches!(word.to_be_bytes(), [b'B', b'Z', b'h', b'1'..=b'9'])
}

/// Decodes a block as a stream of its own; nothing if it is not one whole block.
fn decode(bits: &Bits) -> Option<Vec<u8>> {
    if bits.length < TRAILER {
        return None;
    }
    let mut stream = bits.clone();
    stream.push(END, 48);
    // The stream's checksum is that of its one block.
    stream.push(u64::from(bits.word(CHECKSUM)), 32);
    let mut decoder = Decompress::new(false);
    let mut out = Vec::with_capacity(1 << 20);
    loop {
        if out.len() == out.capacity() {
            out.reserve(1 << 20);
        }
        let (read, written) = (decoder.total_in(), decoder.total_out());
        let input = stream.bytes.get(usize::try_from(read).ok()?..)?;
        match decoder.decompress_vec(input, &mut out) {
            // Another end of a stream inside would leave bytes over.
            Ok(Status::StreamEnd) => return (decoder.total_in() == stream.bytes.len() as u64).then_some(out),
            Ok(_) if decoder.total_in() > read || decoder.total_out() > written => {}
            _ => return None,
        }
    }
}

/// Bits in the order of the file, the first one highest in its byte.
#[derive(Clone)]
struct Bits {
    bytes: Vec<u8>,
    length: u64,
}

impl Bits {
    /// A stream's header, and after it the bits of `bytes` from `start` to `end`.
    fn piece(bytes: &[u8], start: u64, end: u64) -> Self {
        let mut bits = Self { bytes: Vec::with_capacity(((end - start) / 8) as usize + 32), length: HEADER.len() as u64 * 8 };
        bits.bytes.extend_from_slice(HEADER);
        bits.copy(bytes, start, end);
        bits
    }

    /// Appends bits; the end here must be at a byte's border.
    fn copy(&mut self, bytes: &[u8], start: u64, end: u64) {
        let (first, shift) = ((start / 8) as usize, start % 8);
        let count = (end - start).div_ceil(8) as usize;
        let source = &bytes[first..];
        if shift == 0 {
            self.bytes.extend_from_slice(&source[..count]);
        } else {
            let next = |at: usize| source.get(at).copied().unwrap_or(0);
            self.bytes.extend((0..count).map(|at| (source[at] << shift) | (next(at + 1) >> (8 - shift))));
        }
        self.length += end - start;
        let unused = self.bytes.len() as u64 * 8 - self.length;
        if let Some(last) = self.bytes.last_mut() {
            *last &= 0xff << unused;
        }
    }

    /// Appends the lowest `count` bits of `value`.
    fn push(&mut self, value: u64, count: u32) {
        for at in (0..count).rev() {
            if self.length.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = ((value >> at) & 1) as u8;
            *self.bytes.last_mut().expect("a byte was pushed") |= bit << (7 - self.length % 8);
            self.length += 1;
        }
    }

    /// Appends another piece, without its header.
    fn append(&mut self, other: &Self) {
        for at in HEADER.len() as u64 * 8..other.length {
            let bit = other.bytes[(at / 8) as usize] >> (7 - at % 8);
            self.push(u64::from(bit & 1), 1);
        }
    }

    /// 32 bits.
    fn word(&self, at: u64) -> u32 {
        (bits_at(&self.bytes, at) >> 16) as u32
    }
}

/// The 48 bits at a bit; what lies beyond the end is 0.
fn bits_at(bytes: &[u8], at: u64) -> u64 {
    let first = (at / 8) as usize;
    let eight = (0..8).fold(0u64, |word, next| word << 8 | u64::from(bytes.get(first + next).copied().unwrap_or(0)));
    (eight << (at % 8)) >> 16
}

/// Cuts a file into pieces.
struct Cutter {
    work: Sender<Work>,
    pieces: Sender<io::Result<Piece>>,
}

impl Cutter {
    /// From the start of the file, or from a block's first bit, with the byte that holds it first in `reader`.
    fn run(&self, mut reader: impl Read, block: Option<u64>) -> io::Result<()> {
        let finder = Finder::new();
        // Bytes from that of the piece's first bit on, and where they lie in the file.
        let mut bytes: Vec<u8> = Vec::new();
        let mut before = block.map_or(0, |bit| bit / 8);
        // Bit in `bytes` at which the piece begins. The first is the header, which no magic number begins.
        let mut start = 0u64;
        let mut head = true;
        let mut searched = 0;
        loop {
            let length = bytes.len();
            bytes.resize(length + READ, 0);
            let read = match reader.read(&mut bytes[length..]) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                    bytes.truncate(length);
                    continue;
                }
                Err(error) => return Err(error),
            };
            bytes.truncate(length + read);
            while let Some(at) = finder.find(&bytes, searched) {
                if head {
                    if at != block.map_or(32, |bit| bit % 8) {
                        return Err(corrupt("no block", before * 8));
                    }
                    head = false;
                } else if !self.piece(&bytes, start, at, before) {
                    return Ok(());
                }
                start = at;
                // The shortest piece is longer than its magic number.
                searched = (at / 8) as usize + 5;
            }
            if read == 0 {
                if head {
                    return Err(corrupt("no block", before * 8));
                }
                self.piece(&bytes, start, bytes.len() as u64 * 8, before);
                return Ok(());
            }
            // A magic number may lie across the border.
            searched = searched.max(bytes.len().saturating_sub(8));
            let done = (start / 8) as usize;
            if done > 0 && done >= bytes.len() / 2 {
                bytes.drain(..done);
                (start, searched, before) = (start % 8, searched - done, before + done as u64);
            }
            if bytes.len() - (start / 8) as usize > MAX_PIECE {
                return Err(corrupt("no end of the block that begins", before * 8 + start));
            }
        }
    }

    /// Hands on a piece. False: nobody wants more.
    fn piece(&self, bytes: &[u8], start: u64, end: u64, before: u64) -> bool {
        let bits = Arc::new(Bits::piece(bytes, start, end));
        let block = if bits_at(bytes, start) == BLOCK {
            let (result_in, result) = bounded(1);
            if self.work.send((Arc::clone(&bits), result_in)).is_err() {
                return false;
            }
            Some(result)
        } else {
            None
        };
        self.pieces.send(Ok(Piece { start: before * 8 + start, bits, block })).is_ok()
    }
}

/// Finds the two magic numbers at any bit.
struct Finder {
    /// The whole bytes in a magic number that begins at each bit of a byte.
    bytes: AhoCorasick,
}

impl Finder {
    fn new() -> Self {
        let whole = |magic: u64, shift: u32| {
            let spread = (magic << (8 - shift)).to_be_bytes();
            if shift == 0 { spread[1..7].to_vec() } else { spread[2..7].to_vec() }
        };
        let patterns = [BLOCK, END].into_iter().flat_map(|magic| (0..8).map(move |shift| whole(magic, shift)));
        Self { bytes: AhoCorasick::new(patterns).expect("sixteen short patterns") }
    }

    /// The first bit at or after a byte at which a magic number begins, as far as all of it is there.
    fn find(&self, bytes: &[u8], from: usize) -> Option<u64> {
        let mut from = from;
        while let Some(found) = self.bytes.find(Input::new(bytes).span(from..bytes.len())) {
            let shift = (found.pattern().as_usize() % 8) as u64;
            let at = if shift == 0 { Some(found.start() as u64 * 8) } else { (found.start() as u64 * 8).checked_sub(8 - shift) };
            if let Some(at) = at.filter(|at| at + MAGIC_BITS <= bytes.len() as u64 * 8) {
                let magic = bits_at(bytes, at);
                if magic == BLOCK || magic == END {
                    return Some(at);
                }
            }
            from = found.start() + 1;
        }
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn compress(bytes: &[u8], level: u32) -> Vec<u8> {
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
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
    fn bits_are_found_and_moved() {
        let finder = Finder::new();
        for shift in 0..40 {
            let mut bits = Bits { bytes: Vec::new(), length: 0 };
            bits.push(0x2a_aaaa_aaaa, shift);
            bits.push(BLOCK, 48);
            bits.push(0xdead_beef, 32);
            bits.push(END, 48);
            bits.push(0x1234, 17);
            assert_eq!(finder.find(&bits.bytes, 0), Some(u64::from(shift)), "{shift}");
            let second = u64::from(shift) + 80;
            assert_eq!(finder.find(&bits.bytes, (shift / 8 + 5) as usize), Some(second));
            let piece = Bits::piece(&bits.bytes, u64::from(shift), second);
            assert_eq!((piece.word(80), piece.length), (0xdead_beef, 112));
            let mut joined = piece;
            joined.append(&Bits::piece(&bits.bytes, second, bits.length));
            assert_eq!(bits_at(&joined.bytes, 112), END);
            assert_eq!(joined.word(160) >> 15, 0x1234);
        }
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
