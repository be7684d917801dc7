//! Nested corpora in the JSON that BERT-MRC's data preparation reads: `{"context": "a b c", "label": {"PER": ["0;1"]}}`.

use serde_json::Value;

use super::element_reader::Element;
use super::fields::{ElementError, label, object, string, type_name};
use super::offsets::{RawSpan, SpanOffsets, parse_span};
use super::token_spans;
use crate::corpora::read::options::ReaderOptions;

/// Parses an element.
///
/// BERT-MRC (<https://github.com/ShannonAI/mrc-for-flat-nested-ner>) writes spans as `"start;end"` or `"start,end"`, counts tokens
/// between white space, and gives the last token as the end. `[start, end]` is read too, and so are the [tokens with
/// spans](token_spans) of GLiNER and W2NER.
///
/// # Errors
/// A field is missing or has another type. A malformed span is dropped.
pub fn parse(element: &Value, options: &ReaderOptions<'_>) -> Result<Element, ElementError> {
    let object = object(element)?;
    if let Some(fields) = token_spans::fields_of(object) {
        return token_spans::parse(fields, options.offsets);
    }
    let context = string(object, "context")?;
    let labels = match object.get("label") {
        Some(Value::Object(labels)) => labels,
        other => {
            let found = other.map_or("missing", type_name);
            let detail = format!("`label` is {found}, expected an object of labels, as in {{\"PER\": [\"3;5\"]}}");
            return Err(ElementError::new("bad field", detail));
        }
    };
    let mut spans = Vec::new();
    for (name, spans_of_label) in labels {
        let name = label(&Value::String(name.clone()))?;
        let Value::Array(spans_of_label) = spans_of_label else {
            let detail = format!("the spans of `{name}` are {}, expected an array, as in [\"3;5\"]", type_name(spans_of_label));
            return Err(ElementError::new("bad field", detail));
        };
        let raw = |span| parse_span(span).map(|(start, end)| RawSpan { start, end, label: name.clone(), text: None });
        spans.extend(spans_of_label.iter().map(raw));
    }
    let offsets = options.offsets.unwrap_or(SpanOffsets::TOKENS_INCLUSIVE);
    Ok(Element::Sentence(offsets.resolve(context, spans)))
}
