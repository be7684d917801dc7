//! Decompression: the format is detected from the first bytes of the file, not from its name.

use std::io;

use super::bzip2::Bzip2Reader;
use super::chunk::{Bytes, ChunkBufReader, ChunkReader, Peeked};
use super::decoder_thread::DecoderThread;
use super::file_chunks::FileChunks;
use super::seek_point::SeekPoint;
use super::text_decoder::TextDecoder;

/// A reader of decompressed bytes that may know where decompression can start again.
pub(super) trait Decompressor: ChunkReader {
    /// The last seek point at or before a decompressed byte. Offsets of successive calls must not decrease.
    fn seek_point(&mut self, _offset: u64) -> Option<SeekPoint> {
        None
    }
}

impl Decompressor for DecoderThread {}

impl Decompressor for Bzip2Reader {
    fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        self.seek_point(offset)
    }
}

/// An uncompressed file, in which every byte is a seek point.
struct Uncompressed<R> {
    reader: R,
    /// Bytes of the file before the first byte returned.
    skipped: u64,
}

impl<R: ChunkReader> ChunkReader for Uncompressed<R> {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.reader.next_chunk()
    }
}

impl<R: ChunkReader> Decompressor for Uncompressed<R> {
    fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        Some(SeekPoint { bit: (offset + self.skipped) * 8, offset })
    }
}

/// Name of the format of a file that starts with these bytes, for messages.
pub(super) fn format_name(magic: &[u8]) -> &'static str {
    match magic {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "bzip2",
        [0x1f, 0x8b, ..] => "gzip",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "xz",
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "utf-16",
        _ => "uncompressed",
    }
}

/// Whether a format is decoded on one thread, from the start of the file.
pub(super) fn is_serial(format_name: &str) -> bool {
    !matches!(format_name, "bzip2" | "uncompressed")
}

/// A decompressor for a file, read from its start, with UTF-16 and declared encodings decoded and a byte-order mark removed.
///
/// Formats: bzip2 (on `threads` threads), gzip, zstd, xz (on one), each as one stream or several, or none.
pub(super) fn detect(mut file: Peeked<FileChunks>, threads: usize) -> io::Result<Box<dyn Decompressor>> {
    match file.start() {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => decode_text(Bzip2Reader::new(ChunkBufReader::new(file), threads)),
        [0x1f, 0x8b, ..] => decode_text(DecoderThread::start(flate2::bufread::MultiGzDecoder::new(ChunkBufReader::new(file)))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => decode_text(DecoderThread::start(zstd::Decoder::with_buffer(ChunkBufReader::new(file))?)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            decode_text(DecoderThread::start(liblzma::bufread::XzDecoder::new_multi_decoder(ChunkBufReader::new(file))))
        }
        [0xef, 0xbb, 0xbf, ..] => {
            file.skip(3);
            Ok(Box::new(Uncompressed { reader: file, skipped: 3 }))
        }
        _ => decode_text(Uncompressed { reader: file, skipped: 0 }),
    }
}

/// A decompressor that starts at a seek point of a file whose first bytes are `magic`. `reader` stands at the byte that holds the point.
pub(super) fn from_seek_point(reader: FileChunks, magic: &[u8], seek_point: SeekPoint, threads: usize) -> Box<dyn Decompressor> {
    if magic.starts_with(b"BZh") {
        Box::new(Bzip2Reader::from_seek_point(ChunkBufReader::new(reader), seek_point, threads))
    } else {
        Box::new(Uncompressed { reader, skipped: seek_point.bit / 8 - seek_point.offset })
    }
}

/// Bytes in which an XML declaration ends.
const DECLARATION_BYTES: usize = 200;

/// Decodes UTF-16 or the encoding that an XML declaration names, or removes the byte-order mark of UTF-8.
fn decode_text<D: Decompressor + 'static>(source: D) -> io::Result<Box<dyn Decompressor>> {
    let mut source = Peeked::new(source, DECLARATION_BYTES)?;
    let (encoding, mark) = match source.start() {
        [0xff, 0xfe, ..] => (encoding_rs::UTF_16LE, 2),
        [0xfe, 0xff, ..] => (encoding_rs::UTF_16BE, 2),
        [0xef, 0xbb, 0xbf, ..] => (encoding_rs::UTF_8, 3),
        start => (declared_encoding(start)?, 0),
    };
    source.skip(mark);
    if encoding == encoding_rs::UTF_8 {
        return Ok(Box::new(DecodedText { has_seek_points: mark == 0, source }));
    }
    Ok(Box::new(DecoderThread::start(TextDecoder::new(ChunkBufReader::new(source), encoding))))
}

/// The encoding that the XML declaration at the start of a text names; UTF-8 if there is none, or none that the declaration itself is in.
fn declared_encoding(start: &[u8]) -> io::Result<&'static encoding_rs::Encoding> {
    let start = String::from_utf8_lossy(&start[..start.len().min(DECLARATION_BYTES)]);
    let name = || {
        let declaration = start.trim_start().strip_prefix("<?xml")?.split_once("?>")?.0;
        let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
        value.strip_prefix('"').and_then(|rest| rest.split_once('"')).or_else(|| value.strip_prefix('\'')?.split_once('\''))
    };
    let Some((name, _)) = name() else { return Ok(encoding_rs::UTF_8) };
    let encoding = encoding_rs::Encoding::for_label(name.as_bytes()).ok_or_else(|| {
        let what = format!("the XML declaration names the encoding {name:?}, which is unknown; convert the file to UTF-8");
        io::Error::new(io::ErrorKind::InvalidData, what)
    })?;
    // A declaration that can be read as ASCII is not in UTF-16.
    Ok(if encoding.is_ascii_compatible() { encoding } else { encoding_rs::UTF_8 })
}

/// A decompressed stream of UTF-8.
struct DecodedText<D> {
    /// Whether offsets in `source` equal offsets in what is returned: not if a byte-order mark was removed.
    has_seek_points: bool,
    source: Peeked<D>,
}

impl<D: Decompressor> ChunkReader for DecodedText<D> {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        self.source.next_chunk()
    }
}

impl<D: Decompressor> Decompressor for DecodedText<D> {
    fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        self.has_seek_points.then(|| self.source.source().seek_point(offset)).flatten()
    }
}
