//! The unread bytes of a stream, in the chunks in which they came.

use std::collections::VecDeque;
use std::ops::Range;

use memchr::memmem;

use super::chunk::Bytes;

/// Unread bytes of a stream. Indices count from the first of them.
#[derive(Default)]
pub(super) struct ChunkWindow {
    chunks: VecDeque<Bytes>,
    /// Offset in the stream of the first byte.
    offset: u64,
    length: usize,
}

impl ChunkWindow {
    /// A window without bytes, at an offset in the stream.
    pub fn at(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Offset in the stream of the first byte.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Offset in the stream of the byte after the last.
    pub fn end(&self) -> u64 {
        self.offset + self.length as u64
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Appends bytes.
    pub fn push(&mut self, chunk: Bytes) {
        self.length += chunk.len();
        self.chunks.push_back(chunk);
    }

    /// Removes the first bytes.
    ///
    /// # Panics
    /// There are fewer.
    pub fn advance(&mut self, bytes: usize) {
        self.offset += bytes as u64;
        self.length -= bytes;
        let mut left = bytes;
        while left > 0 {
            let first = self.chunks.front_mut().expect("the length counts the bytes of all chunks");
            if first.len() > left {
                *first = first.slice(left..);
                return;
            }
            left -= first.len();
            self.chunks.pop_front();
        }
    }

    /// The bytes of a range, shared.
    pub fn slice(&self, range: Range<usize>) -> Vec<Bytes> {
        let mut pieces = Vec::with_capacity(1);
        let mut start = 0;
        for chunk in &self.chunks {
            let end = start + chunk.len();
            if start >= range.end {
                break;
            }
            if end > range.start {
                pieces.push(chunk.slice(range.start.saturating_sub(start)..chunk.len().min(range.end - start)));
            }
            start = end;
        }
        pieces
    }

    /// Index of the first occurrence of a string at or after an index.
    pub fn find(&self, needle: &[u8], from: usize) -> Option<usize> {
        self.find_in(needle, from..self.length)
    }

    /// Index of the first occurrence of a string that begins in a range. Bytes behind the range are hardly looked at.
    pub fn find_in(&self, needle: &[u8], range: Range<usize>) -> Option<usize> {
        let mut start = 0;
        for (number, chunk) in self.chunks.iter().enumerate() {
            let end = start + chunk.len();
            if start >= range.end {
                break;
            }
            if range.start < end {
                let skipped = range.start.saturating_sub(start);
                let searched = chunk.len().min((range.end - start).saturating_add(needle.len() - 1));
                if let Some(at) = memmem::find(&chunk[skipped..searched], needle) {
                    return Some(start + skipped + at);
                }
                let tail = (chunk.len() - skipped).min(needle.len() - 1);
                if let Some(at) = self.find_across(number, tail, needle).filter(|at| end - tail + at < range.end) {
                    return Some(end - tail + at);
                }
            }
            start = end;
        }
        None
    }

    /// Finds a string that begins in the last `tail` bytes of a chunk and ends in the chunks behind it. Counted from the first of these.
    fn find_across(&self, chunk: usize, tail: usize, needle: &[u8]) -> Option<usize> {
        let last = &self.chunks[chunk];
        let mut seam = last[last.len() - tail..].to_vec();
        let most = tail + needle.len() - 1;
        for next in self.chunks.range(chunk + 1..) {
            seam.extend_from_slice(&next[..next.len().min(most - seam.len())]);
            if seam.len() == most {
                break;
            }
        }
        memmem::find(&seam, needle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_found_wherever_chunks_end() {
        let text = b"--<page>a</page><page>bc</page>";
        for step in 1..text.len() + 1 {
            let mut window = ChunkWindow::at(100);
            text.chunks(step).for_each(|chunk| window.push(Bytes::copy_from_slice(chunk)));
            for from in 0..text.len() {
                let expected = memmem::find(&text[from..], b"</page>").map(|at| from + at);
                assert_eq!(window.find(b"</page>", from), expected, "{step} {from}");
                for to in from..text.len() {
                    assert_eq!(window.find_in(b"</page>", from..to), expected.filter(|&at| at < to), "{step} {from} {to}");
                    assert_eq!(window.slice(from..to).concat(), &text[from..to], "{step} {from} {to}");
                }
            }
            window.advance(17);
            assert_eq!((window.offset(), window.len(), window.end()), (117, text.len() - 17, 100 + text.len() as u64));
            assert_eq!(window.find(b"</page>", 0), Some(7));
            window.advance(text.len() - 17);
            assert_eq!((window.len(), window.find(b"<", 0)), (0, None));
        }
    }
}
