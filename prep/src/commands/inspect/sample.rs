//! A row that is shown as an example.

use std::ops::Range;

use serde::Serialize;

/// A triple or a page with its spans.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// The id of a triple, or the title of a page.
    pub id: String,
    /// The question of a triple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// The label of a triple.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The text with its spans highlighted for a terminal.
    #[serde(rename = "marked")]
    pub highlighted: String,
    /// The text.
    #[serde(skip)]
    pub text: String,
    /// Half-open ranges of chars, each with the label of a triple or the target of a link.
    #[serde(skip)]
    pub spans: Vec<(Range<u32>, String)>,
}
