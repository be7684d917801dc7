//! Detects the format of an annotated file from its content.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::hf_parquet::PARQUET_MAGIC;
use super::json::annotation_tools::spacy_example;
use super::json::elements::JsonElements;
use super::json::token_spans;
use super::json::token_tags::{TAG_FIELDS, TOKEN_FIELDS};
use super::options::ReaderOptions;
use crate::corpora::format::CorpusFormat;
use crate::source::{BytesRead, InputStream};

/// Elements that are examined before the format counts as unknown.
const EXAMINED_ELEMENTS: usize = 100;

/// Detects the format of a file. A file is JSON if it begins with an object or an array of objects; the fields of its objects tell which
/// format. Everything else is CoNLL.
///
/// # Errors
/// The file cannot be read, it is JSON of no known format, or it is of a format that is known but not read.
pub fn detect_format(path: &Path, options: &ReaderOptions<'_>) -> anyhow::Result<CorpusFormat> {
    if let Some(extension) = path.extension().and_then(|extension| extension.to_str()) {
        let known = UNREAD_EXTENSIONS.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known));
        if let Some((_, format)) = known {
            bail!("{}: {}", path.display(), unread(format));
        }
    }
    detect_in(InputStream::open(path, BytesRead::default())?, options).with_context(|| path.display().to_string())
}

pub(super) fn detect_in(input: impl Read, options: &ReaderOptions<'_>) -> anyhow::Result<CorpusFormat> {
    let mut input = BufReader::new(input);
    if input.fill_buf()?.starts_with(PARQUET_MAGIC) {
        return Ok(CorpusFormat::HuggingFace);
    }
    if let Some(format) = unread_format(input.fill_buf()?) {
        bail!(unread(format));
    }
    if !begins_like_json(input.fill_buf()?) {
        return Ok(CorpusFormat::Conll);
    }
    let mut elements = JsonElements::new(input);
    let mut fields_of_first = Vec::new();
    for _ in 0..EXAMINED_ELEMENTS {
        let element = match elements.next_element() {
            Ok(Some(element)) => element,
            Ok(None) => break,
            Err(error) => return Err(error).context("looks like JSON; if it is CoNLL, give --format conll"),
        };
        if element.value.as_ref().is_ok_and(|value| spacy_example(value).is_some()) {
            return Ok(CorpusFormat::AnnotationTool);
        }
        let Ok(Value::Object(object)) = element.value else { continue };
        if let Some(format) = format_of_fields(&object, options) {
            return Ok(format);
        }
        if fields_of_first.is_empty() {
            fields_of_first = object.keys().map(|name| format!("`{name}`")).collect();
        }
    }
    let found = if fields_of_first.is_empty() {
        "no object with a field, in an array or one a line".to_owned()
    } else {
        fields_of_first.join(", ")
    };
    bail!(
        "looks like JSON, but of no known format: it has {found}; expected `context` and `label` (nested), `text` and `entities` or `label` \
         (jsonl), `tokens` and `ner_tags` (hf), or `context`, `query` and `span_position` (mrc-json); give the format with --format"
    )
}

/// Formats that are not read, by the extension of their files.
const UNREAD_EXTENSIONS: [(&str, &str); 4] =
    [("ann", "standoff of brat"), ("spacy", "a DocBin of spaCy"), ("conllu", "CoNLL-U"), ("xlsx", "a spreadsheet")];

fn unread(format: &str) -> String {
    format!(
        "is {format}, which is not read; convert it to a token and its tag per line (conll), `tokens` and `ner_tags` (hf), or `text` and \
         `entities` (jsonl). If it is one of these, give --format"
    )
}

/// The format that a file begins like, if it is known but not read.
fn unread_format(start: &[u8]) -> Option<&'static str> {
    let start = String::from_utf8_lossy(&start[..start.len().min(4096)]);
    if start.starts_with("#begin document") {
        return Some("CoNLL-2012");
    }
    if start.starts_with("<?xml") || start.starts_with("<!DOCTYPE") {
        return Some("XML or HTML");
    }
    if start.starts_with("PK\u{3}\u{4}") {
        return Some("a ZIP archive");
    }
    let first = start.lines().find(|line| !line.trim().is_empty() && !line.starts_with('#'))?;
    let columns: Vec<&str> = first.split('\t').collect();
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    match columns.as_slice() {
        // The label and its offsets stand in the second column.
        [id, span, _] if id.strip_prefix('T').is_some_and(is_number) => {
            let mut offsets = span.split([' ', ';']).skip(1).peekable();
            (offsets.peek().is_some() && offsets.all(is_number)).then_some("standoff of brat")
        }
        // Number and head of a token.
        [number, _, _, _, _, _, head, _, _, _] if is_number(number) && is_number(head) => Some("CoNLL-U"),
        _ => None,
    }
}

fn format_of_fields(object: &Map<String, Value>, options: &ReaderOptions<'_>) -> Option<CorpusFormat> {
    let has_any = |names: &[&str]| names.iter().any(|name| object.contains_key(*name));
    if has_any(&["query", "start_position", "span_position", "entity_label"]) {
        Some(CorpusFormat::MrcJson)
    } else if has_tokens_and_tags(object, options) {
        Some(CorpusFormat::HuggingFace)
    } else if has_any(&["text", "data"]) || options.text_field.is_some_and(|name| object.contains_key(name)) || is_prodigy(object) {
        Some(CorpusFormat::AnnotationTool)
    } else if (has_any(&["context"]) && has_any(&["label"])) || token_spans::fields_of(object).is_some() {
        Some(CorpusFormat::Nested)
    } else {
        None
    }
}

/// Whether an object has an array of tokens and one of tags.
fn has_tokens_and_tags(object: &Map<String, Value>, options: &ReaderOptions<'_>) -> bool {
    let array = |named: Option<&str>, names: &[&str]| {
        named.into_iter().chain(names.iter().copied()).find_map(|name| object.get(name)?.as_array()).map(Vec::as_slice)
    };
    let is_array_of = |items: Option<&[Value]>, fits: fn(&Value) -> bool| items.is_some_and(|items| items.iter().all(fits));
    is_array_of(array(options.text_field, &TOKEN_FIELDS), Value::is_string)
        && is_array_of(array(options.label_field, &TAG_FIELDS), |tag| tag.is_string() || tag.is_i64())
}

/// Whether an object has Prodigy's tokens and spans, without their text.
fn is_prodigy(object: &Map<String, Value>) -> bool {
    object.contains_key("spans") && object.get("tokens").and_then(|tokens| tokens.get(0)?.get("text")).is_some()
}

/// Whether a file begins like JSON. A bracket alone may be a token of a CoNLL file, so what follows it is looked at too.
fn begins_like_json(start: &[u8]) -> bool {
    let mut bytes = start.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
    match (bytes.next(), bytes.next()) {
        (Some(b'['), Some(b'[')) => bytes.next() == Some(b'"'),
        (Some(b'['), Some(b'{')) | (Some(b'{'), Some(b'"' | b'}')) => true,
        (Some(b'['), Some(b']')) => bytes.next().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_are_not_read_are_named() {
        for (text, expected) in [
            ("#begin document (a); part 000\na\n", Some("CoNLL-2012")),
            ("# text = a\n1\tAda\tAda\tPROPN\tNNP\t_\t0\troot\t_\tSpaceAfter=No\n", Some("CoNLL-U")),
            ("T1\tPerson 0 3\tAda\n", Some("standoff of brat")),
            ("T2\tPerson 0 3;5 7\tAda Bo\n", Some("standoff of brat")),
            ("<?xml version=\"1.0\"?>", Some("XML or HTML")),
            ("T1\tNN\tO\n", None),
            ("<\tO\n", None),
            ("1\tCD\tO\n", None),
        ] {
            assert_eq!(unread_format(text.as_bytes()), expected, "{text}");
        }
        let error = detect_format(Path::new("a/b.spacy"), &ReaderOptions::default()).unwrap_err().to_string();
        assert!(error.contains("a/b.spacy: is a DocBin of spaCy, which is not read"), "{error}");
    }

    #[test]
    fn formats_are_detected() {
        for (text, expected) in [
            ("", Ok(CorpusFormat::Conll)),
            ("a O\n", Ok(CorpusFormat::Conll)),
            ("[\tO\na\tO\n", Ok(CorpusFormat::Conll)),
            ("{ O\n", Ok(CorpusFormat::Conll)),
            ("[ [\"a\", {\"entities\": []}]]", Ok(CorpusFormat::AnnotationTool)),
            ("[[ O\n", Ok(CorpusFormat::Conll)),
            ("{\"text\": \"a\", \"label\": {\"PER\": {}}}\n", Ok(CorpusFormat::AnnotationTool)),
            ("[{\"tokenized_text\": [\"a\"], \"ner\": []}]", Ok(CorpusFormat::Nested)),
            ("[{\"sentence\": [\"a\"], \"ner\": [], \"word\": []}]", Ok(CorpusFormat::Nested)),
            ("\n[\n{\"context\": \"a\", \"label\": {}}]", Ok(CorpusFormat::Nested)),
            ("{\"context\": \"a\", \"label\": {}}\n", Ok(CorpusFormat::Nested)),
            ("x\n{\"text\": \"a\"}", Ok(CorpusFormat::Conll)),
            ("{\"text\": \n{\"text\": \"a\", \"label\": []}\n", Ok(CorpusFormat::AnnotationTool)),
            ("[{\"id\": 1, \"data\": {\"text\": \"a\"}}]", Ok(CorpusFormat::AnnotationTool)),
            ("[{\"context\": \"a\", \"query\": \"b\", \"span_position\": []}]", Ok(CorpusFormat::MrcJson)),
            ("{\"id\": 1, \"tokens\": [\"a\"], \"ner_tags\": [0]}", Ok(CorpusFormat::HuggingFace)),
            ("{\"words\": [\"a\"], \"labels\": [\"O\"]}", Ok(CorpusFormat::HuggingFace)),
            ("{\"tokens\": [{\"text\": \"a\"}], \"spans\": []}", Ok(CorpusFormat::AnnotationTool)),
            ("PAR1\0", Ok(CorpusFormat::HuggingFace)),
            ("[{\"context\": \"x\"}]", Err("it has `context`; expected")),
            ("[]", Err("no object with a field")),
            ("[{\"a\": }]", Err("--format conll: line 1, element 1: not JSON")),
        ] {
            match (detect_in(text.as_bytes(), &ReaderOptions::default()), expected) {
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
