//! Annotated files in JSON.
//!
//! | module | what it does |
//! |---|---|
//! | [`elements`] | an array or lines to values, one after the other |
//! | [`offsets`] | what the numbers of a span count |
//! | [`nested`] | `{context, label: {TYPE: ["start;end"]}}` to a sentence |
//! | [`jsonl`] | what annotation tools export to a sentence |
//! | [`mrc_json`] | `{context, query, entity_label, span_position}`, one a label, to sentences |

pub mod elements;
pub mod jsonl;
pub mod mrc_json;
pub mod nested;
pub mod offsets;

use std::io::Read;

use schemas::Counter;
use serde_json::{Map, Value};

use crate::corpora::sentence::{Body, Fault, Item, ReadError, Sentence, SentenceReader};
use elements::{Element, Elements};
use offsets::Offsets;

/// What is wrong with an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// The kind of fault, as the counters name it.
    pub reason: &'static str,
    /// What was found and what was expected.
    pub detail: String,
}

impl Trouble {
    /// A fault of this kind.
    pub fn new(reason: &'static str, detail: String) -> Self {
        Self { reason, detail }
    }

    fn at(self, element: u64, line: u64) -> Fault {
        Fault { line, reason: self.reason, detail: format!("element {element}: {}", self.detail) }
    }
}

/// The text and entities of an element.
pub type Parse = fn(&Map<String, Value>, Offsets) -> Result<Body, Trouble>;

/// Reads a file in which each element is a sentence.
///
/// Memory: one element.
pub struct Reader<R> {
    elements: Elements<R>,
    offsets: Offsets,
    parse: Parse,
    number: u32,
    sentences: Counter,
    parts: Counter,
}

impl<R: Read> Reader<R> {
    /// A reader at the file's start.
    pub fn new(input: R, parse: Parse, offsets: Offsets) -> Self {
        let (sentences, parts) = (Counter::default(), Counter::default());
        Self { elements: Elements::new(input), offsets, parse, number: 0, sentences, parts }
    }
}

impl<R: Read> SentenceReader for Reader<R> {
    fn next_item(&mut self) -> Result<Option<Item>, ReadError> {
        loop {
            let Some(element) = self.elements.next_element()? else { return Ok(None) };
            let (line, count) = (element.line, element.number);
            match object(element).and_then(|object| (self.parse)(&object, self.offsets)) {
                Ok(body) if body.is_blank() => {
                    self.sentences.skip("empty");
                    self.parts.skip("empty");
                }
                Ok(body) => {
                    self.sentences.keep();
                    self.parts.keep();
                    let number = self.number;
                    self.number += 1;
                    return Ok(Some(Item::Sentence(Sentence { number, line, body, questions: Vec::new() })));
                }
                Err(trouble) => {
                    self.number += 1;
                    self.sentences.skip(trouble.reason);
                    self.parts.skip(trouble.reason);
                    return Ok(Some(Item::Fault(trouble.at(count, line))));
                }
            }
        }
    }

    fn sentences(&self) -> &Counter {
        &self.sentences
    }

    fn parts(&self) -> (&'static str, &Counter) {
        ("elements", &self.parts)
    }
}

fn object(element: Element) -> Result<Map<String, Value>, Trouble> {
    match element.value {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Trouble::new("no object", format!("it is {}, expected an object", kind(&other)))),
        Err(detail) => Err(Trouble::new("not JSON", detail)),
    }
}

/// A field that must be a string.
fn string<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, Trouble> {
    match object.get(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Trouble::new("bad field", format!("`{name}` is {}, expected a string", kind(other)))),
        None => Err(Trouble::new("missing field", format!("no `{name}`, expected a string; it has {}", fields(object)))),
    }
}

/// A label, which must not be blank.
fn label(value: &Value) -> Result<String, Trouble> {
    match value {
        Value::String(label) if !label.trim().is_empty() => Ok(label.clone()),
        other => Err(Trouble::new("no label", format!("label {other} is {}, expected a string that is not blank", kind(other)))),
    }
}

fn fields(object: &Map<String, Value>) -> String {
    let names: Vec<String> = object.keys().map(|name| format!("`{}`", crate::corpora::sentence::shortened(name))).collect();
    if names.is_empty() { "no field".to_owned() } else { names.join(", ") }
}

/// What a value is, in words.
fn kind(value: &Value) -> &'static str {
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
