//! The first pass: comments, extension tags, templates and language variants.
//!
//! Comments are removed. Extension tags (`<ref>`, `<math>`, `<nowiki>` …) are handled with their content. `{{…}}`, `{{{…}}}` and `-{…}-`
//! are matched by depth and replaced.
//!
//! This is one walk over the text with a stack of open brackets. Everything goes to one output buffer, in which a closed bracket is
//! replaced in place. So text is copied at most once per level, and the number of levels is bounded.

use std::collections::HashMap;

use super::definition_terms::{DefinitionTermTracker, protect_colons};
use super::extension_tags::{find_extension_tag, is_inline_extension};
use super::html_tags::tag_length;
use super::language_variants::expand_variant;
use super::markers::{CAPTION, GAP, INLINE_GAP, SYNTAX_BREAK, hole_marker, protect, replace_markers};
use super::open_bracket::{Bracket, Frame};
use super::page_context::PageContext;
use super::running_text::{is_in_line, template_example};
use super::template_arguments::TemplatePart;
use super::template_expansion::{Expansion, expand_template};

/// Templates and variants nested more deeply are removed. MediaWiki's default limit is 40.
const MAX_DEPTH: usize = 100;

/// Most blanks before a comment that are removed with its line.
const MAX_INDENTATION: usize = 200;

/// Footnote templates: they are removed and inline.
const NOTE_TEMPLATES: &[&str] =
    &["sfn", "sfnp", "sfnm", "efn", "r", "refn", "rp", "cn", "citation needed", "fact", "cite needed", "note", "#tag:ref"];

struct Preprocessor<'t, 'p, 'w> {
    text: &'t str,
    /// Offset of the next byte to read.
    at: usize,
    out: String,
    stack: Vec<Frame>,
    /// Number of frames on the stack for each kind of bracket.
    open_count: [usize; 3],
    page: &'p mut PageContext<'w>,
    terms: DefinitionTermTracker,
    /// For extension tags, an offset after which no closing tag was found, so that none is searched for again.
    unclosed: HashMap<&'static str, usize>,
    /// End of the closing braces that were counted last.
    braces_end: usize,
}

/// Runs the first pass.
pub(super) fn preprocess(text: &str, page: &mut PageContext<'_>) -> String {
    let replaced = replace_markers(text);
    if replaced.is_some() {
        page.add_issue("reserved characters");
    }
    let text = replaced.as_deref().unwrap_or(text);
    let mut preprocessor = Preprocessor {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        stack: Vec::new(),
        open_count: [0; 3],
        page,
        terms: DefinitionTermTracker::default(),
        unclosed: HashMap::new(),
        braces_end: 0,
    };
    preprocessor.run();
    preprocessor.out
}

impl Preprocessor<'_, '_, '_> {
    fn run(&mut self) {
        while let Some(skip) = self.find_special() {
            self.out.push_str(&self.text[self.at..self.at + skip]);
            self.at += skip;
            self.read_special();
        }
        self.out.push_str(&self.text[self.at..]);
        if self.open_count[Bracket::Braces as usize] > 0 {
            self.page.add_issue("unclosed template");
        }
        if self.open_count[Bracket::Variant as usize] > 0 {
            self.page.add_issue("unclosed variant");
        }
    }

    /// Distance to the next char that may be syntax of this pass.
    fn find_special(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        match (self.stack.is_empty(), self.page.wiki.has_variants) {
            (true, false) => memchr::memchr2(b'<', b'{', rest),
            (true, true) => memchr::memchr3(b'<', b'{', b'-', rest),
            (false, has_variants) => rest.iter().position(|byte| match byte {
                b'<' | b'{' | b'}' | b'|' | b'[' | b']' | b'=' => true,
                b'-' => has_variants,
                _ => false,
            }),
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Number of equal bytes from `at` on.
    fn run_length(&self, byte: u8) -> usize {
        self.text.as_bytes()[self.at..].iter().take_while(|&&other| other == byte).count()
    }

    /// Copies bytes to the output.
    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.text[self.at..self.at + length]);
        self.at += length;
    }

    /// Handles the special char at `at`.
    fn read_special(&mut self) {
        let top = self.stack.last().map(|frame| frame.bracket);
        match self.text.as_bytes()[self.at] {
            b'<' => self.read_tag(),
            b'{' => {
                let run = self.run_length(b'{');
                if run >= 2 {
                    self.open(Bracket::Braces, run);
                } else {
                    self.copy(1);
                }
            }
            b'}' => self.close_braces(),
            b'[' if self.rest().starts_with("[[") => self.open(Bracket::Link, 2),
            b']' if top == Some(Bracket::Link) && self.rest().starts_with("]]") => {
                self.pop();
                self.copy(2);
            }
            b'|' => {
                let at = self.out.len();
                if let Some(frame) = self.stack.last_mut() {
                    frame.pipes.push(at);
                    frame.equals.push(None);
                }
                self.copy(1);
            }
            b'=' => {
                let at = self.out.len();
                if let Some(equals) = self.stack.last_mut().and_then(|frame| frame.equals.last_mut()) {
                    equals.get_or_insert(at);
                }
                self.copy(1);
            }
            b'-' => {
                // `-{{x}}` is a dash and a template, `-{{{x}}}-` a variant that holds a template.
                self.at += 1;
                let run = self.run_length(b'{');
                self.at -= 1;
                if run == 1 || run >= 3 { self.open(Bracket::Variant, 2) } else { self.copy(1) }
            }
            _ => self.copy(1),
        }
    }

    fn open(&mut self, bracket: Bracket, count: usize) {
        self.push(Frame { bracket, start: self.out.len(), count, pipes: Vec::new(), equals: Vec::new() });
        self.copy(count);
    }

    fn push(&mut self, frame: Frame) {
        self.open_count[frame.bracket as usize] += 1;
        self.stack.push(frame);
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.stack.pop()?;
        self.open_count[frame.bracket as usize] -= 1;
        Some(frame)
    }

    fn close_braces(&mut self) {
        // A long run closes many brackets, and is counted once.
        if self.braces_end <= self.at {
            self.braces_end = self.at + self.run_length(b'}');
        }
        let run = self.braces_end - self.at;
        // Links that are not closed inside the bracket stay as they are.
        if (run >= 2 && self.open_count[Bracket::Braces as usize] > 0) || self.open_count[Bracket::Variant as usize] > 0 {
            while self.stack.last().is_some_and(|frame| frame.bracket == Bracket::Link) {
                self.pop();
            }
        }
        match self.stack.last().map(|frame| frame.bracket) {
            Some(Bracket::Braces) if run >= 2 => self.close_template(run),
            Some(Bracket::Variant) if run == 1 && self.text.as_bytes().get(self.at + 1) == Some(&b'-') => self.close_variant(),
            _ => self.copy(run),
        }
    }

    fn close_template(&mut self, run: usize) {
        let is_too_deep = self.stack.len() > MAX_DEPTH;
        let Some(mut frame) = self.pop() else { return };
        let matched = run.min(frame.count).min(3);
        self.at += matched;
        let open = frame.start + frame.count;
        let mut parts: Vec<TemplatePart<'_>> = Vec::with_capacity(frame.pipes.len() + 1);
        let mut from = open;
        let mut equals = None;
        for (&pipe, &next) in frame.pipes.iter().zip(&frame.equals) {
            parts.push((&self.out[from..pipe], equals));
            from = pipe + 1;
            equals = next.map(|at: usize| at - from);
        }
        parts.push((&self.out[from..], equals));
        // Inside of brackets it depends on these what becomes of the place.
        let is_inner = !self.stack.is_empty() || frame.count > matched;
        let is_note = NOTE_TEMPLATES.iter().any(|note| note.eq_ignore_ascii_case(parts[0].0.trim()));
        let mut unknown = None;
        let shown = if is_too_deep {
            None
        } else if matched == 2 {
            match expand_template(&parts, is_inner, self.page) {
                Expansion::Shown(shown) => Some(shown),
                Expansion::Removed => None,
                Expansion::Unknown(name) => {
                    unknown = Some(name);
                    None
                }
            }
        } else {
            // A page has no parameters, so `{{{name|default}}}` shows its default.
            parts.get(1).map(|_| self.out[frame.pipes[0] + 1..].to_owned())
        };
        let source = &self.out[open..];
        let hole = unknown
            .filter(|_| is_in_line(source, (!is_inner).then(|| (&self.out[..frame.start], &self.text[self.at..]))))
            .map(|name| self.page.unknown_templates.number(name, || template_example(source)));
        self.out.truncate(open - matched);
        match shown {
            Some(shown) if self.stack.is_empty() && shown.contains(':') && self.terms.ends_in_term(&self.out) => {
                protect_colons(&shown, &mut self.out);
            }
            Some(shown) => {
                self.out.push_str(&shown);
                // Letters after a template are not the link trail of a link inside it.
                if shown.ends_with("]]") {
                    self.out.push(SYNTAX_BREAK);
                }
            }
            None => {
                self.mark_removed(is_note);
                match hole.map(hole_marker) {
                    Some(None) => self.page.add_issue("too many unknown templates"),
                    marker => self.out.extend(marker.flatten()),
                }
            }
        }
        frame.count -= matched;
        if frame.count >= 2 {
            frame.pipes.clear();
            frame.equals.clear();
            self.push(frame);
        }
    }

    /// Marks where something was removed.
    fn mark_removed(&mut self, is_inline: bool) {
        self.out.push(GAP);
        self.out.extend(is_inline.then_some(INLINE_GAP));
    }

    fn close_variant(&mut self) {
        let is_too_deep = self.stack.len() > MAX_DEPTH;
        let Some(frame) = self.pop() else { return };
        self.at += 2;
        if is_too_deep {
            self.out.truncate(frame.start);
            return self.mark_removed(false);
        }
        let shown = expand_variant(&self.out[frame.start + 2..], self.page);
        self.out.truncate(frame.start);
        self.out.push_str(&shown);
    }

    /// Reads a comment or extension tag; other tags are left to later passes.
    fn read_tag(&mut self) {
        if self.rest().starts_with("<!--") {
            return self.skip_comment();
        }
        let bytes = self.rest().as_bytes();
        let closing = bytes.get(1) == Some(&b'/');
        let name_start = 1 + usize::from(closing);
        let name_length = bytes[name_start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = &self.rest()[name_start..name_start + name_length];
        let Some(name) = find_extension_tag(name) else { return self.copy(1) };
        let is_wrapper = matches!(name, "noinclude" | "onlyinclude");
        let Some(length) = tag_length(self.rest()) else { return self.copy(1) };
        let is_empty = self.rest().as_bytes()[length - 2] == b'/';
        if closing || is_wrapper {
            // A closing tag without an opening one shows nothing; `<noinclude>` and `<onlyinclude>` show their content.
            self.at += length;
            return;
        }
        if is_empty {
            self.at += length;
            if name == "nowiki" {
                self.out.push(SYNTAX_BREAK);
            } else {
                self.mark_removed(is_inline_extension(name));
            }
            return;
        }
        let content = self.at + length;
        let Some((end, after)) = self.find_close(name, content) else {
            self.page.add_issue(&format!("unclosed <{name}>"));
            // An unclosed <includeonly> extends to the end of the page.
            self.at = if name == "includeonly" { self.text.len() } else { self.at + length };
            return;
        };
        let content = &self.text[content..end];
        match name {
            "nowiki" => {
                self.out.push(SYNTAX_BREAK);
                protect(content, &mut self.out);
                self.out.push(SYNTAX_BREAK);
            }
            "pre" => {
                let content = content.replace("<nowiki>", "").replace("</nowiki>", "");
                self.out.push('\n');
                for line in content.split('\n').filter(|line| !line.trim().is_empty()) {
                    protect(line, &mut self.out);
                    self.out.push('\n');
                }
            }
            "gallery" if self.page.captions => {
                let captions = gallery_captions(content, self.page);
                self.out.push_str(&captions);
            }
            _ => self.mark_removed(is_inline_extension(name)),
        }
        self.at = after;
    }

    /// Where the content of an extension tag ends, and where the text after its closing tag begins.
    fn find_close(&mut self, name: &'static str, from: usize) -> Option<(usize, usize)> {
        if self.unclosed.get(name).is_some_and(|&since| from >= since) {
            return None;
        }
        let bytes = self.text.as_bytes();
        for at in memchr::memmem::find_iter(&bytes[from..], b"</").map(|at| from + at) {
            let after = at + 2 + name.len();
            if bytes.get(at + 2..after).is_some_and(|found| found.eq_ignore_ascii_case(name.as_bytes())) {
                let blank = bytes[after..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                if bytes.get(after + blank) == Some(&b'>') {
                    return Some((at, after + blank + 1));
                }
            }
        }
        self.unclosed.insert(name, from);
        None
    }

    fn skip_comment(&mut self) {
        let bytes = self.text.as_bytes();
        let end = memchr::memmem::find(&bytes[self.at + 4..], b"-->").map_or(bytes.len(), |end| self.at + 4 + end + 3);
        // A line that holds only comments is removed with its line feed.
        let indentation = self.out.bytes().rev().take(MAX_INDENTATION).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let before = self.out.len() - indentation;
        let is_line_start = before == 0 || self.out.as_bytes()[before - 1] == b'\n';
        let after = end + bytes[end..].iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        let is_bracket = self.stack.last().is_some_and(|frame| before < frame.start + frame.count);
        if is_line_start && !is_bracket && bytes.get(after) == Some(&b'\n') {
            self.out.truncate(before);
            self.at = after + 1;
        } else {
            self.at = end;
        }
    }
}

/// The captions of a gallery, one line each.
fn gallery_captions(content: &str, page: &mut PageContext<'_>) -> String {
    let mut out = String::from("\n");
    for line in content.lines() {
        let line = preprocess(line, page);
        if let Some(caption) = page.wiki.media_options.find_caption(&line) {
            out.push(CAPTION);
            out.push_str(&line[caption].replace('\n', " "));
            out.push('\n');
        }
    }
    out
}
