//! A stream of text in batches of whole lines.

use std::io;

use super::chunk::{Bytes, ChunkReader};

/// Bytes that a line may have; the largest items of Wikidata have a few MB.
pub const MAX_LINE_BYTES: usize = 1 << 26;

/// Divides a stream into batches of whole lines, without copying more than one line of each.
///
/// Memory: one chunk and one line.
pub struct LineBatches<R> {
    reader: R,
    /// The beginning of a line that has not ended.
    rest: Vec<u8>,
    /// Bytes of the stream before `rest`.
    offset: u64,
    /// Whether the line that has not ended is too long, and is skipped.
    skips: bool,
    ended: bool,
}

/// Whole lines.
#[derive(Debug, Default)]
pub struct LineBatch {
    /// Pieces of whole lines, each with its ends; the last line of the stream may lack one.
    pub pieces: Vec<Bytes>,
    /// Lines longer than [`MAX_LINE_BYTES`] that were skipped.
    pub too_long: u64,
}

impl LineBatch {
    /// Bytes of all lines.
    pub fn bytes(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }
}

impl<R: ChunkReader> LineBatches<R> {
    /// The lines from `offset` on of a stream of which `reader` begins at the byte `start`.
    ///
    /// # Errors
    /// The bytes up to `offset` cannot be read.
    pub fn new(mut reader: R, start: u64, offset: u64) -> io::Result<Self> {
        let mut rest = Vec::new();
        let mut before = start;
        while before < offset {
            let chunk = reader.next_chunk()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let skipped = usize::try_from(offset - before).unwrap_or(usize::MAX).min(chunk.len());
            before += skipped as u64;
            rest = chunk[skipped..].to_vec();
        }
        Ok(Self { reader, rest, offset, skips: false, ended: false })
    }

    /// Bytes of the stream before the next batch.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The stream.
    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// The next lines: those that end in the next chunk. `None` at the end of the stream.
    ///
    /// # Errors
    /// The stream cannot be read.
    pub fn next_batch(&mut self) -> io::Result<Option<LineBatch>> {
        if self.ended {
            return Ok(None);
        }
        let mut batch = LineBatch::default();
        loop {
            let Some(chunk) = self.reader.next_chunk()? else {
                self.ended = true;
                self.end_line(&[], &mut batch);
                return Ok((batch.bytes() > 0 || batch.too_long > 0).then_some(batch));
            };
            let Some(first_end) = memchr::memchr(b'\n', &chunk) else {
                self.add_to_rest(&chunk);
                continue;
            };
            let (first, others) = (chunk.slice(..=first_end), chunk.slice(first_end + 1..));
            self.end_line(&first, &mut batch);
            let last_end = memchr::memrchr(b'\n', &others).map_or(0, |end| end + 1);
            if last_end > 0 {
                batch.pieces.push(others.slice(..last_end));
                self.offset += last_end as u64;
            }
            self.add_to_rest(&others[last_end..]);
            return Ok(Some(batch));
        }
    }

    fn add_to_rest(&mut self, bytes: &[u8]) {
        self.skips |= self.rest.len() + bytes.len() > MAX_LINE_BYTES;
        if self.skips {
            self.offset += (self.rest.len() + bytes.len()) as u64;
            self.rest.clear();
        } else {
            self.rest.extend_from_slice(bytes);
        }
    }

    /// Ends the line of `rest`.
    fn end_line(&mut self, end: &[u8], batch: &mut LineBatch) {
        self.add_to_rest(end);
        if std::mem::take(&mut self.skips) {
            batch.too_long += 1;
            return;
        }
        let line = std::mem::take(&mut self.rest);
        self.offset += line.len() as u64;
        if !line.is_empty() {
            batch.pieces.push(line.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one chunk at each call.
    struct Chunks(Vec<&'static [u8]>);

    impl ChunkReader for Chunks {
        fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
            Ok((!self.0.is_empty()).then(|| Bytes::from_static(self.0.remove(0))))
        }
    }

    #[test]
    fn batches_hold_whole_lines() {
        let chunks: [&[u8]; 5] = [b"one\ntwo\nth", b"r", b"ee\nfour", b"\n", b"five"];
        let text = chunks.concat();
        for from in [0, 4, 8, 18] {
            let mut lines = LineBatches::new(Chunks(chunks.to_vec()), 0, from).unwrap();
            let (mut found, mut offset) = (Vec::new(), from);
            while let Some(batch) = lines.next_batch().unwrap() {
                offset += batch.bytes() as u64;
                assert_eq!(lines.offset(), offset);
                for piece in &batch.pieces {
                    assert!(piece.ends_with(b"\n") || offset == text.len() as u64);
                    found.extend_from_slice(piece);
                }
            }
            assert_eq!(found, text[from as usize..], "{from}");
        }
        assert!(LineBatches::new(Chunks(chunks.to_vec()), 0, 99).is_err());
    }

    #[test]
    fn lines_that_are_too_long_are_skipped() {
        struct Long(usize);
        impl ChunkReader for Long {
            fn next_chunk(&mut self) -> io::Result<Option<Bytes>> {
                self.0 += 1;
                Ok(match self.0 {
                    1..=70 => Some(Bytes::from(vec![b'x'; 1 << 20])),
                    71 => Some(Bytes::from_static(b"x\nshort\n")),
                    _ => None,
                })
            }
        }
        let mut lines = LineBatches::new(Long(0), 0, 0).unwrap();
        let batch = lines.next_batch().unwrap().unwrap();
        assert_eq!((batch.too_long, batch.pieces), (1, vec![Bytes::from_static(b"short\n")]));
        assert_eq!(lines.offset(), (70 << 20) + 8);
        assert!(lines.next_batch().unwrap().is_none());
    }
}
