//! A line of an input: a text, or a JSON object with a text or tokens.

use std::ops::Range;

use schemas::tokens::join_tokens;
use serde_json::{Map, Value};

/// A text to find entities in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct InputText {
    /// Name of the file, or document of a triple.
    pub doc: String,
    /// Number of the line, or sentence of a triple.
    pub sentence: u32,
    /// The text.
    pub text: String,
    /// The char ranges of its tokens, where the input has tokens.
    pub tokens: Option<Vec<Range<u32>>>,
    /// The other fields of the input, which the output has too.
    pub fields: Map<String, Value>,
}

impl InputText {
    /// Tokens joined to a text, by a space where the language has them.
    pub fn of_tokens(tokens: &[String], spaces: bool) -> Self {
        let (text, ranges) = join_tokens(tokens, if spaces { " " } else { "" });
        Self { text, tokens: Some(ranges), ..Self::default() }
    }

    /// The text of a JSON object, `text`, or else its `tokens` or `words`, joined by a space where the language has them. An error is what
    /// was found and what was expected.
    pub fn of_json(line: &str, spaces: bool) -> Result<Self, String> {
        let expected = "expected an object with a string `text`, or with an array `tokens` of strings";
        let mut fields = match serde_json::from_str(line) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err(expected.to_owned()),
            Err(error) => return Err(format!("{error}; {expected}")),
        };
        if let Some(Value::String(text)) = fields.get_mut("text") {
            let text = std::mem::take(text);
            fields.remove("text");
            return Ok(Self { text, fields, ..Self::default() });
        }
        let tokens = ["tokens", "words"].iter().find_map(|name| fields.get(*name)?.as_array());
        let tokens: Option<Vec<String>> = tokens.and_then(|tokens| tokens.iter().map(|token| token.as_str().map(str::to_owned)).collect());
        let tokens = tokens.ok_or_else(|| expected.to_owned())?;
        Ok(Self { fields, ..Self::of_tokens(&tokens, spaces) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_give_texts_and_keep_their_fields() {
        let read = |line: &str| InputText::of_json(line, true);
        let text = read(r#"{"id": 7, "text": "Ada", "lang": "en"}"#).unwrap();
        assert_eq!(
            (text.text.as_str(), text.tokens, Value::Object(text.fields)),
            ("Ada", None, serde_json::json!({"id": 7, "lang": "en"}))
        );
        let text = read(r#"{"tokens": ["Ö", "bo"], "ner_tags": [0, 0]}"#).unwrap();
        assert_eq!((text.text.as_str(), text.tokens), ("Ö bo", Some(vec![0..1, 2..4])));
        assert_eq!(InputText::of_json(r#"{"words": ["北", "京"]}"#, false).unwrap().text, "北京");
        for line in ["", "[]", "{", r#"{"txt": 1}"#, r#"{"text": 1}"#, r#"{"tokens": [1]}"#] {
            assert!(read(line).unwrap_err().contains("expected an object with a string `text`"), "{line}");
        }
    }
}
