//! A cursor over JSON that skips values at several GB/s.
//!
//! Nine tenths of an item are skipped. To find where a value ends, only its strings and brackets matter; they are found 64 bytes at a time, as
//! bits of a mask (Langdale and Lemire 2019, "Parsing Gigabytes of JSON per Second", sections 3.1.1 and 3.1.5). A value that is skipped is
//! checked for nothing else. A value that is read is handed to `serde_json`.

use serde::Deserialize;
use serde::de::Error;
use wide::u8x16;

/// Bytes of a block: a mask has a bit for each.
const BLOCK: usize = 64;

/// A place in JSON.
#[derive(Debug)]
pub struct JsonCursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Result of reading JSON.
pub type JsonResult<T> = Result<T, serde_json::Error>;

impl<'a> JsonCursor<'a> {
    /// A cursor before the first byte.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Reads an object: `field` is given each key and has to read or skip its value. An empty array is an empty object, as PHP writes it.
    ///
    /// # Errors
    /// There is no object, or `field` fails.
    pub fn object(&mut self, mut field: impl FnMut(&[u8], &mut Self) -> JsonResult<()>) -> JsonResult<()> {
        if self.take(b'[') {
            return if self.take(b']') { Ok(()) } else { Err(self.error("an object, found an array that is not empty")) };
        }
        self.expect(b'{', "an object")?;
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.skip_space();
            let quoted = self.quoted("a key")?;
            self.expect(b':', "`:`")?;
            match memchr::memchr(b'\\', quoted) {
                None => field(&quoted[1..quoted.len() - 1], self)?,
                Some(_) => field(serde_json::from_slice::<String>(quoted)?.as_bytes(), self)?,
            }
            if !self.take(b',') {
                return self.expect(b'}', "`,` or `}`");
            }
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// There is none, or it has another form.
    pub fn value<T: Deserialize<'a>>(&mut self) -> JsonResult<T> {
        serde_json::from_slice(self.skip_value()?)
    }

    /// Skips a value and returns its bytes.
    ///
    /// # Errors
    /// There is none, or it does not end.
    pub fn skip_value(&mut self) -> JsonResult<&'a [u8]> {
        self.skip_space();
        let start = self.at;
        match self.bytes.get(start) {
            Some(b'{' | b'[') => self.skip_brackets()?,
            Some(b'"') => return self.quoted("a string"),
            _ => self.skip_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')),
        }
        if self.at == start { Err(self.error("a value")) } else { Ok(&self.bytes[start..self.at]) }
    }

    /// Checks that nothing is left but white space.
    ///
    /// # Errors
    /// There is something.
    pub fn end(mut self) -> JsonResult<()> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.error("the end of the line")) }
    }

    fn error(&self, expected: &str) -> serde_json::Error {
        serde_json::Error::custom(format_args!("expected {expected} at column {}", self.at + 1))
    }

    fn error_without_end(&self) -> serde_json::Error {
        serde_json::Error::custom(format_args!("the line ends within a value that begins at column {}", self.at + 1))
    }

    fn skip_while(&mut self, is_skipped: impl Fn(u8) -> bool) {
        let length = self.bytes[self.at..].iter().position(|byte| !is_skipped(*byte));
        self.at = length.map_or(self.bytes.len(), |length| self.at + length);
    }

    fn skip_space(&mut self) {
        self.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, byte: u8, name: &str) -> JsonResult<()> {
        if self.take(byte) { Ok(()) } else { Err(self.error(name)) }
    }

    /// Takes a string, with its quotation marks.
    fn quoted(&mut self, name: &str) -> JsonResult<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if rest.first() != Some(&b'"') {
            return Err(self.error(name));
        }
        let mut is_escaped = false;
        let end = rest[1..].iter().position(|byte| {
            let is_end = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            is_end
        });
        let end = end.ok_or_else(|| self.error_without_end())?;
        self.at += end + 2;
        Ok(&rest[..end + 2])
    }

    /// Skips from an opening bracket to behind the one that closes it.
    fn skip_brackets(&mut self) -> JsonResult<()> {
        let (mut depth, mut strings, mut at) = (1, StringMask::default(), self.at + 1);
        loop {
            let rest = &self.bytes[at..];
            let mut last = [0; BLOCK];
            let block = match rest.first_chunk() {
                Some(block) => block,
                None if rest.is_empty() => return Err(self.error_without_end()),
                None => {
                    last[..rest.len()].copy_from_slice(rest);
                    &last
                }
            };
            let masks = BlockMasks::of(block);
            let outside = !strings.of_block(&masks);
            let (open, close) = (masks.open & outside, masks.close & outside);
            // Only a block with as many closing brackets as are open can hold the end.
            if depth > close.count_ones() {
                depth = depth + open.count_ones() - close.count_ones();
            } else {
                let mut brackets = open | close;
                while brackets != 0 {
                    let bracket = brackets & brackets.wrapping_neg();
                    brackets ^= bracket;
                    depth = if open & bracket == 0 { depth - 1 } else { depth + 1 };
                    if depth == 0 {
                        self.at = at + bracket.trailing_zeros() as usize + 1;
                        return Ok(());
                    }
                }
            }
            at += rest.len().min(BLOCK);
        }
    }
}

/// Where the bytes that matter are in a block, each mask with the first byte as its lowest bit.
struct BlockMasks {
    quote: u64,
    backslash: u64,
    /// `{` and `[`.
    open: u64,
    /// `}` and `]`.
    close: u64,
}

impl BlockMasks {
    fn of(block: &[u8; BLOCK]) -> Self {
        let mut masks = Self { quote: 0, backslash: 0, open: 0, close: 0 };
        for (position, bytes) in block.as_chunks().0.iter().enumerate() {
            let bytes = u8x16::new(*bytes);
            // In ASCII, this bit is what tells braces from square brackets.
            let braces = bytes | u8x16::splat(0x20);
            let mask = |bytes: u8x16, byte| u64::from(bytes.simd_eq(u8x16::splat(byte)).to_bitmask() as u16) << (16 * position);
            masks.quote |= mask(bytes, b'"');
            masks.backslash |= mask(bytes, b'\\');
            masks.open |= mask(braces, b'{');
            masks.close |= mask(braces, b'}');
        }
        masks
    }
}

/// Which bytes are in strings, from block to block.
#[derive(Default)]
struct StringMask {
    /// All bits, if the last block ended in a string.
    is_inside: u64,
    /// The lowest bit, if the last block ended in a backslash that escapes.
    is_escaped: u64,
}

impl StringMask {
    /// The bytes of the next block that are in strings: the quotation mark that opens one, and all before the one that closes it.
    fn of_block(&mut self, masks: &BlockMasks) -> u64 {
        let mut escaped = self.is_escaped;
        let mut backslashes = masks.backslash & !escaped;
        self.is_escaped = 0;
        while backslashes != 0 {
            let backslash = backslashes & backslashes.wrapping_neg();
            self.is_escaped = backslash >> (BLOCK - 1);
            escaped |= backslash << 1;
            backslashes &= !(backslash | backslash << 1);
        }
        // A byte is in a string if an odd number of quotation marks is at or before it.
        let mut inside = masks.quote & !escaped;
        for distance in [1, 2, 4, 8, 16, 32] {
            inside ^= inside << distance;
        }
        inside ^= self.is_inside;
        self.is_inside = if inside >> (BLOCK - 1) == 0 { 0 } else { u64::MAX };
        inside
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn values_are_skipped() {
        for value in
            ["7", "-1.5e+3", "null", r#""""#, r#""a\"}\\""#, "{}", "[]", r#"[{"a]": "\\\"}"}, [[]]]"#, r#"{"a": [1, {"b": "{{{"}]}"#]
        {
            // At every place in a block.
            for space in 0..=BLOCK {
                let json = format!("{}{value} ,", " ".repeat(space));
                let mut cursor = JsonCursor::new(json.as_bytes());
                assert_eq!(std::str::from_utf8(cursor.skip_value().unwrap()).unwrap(), value, "{space}");
                assert!(cursor.take(b','));
                cursor.end().unwrap();
            }
        }
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for json in ["", " ", "}", ":", r#"""#, r#""\""#, "{", "[", r#"{"a": "}"#, r#"["\\\"]"#, "[[]", "é"] {
            assert!(JsonCursor::new(json.as_bytes()).skip_value().is_err(), "{json}");
        }
        for json in
            ["[1]", "7", "{", "{7}", r#"{"a" 1}"#, r#"{"a": }"#, r#"{"a": 1 "b": 2}"#, r#"{"a": 1]"#, r#"{"a": 1,}"#, r#"{"\x": 1}"#]
        {
            let mut cursor = JsonCursor::new(json.as_bytes());
            assert!(cursor.object(|_, value| value.skip_value().map(drop)).is_err(), "{json}");
        }
    }

    #[test]
    fn keys_are_unescaped() {
        let mut keys = Vec::new();
        let mut cursor = JsonCursor::new(br#" { "\u0065n" : [ ] , "P31":{ } } "#);
        cursor
            .object(|key, value| {
                keys.push(String::from_utf8_lossy(key).into_owned());
                value.object(|_, _| unreachable!())
            })
            .unwrap();
        cursor.end().unwrap();
        assert_eq!(keys, ["en", "P31"]);
    }

    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            text().prop_map(Value::from)
        ];
        scalar.prop_recursive(6, 200, 8, |value| {
            let object =
                prop::collection::vec((text(), value.clone()), 0..8).prop_map(|fields| Value::Object(fields.into_iter().collect()));
            prop_oneof![prop::collection::vec(value, 0..8).prop_map(Value::Array), object]
        })
    }

    fn text() -> impl Strategy<Value = String> {
        r#"[a\\"{}\[\], é]{0,70}"#
    }

    proptest! {
        #[test]
        fn a_value_ends_where_serde_ends_it(value in json(), rest in r#"[\]},] ?["{\[a\\]{0,80}"#, is_pretty: bool) {
            let json = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let line = format!("{json}{rest}");
            let mut cursor = JsonCursor::new(line.as_bytes());
            prop_assert_eq!(cursor.skip_value().unwrap(), json.as_bytes());
            prop_assert_eq!(JsonCursor::new(json.as_bytes()).value::<Value>().unwrap(), value);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(prop::sample::select(br#" {}[]":,\a1"#.to_vec()), 0..200)) {
            let mut cursor = JsonCursor::new(&bytes);
            let _ = cursor.object(|_, value| value.object(|_, value| value.skip_value().map(drop)));
            let _ = cursor.end();
        }
    }
}
