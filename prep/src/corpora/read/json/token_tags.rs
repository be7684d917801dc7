//! Rows of Hugging Face `datasets` as JSON: `{"tokens": ["Ada", …], "ner_tags": [1, …]}`.

use serde_json::{Map, Value};

use super::element_reader::Element;
use super::fields::{ElementError, field_names, object, type_name};
use super::offsets::ResolvedText;
use crate::corpora::read::options::ReaderOptions;
use crate::corpora::read::tagged_tokens::{RawTag, annotate};

/// Names of fields or columns with tokens, and with tags; the first that is there is read.
pub const TOKEN_FIELDS: [&str; 3] = ["tokens", "words", "token"];
/// See [`TOKEN_FIELDS`].
pub const TAG_FIELDS: [&str; 6] = ["ner_tags", "tags", "labels", "ner", "ner_labels", "label"];

/// Parses an element. Tags are names, or numbers of the names that the options give.
///
/// # Errors
/// A field is missing, of another type or of another length, or a tag is malformed: these end the run.
pub fn parse(element: &Value, options: &ReaderOptions<'_>) -> Result<Element, ElementError> {
    let object = object(element)?;
    let tokens = array(object, options.text_field, &TOKEN_FIELDS)?.iter().map(token).collect::<Result<_, ElementError>>()?;
    let tags =
        array(object, options.label_field, &TAG_FIELDS)?.iter().map(|item| Ok((tag(item)?, 0))).collect::<Result<_, ElementError>>()?;
    let annotated = annotate(tokens, tags, options.tag_rules(), options.class_names);
    let (annotation, notes) = annotated.map_err(|(_, reason, detail)| ElementError::ending_run(reason, detail))?;
    Ok(Element::Sentence(ResolvedText { annotation, notes }))
}

/// An array of a field that is named, or of the first that is there.
fn array<'a>(object: &'a Map<String, Value>, named: Option<&str>, names: &[&str]) -> Result<&'a [Value], ElementError> {
    let name = named.or_else(|| names.iter().copied().find(|name| object.contains_key(*name))).unwrap_or(names[0]);
    match object.get(name) {
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(ElementError::ending_run("bad field", format!("`{name}` is {}, expected an array", type_name(other)))),
        None => {
            let detail = format!("no `{name}`, expected an array; it has {}; see --text-field and --label-field", field_names(object));
            Err(ElementError::ending_run("missing field", detail))
        }
    }
}

fn token(value: &Value) -> Result<String, ElementError> {
    let word = value.as_str().map(str::to_owned);
    word.ok_or_else(|| ElementError::ending_run("bad field", format!("a token is {}, expected a string", type_name(value))))
}

fn tag(value: &Value) -> Result<RawTag, ElementError> {
    match value {
        Value::String(name) => Ok(RawTag::Name(name.clone())),
        value => value
            .as_i64()
            .map(RawTag::Number)
            .ok_or_else(|| ElementError::ending_run("bad field", format!("a tag is {}, expected a name or a number", type_name(value)))),
    }
}
