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
use super::table_columns::TableColumns;
use crate::corpora::format::CorpusFormat;
use crate::source::{BytesRead, InputStream};

/// Elements that are examined before the format counts as unknown.
const EXAMINED_ELEMENTS: usize = 100;

/// Detects the format of a file. A file is JSON if it begins with an object or an array of objects; the fields of its objects tell which
/// format. Other formats are told by their extension, their first bytes
/// or their first line; everything else is CoNLL.
///
/// # Errors
/// The file cannot be read, it is JSON of no known format, or it is of a format that is known but not read.
pub fn detect_format(path: &Path, options: &ReaderOptions<'_>) -> anyhow::Result<CorpusFormat> {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if let Some((_, format)) = BY_EXTENSION.iter().find(|(known, _)| extension.eq_ignore_ascii_case(known)) {
        return Ok(*format);
    }
    let found = detect_in(InputStream::open(path, BytesRead::default())?, options).with_context(|| path.display().to_string())?;
    // A table whose columns have other names.
    let is_table = found == CorpusFormat::Conll && extension.eq_ignore_ascii_case("csv") && is_separated_by_commas(path)?;
    Ok(if is_table { CorpusFormat::Table } else { found })
}

/// Formats that are told by the extension of a file.
const BY_EXTENSION: [(&str, CorpusFormat); 3] =
    [("ann", CorpusFormat::Brat), ("spacy", CorpusFormat::Spacy), ("conllu", CorpusFormat::ConllU)];

/// Whether the first line of a file holds a comma or semicolon, and no tab.
fn is_separated_by_commas(path: &Path) -> anyhow::Result<bool> {
    let mut input = BufReader::new(InputStream::open(path, BytesRead::default())?);
    let first = input.fill_buf()?.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    Ok(first.iter().any(|byte| matches!(byte, b',' | b';')) && !first.contains(&b'\t'))
}

pub(super) fn detect_in(input: impl Read, options: &ReaderOptions<'_>) -> anyhow::Result<CorpusFormat> {
    let mut input = BufReader::new(input);
    if input.fill_buf()?.starts_with(PARQUET_MAGIC) {
        return Ok(CorpusFormat::HuggingFace);
    }
    let start = input.fill_buf()?;
    if let Some(format) = unread_format(start) {
        bail!(unread(format));
    }
    if !begins_like_json(start) {
        return Ok(format_of_start(start, options).unwrap_or(CorpusFormat::Conll));
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

fn unread(format: &str) -> String {
    format!(
        "is {format}, which is not read; convert it to a token and its tag per line (conll), `tokens` and `ner_tags` (hf), or `text` and \
         `entities` (jsonl). If it is one of these, give --format"
    )
}

/// The format that a file begins like, if it is known but not read.
fn unread_format(start: &[u8]) -> Option<&'static str> {
    if start.starts_with(b"PK\x03\x04") {
        return Some("a ZIP archive or a spreadsheet");
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
    let first = text.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default().trim_ascii_end();
    // A line of nothing but an element has no tag of a token.
    let is_element =
        first.len() > 2 && first[0] == b'<' && first[1].is_ascii_alphabetic() && first.ends_with(b">") && !first.contains(&b'\t');
    let is_declaration = text.starts_with(b"<?xml") || text.get(..9).is_some_and(|start| start.eq_ignore_ascii_case(b"<!DOCTYPE"));
    (is_element || is_declaration).then_some("XML or HTML")
}

/// The format of a file that begins like this, if its first bytes or its first line tell.
fn format_of_start(start: &[u8], options: &ReaderOptions<'_>) -> Option<CorpusFormat> {
    // zlib.
    if matches!(start, [0x78, 0x01 | 0x9c | 0xda, ..]) {
        return Some(CorpusFormat::Spacy);
    }
    let start = String::from_utf8_lossy(&start[..start.len().min(1 << 14)]);
    if start.starts_with("#begin document") {
        return Some(CorpusFormat::Conll2012);
    }
    let mut lines = start.split(['\r', '\n']).filter(|line| !line.trim().is_empty()).peekable();
    if lines.peek().is_some_and(|line| line.starts_with("# global.columns")) {
        return Some(CorpusFormat::ConllU);
    }
    if lines.peek().is_some_and(|line| TableColumns::is_header(line, options)) {
        return Some(CorpusFormat::Table);
    }
    let first = lines.find(|line| !line.starts_with('#'))?;
    let columns: Vec<&str> = first.split('\t').collect();
    let is_number = |text: &str| text.parse::<u32>().is_ok();
    match columns.as_slice() {
        // The label and its offsets stand in the second column.
        [id, span, _] if id.strip_prefix('T').is_some_and(is_number) => {
            let mut offsets = span.split([' ', ';']).skip(1).peekable();
            (offsets.peek().is_some() && offsets.all(is_number)).then_some(CorpusFormat::Brat)
        }
        // Number and head of a token; the head may be left out.
        [number, _, _, _, _, _, head, _, _, _] if is_word_number(number) && (is_number(head) || *head == "_") => Some(CorpusFormat::ConllU),
        _ => None,
    }
}

/// Whether a text is the number of a first word or multiword token.
fn is_word_number(text: &str) -> bool {
    text.split('-').all(|number| number.parse::<u32>().is_ok()) && text.starts_with('1')
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
            ("<?xml version=\"1.0\"?>", "XML or HTML"),
            ("\u{feff}\n<?xml version=\"1.0\"?>", "XML or HTML"),
            ("<!doctype html><p>", "XML or HTML"),
            ("<doc id=\"1\">\r\n<s>\r\nAda\tNP\r\n", "XML or HTML"),
            ("PK\u{3}\u{4}...", "a ZIP archive or a spreadsheet"),
        ] {
            let error = detect_in(text.as_bytes(), &ReaderOptions::default()).unwrap_err().to_string();
            assert!(error.contains(&format!("is {expected}, which is not read; convert it")), "{error}");
        }
    }

    #[test]
    fn names_tell_formats() {
        for (path, format) in [("a/b.spacy", CorpusFormat::Spacy), ("b.ANN", CorpusFormat::Brat), ("b.conllu", CorpusFormat::ConllU)] {
            assert_eq!(detect_format(Path::new(path), &ReaderOptions::default()).unwrap(), format);
        }
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
            ("#begin document (a); part 000\na\n", Ok(CorpusFormat::Conll2012)),
            ("# text = a\n1\tAda\tAda\tPROPN\tNNP\t_\t0\troot\t_\tSpaceAfter=No\n", Ok(CorpusFormat::ConllU)),
            ("1-2\tdel\t_\t_\t_\t_\t_\t_\t_\tNER=O\n", Ok(CorpusFormat::ConllU)),
            ("# global.columns = ID FORM NER\n", Ok(CorpusFormat::ConllU)),
            ("T1\tPerson 0 3\tAda\n", Ok(CorpusFormat::Brat)),
            ("T2\tPerson 0 3;5 7\tAda Bo\n", Ok(CorpusFormat::Brat)),
            ("Sentence #,Word,POS,Tag\n", Ok(CorpusFormat::Table)),
            ("token\tner_tag\nAda\tB-PER\n", Ok(CorpusFormat::Table)),
            ("T1\tNN\tO\n", Ok(CorpusFormat::Conll)),
            ("<\tO\n", Ok(CorpusFormat::Conll)),
            ("1\tCD\tO\n", Ok(CorpusFormat::Conll)),
            ("x O\n", Ok(CorpusFormat::Conll)),
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
