//! What annotation tools export: doccano, Label Studio, and what is written like them.

use serde_json::{Map, Value};

use super::offsets::{Marked, Offsets, pair, position};
use super::{Trouble, fields, kind, label, string};
use crate::corpora::sentence::{Body, shortened};

/// Fields that hold spans, where they are an array; the first one counts.
const SPANS: [&str; 4] = ["entities", "label", "labels", "spans"];

/// The sentence of an element: its text with all of its entities, however long.
///
/// | tool | element |
/// |---|---|
/// | doccano | `{"text": …, "label": [[start, end, "PER"]]}`, `labels` likewise |
/// | doccano, with relations | `{"text": …, "entities": [{"start_offset": …, "end_offset": …, "label": "PER"}]}` |
/// | Label Studio | `{"data": {"text": …}, "annotations": [{"result": [{"value": {"start": …, "end": …, "labels": ["PER"]}}]}]}` |
/// | Label Studio, `JSON_MIN` | `{"text": …, "label": [{"start": …, "end": …, "labels": ["PER"]}]}` |
///
/// Of several annotations of a task the first that was not cancelled counts; results that mark no span (choices, relations) are left.
///
/// # Errors
/// What is missing or has another shape. A task that nobody has annotated is an error too: it does not say that there is no entity.
pub fn parse(object: &Map<String, Value>, offsets: Offsets) -> Result<Body, Trouble> {
    if let Some(data) = object.get("data") {
        let text = task_text(data)?;
        return offsets.body(text, results(object)?);
    }
    let text = string(object, "text")?;
    let Some(items) = SPANS.iter().find_map(|name| object.get(*name)?.as_array()) else {
        let detail = format!("no array of spans, expected `entities` or `label`; it has {}", fields(object));
        return Err(Trouble::new("missing field", detail));
    };
    let mut spans = Vec::new();
    for item in items {
        add(&mut spans, item)?;
    }
    offsets.body(text, spans)
}

/// The text of a task: `data.text`, or the only string there is.
fn task_text(data: &Value) -> Result<&str, Trouble> {
    let Value::Object(data) = data else { return Err(Trouble::new("bad field", format!("`data` is {}, expected an object", kind(data)))) };
    let mut strings = data.values().filter_map(Value::as_str);
    match (data.get("text"), strings.next(), strings.next()) {
        (None, Some(only), None) => Ok(only),
        _ => string(data, "text"),
    }
}

/// The spans of a task.
fn results(task: &Map<String, Value>) -> Result<Vec<Marked>, Trouble> {
    let annotations = ["annotations", "completions"].iter().find_map(|name| task.get(*name)?.as_array());
    let cancelled = |annotation: &&Value| annotation.get("was_cancelled").and_then(Value::as_bool) != Some(true);
    let Some(annotation) = annotations.and_then(|all| all.iter().find(cancelled)) else {
        return Err(Trouble::new("not annotated", "it has no annotation that was not cancelled, expected one in `annotations`".to_owned()));
    };
    let Some(Value::Array(results)) = annotation.get("result") else {
        return Err(Trouble::new("bad field", "an annotation has no `result`, expected an array".to_owned()));
    };
    let mut spans = Vec::new();
    for value in results.iter().filter_map(|result| result.get("value")).filter(|value| value.get("labels").is_some()) {
        add(&mut spans, value)?;
    }
    Ok(spans)
}

/// Adds a span once for each of its labels.
fn add(spans: &mut Vec<Marked>, item: &Value) -> Result<(), Trouble> {
    let bad = |what: &str| {
        let detail =
            format!("span {} {what}, expected [start, end, \"LABEL\"] or an object of start, end and label", shortened(&item.to_string()));
        Trouble::new("bad span", detail)
    };
    let (start, end, labels, text) = match item {
        Value::Array(parts) if parts.len() == 3 => {
            let (start, end) = pair(&Value::Array(parts[..2].to_vec()))?;
            (start, end, &parts[2], None)
        }
        Value::Object(span) => {
            let first = |names: [&str; 2]| names.iter().find_map(|name| span.get(*name));
            let start = first(["start_offset", "start"]).ok_or_else(|| bad("has no start"))?;
            let end = first(["end_offset", "end"]).ok_or_else(|| bad("has no end"))?;
            let labels = first(["label", "labels"]).ok_or_else(|| bad("has no label"))?;
            (position(start)?, position(end)?, labels, span.get("text").and_then(Value::as_str))
        }
        _ => return Err(bad("has another shape")),
    };
    let labels = labels.as_array().map_or(std::slice::from_ref(labels), Vec::as_slice);
    if labels.is_empty() {
        return Err(bad("has no label"));
    }
    for name in labels {
        spans.push(Marked { start, end, label: label(name)?, text: text.map(str::to_owned) });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entities as `start-end:label`, or the reason of the fault.
    fn read(json: &str) -> String {
        let Value::Object(object) = serde_json::from_str(json).unwrap() else { panic!("{json}") };
        match parse(&object, Offsets::CHARS) {
            Ok(Body::Text { entities, .. }) => {
                let entities: Vec<_> = entities.iter().map(|(chars, label)| format!("{}-{}:{label}", chars.start, chars.end)).collect();
                entities.join(" ")
            }
            Ok(other) => format!("{other:?}"),
            Err(trouble) => trouble.reason.to_owned(),
        }
    }

    #[test]
    fn what_tools_export() {
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
