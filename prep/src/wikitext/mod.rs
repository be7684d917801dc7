//! Wikitext to clean text with anchors and segments by char offset.
//!
#![doc = include_str!("../../docs/wikitext.md")]
//!
//! # Passes
//!
//! Each pass is a walk over the text, in MediaWiki's own order. All of them take linear time, also on malformed pages.
//!
//! | module | task |
//! |---|---|
//! | `preprocessor` | comments, extension tags, templates, parameters, language variants |
//! | `tables` | tables are removed, or their cells become lines |
//! | `internal_links` | links become anchors; media, categories and interlanguage links are removed |
//! | `external_links` | external links become their text; behaviour switches such as `__NOTOC__` are removed |
//! | `html_tags` | HTML tags are removed or become block breaks |
//! | `block_parser` | lines become blocks, with `apostrophes`, `line_syntax`, `block_builder` and `block_conversion` |
//!
//! Between passes, the text is a string in which `markers` carry what was found.

mod apostrophes;
mod block_builder;
mod block_conversion;
mod block_parser;
mod bracket_pairs;
mod conversion_rule;
mod definition_terms;
mod digit_grouping;
mod extension_tags;
mod external_links;
mod extract_options;
mod extractor;
mod hidden_elements;
mod html_tags;
mod internal_links;
mod invisible;
mod language_data;
mod language_variants;
mod line_syntax;
mod link_letters;
mod magic_words;
mod markers;
mod media;
mod namespaces;
mod open_bracket;
mod page_context;
mod page_metadata;
mod parser_functions;
mod plain_text;
mod preprocessor;
mod redirect;
mod running_text;
mod script_converter;
mod tables;
mod template_arguments;
mod template_expansion;
mod template_table;
#[cfg(test)]
mod tests;
mod title;
mod vanished_templates;
mod wiki;
mod wiki_words;

pub use extract_options::{ExtraSegment, ExtractOptions};
pub use extractor::{ExtractedPage, WikitextExtractor};
pub use language_data::{has_dotted_i, wikipedia_code};
pub use page_metadata::PageMetadata;
pub use redirect::redirect_target;
pub use script_converter::{ChineseVariant, ScriptConverter};
pub use template_table::{TemplateTable, TemplateTableError};
pub(crate) use title::is_single_spaced;
pub use title::strip_disambiguator;
pub use vanished_templates::VanishedTemplates;
pub use wiki::Wiki;
