//! Checked access to the fields of a JSON object, with errors that say what was expected.

use serde_json::{Map, Value};

use crate::corpora::read::corpus_reader::{MalformedSentence, excerpt};
use crate::corpora::sentence::DroppedSpan;

/// What is wrong with an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElementError {
    /// The reason, as counters name it.
    pub reason: &'static str,
    /// What was found and what was expected.
    pub detail: String,
    /// See [`MalformedSentence::ends_run`].
    pub ends_run: bool,
}

impl ElementError {
    /// An error with this reason, which costs the element.
    pub fn new(reason: &'static str, detail: String) -> Self {
        Self { reason, detail, ends_run: false }
    }

    /// An error that ends the run unless malformed elements are to be skipped.
    pub fn ending_run(reason: &'static str, detail: String) -> Self {
        Self { reason, detail, ends_run: true }
    }

    /// The sentence that is skipped because of it.
    pub(super) fn at(self, element: u64, line: u64) -> MalformedSentence {
        MalformedSentence { line, reason: self.reason, detail: format!("element {element}: {}", self.detail), ends_run: self.ends_run }
    }

    /// The span that is dropped because of it.
    pub(super) fn into_dropped(self) -> DroppedSpan {
        DroppedSpan { reason: self.reason, detail: Some(self.detail) }
    }
}

/// The object of an element.
pub(super) fn object(element: &Value) -> Result<&Map<String, Value>, ElementError> {
    match element {
        Value::Object(object) => Ok(object),
        other => Err(ElementError::new("no object", format!("it is {}, expected an object", type_name(other)))),
    }
}

/// A field that must be a string.
pub(super) fn string<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, ElementError> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(ElementError::new("bad field", format!("`{name}` is {}, expected a string", type_name(other)))),
        None => Err(ElementError::new("missing field", format!("no `{name}`, expected a string; it has {}", field_names(object)))),
    }
}

/// A label, which must not be blank.
pub(super) fn label(value: &Value) -> Result<String, ElementError> {
    match value {
        Value::String(label) if !label.trim().is_empty() => Ok(label.clone()),
        other => {
            let detail = format!("label {other} is {}, expected a string that is not blank", type_name(other));
            Err(ElementError::new("no label", detail))
        }
    }
}

/// The names of the fields, for messages.
pub(super) fn field_names(object: &Map<String, Value>) -> String {
    let names: Vec<String> = object.keys().map(|name| format!("`{}`", excerpt(name))).collect();
    if names.is_empty() { "no field".to_owned() } else { names.join(", ") }
}

/// The type of a value, for messages.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(text) if text.trim().is_empty() => "a blank string",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
