//! spaCy's DocBin, a `.spacy` file: documents as arrays of numbers.
//!
//! The file is a MessagePack map, compressed with zlib. Of each token it holds the numbers of some attributes, among them its text and its
//! entity; a number stands for a string, by its hash.

use std::collections::HashMap;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::LazyLock;

use flate2::read::ZlibDecoder;
use schemas::Counter;
use serde::{Deserialize, Deserializer};

use super::corpus_reader::{CorpusReadError, CorpusReader, MalformedSentence, ReadSentence};
use crate::corpora::sentence::{AnnotatedSentence, Annotation, SentenceNotes};

/// Bytes that a file may have when it is decompressed.
const MAX_BYTES: u64 = 1 << 31;
/// Numbers of the attributes that are read: the text, the place in an entity, its label.
const ORTH: u64 = 65;
const ENT_IOB: u64 = 77;
const ENT_TYPE: u64 = 78;
/// Strings that have a number by a fixed list instead of their hash: `NUMBER<TAB>STRING`.
const SYMBOLS: &str = include_str!("data/spacy_symbols.tsv");

/// Reads a DocBin. A document is a sentence, with its own white space.
///
/// The entities are those of `doc.ents`. Span groups (`doc.spans`) are not read. A document without any annotation of entities, even that
/// there are none, is skipped.
///
/// Memory: the decompressed file, of at most 2 GiB.
pub struct SpacyReader<R> {
    input: Option<R>,
    docs: Option<DocBin>,
    /// The next document, and its first token.
    doc: usize,
    token: usize,
    counts: Counter,
}

/// The fields of the file that are read.
#[derive(Deserialize)]
struct DocBinFields {
    attrs: Vec<u64>,
    tokens: Blob,
    #[serde(default)]
    spaces: Blob,
    lengths: Blob,
    strings: Vec<String>,
    #[serde(default)]
    flags: Vec<DocFlags>,
    #[serde(default)]
    span_groups: Vec<Blob>,
}

/// Bytes that are no text.
#[derive(Default)]
struct Blob(Vec<u8>);

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&[u8]>::deserialize(deserializer).map(|bytes| Self(bytes.to_vec()))
    }
}

#[derive(Default, Deserialize)]
struct DocFlags {
    #[serde(default)]
    has_unknown_spaces: bool,
}

/// The documents of a file.
struct DocBin {
    fields: DocBinFields,
    /// Positions of text, place in an entity, and label in `attrs`.
    text: usize,
    iob: usize,
    label: usize,
    /// Tokens of each document.
    lengths: Vec<usize>,
    /// The place in `strings` of the string of each number.
    strings: HashMap<u64, usize>,
}

impl DocBin {
    fn decode(input: impl Read) -> Result<Self, CorpusReadError> {
        let form = |detail: &str| CorpusReadError::Form { detail: format!("is no DocBin of spaCy: {detail}") };
        let mut bytes = Vec::new();
        let mut limited = ZlibDecoder::new(input).take(MAX_BYTES + 1);
        limited.read_to_end(&mut bytes).map_err(|source| match source.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => form("it is not compressed with zlib"),
            io::ErrorKind::UnexpectedEof => form("it ends too early"),
            _ => CorpusReadError::Io { line: 1, source },
        })?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(form("it has more than 2 GiB; write its documents into several files"));
        }
        let fields: DocBinFields =
            rmp_serde::from_slice(&bytes).map_err(|error| form(&format!("its MessagePack is malformed: {error}")))?;
        let position = |wanted: u64, name: &str| {
            let found = fields.attrs.iter().position(|attr| *attr == wanted);
            found.ok_or_else(|| form(&format!("it lacks {name}; write it with the attributes ENT_IOB and ENT_TYPE")))
        };
        let (text, iob, label) = (position(ORTH, "ORTH")?, position(ENT_IOB, "ENT_IOB")?, position(ENT_TYPE, "ENT_TYPE")?);
        let number = |bytes: &[u8]| bytes.try_into().ok().and_then(|bytes| usize::try_from(i32::from_le_bytes(bytes)).ok());
        let lengths: Vec<usize> =
            fields.lengths.0.chunks(4).map(number).collect::<Option<_>>().ok_or_else(|| form("a document has no length"))?;
        let tokens = lengths.iter().try_fold(0usize, |sum, length| sum.checked_add(*length));
        let is_whole = tokens.is_some_and(|tokens| {
            Some(fields.tokens.0.len()) == tokens.checked_mul(8 * fields.attrs.len())
                && (fields.spaces.0.len() == tokens || fields.spaces.0.is_empty())
        });
        if !is_whole {
            return Err(form("the number of its tokens is another than that of its documents"));
        }
        let strings = fields.strings.iter().enumerate().map(|(at, text)| (string_number(text), at)).collect();
        Ok(Self { fields, text, iob, label, lengths, strings })
    }

    /// An attribute of a token.
    fn attribute(&self, token: usize, at: usize) -> u64 {
        let start = 8 * (token * self.fields.attrs.len() + at);
        self.fields.tokens.0[start..start + 8].try_into().map_or(0, u64::from_le_bytes)
    }

    fn string(&self, number: u64) -> Option<&str> {
        if number == 0 {
            return Some("");
        }
        self.strings.get(&number).map(|at| self.fields.strings[*at].as_str())
    }

    /// The text and the entities of a document. `None` where nothing says whether there are any.
    ///
    /// # Errors
    /// A number that stands for no string: the reason, as counters name it, and what was found and expected.
    fn annotation(&self, doc: usize, tokens: Range<usize>) -> Result<Option<Annotation>, (&'static str, String)> {
        let unknown_spaces = self.fields.flags.get(doc).is_some_and(|flags| flags.has_unknown_spaces) || self.fields.spaces.0.is_empty();
        let (mut text, mut chars) = (String::new(), 0u32);
        let mut spans: Vec<(Range<u32>, String)> = Vec::new();
        let (mut is_annotated, mut is_open, last) = (tokens.is_empty(), false, tokens.end);
        for token in tokens {
            let string = |number: u64| {
                let unknown = || ("unknown string", format!("number {number} of token {token} stands for no string of the file"));
                self.string(number).ok_or_else(unknown)
            };
            let word = string(self.attribute(token, self.text))?;
            let start = chars;
            text.push_str(word);
            chars += word.chars().count() as u32;
            let (iob, label) = (self.attribute(token, self.iob), string(self.attribute(token, self.label))?);
            is_annotated |= iob != 0;
            match spans.last_mut() {
                // 1 continues an entity, 3 begins one.
                Some((range, of_last)) if iob == 1 && is_open && of_last == label => range.end = chars,
                _ if matches!(iob, 1 | 3) && !label.is_empty() => spans.push((start..chars, label.to_owned())),
                _ => {}
            }
            is_open = matches!(iob, 1 | 3) && !label.is_empty();
            if token + 1 < last && (unknown_spaces || self.fields.spaces.0[token] != 0) {
                text.push(' ');
                chars += 1;
            }
        }
        Ok(is_annotated.then_some(Annotation::CharSpans { text, spans }))
    }
}

impl<R: Read> SpacyReader<R> {
    /// A reader at the start of a file.
    pub fn new(input: R) -> Self {
        Self { input: Some(input), docs: None, doc: 0, token: 0, counts: Counter::default() }
    }
}

impl<R: Read> CorpusReader for SpacyReader<R> {
    fn next_sentence(&mut self) -> Result<Option<ReadSentence>, CorpusReadError> {
        if let Some(input) = self.input.take() {
            self.docs = Some(DocBin::decode(input)?);
        }
        let Some(docs) = &self.docs else { return Ok(None) };
        let Some(length) = docs.lengths.get(self.doc) else { return Ok(None) };
        let (doc, tokens) = (self.doc, self.token..self.token + length);
        self.doc += 1;
        self.token = tokens.end;
        let number = u32::try_from(doc).unwrap_or(u32::MAX);
        let line = doc as u64 + 1;
        let malformed = |(reason, detail): (&'static str, String)| MalformedSentence {
            line,
            reason,
            detail: format!("document {line}: {detail}"),
            ends_run: false,
        };
        let not_annotated = || ("not annotated", "its entities were never set, not even to none; see `doc.ents`".to_owned());
        let read = docs.annotation(doc, tokens).and_then(|read| read.ok_or_else(not_annotated)).map_err(malformed);
        Ok(Some(match read {
            Ok(annotation) => {
                self.counts.keep();
                let notes = SentenceNotes::default();
                ReadSentence::Read(AnnotatedSentence { number, line, annotation, questions: Vec::new(), notes })
            }
            Err(malformed) => {
                self.counts.skip(malformed.reason);
                ReadSentence::Skipped(malformed)
            }
        }))
    }

    fn sentences(&self) -> &Counter {
        &self.counts
    }

    fn records(&self) -> (&'static str, &Counter) {
        ("documents", &self.counts)
    }

    fn oddity(&self) -> Option<String> {
        // An empty group list is one byte.
        let groups = self.docs.as_ref()?.fields.span_groups.iter().filter(|groups| groups.0.len() > 1).count();
        (groups > 0).then(|| format!("has span groups in {groups} documents, which are not read; entities are those of `doc.ents`"))
    }
}

/// The number that stands for a string in spaCy.
fn string_number(text: &str) -> u64 {
    static NUMBERS: LazyLock<HashMap<&str, u64>> = LazyLock::new(|| {
        SYMBOLS.lines().filter_map(|line| line.split_once('\t')).filter_map(|(number, name)| Some((name, number.parse().ok()?))).collect()
    });
    NUMBERS.get(text).copied().unwrap_or_else(|| murmur_hash_64a(text.as_bytes(), 1))
}

/// MurmurHash64A, by Austin Appleby (public domain).
fn murmur_hash_64a(bytes: &[u8], seed: u64) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    const R: u32 = 47;
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(M);
    let (blocks, rest) = bytes.as_chunks::<8>();
    for block in blocks {
        let mut mixed = u64::from_le_bytes(*block).wrapping_mul(M);
        mixed ^= mixed >> R;
        hash = (hash ^ mixed.wrapping_mul(M)).wrapping_mul(M);
    }
    if !rest.is_empty() {
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    hash ^= hash >> R;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> R)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers that spaCy gives.
    #[test]
    fn strings_have_the_numbers_of_spacy() {
        for (text, number) in [
            ("PERSON", 380),
            ("Ada", 13_014_124_235_272_500_476),
            ("Oslo", 1_996_156_042_329_551_921),
            ("北京", 11_804_760_672_128_813_659),
            ("case", 8_110_129_090_154_140_942),
        ] {
            assert_eq!(string_number(text), number, "{text}");
        }
    }

    #[test]
    fn other_files_are_named() {
        let error = |bytes: &[u8]| SpacyReader::new(bytes).next_sentence().unwrap_err().to_string();
        assert!(error(b"Ada B-PER\n").contains("is no DocBin of spaCy: it is not compressed with zlib"));
        assert!(error(b"").contains("is no DocBin of spaCy"));
        let compressed = |bytes: &[u8]| {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, bytes).unwrap();
            encoder.finish().unwrap()
        };
        assert!(error(&compressed(b"\x81\xa1a\x01")).contains("its MessagePack is malformed: missing field `attrs`"));
        assert!(error(&compressed(b"")).contains("its MessagePack is malformed"));
        let whole = compressed(&[0; 1000]);
        assert!(error(&whole[..whole.len() / 2]).contains("it ends too early"));
    }
}
