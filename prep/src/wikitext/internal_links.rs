//! Internal links: `[[target|text]]` becomes an anchor; media, categories and interlanguage links are removed.

use std::borrow::Cow;

use super::bracket_pairs::{BracketPair, BracketPairs};
use super::markers::{ANCHOR_CLOSE, ANCHOR_OPEN, CAPTION, GAP, SYNTAX_BREAK, protect, unprotect};
use super::namespaces::{CATEGORY_NAMESPACE, FILE_NAMESPACE, TitlePrefix};
use super::page_context::PageContext;
use super::title::{MAX_TITLE_BYTES, decode_target, may_need_decoding, pipe_trick};

/// Captions nested more deeply in captions are removed.
const MAX_CAPTION_DEPTH: usize = 4;

/// The target of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LinkTarget {
    /// Normalized title; empty for a link to a section of the page itself.
    pub title: String,
    /// Section, from after the `#`.
    pub fragment: Option<String>,
}

/// Replaces internal links by their text between anchor markers. Returns the targets in the order of the markers.
pub(super) fn resolve_internal_links(text: &str, page: &mut PageContext<'_>) -> (String, Vec<LinkTarget>) {
    let mut resolver = LinkResolver {
        text,
        brackets: BracketPairs::find(text),
        out: String::with_capacity(text.len()),
        targets: Vec::new(),
        taken: 0,
        captions: Vec::new(),
        depth: 0,
        page,
    };
    resolver.run(0, text.len());
    if !resolver.captions.is_empty() {
        resolver.out.push('\n');
        resolver.push_captions();
    }
    (resolver.out, resolver.targets)
}

struct LinkResolver<'t, 'p, 'w> {
    text: &'t str,
    brackets: BracketPairs,
    out: String,
    targets: Vec<LinkTarget>,
    /// End of the text that earlier links took: letters before it are no link prefix.
    taken: usize,
    /// Captions of the current line with their link targets. They are written after the line.
    captions: Vec<(String, Vec<LinkTarget>)>,
    /// Number of captions around the current text.
    depth: usize,
    page: &'p mut PageContext<'w>,
}

impl LinkResolver<'_, '_, '_> {
    fn run(&mut self, mut from: usize, end: usize) {
        let bytes = self.text.as_bytes();
        // `from` may lie after `end`: a link at the end of a caption may use a bracket of the `]]` that closes the picture.
        while let Some(at) = bytes.get(from..end).and_then(find_double_bracket).map(|found| from + found) {
            self.push_text(from, at);
            self.taken = from;
            from = self.resolve_link(at).unwrap_or_else(|| {
                self.out.push_str("[[");
                at + 2
            });
        }
        self.push_text(from.min(end), end);
    }

    /// Appends text between links. After the first line feed, appends the captions of the line.
    fn push_text(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        match memchr::memchr(b'\n', text.as_bytes()) {
            Some(line) if self.depth == 0 && !self.captions.is_empty() => {
                self.out.push_str(&text[..=line]);
                self.push_captions();
                self.out.push_str(&text[line + 1..]);
            }
            _ => self.out.push_str(text),
        }
    }

    fn push_captions(&mut self) {
        for (caption, targets) in self.captions.drain(..) {
            self.out.push(CAPTION);
            self.out.push_str(&caption);
            self.out.push('\n');
            self.targets.extend(targets);
        }
    }

    /// Appends the link whose `[[` lies at `open`, and returns the offset after it; `None` if it is not a link.
    fn resolve_link(&mut self, open: usize) -> Option<usize> {
        let BracketPair { close, is_nested, .. } = self.brackets.at(open);
        let inner = &self.text[open + 2..];
        // Most targets need no decoding and have no prefix, which one scan finds out.
        let mut seen = 0;
        let end = inner.bytes().position(|byte| {
            let class = TARGET_CLASSES[usize::from(byte)];
            seen |= class;
            class & ENDS_TARGET != 0
        })?;
        let (is_plain, has_colon) = (seen & IS_NOT_PLAIN == 0, seen & IS_COLON != 0);
        let raw = &inner[..end];
        // MediaWiki allows no line feed in a target. Here it is a space, since authors wrap lines; an empty line ends the link.
        // Text in `<nowiki>` makes the target invalid.
        if !is_plain && (raw.contains("\n\n") || raw.chars().any(|c| c == SYNTAX_BREAK || unprotect(c).is_some())) {
            return None;
        }
        let decoded = if is_plain { Cow::Borrowed(raw) } else { decode_target(raw) };
        let may_have_colon = has_colon || !is_plain;
        // `[[:Category:X]]` is shown as a link, although categories are not.
        let has_leading_colon = may_have_colon && decoded.trim_start().starts_with(':');
        let title = decoded.trim().trim_start_matches(':').trim();
        let prefix = Some(title).filter(|_| may_have_colon).and_then(|title| title.split_once(':'));
        let prefix = prefix.and_then(|(before, _)| self.page.wiki.namespaces.prefix(before));
        if !has_leading_colon && prefix == Some(TitlePrefix::Namespace(FILE_NAMESPACE)) {
            return Some(self.remove_media(open, close));
        }
        // A short plain title without these chars is valid.
        if (!is_plain || raw.bytes().any(|byte| matches!(byte, b'.' | b'~' | b'_' | b':')) || raw.len() > MAX_TITLE_BYTES)
            && !self.page.wiki.namespaces.is_valid_target(title)
        {
            return None;
        }
        // The text of a link cannot contain another link.
        let mut close = close.filter(|_| !is_nested)?;
        let delimiter = inner.as_bytes()[end];
        if title.is_empty()
            || !(delimiter == b'|' || (delimiter == b']' && open + 2 + end == close))
            || (may_have_colon && title.contains("://"))
        {
            return None;
        }
        if !has_leading_colon && matches!(prefix, Some(TitlePrefix::Namespace(CATEGORY_NAMESPACE) | TitlePrefix::Language)) {
            if prefix == Some(TitlePrefix::Namespace(CATEGORY_NAMESPACE)) {
                let category = self.page.wiki.namespaces.normalize_target(title);
                self.page.metadata.add_category(category.split_once(':').map_or("", |(_, name)| name));
            }
            self.out.push(GAP);
            return Some(close + 2);
        }
        let label = if delimiter == b'|' { self.text.get(open + 3 + end..close) } else { None };
        // In `[[a|[http://x y]]]`, the first of the three closing brackets belongs to the text.
        let bytes = self.text.as_bytes();
        if label.is_some_and(|label| memchr::memchr(b'[', label.as_bytes()).is_some()) && bytes.get(close + 2) == Some(&b']') {
            close += 1;
        }
        let label = label.map(|_| &self.text[open + 3 + end..close]);
        let after = close + 2;
        let trail = self.page.wiki.link_trail.length_at_start(&self.text[after..]);
        let prefix = self.page.wiki.link_prefix.length_at_end(&self.text[self.taken..open]);
        self.out.insert(self.out.len() - prefix, ANCHOR_OPEN);
        match label {
            // Apostrophes in a title are not quote markup.
            None => {
                let shown = if !is_plain && raw.contains('%') { title } else { raw.trim().trim_start_matches(':') };
                if shown.contains(['\n', '\'']) {
                    self.out.push_str(&shown.replace('\n', " ").replace("''", &protected("''")));
                } else {
                    self.out.push_str(shown);
                }
            }
            Some("") => self.out.push_str(pipe_trick(title)),
            Some(label) if memchr::memchr(b'\n', label.as_bytes()).is_none() => self.out.push_str(label),
            Some(label) => self.out.push_str(&label.replace('\n', " ")),
        }
        self.out.push_str(&self.text[after..after + trail]);
        self.out.push(ANCHOR_CLOSE);
        let (title, fragment) = match memchr::memchr(b'#', title.as_bytes()) {
            Some(at) => (&title[..at], Some(title[at + 1..].replace('_', " ").trim().to_owned())),
            None => (title, None),
        };
        let title = self.page.wiki.namespaces.normalize_target(title);
        self.targets.push(LinkTarget { title, fragment: fragment.filter(|fragment| !fragment.is_empty()) });
        Some(after + trail)
    }

    /// Removes a `[[File:…]]`, and keeps its caption if captions are wanted. Returns the offset after it. One that is not closed ends with
    /// its line.
    fn remove_media(&mut self, open: usize, close: Option<usize>) -> usize {
        self.out.push(GAP);
        let Some(mut close) = close else {
            self.page.add_issue("unclosed media link");
            return memchr::memchr(b'\n', &self.text.as_bytes()[open..]).map_or(self.text.len(), |end| open + end);
        };
        // As in links, the first of three closing brackets may belong to the caption.
        let inner = &self.text[open + 2..close];
        let count = |bracket| memchr::memchr_iter(bracket, inner.as_bytes()).count();
        if count(b'[') > count(b']') && self.text.as_bytes().get(close + 2) == Some(&b']') {
            close += 1;
        }
        if self.page.captions && self.depth < MAX_CAPTION_DEPTH {
            self.keep_caption(open + 2, close);
        }
        close + 2
    }

    /// Resolves the links of the caption in the parameters of a picture, and keeps it until the end of the line.
    fn keep_caption(&mut self, from: usize, to: usize) {
        let Some(caption) = self.page.wiki.media_options.find_caption(&self.text[from..to]) else { return };
        let (out, targets) = (std::mem::take(&mut self.out), std::mem::take(&mut self.targets));
        self.depth += 1;
        self.run(from + caption.start, from + caption.end);
        self.depth -= 1;
        let text = std::mem::replace(&mut self.out, out).replace('\n', " ");
        let targets = std::mem::replace(&mut self.targets, targets);
        self.captions.push((text, targets));
    }
}

/// The byte ends the target of a link.
const ENDS_TARGET: u8 = 1;
/// The target may need decoding, or has a line feed.
const IS_NOT_PLAIN: u8 = 2;
/// The byte is a colon.
const IS_COLON: u8 = 4;

/// What each byte says of the target of a link.
static TARGET_CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let is_plain = byte != b'\n' as usize && !may_need_decoding(byte as u8);
        classes[byte] = match byte as u8 {
            b'|' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' => ENDS_TARGET,
            b':' => IS_COLON,
            _ if is_plain => 0,
            _ => IS_NOT_PLAIN,
        };
        byte += 1;
    }
    classes
};

/// Text in which later passes see no syntax.
fn protected(text: &str) -> String {
    let mut out = String::new();
    protect(text, &mut out);
    out
}

/// Index of the first `[[`.
fn find_double_bracket(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'[', bytes).find(|at| bytes.get(at + 1) == Some(&b'['))
}
