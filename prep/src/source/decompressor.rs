//! Decompression: the format is detected from the first bytes of the file, not from its name.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;

use super::bzip2::Bzip2Reader;
use super::seek_point::SeekPoint;
use super::utf16::Utf16Decoder;

/// Size of read buffers in bytes.
pub(super) const BUFFER: usize = 1 << 18;

/// A reader of decompressed bytes that may know where decompression can start again.
pub(super) trait Decompressor: Read + Send {
    /// The last seek point at or before a decompressed byte. Offsets of successive calls must not decrease.
    fn seek_point(&mut self, _offset: u64) -> Option<SeekPoint> {
        None
    }
}

impl<R: BufRead + Send> Decompressor for flate2::bufread::MultiGzDecoder<R> {}
impl<R: BufRead + Send> Decompressor for zstd::Decoder<'_, R> {}
impl<R: BufRead + Send> Decompressor for liblzma::bufread::XzDecoder<R> {}
impl<R: BufRead + Send> Decompressor for Utf16Decoder<R> {}

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

impl<R: Read> Read for Uncompressed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

impl<R: Read + Send> Decompressor for Uncompressed<R> {
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

/// A decompressor for a file, read from its start, with UTF-16 decoded and a byte-order mark removed.
///
/// Formats: bzip2 (on `threads` threads), gzip, zstd, xz, each as one stream or several, or none.
pub(super) fn detect<R: BufRead + Send + 'static>(mut reader: R, threads: usize) -> io::Result<Box<dyn Decompressor>> {
    let magic = reader.fill_buf()?;
    match magic {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => decode_text(Box::new(Bzip2Reader::new(reader, threads))),
        [0x1f, 0x8b, ..] => decode_text(Box::new(flate2::bufread::MultiGzDecoder::new(reader))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => decode_text(Box::new(zstd::Decoder::with_buffer(reader)?)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => decode_text(Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(reader))),
        [0xef, 0xbb, 0xbf, ..] => {
            reader.consume(3);
            Ok(Box::new(Uncompressed { reader, skipped: 3 }))
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => decode_text(Box::new(Uncompressed { reader, skipped: 0 })),
        _ => Ok(Box::new(Uncompressed { reader, skipped: 0 })),
    }
}

/// A decompressor that starts at a seek point of a file whose first bytes are `magic`. `reader` stands at the byte that holds the point.
pub(super) fn from_seek_point(
    reader: impl BufRead + Send + 'static,
    magic: &[u8],
    seek_point: SeekPoint,
    threads: usize,
) -> Box<dyn Decompressor> {
    if magic.starts_with(b"BZh") {
        Box::new(Bzip2Reader::from_seek_point(reader, seek_point, threads))
    } else {
        Box::new(Uncompressed { reader, skipped: seek_point.bit / 8 - seek_point.offset })
    }
}

/// Decodes UTF-16, or removes the byte-order mark of UTF-8.
fn decode_text(mut source: Box<dyn Decompressor>) -> io::Result<Box<dyn Decompressor>> {
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
        [0xef, 0xbb, 0xbf] => return Ok(Box::new(Peeked { start: [0; 3], left: 3..3, has_seek_points: false, source })),
        _ => return Ok(Box::new(Peeked { start, left: 0..length, has_seek_points: true, source })),
    };
    let mut reader = BufReader::with_capacity(BUFFER, io::Cursor::new(start).take(length as u64).chain(source));
    reader.fill_buf()?;
    reader.consume(2);
    Ok(Box::new(Utf16Decoder::new(reader, encoding)))
}

/// A decompressor whose first bytes were read to look at them; they are returned first.
struct Peeked {
    start: [u8; 3],
    /// Indices of the bytes of `start` not yet returned.
    left: Range<usize>,
    /// Whether offsets in `source` equal offsets in what is returned: not if a byte-order mark was removed.
    has_seek_points: bool,
    source: Box<dyn Decompressor>,
}

impl Read for Peeked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left.is_empty() {
            return self.source.read(buffer);
        }
        let read = (&self.start[self.left.clone()]).read(buffer)?;
        self.left.start += read;
        Ok(read)
    }
}

impl Decompressor for Peeked {
    fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        self.has_seek_points.then(|| self.source.seek_point(offset)).flatten()
    }
}
