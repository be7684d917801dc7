//! The elements of a JSON file, one after another: those of an array, or one per line.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

use crate::corpora::read::corpus_reader::{CorpusReadError, excerpt};
use crate::corpora::read::lines::line_end;

/// Bytes that an element may have.
const MAX_ELEMENT_BYTES: usize = 1 << 26;

/// An element of a file.
#[derive(Debug)]
pub struct JsonElement {
    /// Number in the file, from 1.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The value, or what is wrong with a line that is not JSON.
    pub value: Result<Value, String>,
}

/// Reads an array of objects or arrays, or one value per line.
///
/// A line that is not JSON is a malformed element. After malformed JSON in an array the next element cannot be found, so that reading ends.
///
/// Memory: one element of at most 64 MiB.
pub struct JsonElements<R> {
    input: LineCounter<R>,
    layout: Option<Layout>,
    /// The byte that ends a line, once it is known.
    line_end: Option<u8>,
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Array,
    Lines,
    /// The array has ended.
    End,
}

impl<R: Read> JsonElements<R> {
    /// Reads a file from its start.
    pub fn new(input: R) -> Self {
        Self {
            input: LineCounter { input: BufReader::new(input), line: 1, bytes_left: usize::MAX },
            layout: None,
            line_end: None,
            number: 0,
        }
    }

    /// The next element, or `None` at the end of the file.
    ///
    /// # Errors
    /// The file cannot be read, an element is larger than 64 MiB, or an array is malformed.
    pub fn next_element(&mut self) -> Result<Option<JsonElement>, CorpusReadError> {
        let is_first = self.layout.is_none();
        if is_first {
            let is_array = self.input.peek()? == Some(b'[');
            self.layout = Some(if is_array { Layout::Array } else { Layout::Lines });
            if is_array {
                self.input.skip();
            }
        }
        match self.layout {
            Some(Layout::Array) => self.next_in_array(is_first),
            Some(Layout::Lines) => self.next_line(),
            Some(Layout::End) | None => Ok(None),
        }
    }

    fn next_in_array(&mut self, is_first: bool) -> Result<Option<JsonElement>, CorpusReadError> {
        if self.input.peek()? == Some(b']') {
            self.input.skip();
            self.layout = Some(Layout::End);
            return match self.input.peek()? {
                None => Ok(None),
                Some(_) => Err(self.syntax("more text after the end of the array".to_owned())),
            };
        }
        if !is_first {
            match self.input.peek()? {
                Some(b',') => self.input.skip(),
                Some(other) => return Err(self.syntax(format!("`{}` after an element, expected a comma or `]`", char::from(other)))),
                None => return Err(self.syntax("the file ends inside the array, expected a comma or `]`".to_owned())),
            }
        }
        let first_byte = self.input.peek()?;
        self.number += 1;
        let (number, line) = (self.number, self.input.line);
        match first_byte {
            Some(b'{' | b'[') => {}
            Some(other) => return Err(self.syntax(format!("it begins with `{}`, expected an object", char::from(other)))),
            None => return Err(self.syntax("the file ends inside the array, expected an object".to_owned())),
        }
        self.input.bytes_left = MAX_ELEMENT_BYTES;
        // An object or array ends with its last bracket, so that no byte of the next element is read.
        let value = Value::deserialize(&mut serde_json::Deserializer::from_reader(&mut self.input));
        let value = value.map_err(|error| match error.classify() {
            serde_json::error::Category::Io => CorpusReadError::Io { line: self.input.line, source: error.into() },
            _ => self.syntax(format!("not JSON: {}", without_position(&error))),
        })?;
        Ok(Some(JsonElement { number, line, value: Ok(value) }))
    }

    fn next_line(&mut self) -> Result<Option<JsonElement>, CorpusReadError> {
        let mut buffer = Vec::new();
        loop {
            let line = self.input.line;
            buffer.clear();
            if self.line_end.is_none() {
                let start = self.input.input.fill_buf().map_err(|source| CorpusReadError::Io { line, source })?;
                self.line_end = Some(line_end(start));
            }
            let mut limited = (&mut self.input.input).take(MAX_ELEMENT_BYTES as u64 + 1);
            let read =
                limited.read_until(self.line_end.unwrap_or(b'\n'), &mut buffer).map_err(|source| CorpusReadError::Io { line, source })?;
            if read > MAX_ELEMENT_BYTES {
                return Err(CorpusReadError::LineTooLong { line, limit: MAX_ELEMENT_BYTES, expected: "a JSON value a line" });
            }
            if read == 0 {
                return Ok(None);
            }
            self.input.line += 1;
            if buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            self.number += 1;
            let value = serde_json::from_slice(&buffer).map_err(|error| {
                let text = String::from_utf8_lossy(&buffer);
                format!("`{}` is not JSON ({}), expected an object a line", excerpt(text.trim()), without_position(&error))
            });
            return Ok(Some(JsonElement { number: self.number, line, value }));
        }
    }

    fn syntax(&self, detail: String) -> CorpusReadError {
        CorpusReadError::JsonSyntax { line: self.input.line, element: self.number, detail }
    }
}

/// The message of an error without its line and column, which count from the start of the element.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text).to_owned()
}

/// An input that counts lines and limits how many bytes an element may have.
struct LineCounter<R> {
    input: BufReader<R>,
    /// The line of the next byte, from 1.
    line: u64,
    /// Bytes that may still be read through [`Read`].
    bytes_left: usize,
}

impl<R: Read> LineCounter<R> {
    /// Skips white space and returns the next byte without consuming it.
    fn peek(&mut self) -> Result<Option<u8>, CorpusReadError> {
        loop {
            let line = self.line;
            let next = self.input.fill_buf().map_err(|source| CorpusReadError::Io { line, source })?.first().copied();
            match next {
                Some(byte) if byte.is_ascii_whitespace() => self.skip(),
                other => return Ok(other),
            }
        }
    }

    /// Consumes the byte that was peeked at.
    fn skip(&mut self) {
        self.line += u64::from(self.input.buffer().first() == Some(&b'\n'));
        self.input.consume(1);
    }
}

impl<R: Read> Read for LineCounter<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.bytes_left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an element is longer than {MAX_ELEMENT_BYTES} bytes")));
        }
        let size = out.len().min(self.bytes_left);
        let read = self.input.read(&mut out[..size])?;
        self.bytes_left -= read;
        self.line += out[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements as `number@line value`, and errors.
    fn read(text: &str) -> Vec<String> {
        let mut elements = JsonElements::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            match elements.next_element() {
                Ok(Some(JsonElement { number, line, value: Ok(value) })) => found.push(format!("{number}@{line} {value}")),
                Ok(Some(JsonElement { number, line, value: Err(detail) })) => found.push(format!("{number}@{line} {detail}")),
                Ok(None) => return found,
                Err(error) => {
                    found.push(error.to_string());
                    return found;
                }
            }
        }
    }

    #[test]
    fn arrays_and_lines_are_read() {
        for (text, expected) in [
            (r#"[{"a":1},{"a":[2]}]"#, &[r#"1@1 {"a":1}"#, r#"2@1 {"a":[2]}"#][..]),
            ("\n[\n {\n\"a\": 1}\n,\n{}]\n", &[r#"1@3 {"a":1}"#, "2@6 {}"]),
            ("[]", &[]),
            ("", &[]),
            ("{\"a\":1}\n\n{\"a\":2}", &[r#"1@1 {"a":1}"#, r#"2@3 {"a":2}"#]),
            ("{\"a\":1}\r\r{\"a\":2}\r", &[r#"1@1 {"a":1}"#, r#"2@3 {"a":2}"#]),
            ("{}\nx\n{}\n", &["1@1 {}", "2@2 `x` is not JSON (expected value), expected an object a line", "3@3 {}"]),
            ("[{}", &["1@1 {}", "line 1, element 1: the file ends inside the array, expected a comma or `]`"]),
            ("[{}\n{}]", &["1@1 {}", "line 2, element 1: `{` after an element, expected a comma or `]`"]),
            ("[{},]", &["1@1 {}", "line 1, element 2: it begins with `]`, expected an object"]),
            ("[1]", &["line 1, element 1: it begins with `1`, expected an object"]),
            ("[{}] x", &["1@1 {}", "line 1, element 1: more text after the end of the array"]),
            ("[{},\n{\"a\" 1}]", &["1@1 {}", "line 2, element 2: not JSON: expected `:`"]),
            ("[{\"a\": \"", &["line 1, element 1: not JSON: EOF while parsing a string"]),
        ] {
            assert_eq!(read(text), expected, "{text:?}");
        }
    }
}
