//! Which format a file has, and its reader.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use schemas::Query;
use serde::Serialize;
use serde_json::Value;

use super::columns::Columns;
use super::conll;
use super::json::elements::Elements;
use super::json::offsets::Offsets;
use super::json::{self, jsonl, mrc_json, nested};
use crate::corpora::scheme::Scheme;
use crate::corpora::sentence::SentenceReader;
use crate::source::{BytesRead, InputStream};

/// Elements that are looked at; one of them must be sound.
const LOOKED_AT: usize = 100;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A token a line.
    Conll,
    /// `{context, label: {TYPE: ["start;end"]}}`
    Nested,
    /// What annotation tools export.
    Jsonl,
    /// An element a sentence and label.
    MrcJson,
}

/// How files are read, beside their format.
#[derive(Debug, Clone, Default)]
pub struct Reading<'a> {
    /// Prefixes of tags that are taken: those of this scheme, or all.
    pub scheme: Option<Scheme>,
    /// Where token and tag stand.
    pub columns: Columns,
    /// What spans count, where it is not what the format does.
    pub offsets: Option<Offsets>,
    /// Questions that tell the label of MRC JSON without one.
    pub known: &'a [Query],
}

impl Format {
    /// The format that is asked for, or the one that the file's content tells.
    ///
    /// JSON begins with an object or an array of them; which one, the fields of the first sound object tell. All else is CoNLL.
    ///
    /// # Errors
    /// A file that cannot be read, or JSON of unknown fields.
    pub fn of(path: &Path, asked: Option<Self>) -> anyhow::Result<Self> {
        match asked {
            Some(format) => Ok(format),
            None => Self::told(InputStream::open(path, BytesRead::default())?).with_context(|| path.display().to_string()),
        }
    }

    fn told(input: impl Read) -> anyhow::Result<Self> {
        let mut input = BufReader::new(input);
        if !looks_like_json(input.fill_buf()?) {
            return Ok(Self::Conll);
        }
        let mut elements = Elements::new(input);
        let mut seen = Vec::new();
        for _ in 0..LOOKED_AT {
            let element = match elements.next_element() {
                Ok(Some(element)) => element,
                Ok(None) => break,
                Err(error) => return Err(error).context("looks like JSON; if it is CoNLL, say so with --format conll"),
            };
            let Ok(Value::Object(object)) = element.value else { continue };
            let has = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
            if has(&["query", "start_position", "span_position", "entity_label"]) {
                return Ok(Self::MrcJson);
            } else if has(&["text", "data"]) {
                return Ok(Self::Jsonl);
            } else if has(&["context"]) && has(&["label"]) {
                return Ok(Self::Nested);
            } else if seen.is_empty() {
                seen = object.keys().map(|name| format!("`{name}`")).collect();
            }
        }
        bail!(
            "looks like JSON, but of no known format: it has {}; expected `context` and `label` (nested), `text` and `entities` or `label` \
             (jsonl), or `context`, `query` and `span_position` (mrc-json); name it with --format",
            if seen.is_empty() { "no object with a field, in an array or one a line".to_owned() } else { seen.join(", ") }
        )
    }

    /// A reader of a file of this format.
    pub fn reader<'a>(self, input: impl Read + 'a, reading: &Reading<'a>) -> Box<dyn SentenceReader + 'a> {
        let offsets = |default: Offsets| reading.offsets.unwrap_or(default);
        match self {
            Self::Conll => Box::new(conll::Reader::new(input, reading.scheme, reading.columns.clone())),
            Self::Nested => Box::new(json::Reader::new(input, nested::parse, offsets(Offsets::TOKENS))),
            Self::Jsonl => Box::new(json::Reader::new(input, jsonl::parse, offsets(Offsets::CHARS))),
            Self::MrcJson => Box::new(mrc_json::Reader::new(input, offsets(Offsets::TOKENS), reading.known)),
        }
    }
}

/// A bracket may be a token too: only what follows it tells.
fn looks_like_json(start: &[u8]) -> bool {
    let mut bytes = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match (bytes.next(), bytes.next()) {
        (Some(b'['), Some(b'{')) | (Some(b'{'), Some(b'"' | b'}')) => true,
        (Some(b'['), Some(b']')) => bytes.next().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpora::sentence::Item;

    /// A sound file of each format.
    const SOUND: [(Format, &str); 4] = [
        (Format::Conll, "Ada\tB-PER\nBo\tI-PER\n\n-DOCSTART- O\n\nc O\n"),
        (Format::Nested, r#"[{"context": "Ada Bo ö", "label": {"PER": ["0;1", [1, 2]]}}, {"context": "a", "label": {}}]"#),
        (
            Format::Jsonl,
            "{\"text\": \"🎉 Ada\", \"label\": [[2, 5, \"PER\"]]}\n{\"data\": {\"text\": \"a\"}, \"annotations\": [{\"result\": []}]}\n",
        ),
        (
            Format::MrcJson,
            r#"[{"qas_id": "0.1", "context": "a b", "query": "?", "entity_label": "X", "span_position": ["0;1"]},
            {"qas_id": "0.2", "context": "a b", "query": "!", "entity_label": "Y", "start_position": [1], "end_position": [1]}]"#,
        ),
    ];

    /// Reads all, whatever it is; what is counted must add up.
    fn read(format: Format, text: &str) -> u64 {
        let mut reader = format.reader(text.as_bytes(), &Reading::default());
        while let Ok(Some(item)) = reader.next_item() {
            let Item::Sentence(sentence) = item else { continue };
            let (text, entities) = sentence.body.resolve(Scheme::Bio, true);
            for entity in entities {
                assert!(schemas::char_slice(&text, entity.chars.start, entity.chars.end).is_some(), "{entity:?} of {text:?}");
            }
        }
        assert!(reader.sentences().adds_up() && reader.parts().1.adds_up());
        reader.sentences().out
    }

    proptest! {
        #[test]
        fn nothing_breaks_a_reader(which in 0usize..4, edits in proptest::collection::vec((0usize..200, "[\\[\\]{}\":;,0-9a-zö\n\t -]{0,2}"), 0..5)) {
            let mut chars: Vec<String> = SOUND[which].1.chars().map(String::from).collect();
            for (at, text) in edits {
                let at = at % chars.len();
                chars[at] = text;
            }
            let text = chars.concat();
            let _ = Format::told(text.as_bytes());
            for (format, _) in SOUND {
                read(format, &text);
            }
        }
    }

    #[test]
    fn sound_files_are_read_whole() {
        for ((format, text), sentences) in SOUND.into_iter().zip([2, 2, 2, 1]) {
            assert_eq!((Format::told(text.as_bytes()).unwrap(), read(format, text)), (format, sentences));
        }
    }

    #[test]
    fn formats_are_told_from_the_content() {
        for (text, expected) in [
            ("", Ok(Format::Conll)),
            ("a O\n", Ok(Format::Conll)),
            ("[\tO\na\tO\n", Ok(Format::Conll)),
            ("{ O\n", Ok(Format::Conll)),
            ("\n[\n{\"context\": \"a\", \"label\": {}}]", Ok(Format::Nested)),
            ("{\"context\": \"a\", \"label\": {}}\n", Ok(Format::Nested)),
            ("x\n{\"text\": \"a\"}", Ok(Format::Conll)),
            ("{\"text\": \n{\"text\": \"a\", \"label\": []}\n", Ok(Format::Jsonl)),
            ("[{\"id\": 1, \"data\": {\"text\": \"a\"}}]", Ok(Format::Jsonl)),
            ("[{\"context\": \"a\", \"query\": \"b\", \"span_position\": []}]", Ok(Format::MrcJson)),
            ("[{\"context\": \"x\"}]", Err("it has `context`; expected")),
            ("[]", Err("no object with a field")),
            ("[{\"a\": }]", Err("--format conll: line 1, element 1: not JSON")),
        ] {
            match (Format::told(text.as_bytes()), expected) {
                (Ok(found), expected) => assert_eq!(Ok(found), expected, "{text}"),
                (Err(error), Err(expected)) => {
                    let error = format!("{error:#}");
                    assert!(error.contains("looks like JSON") && error.contains(expected), "{text}: {error}");
                }
                (Err(error), expected) => panic!("{text}: {error:#}, expected {expected:?}"),
            }
        }
    }
}
