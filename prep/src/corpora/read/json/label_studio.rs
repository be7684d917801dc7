//! Exports of Label Studio: tasks with their annotations.
//!
//! `{"data": {"text": …}, "annotations": [{"result": [{"from_name", "to_name", "value": {"start", "end", "text", "labels"}}]}]}`
//!
//! - Of several annotations of a task the first that was not cancelled is read.
//! - Results that mark no span (choices, relations, ratings) are ignored. Spans of another text or control than the one that is read are
//!   dropped and counted.
//! - Where spans are of HyperText, the text is that of the HTML without its tags, as the tool's `globalOffsets` count it.

use serde_json::{Map, Value};

use super::element_reader::Element;
use super::fields::{ElementError, field_names, string};
use super::offsets::{RawSpan, SpanOffsets};
use super::span_objects::raw_spans;
use crate::corpora::read::options::ReaderOptions;
use crate::corpora::sentence::DroppedSpan;

/// Parses a task with its `data`.
///
/// # Errors
/// There is no text, or several and none is named. A task without annotation is an error too: it does not mean that the text has no
/// entity.
pub(super) fn parse<'a>(
    task: &'a Map<String, Value>,
    data: &'a Map<String, Value>,
    options: &ReaderOptions<'a>,
) -> Result<Element, ElementError> {
    let results = results(task)?;
    let field = text_field(data, results, options)?;
    let text = string(data, field)?;
    let is_html = results.iter().any(|result| result.pointer("/value/globalOffsets").is_some()) && text.contains('<');
    let text = if is_html { visible_text(text) } else { text.to_owned() };
    let mut spans: Vec<Result<RawSpan, ElementError>> = Vec::new();
    let mut unasked = Vec::new();
    for result in results {
        let Some(value) = result.get("value").filter(|value| is_span(value)) else { continue };
        let name = |key: &str| result.get(key).and_then(Value::as_str);
        let is_other_text = name("to_name").is_some_and(|to| to != field && data.get(to).is_some_and(Value::is_string));
        let is_other_label = options.label_field.is_some_and(|from| name("from_name").is_some_and(|name| name != from));
        if is_other_text || is_other_label {
            let reason = if is_other_label { "other label field" } else { "other text field" };
            unasked.push(DroppedSpan { reason, detail: None });
        } else {
            spans.extend(raw_spans(value, &[]));
        }
    }
    let mut resolved = options.offsets.unwrap_or(SpanOffsets::CHARS_EXCLUSIVE).resolve(&text, spans);
    resolved.notes.dropped.extend(unasked);
    Ok(Element::Sentence(resolved))
}

/// The results of the first annotation that was not cancelled.
fn results(task: &Map<String, Value>) -> Result<&[Value], ElementError> {
    let annotations = ["annotations", "completions"].iter().find_map(|name| task.get(*name)?.as_array());
    let was_cancelled = |annotation: &Value| annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true);
    let Some(annotation) = annotations.and_then(|all| all.iter().find(|annotation| !was_cancelled(annotation))) else {
        let detail = "it has no annotation that was not cancelled, expected one in `annotations`".to_owned();
        return Err(ElementError::new("not annotated", detail));
    };
    match annotation.get("result") {
        Some(Value::Array(results)) => Ok(results),
        _ => Err(ElementError::new("bad field", "an annotation has no `result`, expected an array".to_owned())),
    }
}

/// The field of `data` with the text: the one that was named; else `text`, the only string, or the one that all results are about.
fn text_field<'a>(data: &'a Map<String, Value>, results: &'a [Value], options: &ReaderOptions<'a>) -> Result<&'a str, ElementError> {
    if let Some(name) = &options.text_field {
        return Ok(name);
    }
    let strings: Vec<&str> = data.iter().filter(|(_, value)| value.is_string()).map(|(name, _)| name.as_str()).collect();
    if data.contains_key("text") {
        return Ok("text");
    }
    if let [only] = strings.as_slice() {
        return Ok(only);
    }
    let mut targets: Vec<&str> = results.iter().filter_map(|result| result.get("to_name")?.as_str()).collect();
    targets.sort_unstable();
    targets.dedup();
    match targets.as_slice() {
        [only] if strings.contains(only) => Ok(only),
        _ => {
            let detail =
                format!("`data` has no `text`, and not one string alone; it has {}; name the text with --text-field", field_names(data));
            Err(ElementError::new("missing field", detail))
        }
    }
}

/// Whether a result marks a span.
fn is_span(value: &Value) -> bool {
    value.get("start").is_some() || value.get("globalOffsets").is_some()
}

/// The text of HTML: without tags and comments, with the chars that entities stand for.
fn visible_text(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let tag = &rest[at..];
        let is_tag = tag[1..].starts_with(|char: char| char.is_ascii_alphabetic() || matches!(char, '/' | '!' | '?'));
        let end = if tag.starts_with("<!--") { tag.find("-->").map(|end| end + 3) } else { tag.find('>').map(|end| end + 1) };
        match end.filter(|_| is_tag) {
            Some(end) => rest = &tag[end..],
            None => {
                text.push('<');
                rest = &tag[1..];
            }
        }
    }
    text.push_str(rest);
    // A browser reads CRLF as LF.
    html_escape::decode_html_entities(&text.replace("\r\n", "\n")).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_becomes_text() {
        for (html, expected) in [
            ("<p class=\"x\">Ada &amp; Bo</p>\r\n<br/>1 < 2", "Ada & Bo\n1 < 2"),
            ("a<!-- <b> -->b<", "ab<"),
            ("Ö&eacute;&#x4e2d;", "Öé中"),
        ] {
            assert_eq!(visible_text(html), expected);
        }
    }
}
