//! Decompression: the format is detected from the first bytes of the file, not from its name.

use std::io::{self, BufRead, Read};

use super::bzip2::Bzip2Reader;
use super::chunk::{Bytes, ChunkBufReader, ChunkReader, Peeked};
use super::decoder_thread::DecoderThread;
use super::file_chunks::FileChunks;
use super::seek_point::SeekPoint;
use super::utf16::Utf16Decoder;

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

/// A decompressor for a file, read from its start, with UTF-16 decoded and a byte-order mark removed.
///
/// Formats: bzip2 (on `threads` threads), gzip, zstd, xz (on one), each as one stream or several, or none.
pub(super) fn detect(mut file: Peeked<FileChunks>, threads: usize) -> io::Result<Box<dyn Decompressor>> {
    match file.start() {
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => decode_text(Bzip2Reader::new(ChunkBufReader::new(file), threads)),
        [0x1f, 0x8b, ..] => decode_text(decoder_thread(flate2::bufread::MultiGzDecoder::new(ChunkBufReader::new(file)))),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => decode_text(decoder_thread(zstd::Decoder::with_buffer(ChunkBufReader::new(file))?)),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            decode_text(decoder_thread(liblzma::bufread::XzDecoder::new_multi_decoder(ChunkBufReader::new(file))))
        }
        [0xef, 0xbb, 0xbf, ..] => {
            file.skip(3);
            Ok(Box::new(Uncompressed { reader: file, skipped: 3 }))
        }
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => decode_text(Uncompressed { reader: file, skipped: 0 }),
        _ => Ok(Box::new(Uncompressed { reader: file, skipped: 0 })),
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

fn decoder_thread(decoder: impl Read + Send + 'static) -> DecoderThread {
    DecoderThread::start(decoder)
}

/// Decodes UTF-16, or removes the byte-order mark of UTF-8.
fn decode_text<D: Decompressor + 'static>(source: D) -> io::Result<Box<dyn Decompressor>> {
    let mut source = Peeked::new(source, 3)?;
    let encoding = match source.start() {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
        [0xef, 0xbb, 0xbf, ..] => {
            source.skip(3);
            return Ok(Box::new(DecodedText { has_seek_points: false, source }));
        }
        _ => return Ok(Box::new(DecodedText { has_seek_points: true, source })),
    };
    source.skip(2);
    let mut reader = ChunkBufReader::new(source);
    reader.fill_buf()?;
    Ok(Box::new(decoder_thread(Utf16Decoder::new(reader, encoding))))
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
