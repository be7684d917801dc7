//! Cases by rule: wikitext, clean text, anchors.

mod blocks;
mod guide;
mod languages;
mod links;
mod robustness;
mod support;
mod templates;
