//! The elements of a JSON file, one after the other: of an array, or one a line.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;
use serde_json::Value;

use crate::corpora::sentence::{ReadError, shortened};

/// Longest element that is read, in bytes.
const MAX_ELEMENT: usize = 1 << 26;

/// An element of the file.
#[derive(Debug)]
pub struct Element {
    /// Its number, from 1.
    pub number: u64,
    /// The line where it begins, from 1.
    pub line: u64,
    /// The value; where a line holds none, what is wrong with it.
    pub value: Result<Value, String>,
}

/// Reads an array element by element, or lines of one value each.
///
/// A line that is no JSON costs itself; in an array nothing can be told apart after one, so that it ends the reading.
///
/// Memory: one element.
pub struct Elements<R> {
    input: Counted<R>,
    layout: Option<Layout>,
    number: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    Array,
    Lines,
    /// After the array's end.
    End,
}

impl<R: Read> Elements<R> {
    /// The elements of a file, from its start.
    pub fn new(input: R) -> Self {
        Self { input: Counted { input: BufReader::new(input), line: 1, left: usize::MAX }, layout: None, number: 0 }
    }

    /// The next element; nothing at the end of the file.
    ///
    /// # Errors
    /// A broken stream, an element of over 64 MiB, or an array that is no JSON.
    pub fn next_element(&mut self) -> Result<Option<Element>, ReadError> {
        let begins = self.layout.is_none();
        if begins {
            let array = self.input.peek()? == Some(b'[');
            self.layout = Some(if array { Layout::Array } else { Layout::Lines });
            if array {
                self.input.skip();
            }
        }
        match self.layout {
            Some(Layout::Array) => self.in_array(begins),
            Some(Layout::Lines) => self.in_lines(),
            Some(Layout::End) | None => Ok(None),
        }
    }

    fn in_array(&mut self, begins: bool) -> Result<Option<Element>, ReadError> {
        let mut next = self.input.peek()?;
        if next == Some(b']') {
            self.input.skip();
            self.layout = Some(Layout::End);
            return match self.input.peek()? {
                None => Ok(None),
                Some(_) => Err(self.syntax("more text after the end of the array".to_owned())),
            };
        }
        if !begins {
            match next {
                Some(b',') => self.input.skip(),
                Some(other) => return Err(self.syntax(format!("`{}` after an element, expected a comma or `]`", char::from(other)))),
                None => return Err(self.syntax("the file ends inside the array, expected a comma or `]`".to_owned())),
            }
            next = self.input.peek()?;
        }
        self.number += 1;
        let (number, line) = (self.number, self.input.line);
        match next {
            Some(b'{') => {}
            Some(other) => return Err(self.syntax(format!("it begins with `{}`, expected an object", char::from(other)))),
            None => return Err(self.syntax("the file ends inside the array, expected an object".to_owned())),
        }
        self.input.left = MAX_ELEMENT;
        // An object's last byte ends it, so that nothing of the next element is read.
        let value = Value::deserialize(&mut serde_json::Deserializer::from_reader(&mut self.input));
        let value = value.map_err(|error| match error.classify() {
            serde_json::error::Category::Io => ReadError::Io(self.input.line, error.into()),
            _ => self.syntax(format!("not JSON: {}", without_place(&error))),
        })?;
        Ok(Some(Element { number, line, value: Ok(value) }))
    }

    fn in_lines(&mut self) -> Result<Option<Element>, ReadError> {
        let mut buffer = Vec::new();
        loop {
            let line = self.input.line;
            buffer.clear();
            let mut limited = (&mut self.input.input).take(MAX_ELEMENT as u64 + 1);
            let read = limited.read_until(b'\n', &mut buffer).map_err(|error| ReadError::Io(line, error))?;
            if read > MAX_ELEMENT {
                return Err(ReadError::Long { line, limit: MAX_ELEMENT, expected: "a JSON value a line" });
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
                format!("`{}` is not JSON ({}), expected an object a line", shortened(text.trim()), without_place(&error))
            });
            return Ok(Some(Element { number: self.number, line, value }));
        }
    }

    fn syntax(&self, detail: String) -> ReadError {
        ReadError::Syntax { line: self.input.line, element: self.number, detail }
    }
}

/// What serde says, without its line and column: they count from the element's start.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text).to_owned()
}

/// A stream that knows its line and lets an element be only so long.
struct Counted<R> {
    input: BufReader<R>,
    /// The line of the next byte, from 1.
    line: u64,
    left: usize,
}

impl<R: Read> Counted<R> {
    /// The next byte that is no white space; it stays.
    fn peek(&mut self) -> Result<Option<u8>, ReadError> {
        loop {
            let line = self.line;
            let next = self.input.fill_buf().map_err(|error| ReadError::Io(line, error))?.first().copied();
            match next {
                Some(byte) if byte.is_ascii_whitespace() => self.skip(),
                other => return Ok(other),
            }
        }
    }

    /// Leaves out the byte that was seen.
    fn skip(&mut self) {
        self.line += u64::from(self.input.buffer().first() == Some(&b'\n'));
        self.input.consume(1);
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("an element is longer than {MAX_ELEMENT} bytes")));
        }
        let size = out.len().min(self.left);
        let read = self.input.read(&mut out[..size])?;
        self.left -= read;
        self.line += out[..read].iter().filter(|&&byte| byte == b'\n').count() as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Elements as `number@line value`, faults and errors as they read.
    fn read(text: &str) -> Vec<String> {
        let mut elements = Elements::new(text.as_bytes());
        let mut found = Vec::new();
        loop {
            match elements.next_element() {
                Ok(Some(Element { number, line, value: Ok(value) })) => found.push(format!("{number}@{line} {value}")),
                Ok(Some(Element { number, line, value: Err(fault) })) => found.push(format!("{number}@{line} {fault}")),
                Ok(None) => return found,
                Err(error) => {
                    found.push(error.to_string());
                    return found;
                }
            }
        }
    }

    #[test]
    fn arrays_and_lines() {
        for (text, expected) in [
            (r#"[{"a":1},{"a":[2]}]"#, &[r#"1@1 {"a":1}"#, r#"2@1 {"a":[2]}"#][..]),
            ("\n[\n {\n\"a\": 1}\n,\n{}]\n", &[r#"1@3 {"a":1}"#, "2@6 {}"]),
            ("[]", &[]),
            ("", &[]),
            ("{\"a\":1}\n\n{\"a\":2}", &[r#"1@1 {"a":1}"#, r#"2@3 {"a":2}"#]),
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
