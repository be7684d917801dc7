//! Exports of the annotation tools doccano, Label Studio and Prodigy, and files that are written like them.

use serde_json::{Map, Value};

use super::element_reader::Element;
use super::fields::{ElementError, field_names, label, object, string};
use super::label_studio;
use super::offsets::{RawSpan, SpanOffsets, parse_span};
use super::span_objects::raw_spans;
use crate::corpora::read::corpus_reader::excerpt;
use crate::corpora::read::options::ReaderOptions;

/// Fields that may hold an array of spans; the first that does is read.
const SPAN_FIELDS: [&str; 4] = ["entities", "label", "labels", "spans"];

/// A training example of spaCy, an array of a text and its annotations, as an object of both; `None` if it is none.
pub fn spacy_example(element: &Value) -> Option<Value> {
    let [Value::String(text), Value::Object(annotations)] = element.as_array()?.as_slice() else { return None };
    let mut object = annotations.clone();
    object.insert("text".to_owned(), Value::String(text.clone()));
    annotations.contains_key("entities").then_some(Value::Object(object))
}

/// Parses an element: a text with all of its entities, however long.
///
/// | tool | element |
/// |---|---|
/// | doccano | `{"text": …, "label": [[start, end, "PER"]]}`; `data` for `text`, `labels` for `label` |
/// | CLUENER | `{"text": …, "label": {"PER": {"Ada": [[0, 2]]}}}`; the end is the last char |
/// | spaCy | `["…", {"entities": [[start, end, "PER"]]}]`, in an array |
/// | doccano, with relations | `{"text": …, "entities": [{"start_offset": …, "end_offset": …, "label": "PER"}]}` |
/// | Label Studio | `{"data": {"text": …}, "annotations": [{"result": [{"value": {"start": …, "end": …, "labels": ["PER"]}}]}]}` |
/// | Label Studio, `JSON_MIN` | `{"text": …, "label": [{"start": …, "end": …, "labels": ["PER"]}]}` |
/// | Prodigy | `{"text": …, "tokens": […], "spans": [{"start": …, "end": …, "label": "PER"}], "answer": "accept"}` |
///
/// Other names of fields are given by [`ReaderOptions`]. An element that a Prodigy annotator rejected or ignored is no example.
///
/// # Errors
/// A field is missing or has another type. A malformed span, or one outside of the text, is dropped.
pub fn parse(element: &Value, options: &ReaderOptions<'_>) -> Result<Element, ElementError> {
    let example = spacy_example(element);
    let object = object(example.as_ref().unwrap_or(element))?;
    if let Some(Value::Object(data)) = object.get("data") {
        return label_studio::parse(object, data, options);
    }
    match object.get("answer").and_then(Value::as_str) {
        Some("reject") => return Ok(Element::NoExample("rejected")),
        Some("ignore") => return Ok(Element::NoExample("ignored")),
        _ => {}
    }
    let tokens = prodigy_tokens(object);
    let text = match options.text_field {
        Some(name) => string(object, name)?.to_owned(),
        None if !object.contains_key("text") && object.contains_key("data") => string(object, "data")?.to_owned(),
        None => match (&tokens, object.get("text")) {
            (Some((text, _)), None) => text.clone(),
            _ => string(object, "text")?.to_owned(),
        },
    };
    let items = match options.label_field {
        Some(name) => object.get(name).and_then(Value::as_array).map(Vec::as_slice),
        None => SPAN_FIELDS.iter().find_map(|name| object.get(*name)?.as_array()).map(Vec::as_slice),
    };
    if let (None, Some(Value::Object(labels))) = (items, object.get(options.label_field.unwrap_or("label"))) {
        return Ok(Element::Sentence(options.offsets.unwrap_or(SpanOffsets::CHARS_INCLUSIVE).resolve(&text, cluener_spans(labels))));
    }
    let Some(items) = items else {
        let expected = options.label_field.unwrap_or("entities` or `label");
        let detail = format!("no array of spans, expected `{expected}`; it has {}; see --label-field", field_names(object));
        return Err(ElementError::new("missing field", detail));
    };
    let mut spans: Vec<Result<RawSpan, ElementError>> = Vec::new();
    let token_ranges = tokens.map_or(Vec::new(), |(_, ranges)| ranges);
    items.iter().for_each(|item| spans.extend(raw_spans(item, &token_ranges)));
    Ok(Element::Sentence(options.offsets.unwrap_or(SpanOffsets::CHARS_EXCLUSIVE).resolve(&text, spans)))
}

/// The spans of CLUENER: by label, and by the text that they cover.
fn cluener_spans(labels: &Map<String, Value>) -> Vec<Result<RawSpan, ElementError>> {
    let malformed = |name: &str, found: &Value| {
        let detail = format!("the spans of `{name}` are {}, expected {{\"text\": [[start, end]]}}", excerpt(&found.to_string()));
        ElementError::new("bad span", detail)
    };
    let mut spans = Vec::new();
    for (name, texts) in labels {
        let Value::Object(texts) = texts else {
            spans.push(Err(malformed(name, texts)));
            continue;
        };
        for (text, places) in texts {
            let Value::Array(places) = places else {
                spans.push(Err(malformed(name, places)));
                continue;
            };
            spans.extend(places.iter().map(|place| {
                let (start, end) = parse_span(place)?;
                Ok(RawSpan { start, end, label: label(&Value::String(name.clone()))?, text: Some(text.clone()) })
            }));
        }
    }
    spans
}

/// The text that Prodigy's `tokens` make, each with `ws` for a space behind it, and the offsets of each token. `None` where an element
/// has none.
fn prodigy_tokens(object: &Map<String, Value>) -> Option<(String, Vec<(u64, u64)>)> {
    let (mut text, mut ranges) = (String::new(), Vec::new());
    for token in object.get("tokens")?.as_array()? {
        let word = token.get("text")?.as_str()?;
        let start = token.get("start").and_then(Value::as_u64).unwrap_or(text.chars().count() as u64);
        ranges.push((start, start + word.chars().count() as u64));
        text.push_str(word);
        if token.get("ws").and_then(Value::as_bool).unwrap_or(true) {
            text.push(' ');
        }
    }
    let text = text.trim_end().to_owned();
    Some((text, ranges))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::Annotation;

    /// Entities as `start-end:label`, dropped ones as `!reason`; or the reason of the error.
    fn read_with(json: &str, options: &ReaderOptions<'_>) -> String {
        let text = match parse(&serde_json::from_str(json).unwrap(), options) {
            Ok(Element::Sentence(text)) => text,
            Ok(Element::NoExample(reason)) => return format!("no example: {reason}"),
            Err(error) => return error.reason.to_owned(),
        };
        let Annotation::CharSpans { spans, .. } = text.annotation else { panic!("{json}") };
        let spans = spans.iter().map(|(chars, label)| format!("{}-{}:{label}", chars.start, chars.end));
        spans.chain(text.notes.dropped.iter().map(|span| format!("!{}", span.reason))).collect::<Vec<_>>().join(" ")
    }

    fn read(json: &str) -> String {
        read_with(json, &ReaderOptions::default())
    }

    #[test]
    fn exports_of_annotation_tools_are_read() {
        for (json, expected) in [
            (r#"{"id": 1, "text": "Ada in Oslo", "label": [[0, 3, "PER"], [7, 11, "LOC"]]}"#, "0-3:PER 7-11:LOC"),
            (r#"{"text": "Ada", "labels": [[0, 3, "PER"]]}"#, "0-3:PER"),
            (r#"{"data": "Ada", "label": [[0, 3, "PER"]]}"#, "0-3:PER"),
            (r#"{"text": "Ada", "label": []}"#, ""),
            (r#"{"text": "Ada", "entities": [{"id": 0, "label": "PER", "start_offset": 0, "end_offset": 3}], "relations": []}"#, "0-3:PER"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 3, "text": "Ada", "labels": ["PER", "F"]}]}"#, "0-3:PER 0-3:F"),
            (r#"{"text": "Ada", "entities": [{"entity_group": "PER", "score": 0.9, "word": "Ada", "start": 0, "end": 3}]}"#, "0-3:PER"),
            (r#"["Ada in Oslo", {"entities": [[0, 3, "PER"], [7, 11, "LOC"]], "links": {}}]"#, "0-3:PER 7-11:LOC"),
            (r#"["Ada", {"cats": {}}]"#, "no object"),
            (r#"{"text": "Ada in Oslo", "label": {"PER": {"Ada": [[0, 2]]}, "LOC": {"Oslo": [[7, 10]]}}}"#, "7-11:LOC 0-3:PER"),
            (r#"{"text": "Ada", "label": {"PER": {"Ada": [[0, 3]], "A": 3}, "LOC": []}}"#, "!bad span !bad span !span outside"),
            (r#"{"text": "Ada", "label": {}}"#, ""),
            (r#"{"text": "Ada"}"#, "missing field"),
            (r#"{"text": 3, "label": []}"#, "bad field"),
            // One bad span costs the span.
            (r#"{"text": "Ada", "label": [[0, 3], [0, 3, "PER"]]}"#, "0-3:PER !bad span"),
            (r#"{"text": "Ada", "label": [[0, -3, "PER"]]}"#, "!bad span"),
            (r#"{"text": "Ada", "label": [{"start": 0, "label": "PER"}]}"#, "!bad span"),
            (r#"{"text": "Ada", "label": [[0, 3, ""]]}"#, "!no label"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 3, "labels": []}]}"#, "!no label"),
            (r#"{"text": "Ada", "label": [[0, 4, "PER"], [1, 3, "PER"]]}"#, "1-3:PER !span outside"),
            (r#"{"text": "Ada", "label": [{"start": 0, "end": 2, "text": "Ada", "label": "PER"}]}"#, "!other text"),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }

    #[test]
    fn exports_of_prodigy_are_read() {
        let tokens = r#""tokens": [{"text": "Ada", "start": 0, "end": 3, "id": 0, "ws": true}, {"text": "Bo", "start": 4, "end": 6, "id": 1, "ws": false}]"#;
        for (rest, expected) in [
            (
                r#""text": "Ada Bo", "spans": [{"start": 4, "end": 6, "label": "PER", "token_start": 1, "token_end": 1}], "answer": "accept""#,
                "4-6:PER",
            ),
            (r#""text": "Ada Bo", "spans": [{"token_start": 0, "token_end": 1, "label": "PER"}]"#, "0-6:PER"),
            (r#""spans": [{"token_start": 1, "token_end": 1, "label": "PER"}]"#, "4-6:PER"),
            (r#""spans": [{"token_start": 1, "token_end": 2, "label": "PER"}]"#, "!bad span"),
            (r#""text": "Ada Bo", "spans": [{"start": 4, "end": 6, "label": "PER"}], "answer": "reject""#, "no example: rejected"),
            (r#""text": "Ada Bo", "spans": [], "answer": "ignore""#, "no example: ignored"),
        ] {
            assert_eq!(read(&format!("{{{tokens}, {rest}}}")), expected, "{rest}");
        }
    }

    #[test]
    fn exports_of_label_studio_are_read() {
        let task = |data: &str, results: &str| format!(r#"{{"id": 1, "data": {data}, "annotations": [{{"result": [{results}]}}]}}"#);
        let ada = r#"{"from_name": "ner", "to_name": "text", "type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}"#;
        let other_text = r#"{"from_name": "ner", "to_name": "title", "value": {"start": 0, "end": 2, "text": "Bo", "labels": ["PER"]}}"#;
        let html = r#"{"type": "hypertextlabels", "value": {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 5, "endOffset": 8,
            "globalOffsets": {"start": 5, "end": 8}, "text": "Ada", "hypertextlabels": ["PER"]}}"#;
        for (json, expected) in [
            (
                r#"{"data": {"text": "Ada"}, "annotations": [{"was_cancelled": true, "result": []}, {"result": [
                    {"type": "choices", "value": {"choices": ["x"]}}, {"type": "relation", "from_id": "a"},
                    {"type": "labels", "value": {"start": 0, "end": 3, "text": "Ada", "labels": ["PER"]}}]}]}"#
                    .to_owned(),
                "0-3:PER",
            ),
            (task(r#"{"review": "Ada", "stars": 3}"#, ""), ""),
            (r#"{"data": {"text": "Ada"}, "annotations": []}"#.to_owned(), "not annotated"),
            (r#"{"data": {"text": "Ada"}, "annotations": [{}]}"#.to_owned(), "bad field"),
            (task(r#"{"a": "Ada", "b": "Bo"}"#, ""), "missing field"),
            // Of several texts the one that the results are about.
            (task(r#"{"a": "Bo", "title": "Bo"}"#, other_text), "0-2:PER"),
            (task(r#"{"text": "Ada", "title": "Bo"}"#, &format!("{ada}, {other_text}")), "0-3:PER !other text field"),
            (task(r#"{"text": "Ada"}"#, r#"{"value": {"start": 0, "end": 3, "text": "Ada"}}"#), "!no label"),
            (task(r#"{"text": "<p>Hi, &amp;</p>  Ada"}"#, html), "!other text"),
            (task(r#"{"text": "<p>Hi, </p> Ada"}"#, html), "5-8:PER"),
            (task(r#"{"text": "Hi,\n\n Ada"}"#, r#"{"value": {"start": 5, "end": 9, "text": "Ada", "labels": ["PER"]}}"#), "5-9:PER"),
            (
                task(
                    r#"{"text": "Ada"}"#,
                    r#"{"value": {"start": "0", "end": "0", "startOffset": 0, "endOffset": 3, "paragraphlabels": ["PER"]}}"#,
                ),
                "!bad span",
            ),
        ] {
            assert_eq!(read(&json), expected, "{json}");
        }
    }

    #[test]
    fn fields_have_other_names_where_options_say_so() {
        let options = |text: &'static str, label: &'static str| ReaderOptions {
            text_field: Some(text),
            label_field: (!label.is_empty()).then_some(label),
            ..ReaderOptions::default()
        };
        let json = r#"{"id": 3, "review": "Ada", "ner": [{"start": 0, "end": 3, "labels": ["PER"]}], "text": "x"}"#;
        assert_eq!(read_with(json, &options("review", "ner")), "0-3:PER");
        assert_eq!([read_with(json, &options("none", "ner")), read_with(json, &options("review", "none"))], ["missing field"; 2]);
        let task = r#"{"data": {"a": "Ada", "b": "Bo"}, "annotations": [{"result": [
            {"from_name": "ner", "to_name": "a", "value": {"start": 0, "end": 3, "labels": ["PER"]}},
            {"from_name": "pos", "to_name": "b", "value": {"start": 0, "end": 2, "labels": ["NN"]}}]}]}"#;
        assert_eq!(read_with(task, &options("a", "")), "0-3:PER !other text field");
        assert_eq!(read_with(task, &options("b", "pos")), "0-2:NN !other label field");
    }
}
