//! An input file as decompressed UTF-8, hashed and counted while it is read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use anyhow::Context;
use schemas::manifest::InputFile;

use super::chunk::{Bytes, ChunkReader, Peeked};
use super::decompressor::{self, Decompressor};
use super::file_chunks::{BytesRead, FileChunks};
use super::input_hash::{HashThread, InputHasher, PendingResumePoint, SharedHash, rehash};
use super::seek_point::{FilePart, ResumePoint, SeekPoint};

/// Bytes by which formats are told.
const MAGIC_BYTES: usize = 6;

/// A file, or standard input, as decompressed UTF-8.
///
/// Compression and encoding are detected from the first bytes, not from the file name: bzip2 (one stream or many), gzip, zstd, xz or
/// none; UTF-16 by its byte-order mark, UTF-8 otherwise, which is not validated here.
///
/// Memory: the buffers of the decoder; of bzip2 see [`bzip2`](super::bzip2).
pub struct InputStream {
    reader: Box<dyn Decompressor>,
    /// What is left of the last chunk, if it is read in smaller pieces.
    rest: Bytes,
    path: String,
    format: &'static str,
    hash: SharedHash,
}

impl InputStream {
    /// Opens a file, or standard input for `-`. bzip2 is decoded on one thread.
    ///
    /// # Errors
    /// The file cannot be opened or read, or is a folder.
    pub fn open(path: &Path, bytes_read: BytesRead) -> anyhow::Result<Self> {
        Self::open_with_threads(path, 1, bytes_read)
    }

    /// Like [`open`](Self::open), with bzip2 decoded on `threads` threads. The other formats use one thread.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with_threads(path: &Path, threads: usize, bytes_read: BytesRead) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file: Box<dyn Read + Send> = if name == "-" {
            Box::new(io::stdin())
        } else {
            let metadata = std::fs::metadata(path).with_context(|| format!("cannot open {name}"))?;
            anyhow::ensure!(!metadata.is_dir(), "{name} is a folder, expected a file");
            Box::new(File::open(path).with_context(|| format!("cannot open {name}"))?)
        };
        let hash = SharedHash::default();
        let file = FileChunks::new(file, 0, FilePart::WHOLE.byte_range(), HashThread::new(hash.clone()), bytes_read);
        let file = Peeked::new(file, MAGIC_BYTES).with_context(|| format!("cannot read {name}"))?;
        let format = decompressor::format_name(file.start());
        let reader = decompressor::detect(file, threads).with_context(|| format!("cannot read {name}"))?;
        Ok(Self { reader, rest: Bytes::new(), path: name, format, hash })
    }

    /// Opens a part of a file, at its start or at a point that [`resume_point`](Self::resume_point) returned.
    ///
    /// The bytes before a resume point are hashed again and must be unchanged. They are not decompressed again if the format has
    /// seek points.
    ///
    /// # Errors
    /// As [`open`](Self::open), and if the bytes before the resume point have changed.
    pub fn open_part(
        path: &Path,
        part: &FilePart,
        resume: Option<&ResumePoint>,
        threads: usize,
        bytes_read: BytesRead,
    ) -> anyhow::Result<Self> {
        let seek_point = resume.map_or(part.start, |resume| resume.seek_point);
        if seek_point.is_none() && resume.is_none() && part.end_bit.is_none() {
            return Self::open_with_threads(path, threads, bytes_read);
        }
        let name = path.display().to_string();
        let mut file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        let mut to_hash = part.byte_range();
        let mut hasher = InputHasher::default();
        if let Some(resume) = resume {
            hasher = rehash(&mut file, to_hash.start, resume.bytes, &resume.blake3).with_context(|| format!("cannot resume {name}"))?;
            to_hash.start += resume.bytes;
        }
        let mut magic = [0; MAGIC_BYTES];
        file.rewind().and_then(|()| file.read(&mut magic)).with_context(|| format!("cannot read {name}"))?;
        let position = seek_point.map_or(0, |seek_point| seek_point.bit / 8);
        file.seek(SeekFrom::Start(position)).with_context(|| format!("cannot read {name}"))?;
        let hash = SharedHash::new(hasher);
        bytes_read.add(position - part.byte_range().start.min(position));
        let file = FileChunks::new(Box::new(file), position, to_hash, HashThread::new(hash.clone()), bytes_read);
        let reader = match seek_point {
            None => Peeked::new(file, MAGIC_BYTES)
                .and_then(|file| decompressor::detect(file, threads))
                .with_context(|| format!("cannot read {name}"))?,
            Some(seek_point) => decompressor::from_seek_point(file, &magic, seek_point, threads),
        };
        Ok(Self { reader, rest: Bytes::new(), path: name, format: decompressor::format_name(&magic), hash })
    }

    /// Name of the compression format, or of the encoding of an uncompressed file.
    pub fn format(&self) -> &'static str {
        self.format
    }

    /// Whether only one thread can decode it, from its start.
    pub fn is_serial(&self) -> bool {
        decompressor::is_serial(self.format)
    }

    /// How far the file was read, and where to resume so that the decompressed byte at `offset` is read again. Offsets of successive
    /// calls must not decrease.
    pub fn resume_point(&mut self, offset: u64) -> PendingResumePoint {
        PendingResumePoint { seek_point: self.seek_point(offset), hashed: self.hash.prefix() }
    }

    /// The last seek point at or before the decompressed byte at `offset`; `None` if the format has none. Offsets of successive calls
    /// must not decrease.
    pub fn seek_point(&mut self, offset: u64) -> Option<SeekPoint> {
        self.reader.seek_point(offset)
    }

    /// Path, size and hash of what was read so far. To be called at the end of the stream, or where it broke.
    pub fn input(&self) -> InputFile {
        let (bytes, blake3) = self.hash.prefix().wait();
        InputFile { path: self.path.clone(), bytes, blake3 }
    }
}

/// Whether only one thread can decode a file, from its start, as its first bytes tell.
///
/// # Errors
/// The file cannot be read.
pub fn is_serial(path: &Path) -> io::Result<bool> {
    let mut magic = [0; MAGIC_BYTES];
    let read = File::open(path)?.read(&mut magic)?;
    Ok(decompressor::is_serial(decompressor::format_name(&magic[..read])))
}

impl ChunkReader for InputStream {
    fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
        if self.rest.is_empty() { self.reader.next_chunk() } else { Ok(Some(std::mem::take(&mut self.rest))) }
    }
}

impl Read for InputStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.next_chunk()?.unwrap_or_default();
        let read = buffer.len().min(chunk.len());
        buffer[..read].copy_from_slice(&chunk.split_to(read));
        self.rest = chunk;
        Ok(read)
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
        let mut stream = InputStream::open_with_threads(file.path(), 2, BytesRead::default())?;
        let mut text = String::new();
        stream.read_to_string(&mut text)?;
        Ok((text, stream.input()))
    }

    #[test]
    fn reading_resumes_at_a_seek_point() {
        let text: String = (0..60_000).map(|n| blake3::hash(format!("{n}").as_bytes()).to_string()[..8].to_owned()).collect();
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::new(1));
        encoder.write_all(text.as_bytes()).unwrap();
        let with_bom = [b"\xef\xbb\xbf", text.as_bytes()].concat();
        for bytes in [encoder.finish().unwrap(), text.as_bytes().to_vec(), with_bom] {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(&bytes).unwrap();
            let mut stream = InputStream::open_with_threads(file.path(), 2, BytesRead::default()).unwrap();
            stream.read_exact(&mut vec![0; 300_000]).unwrap();
            let resume = stream.resume_point(250_000).wait();
            let seek_point = resume.seek_point.unwrap();
            assert!(seek_point.offset > 0 && seek_point.offset <= 250_000);
            let open = || InputStream::open_part(file.path(), &FilePart::WHOLE, Some(&resume), 2, BytesRead::default());
            let mut stream = open().unwrap();
            let mut rest = String::new();
            stream.read_to_string(&mut rest).unwrap();
            assert!(rest == text[usize::try_from(seek_point.offset).unwrap()..]);
            // Skipped bytes are hashed too.
            assert_eq!((stream.input().bytes, stream.input().blake3), (bytes.len() as u64, blake3::hash(&bytes).to_string()));
            let mut changed = bytes.clone();
            changed[9] ^= 1;
            std::fs::write(file.path(), &changed).unwrap();
            assert!(format!("{:#}", open().err().unwrap()).contains("have changed"));
            // The hash of a part covers only its own bytes.
            std::fs::write(file.path(), &bytes).unwrap();
            for part in [FilePart { start: None, end_bit: Some(seek_point.bit) }, FilePart { start: Some(seek_point), end_bit: None }] {
                let mut stream = InputStream::open_part(file.path(), &part, None, 2, BytesRead::default()).unwrap();
                io::copy(&mut stream, &mut io::sink()).unwrap();
                let range = part.byte_range();
                let range = usize::try_from(range.start).unwrap()..bytes.len().min(range.end as usize);
                assert_eq!(stream.input().blake3, blake3::hash(&bytes[range]).to_string());
            }
        }
    }

    #[test]
    fn every_compression_and_encoding_is_decoded() {
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
            ("utf-8 with byte-order mark", [b"\xef\xbb\xbf", text.as_bytes()].concat(), &text),
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
            read(&bz2(9)[..at]).expect_err("a truncated stream is an error");
        }
    }
}
