//! The lines of a text file.

use std::io::{BufRead, BufReader, Read};

use super::corpus_reader::CorpusReadError;

/// Reads lines that end in LF, CRLF or, where the first line of the file does, in CR alone.
///
/// Memory: one line of at most the given limit.
pub struct TextLines<R> {
    input: BufReader<R>,
    limit: usize,
    /// What a line of the format holds, for messages.
    expected: &'static str,
    /// Number of the current line, from 1.
    number: u64,
    /// The byte that ends a line, once it is known.
    end: Option<u8>,
    bytes: Vec<u8>,
}

impl<R: Read> TextLines<R> {
    /// The lines from the start of a file, of `limit` bytes at most.
    pub fn new(input: R, limit: usize, expected: &'static str) -> Self {
        Self { input: BufReader::new(input), limit, expected, number: 0, end: None, bytes: Vec::new() }
    }

    /// Number of the line that was read last, from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The next line without its end; `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, a line is too long or is not UTF-8.
    pub fn next_line(&mut self) -> Result<Option<&str>, CorpusReadError> {
        let line = self.number + 1;
        let io = |source| CorpusReadError::Io { line, source };
        let end = match self.end {
            Some(end) => end,
            None => line_end(self.input.fill_buf().map_err(io)?),
        };
        self.end = Some(end);
        self.bytes.clear();
        let mut limited = (&mut self.input).take(self.limit as u64 + 1);
        let read = limited.read_until(end, &mut self.bytes).map_err(io)?;
        if read > self.limit {
            return Err(CorpusReadError::LineTooLong { line, limit: self.limit, expected: self.expected });
        }
        self.number = line;
        if read == 0 {
            return Ok(None);
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|_| CorpusReadError::Encoding { line })?;
        let text = text.strip_suffix(char::from(end)).unwrap_or(text);
        Ok(Some(text.strip_suffix('\r').unwrap_or(text)))
    }
}

/// The byte that ends the lines of a file which begins like this: LF, or CR where no LF follows the first one.
pub fn line_end(start: &[u8]) -> u8 {
    match start.iter().position(|&byte| matches!(byte, b'\r' | b'\n')) {
        Some(at) if start[at] == b'\r' && start.get(at + 1).is_some_and(|&next| next != b'\n') => b'\r',
        _ => b'\n',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_is_read() {
        for (text, expected) in [
            ("a\nb\n\nc", &["a", "b", "", "c"][..]),
            ("a\r\nb\r\n\r\nc", &["a", "b", "", "c"]),
            ("a\rb\r\rc", &["a", "b", "", "c"]),
            ("a\rb\r", &["a", "b"]),
            ("a\nb\rc\n", &["a", "b\rc"]),
            ("", &[]),
        ] {
            let mut lines = TextLines::new(text.as_bytes(), 9, "a line");
            let mut found = Vec::new();
            while let Some(line) = lines.next_line().unwrap() {
                found.push(line.to_owned());
            }
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
