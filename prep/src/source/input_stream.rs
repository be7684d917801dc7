//! A dump's bytes: decompressed, as UTF-8, hashed and counted as they are read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use schemas::manifest::InputFile;
use serde::{Deserialize, Serialize};

use super::bzip2::BlockReader;

const BUFFER: usize = 1 << 18;

/// Bytes of compressed input read so far, shared with whoever shows them.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// So many more were read, or need not be.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

/// A place in a file from which it can be decompressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Bit of the file.
    pub bit: u64,
    /// Decompressed bytes before it.
    pub offset: u64,
}

/// How far a file was read, and what it held so far: enough to go on later, and to tell whether it is the same file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// From where it can be decompressed; nothing: only from its start.
    pub mark: Option<Mark>,
    /// Bytes that were hashed, from the start of the file or of the part on.
    pub bytes: u64,
    /// BLAKE3 of them.
    pub blake3: String,
}

/// The part of a file that one run of several reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins; nothing: at the start of the file.
    pub from: Option<Mark>,
    /// Bit of the file at which the next part begins; nothing: the rest of the file.
    pub until: Option<u64>,
}

impl Part {
    /// All of a file.
    pub const WHOLE: Self = Self { from: None, until: None };

    /// The bytes of the file that lie in it and in no other part.
    pub fn bytes(&self) -> Range<u64> {
        self.from.map_or(0, |mark| mark.bit / 8)..self.until.map_or(u64::MAX, |bit| bit / 8)
    }
}

/// Readable XML in UTF-8, whatever the file is.
///
/// Compression and encoding are told from the first bytes, not from the name: bzip2 (one stream or many), gzip, zstd, xz or none;
/// UTF-16 by its byte-order mark.
pub struct Stream {
    reader: Box<dyn Decompressed>,
    path: String,
    tap: Tap,
}

/// A decompressed file.
trait Decompressed: Read + Send {
    /// The last place before a decompressed byte from which one can read on; places before it are not asked for again.
    fn mark(&mut self, _: u64) -> Option<Mark> {
        None
    }
}

impl<R: Read + Send> Decompressed for BufReader<R> {}
impl<R: BufRead + Send> Decompressed for flate2::bufread::MultiGzDecoder<R> {}
impl<R: BufRead + Send> Decompressed for zstd::Decoder<'_, R> {}
impl<R: BufRead + Send> Decompressed for liblzma::bufread::XzDecoder<R> {}
impl<R: BufRead + Send> Decompressed for Transcoder<R> {}

impl Decompressed for BlockReader {
    fn mark(&mut self, offset: u64) -> Option<Mark> {
        self.mark(offset)
    }
}

/// A file that is not compressed.
struct Plain<R> {
    reader: R,
    /// Bytes before the first one that was read.
    skipped: u64,
}

impl<R: Read> Read for Plain<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: Read + Send> Decompressed for Plain<R> {
    fn mark(&mut self, offset: u64) -> Option<Mark> {
        Some(Mark { bit: (offset + self.skipped) * 8, offset })
    }
}

impl Stream {
    /// Opens a file, or standard input for `-`.
    ///
    /// # Errors
    /// A file that cannot be opened or read.
    pub fn open(path: &Path, progress: Progress) -> anyhow::Result<Self> {
        Self::open_on(1, path, progress)
    }

    /// The same, with bzip2 decoded on so many threads.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_on(threads: usize, path: &Path, progress: Progress) -> anyhow::Result<Self> {
        let (file, name, tap) = Self::tapped(path, progress)?;
        let reader = decompress(BufReader::with_capacity(BUFFER, file), threads).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { reader, path: name, tap })
    }

    /// Opens a part of a file, from its start or from a place that [`place`](Self::place) gave. What was read before it is read again and
    /// must be the same; nothing of it is decompressed again, where the format has places to go on from.
    ///
    /// # Errors
    /// As [`open`](Self::open), and a file that has changed.
    pub fn open_part(part: &Part, place: Option<&Place>, threads: usize, path: &Path, progress: Progress) -> anyhow::Result<Self> {
        let mark = place.map_or(part.from, |place| place.mark);
        if mark.is_none() && place.is_none() && part.until.is_none() {
            return Self::open_on(threads, path, progress);
        }
        let name = path.display().to_string();
        let mut file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let mut hashed = part.bytes();
        let mut state = TapState::default();
        if let Some(place) = place {
            state = read_again(&mut file, hashed.start, place.bytes, &place.blake3).with_context(|| format!("cannot go on with {name}"))?;
            hashed.start += place.bytes;
        }
        let mut magic = [0; 3];
        file.rewind().and_then(|()| file.read(&mut magic)).with_context(|| format!("cannot read {name}"))?;
        let at = mark.map_or(0, |mark| mark.bit / 8);
        file.seek(SeekFrom::Start(at)).with_context(|| format!("cannot read {name}"))?;
        let tap = Tap(Arc::new(Mutex::new(state)));
        progress.add(at - part.bytes().start.min(at));
        let tapped = Tapped { inner: Box::new(file) as Box<dyn Read + Send>, tap: tap.clone(), progress, at, hashed };
        let file = BufReader::with_capacity(BUFFER, tapped);
        let reader: Box<dyn Decompressed> = match mark {
            None => decompress(file, threads).with_context(|| format!("cannot read {name}"))?,
            Some(mark) if magic == *b"BZh" => Box::new(BlockReader::at(mark, file, threads)),
            Some(mark) => Box::new(Plain { reader: file, skipped: mark.bit / 8 - mark.offset }),
        };
        Ok(Self { reader, path: name, tap })
    }

    fn tapped(path: &Path, progress: Progress) -> anyhow::Result<(TappedFile, String, Tap)> {
        let name = path.display().to_string();
        let raw: Box<dyn Read + Send> = if name == "-" {
            Box::new(io::stdin())
        } else {
            let meta = std::fs::metadata(path).with_context(|| format!("cannot open {name}"))?;
            anyhow::ensure!(!meta.is_dir(), "{name} is a folder, expected a dump file");
            Box::new(File::open(path).with_context(|| format!("cannot open {name}"))?)
        };
        let tap = Tap::default();
        Ok((Tapped { inner: raw, tap: tap.clone(), progress, at: 0, hashed: Part::WHOLE.bytes() }, name, tap))
    }

    /// How far the file was read, and from where to go on for a decompressed byte; bytes before that one are not asked for again.
    pub fn place(&mut self, offset: u64) -> Place {
        let mark = self.mark(offset);
        let InputFile { bytes, blake3, .. } = self.input();
        Place { mark, bytes, blake3 }
    }

    /// The last place before a decompressed byte from which the file can be read again, if its format has such places; places before
    /// it are not asked for again.
    pub fn mark(&mut self, offset: u64) -> Option<Mark> {
        self.reader.mark(offset)
    }

    /// What was read: call it at the end, or at the point where the stream broke.
    pub fn input(&self) -> InputFile {
        let state = self.tap.0.lock().expect("no reader panics while it holds the lock");
        InputFile { path: self.path.clone(), bytes: state.bytes, blake3: state.hash.finalize().to_string() }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

#[derive(Clone, Default)]
struct Tap(Arc<Mutex<TapState>>);

/// What was hashed.
#[derive(Default)]
struct TapState {
    hash: blake3::Hasher,
    bytes: u64,
}

/// Hashes again what was read before.
fn read_again(file: &mut File, from: u64, bytes: u64, blake3: &str) -> anyhow::Result<TapState> {
    let mut state = TapState::default();
    file.seek(SeekFrom::Start(from))?;
    io::copy(&mut file.take(bytes), &mut state)?;
    let same = state.bytes == bytes && state.hash.finalize().to_string() == blake3;
    anyhow::ensure!(same, "the {bytes} bytes from byte {from} on, which were read already, have changed");
    Ok(state)
}

/// Checks that a file, or a part of it, is what was read before.
///
/// # Errors
/// A file that cannot be read, or has changed.
pub fn check_unchanged(part: &Part, read: &InputFile) -> anyhow::Result<()> {
    let name = &read.path;
    let mut file = File::open(name).with_context(|| format!("cannot open {name}"))?;
    read_again(&mut file, part.bytes().start, read.bytes, &read.blake3).with_context(|| format!("cannot go on after {name}"))?;
    Ok(())
}

impl io::Write for TapState {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Hashes and counts what passes.
struct Tapped<R> {
    inner: R,
    tap: Tap,
    progress: Progress,
    /// Byte of the file that comes next.
    at: u64,
    /// Bytes of the file that are still to be hashed.
    hashed: Range<u64>,
}

type TappedFile = Tapped<Box<dyn Read + Send>>;

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let here = self.at..self.at + read as u64;
        let hashed = self.hashed.start.clamp(here.start, here.end)..self.hashed.end.clamp(here.start, here.end);
        if !hashed.is_empty() {
            let within = |at: u64| usize::try_from(at - here.start).expect("the buffer is that long");
            let mut state = self.tap.0.lock().expect("no reader panics while it holds the lock");
            io::Write::write_all(&mut *state, &buffer[within(hashed.start)..within(hashed.end)])?;
        }
        self.at = here.end;
        self.progress.add(read as u64);
        Ok(read)
    }
}

fn decompress<R: BufRead + Send + 'static>(mut reader: R, threads: usize) -> io::Result<Box<dyn Decompressed>> {
    let magic = reader.fill_buf()?;
    match magic {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => transcode(Box::new(BlockReader::new(reader, threads))),
        [0x1f, 0x8b, ..] => transcode(Box::new(flate2::bufread::MultiGzDecoder::new(reader))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => transcode(Box::new(zstd::Decoder::with_buffer(reader)?)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => transcode(Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader))),
        [0xef, 0xbb, 0xbf, ..] => {
            reader.consume(3);
            Ok(Box::new(Plain { reader, skipped: 3 }))
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => transcode(Box::new(Plain { reader, skipped: 0 })),
        _ => Ok(Box::new(Plain { reader, skipped: 0 })),
    }
}

/// Undoes UTF-16, and takes off a byte-order mark.
fn transcode(mut source: Box<dyn Decompressed>) -> io::Result<Box<dyn Decompressed>> {
    let mut start = [0; 3];
    let mut length = 0;
    while length < start.len() {
        match source.read(&mut start[length..])? {
            0 => break,
            read => length += read,
        }
    }
    let encoding = match &start[..length] {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
        [0xef, 0xbb, 0xbf] => return Ok(Box::new(Resumed { start: [0; 3], left: 3..3, marks: false, source })),
        _ => return Ok(Box::new(Resumed { start, left: 0..length, marks: true, source })),
    };
    let mut reader = BufReader::with_capacity(BUFFER, io::Cursor::new(start).take(length as u64).chain(source));
    reader.fill_buf()?;
    reader.consume(2);
    Ok(Box::new(Transcoder { reader, decoder: encoding.new_decoder_without_bom_handling(), buffer: Vec::new(), taken: 0, ended: false }))
}

/// A source whose first bytes were looked at.
struct Resumed {
    start: [u8; 3],
    /// Those that are not given out yet.
    left: Range<usize>,
    /// Whether the source's offsets are those of what is given out.
    marks: bool,
    source: Box<dyn Decompressed>,
}

impl Read for Resumed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            return self.source.read(buffer);
        }
        let read = (&self.start[self.left.clone()]).read(buffer)?;
        self.left.start += read;
        Ok(read)
    }
}

impl Decompressed for Resumed {
    fn mark(&mut self, offset: u64) -> Option<Mark> {
        self.marks.then(|| self.source.mark(offset)).flatten()
    }
}

/// UTF-16 to UTF-8.
struct Transcoder<R> {
    reader: R,
    decoder: encoding_rs::Decoder,
    /// Decoded, from `taken` on not given out yet.
    buffer: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: BufRead> Read for Transcoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.buffer.len() && !self.ended {
            let input = self.reader.fill_buf()?;
            let last = input.is_empty();
            self.buffer.resize(BUFFER, 0);
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.buffer, last);
            self.reader.consume(read);
            self.buffer.truncate(written);
            self.taken = 0;
            if let encoding_rs::DecoderResult::Malformed(..) = result {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "malformed UTF-16"));
            }
            self.ended = last && result == encoding_rs::DecoderResult::InputEmpty;
        }
        let size = out.len().min(self.buffer.len() - self.taken);
        out[..size].copy_from_slice(&self.buffer[self.taken..self.taken + size]);
        self.taken += size;
        Ok(size)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(bytes: &[u8]) -> anyhow::Result<(String, InputFile)> {
        let mut file = tempfile::NamedTempFile::new()?;
        file.write_all(bytes)?;
        let mut stream = Stream::open_on(2, file.path(), Progress::default())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok((text, stream.input()))
    }

    #[test]
    fn files_are_read_on_from_a_mark() {
        let text: String = (0..60_000).map(|n| blake3::hash(format!("{n}").as_bytes()).to_string()[..8].to_owned()).collect();
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
        encoder.write_all(text.as_bytes()).unwrap();
        let with_mark = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        for bytes in [encoder.finish().unwrap(), text.as_bytes().to_vec(), with_mark] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let mut stream = Stream::open_on(2, file.path(), Progress::default()).unwrap();
            stream.read_exact(&mut vec![0; 300_000]).unwrap();
            let place = stream.place(250_000);
            let mark = place.mark.unwrap();
            assert!(mark.offset > 0 && mark.offset <= 250_000);
            let open = || Stream::open_part(&Part::WHOLE, Some(&place), 2, file.path(), Progress::default());
            let mut stream = open().unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert!(rest == text[usize::try_from(mark.offset).unwrap()..]);
            // What was skipped is hashed too.
            assert_eq!((stream.input().bytes, stream.input().blake3), (bytes.len() as u64, blake3::hash(&bytes).to_string()));
            let mut changed = bytes.clone();
            changed[9] ^= 1;
            std::fs::write(file.path(), &changed).unwrap();
            assert!(format!("{:#}", open().err().unwrap()).contains("have changed"));
            // Parts are hashed alone.
            std::fs::write(file.path(), &bytes).unwrap();
            for part in [Part { from: None, until: Some(mark.bit) }, Part { from: Some(mark), until: None }] {
                let mut stream = Stream::open_part(&part, None, 2, file.path(), Progress::default()).unwrap();
                io::copy(&mut stream, &mut io::sink()).unwrap();
                let range = usize::try_from(part.bytes().start).unwrap()..bytes.len().min(part.bytes().end as usize);
                assert_eq!(stream.input().blake3, blake3::hash(&bytes[range]).to_string());
            }
        }
    }

    #[test]
    fn every_codec_and_encoding() {
        let text = "<mediawiki>Ödön 北京 🎉</mediawiki>".repeat(500);
        let bz2 = |level| {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(level));
            encoder.write_all(text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(text.as_bytes()).unwrap();
        let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 1);
        xz.write_all(text.as_bytes()).unwrap();
        let utf16 = |bytes: fn(u16) -> [u8; 2]| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect::<Vec<u8>>();
        let double = text.repeat(2);
        for (name, bytes, expected) in [
            ("plain", text.as_bytes().to_vec(), &text),
            ("utf-8 with mark", [b"\xef\xbb\xbf", text.as_bytes()].concat(), &text),
            ("bzip2", bz2(9), &text),
            ("bzip2 streams", [bz2(9), bz2(1)].concat(), &double),
            ("gzip", gz.finish().unwrap(), &text),
            ("xz", xz.finish().unwrap(), &text),
            ("zstd", zstd::encode_all(text.as_bytes(), 1).unwrap(), &text),
            ("utf-16le", utf16(u16::to_le_bytes), &text),
            ("utf-16be", utf16(u16::to_be_bytes), &text),
        ] {
            let (text, input) = read(&bytes).unwrap();
            assert_eq!(&text, expected, "{name}");
            assert_eq!(input.bytes, bytes.len() as u64, "{name}");
            assert_eq!(input.blake3, blake3::hash(&bytes).to_string(), "{name}");
        }
        for at in [10, 40, bz2(9).len() - 1] {
            read(&bz2(9)[..at]).expect_err("a cut stream is an error");
        }
    }
}
