//! Nested corpora, as BERT-MRC's data preparation reads them: `{"context": "a b c", "label": {"PER": ["0;1"]}}`.

use serde_json::{Map, Value};

use super::offsets::{Marked, Offsets, pair};
use super::{Trouble, kind, label, string};
use crate::corpora::sentence::Body;

/// The sentence of an element.
///
/// The reference reads spans as `"start;end"` or `"start,end"`, counts tokens between white space, and takes the end for the last
/// token (<https://github.com/ShannonAI/mrc-for-flat-nested-ner>). A pair of numbers is read alike.
///
/// # Errors
/// What is missing or has another shape.
pub fn parse(object: &Map<String, Value>, offsets: Offsets) -> Result<Body, Trouble> {
    let context = string(object, "context")?;
    let labels = match object.get("label") {
        Some(Value::Object(labels)) => labels,
        other => {
            let found = other.map_or("missing", kind);
            let detail = format!("`label` is {found}, expected an object of labels, as in {{\"PER\": [\"3;5\"]}}");
            return Err(Trouble::new("bad field", detail));
        }
    };
    let mut spans = Vec::new();
    for (name, pairs) in labels {
        let name = label(&Value::String(name.clone()))?;
        let Value::Array(pairs) = pairs else {
            let detail = format!("the spans of `{name}` are {}, expected an array, as in [\"3;5\"]", kind(pairs));
            return Err(Trouble::new("bad field", detail));
        };
        for item in pairs {
            let (start, end) = pair(item)?;
            spans.push(Marked { start, end, label: name.clone(), text: None });
        }
    }
    offsets.body(context, spans)
}
