//! UTF-16 and the older encodings that an XML declaration may name, to UTF-8, as a reader.

use std::io::{self, BufRead, Read};

/// Number of UTF-8 bytes decoded at a time.
const BUFFER: usize = 1 << 18;

/// Decodes an encoding to UTF-8. Malformed bytes, such as an unpaired surrogate in UTF-16, are an error.
pub(super) struct TextDecoder<R> {
    reader: R,
    decoder: encoding_rs::Decoder,
    /// Decoded bytes; those before `taken` were returned.
    buffer: Vec<u8>,
    taken: usize,
    ended: bool,
}

impl<R: BufRead> TextDecoder<R> {
    /// `reader` stands after the byte-order mark, if there is one.
    pub fn new(reader: R, encoding: &'static encoding_rs::Encoding) -> Self {
        Self { reader, decoder: encoding.new_decoder_without_bom_handling(), buffer: Vec::new(), taken: 0, ended: false }
    }
}

impl<R: BufRead> Read for TextDecoder<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.buffer.len() && !self.ended {
            let input = self.reader.fill_buf()?;
            let last = input.is_empty();
            self.buffer.resize(BUFFER, 0);
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(input, &mut self.buffer, last);
            self.reader.consume(read);
            self.buffer.truncate(written);
            self.taken = 0;
            if let encoding_rs::DecoderResult::Malformed(..) = result {
                let what = format!("bytes that are not {}", self.decoder.encoding().name());
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.ended = last && result == encoding_rs::DecoderResult::InputEmpty;
        }
        let size = out.len().min(self.buffer.len() - self.taken);
        out[..size].copy_from_slice(&self.buffer[self.taken..self.taken + size]);
        self.taken += size;
        Ok(size)
    }
}
