//! Exports of the annotation tools doccano and Label Studio, and files that are written like them.

use serde_json::{Map, Value};

use super::fields::{ElementError, field_names, label, string, type_name};
use super::offsets::{RawSpan, SpanOffsets, parse_offset, parse_span};
use crate::corpora::read::corpus_reader::excerpt;
use crate::corpora::sentence::Annotation;

/// Fields that may hold an array of spans; the first that does is read.
const SPAN_FIELDS: [&str; 4] = ["entities", "label", "labels", "spans"];

/// Parses an element: a text with all of its entities, however long.
///
/// | tool | element |
/// |---|---|
/// | doccano | `{"text": …, "label": [[start, end, "PER"]]}`, `labels` likewise |
/// | doccano, with relations | `{"text": …, "entities": [{"start_offset": …, "end_offset": …, "label": "PER"}]}` |
/// | Label Studio | `{"data": {"text": …}, "annotations": [{"result": [{"value": {"start": …, "end": …, "labels": ["PER"]}}]}]}` |
/// | Label Studio, `JSON_MIN` | `{"text": …, "label": [{"start": …, "end": …, "labels": ["PER"]}]}` |
///
/// Of several annotations of a Label Studio task the first that was not cancelled is read. Results that mark no span (choices, relations)
/// are ignored.
///
/// # Errors
/// A field is missing or has another type, or a span is malformed or outside of the text. A task without annotation is an error too: it
/// does not mean that the text has no entity.
pub fn parse(object: &Map<String, Value>, offsets: SpanOffsets) -> Result<Annotation, ElementError> {
    if let Some(data) = object.get("data") {
        let text = task_text(data)?;
        return offsets.resolve(text, task_spans(object)?);
    }
    let text = string(object, "text")?;
    let Some(items) = SPAN_FIELDS.iter().find_map(|name| object.get(*name)?.as_array()) else {
        let detail = format!("no array of spans, expected `entities` or `label`; it has {}", field_names(object));
        return Err(ElementError::new("missing field", detail));
    };
    let mut spans = Vec::new();
    for item in items {
        add_span(&mut spans, item)?;
    }
    offsets.resolve(text, spans)
}

/// The text of a Label Studio task: `data.text`, or the only string in `data`.
fn task_text(data: &Value) -> Result<&str, ElementError> {
    let Value::Object(data) = data else {
        return Err(ElementError::new("bad field", format!("`data` is {}, expected an object", type_name(data))));
    };
    let mut strings = data.values().filter_map(Value::as_str);
    match (data.get("text"), strings.next(), strings.next()) {
        (None, Some(only), None) => Ok(only),
        _ => string(data, "text"),
    }
}

/// The spans of a Label Studio task.
fn task_spans(task: &Map<String, Value>) -> Result<Vec<RawSpan>, ElementError> {
    let annotations = ["annotations", "completions"].iter().find_map(|name| task.get(*name)?.as_array());
    let was_cancelled = |annotation: &Value| annotation.get("was_cancelled").and_then(Value::as_bool) == Some(true);
    let Some(annotation) = annotations.and_then(|all| all.iter().find(|annotation| !was_cancelled(annotation))) else {
        let detail = "it has no annotation that was not cancelled, expected one in `annotations`".to_owned();
        return Err(ElementError::new("not annotated", detail));
    };
    let Some(Value::Array(results)) = annotation.get("result") else {
        return Err(ElementError::new("bad field", "an annotation has no `result`, expected an array".to_owned()));
    };
    let mut spans = Vec::new();
    for value in results.iter().filter_map(|result| result.get("value")).filter(|value| value.get("labels").is_some()) {
        add_span(&mut spans, value)?;
    }
    Ok(spans)
}

/// Adds a span once for each of its labels.
fn add_span(spans: &mut Vec<RawSpan>, item: &Value) -> Result<(), ElementError> {
    let malformed = |what: &str| {
        let item = excerpt(&item.to_string());
        let detail = format!("span {item} {what}, expected [start, end, \"LABEL\"] or an object with start, end and label");
        ElementError::new("bad span", detail)
    };
    let (start, end, labels, text) = match item {
        Value::Array(parts) if parts.len() == 3 => {
            let (start, end) = parse_span(&Value::Array(parts[..2].to_vec()))?;
            (start, end, &parts[2], None)
        }
        Value::Object(span) => {
            let first_of = |names: [&str; 2]| names.iter().find_map(|name| span.get(*name));
            let start = first_of(["start_offset", "start"]).ok_or_else(|| malformed("has no start"))?;
            let end = first_of(["end_offset", "end"]).ok_or_else(|| malformed("has no end"))?;
            let labels = first_of(["label", "labels"]).ok_or_else(|| malformed("has no label"))?;
            (parse_offset(start)?, parse_offset(end)?, labels, span.get("text").and_then(Value::as_str))
        }
        _ => return Err(malformed("has another shape")),
    };
    let labels = labels.as_array().map_or(std::slice::from_ref(labels), Vec::as_slice);
    if labels.is_empty() {
        return Err(malformed("has no label"));
    }
    for name in labels {
        spans.push(RawSpan { start, end, label: label(name)?, text: text.map(str::to_owned) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entities as `start-end:label`, or the reason of the error.
    fn read(json: &str) -> String {
        let Value::Object(object) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        match parse(&object, SpanOffsets::CHARS_EXCLUSIVE) {
            Ok(Annotation::CharSpans { spans, .. }) => {
                let spans: Vec<_> = spans.iter().map(|(chars, label)| format!("{}-{}:{label}", chars.start, chars.end)).collect();
                spans.join(" ")
            }
            Ok(other) => format!("{other:?}"),
            Err(error) => error.reason.to_owned(),
        }
    }

    #[test]
    fn exports_of_annotation_tools_are_read() {
        for (json, expected) in [
            (r#"{"id": 1, "text": "Ada in Oslo", "label": [[0, 3, "PER"], [7, 11, "LOC"]]}"#, "0-3:PER 7-11:LOC"),
            (r#"{"text": "Ada", "labels": [[0, 3, "PER"]]}"#, "0-3:PER"),
            (r#"{"text": "Ada", "label": []}"#, ""),
            (r#"{"text": "Ada", "entities": [{"id": 0, "label": "PER", "start_offset": 0, "end_offset": 3}], "relations": []}"#, "0-3:PER"),
            (r#"{"text": "Ada", "spans": [{"start": 0, "end": 3, "label": "PER", "token_start": 0}]}"#, "0-3:PER"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER", "F"]}]}"#, "0-3:PER 0-3:F"),
            (
                r#"{"data": {"text": "Ada"}, "annotations": [{"was_cancelled": true, "result": []}, {"result": [
                    {"type": "choices", "value": {"choices": ["x"]}}, {"type": "relation", "from_id": "a"},
                    {"type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}"#,
                "0-3:PER",
            ),
            (r#"{"data": {"review": "Ada", "stars": 3}, "annotations": [{"result": []}]}"#, ""),
            (r#"{"data": {"text": "Ada"}, "annotations": []}"#, "not annotated"),
            (r#"{"data": {"a": "Ada", "b": "Bo"}, "annotations": [{"result": []}]}"#, "missing field"),
            (r#"{"data": {"text": "Ada"}, "annotations": [{}]}"#, "bad field"),
            (r#"{"text": "Ada"}"#, "missing field"),
            (r#"{"text": 3, "label": []}"#, "bad field"),
            (r#"{"text": "Ada", "label": [[0, 3]]}"#, "bad span"),
            (r#"{"text": "Ada", "label": [[0, -3, "PER"]]}"#, "bad span"),
            (r#"{"text": "Ada", "label": [{"start": 0, "label": "PER"}]}"#, "bad span"),
            (r#"{"text": "Ada", "label": [[0, 3, ""]]}"#, "no label"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 3, "labels": []}]}"#, "bad span"),
            (r#"{"text": "Ada", "label": [[0, 4, "PER"]]}"#, "span outside"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 2, "text": "Ada", "label": "PER"}]}"#, "other text"),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }
}
