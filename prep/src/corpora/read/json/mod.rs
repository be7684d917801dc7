//! Annotated files in JSON: an array of objects, or one object per line.
//!
//! | module | what it holds |
//! |---|---|
//! | [`elements`] | the objects of a file, one after another |
//! | [`fields`] | checked access to the fields of an object |
//! | [`offsets`] | what the numbers of a span count |
//! | [`element_reader`] | reads formats in which each object is a sentence |
//! | [`nested`] | `{context, label: {TYPE: ["start;end"]}}` |
//! | [`token_spans`] | tokens with spans of tokens: GLiNER, W2NER |
//! | [`annotation_tools`], `span_objects` | exports of doccano and Prodigy |
//! | `label_studio` | exports of Label Studio |
//! | [`token_tags`] | `{tokens, ner_tags}`, rows of Hugging Face data sets |
//! | [`mrc_json`] | `{context, query, entity_label, span_position}`, an object for each sentence and label |

pub mod annotation_tools;
pub mod element_reader;
pub mod elements;
pub mod fields;
mod label_studio;
pub mod mrc_json;
pub mod nested;
pub mod offsets;
mod span_objects;
pub mod token_spans;
pub mod token_tags;
