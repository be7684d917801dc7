//! Tokens with spans of tokens, as GLiNER and W2NER are trained on them.

use serde_json::{Map, Value};

use super::element_reader::Element;
use super::fields::{ElementError, label, type_name};
use super::offsets::{RawSpan, SpanOffsets, parse_offset};
use crate::corpora::read::corpus_reader::excerpt;

/// The fields with the tokens and the spans, where an object is of this form.
///
/// | format | element |
/// |---|---|
/// | GLiNER | `{"tokenized_text": ["Ada", …], "ner": [[0, 1, "person"]]}` |
/// | W2NER | `{"sentence": ["Ada", …], "ner": [{"index": [0, 1], "type": "PER"}]}` |
pub fn fields_of(object: &Map<String, Value>) -> Option<(&[Value], &[Value])> {
    let array = |name: &str| object.get(name).and_then(Value::as_array).map(Vec::as_slice);
    Some((array("tokenized_text").or_else(|| array("sentence"))?, array("ner")?))
}

/// Parses the tokens and spans of an element. The end of a span is its last token unless `offsets` says otherwise.
///
/// # Errors
/// A token is no string. A malformed span is dropped, and so is one of tokens that are not consecutive.
pub fn parse((tokens, spans): (&[Value], &[Value]), offsets: Option<SpanOffsets>) -> Result<Element, ElementError> {
    let token = |token: &Value| {
        let detail = || format!("a token is {}, expected a string", type_name(token));
        token.as_str().map(str::to_owned).ok_or_else(|| ElementError::new("bad field", detail()))
    };
    let tokens = tokens.iter().map(token).collect::<Result<Vec<String>, ElementError>>()?;
    let spans = spans.iter().map(raw_span).collect();
    Ok(Element::Sentence(offsets.unwrap_or(SpanOffsets::TOKENS_INCLUSIVE).resolve_tokens(tokens, spans)))
}

fn raw_span(item: &Value) -> Result<RawSpan, ElementError> {
    let malformed = |reason, expected: &str| ElementError::new(reason, format!("span {} is not {expected}", excerpt(&item.to_string())));
    let span = |start: &Value, end: &Value, name: &Value| {
        Ok(RawSpan { start: parse_offset(start)?, end: parse_offset(end)?, label: label(name)?, text: None })
    };
    match item {
        Value::Array(parts) => match parts.as_slice() {
            [start, end, name] => span(start, end, name),
            _ => Err(malformed("bad span", "[start, end, \"LABEL\"]")),
        },
        Value::Object(object) => {
            let (index, name) = (object.get("index").and_then(Value::as_array), object.get("type"));
            let Some((index, name)) = index.zip(name).filter(|(index, _)| !index.is_empty()) else {
                return Err(malformed("bad span", "an object with `index` and `type`"));
            };
            let numbers = index.iter().map(parse_offset).collect::<Result<Vec<u64>, ElementError>>()?;
            if numbers.windows(2).any(|two| two[0].checked_add(1) != Some(two[1])) {
                return Err(malformed("discontinuous span", "of consecutive tokens"));
            }
            span(&index[0], &index[index.len() - 1], name)
        }
        _ => Err(malformed("bad span", "[start, end, \"LABEL\"] or an object with `index` and `type`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpora::sentence::Annotation;

    #[test]
    fn spans_of_tokens_are_read() {
        let read = |json: &str| {
            let element: Value = serde_json::from_str(json).unwrap();
            let text = match parse(fields_of(element.as_object().unwrap()).unwrap(), None) {
                Ok(Element::Sentence(text)) => text,
                other => return format!("{:?}", other.map_err(|error| error.reason)),
            };
            let Annotation::TokenSpans { tokens, spans } = text.annotation else { panic!("{json}") };
            let spans = spans.iter().map(|(range, label)| format!("{}:{label}", tokens[range.clone()].join(" ")));
            spans.chain(text.notes.dropped.iter().map(|span| format!("!{}", span.reason))).collect::<Vec<_>>().join(", ")
        };
        for (json, expected) in [
            (r#"{"tokenized_text": ["Ada", "Bo", "is"], "ner": [[0, 1, "person"], [2, 2, "x"]]}"#, "Ada Bo:person, is:x"),
            (r#"{"sentence": ["北", "京", "人"], "ner": [{"index": [0, 1], "type": "LOC"}], "word": []}"#, "北 京:LOC"),
            (
                r#"{"sentence": ["a", "b", "c"], "ner": [{"index": [0, 2], "type": "X"}, {"index": [1], "type": "X"}]}"#,
                "b:X, !discontinuous span",
            ),
            (
                r#"{"sentence": ["a"], "ner": [{"index": [], "type": "X"}, [0, 1, "X"], [0, 0], 3]}"#,
                "!bad span, !span outside, !bad span, !bad span",
            ),
            (r#"{"sentence": ["a"], "ner": [[0, 0, ""]]}"#, "!no label"),
            (r#"{"sentence": [1], "ner": []}"#, "Err(\"bad field\")"),
        ] {
            assert_eq!(read(json), expected, "{json}");
        }
    }
}
