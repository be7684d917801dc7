//! Wikitext to clean text with anchors by char offset.
//!
//! Passes, each a walk over the text, in MediaWiki's own order:
//!
//! | module | what it settles |
//! |---|---|
//! | `expand` | comments, tags of extensions, templates, parameters, language variants |
//! | `tables` | tables go, or their cells become lines of their own |
//! | `links` | internal links to anchors, media and categories out, then external links |
//! | `tags` | HTML tags |
//! | `blocks` | lines to paragraphs, headings, lists, each a `block`; `quotes`, entities, offsets, `conversion` |
//!
//! Between passes the text is a string in which `marks` carry what was found. Nothing here is quadratic: a page of 2 MB of `[[` or
//! `{{` takes milliseconds.

use std::borrow::Cow;

use schemas::{Anchor, Segment};

mod block;
mod blocks;
mod conversion;
mod expand;
mod links;
mod marks;
mod numbers;
mod options;
mod quotes;
mod tables;
mod tags;
mod templates;
mod variants;
pub mod wiki;

pub use options::{ExtraSegment, Options, Variant};
pub use templates::{Templates, TemplatesError};
pub use variants::Converter;
pub use wiki::{Prefix, Wiki, redirect_target};

/// What a page says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extract {
    /// Clean text; blocks are separated by line feeds.
    pub text: String,
    /// Links in the text, in order.
    pub anchors: Vec<Anchor<'static>>,
    /// Blocks of the text, in order.
    pub segments: Vec<Segment>,
    /// Whether the page lists the meanings of its title.
    pub disambiguation: bool,
    /// What was odd, by kind, each once, sorted.
    pub issues: Vec<String>,
}

/// Turns wikitext into clean text, for pages of one wiki.
#[derive(Debug)]
pub struct Extractor {
    wiki: Wiki,
    options: Options,
    converter: Option<Converter>,
}

/// A page while it is read.
struct Page<'w> {
    wiki: &'w Wiki,
    title: &'w str,
    variant: Variant,
    captions: bool,
    disambiguation: bool,
    rules: Vec<variants::Rule>,
    issues: Vec<String>,
}

impl Page<'_> {
    fn issue(&mut self, kind: &str) {
        if !self.issues.iter().any(|known| known == kind) {
            self.issues.push(kind.to_owned());
        }
    }
}

impl Extractor {
    /// An extractor for the pages of a wiki.
    pub fn new(wiki: Wiki, options: Options) -> Self {
        Self { wiki, options, converter: Converter::to(options.variant) }
    }

    /// The wiki.
    pub fn wiki(&self) -> &Wiki {
        &self.wiki
    }

    /// A title as the text of pages would write it.
    pub fn shown<'t>(&self, title: &'t str) -> Cow<'t, str> {
        let Some(converter) = &self.converter else { return Cow::Borrowed(title) };
        let mut shown = String::with_capacity(title.len());
        converter.convert(title, &mut shown);
        Cow::Owned(shown)
    }

    /// Extracts a page's text. Never fails: what is odd is in the issues.
    pub fn extract(&self, title: &str, wikitext: &str) -> Extract {
        let Options { variant, captions, tables } = self.options;
        let mut page = Page { wiki: &self.wiki, title, variant, captions, disambiguation: false, rules: Vec::new(), issues: Vec::new() };
        let expanded = expand::expand(wikitext, &mut page);
        let (text, unclosed) = tables::take_out(expanded, tables);
        if unclosed {
            page.issue("unclosed table");
        }
        let (text, targets) = links::resolve(&text, &mut page);
        let text = tags::strip(text);
        let (text, anchors, segments) = blocks::emit(&text, &targets, &page, self.converter.as_ref());
        page.issues.sort_unstable();
        Extract { text, anchors, segments, disambiguation: page.disambiguation, issues: page.issues }
    }
}

/// A title with single spaces and no underscores.
fn tidy(title: &str) -> String {
    // Most are as they should be.
    if crate::interner::is_spaced_once(title, |byte| byte.is_ascii_graphic() && byte != b'_') {
        return title.to_owned();
    }
    title.split(|c: char| c == '_' || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// An article's title as it is written: spaces, no underscores, first letter in upper case.
pub fn normalise_title(title: &str) -> String {
    let mut title = tidy(title);
    if title.is_ascii() {
        title.get_mut(..1).iter_mut().for_each(|first| first.make_ascii_uppercase());
        return title;
    }
    let mut chars = title.chars();
    match chars.next() {
        // A letter such as ß has no single upper-case letter: it stays, as in MediaWiki. Titles in Georgian have none, whatever Unicode says.
        Some(first) if first.is_lowercase() && first.to_uppercase().count() == 1 && !matches!(first, '\u{10d0}'..='\u{10ff}') => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => title,
    }
}

/// A title without what tells it from others of the same name: `Paris (Texas)` is about `Paris`.
pub fn title_surface(title: &str) -> &str {
    let bare = title.strip_suffix([')', '）']).and_then(|title| title.rsplit_once(['(', '（']));
    bare.map(|(bare, _)| bare.trim_end()).filter(|bare| !bare.is_empty()).unwrap_or(title)
}

#[cfg(test)]
mod tests;
