//! A dump's bytes: decompressed, as UTF-8, hashed and counted as they are read.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::Context;
use schemas::manifest::Input;
use serde::{Deserialize, Serialize};

use super::bz2::BlockReader;

const BUFFER: usize = 1 << 18;

/// Bytes of compressed input read so far, shared with whoever shows them.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, bytes: usize) {
        self.0.fetch_add(bytes as u64, Ordering::Relaxed);
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

    /// Opens a file at a place that [`mark`](Self::mark) gave. What lies before it is hashed, not decompressed.
    ///
    /// # Errors
    /// As [`open`](Self::open), and a file that is too short.
    pub fn open_at(mark: Mark, threads: usize, path: &Path, progress: Progress) -> anyhow::Result<Self> {
        let (file, name, tap) = Self::tapped(path, progress)?;
        let mut file = BufReader::with_capacity(BUFFER, file);
        let bzip2 = file.fill_buf().with_context(|| format!("cannot read {name}"))?.starts_with(b"BZh");
        let skipped = io::copy(&mut (&mut file).take(mark.bit / 8), &mut io::sink()).with_context(|| format!("cannot read {name}"))?;
        anyhow::ensure!(skipped == mark.bit / 8, "{name} has {skipped} bytes, expected more than {}", mark.bit / 8);
        let reader: Box<dyn Decompressed> = if bzip2 {
            Box::new(BlockReader::at(mark, file, threads))
        } else {
            Box::new(Plain { reader: file, skipped: mark.bit / 8 - mark.offset })
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
        Ok((Tapped { inner: raw, tap: tap.clone(), progress }, name, tap))
    }

    /// The last place before a decompressed byte from which the file can be read again, if its format has such places; places before
    /// it are not asked for again.
    pub fn mark(&mut self, offset: u64) -> Option<Mark> {
        self.reader.mark(offset)
    }

    /// What was read: call it at the end, or at the point where the stream broke.
    pub fn input(&self) -> Input {
        let state = self.tap.0.lock().expect("no reader panics while it holds the lock");
        Input { path: self.path.clone(), bytes: state.bytes, blake3: state.hash.finalize().to_string() }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

#[derive(Clone, Default)]
struct Tap(Arc<Mutex<TapState>>);

#[derive(Default)]
struct TapState {
    hash: blake3::Hasher,
    bytes: u64,
}

/// Hashes and counts what passes.
struct Tapped<R> {
    inner: R,
    tap: Tap,
    progress: Progress,
}

type TappedFile = Tapped<Box<dyn Read + Send>>;

impl<R: Read> Read for Tapped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let mut state = self.tap.0.lock().expect("no reader panics while it holds the lock");
        state.hash.update(&buffer[..read]);
        state.bytes += read as u64;
        self.progress.add(read);
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

    fn read(bytes: &[u8]) -> anyhow::Result<(String, Input)> {
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
            let mark = stream.mark(250_000).unwrap();
            assert!(mark.offset > 0 && mark.offset <= 250_000);
            let mut stream = Stream::open_at(mark, 2, file.path(), Progress::default()).unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert!(rest == text[usize::try_from(mark.offset).unwrap()..]);
            // What was skipped is hashed too.
            assert_eq!((stream.input().bytes, stream.input().blake3), (bytes.len() as u64, blake3::hash(&bytes).to_string()));
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
