//! First pass: what is opaque or stands between braces.
//!
//! Comments vanish; tags of extensions (`<ref>`, `<math>`, `<nowiki>` …) are taken whole; `{{…}}`, `{{{…}}}` and `-{…}-` are matched
//! by depth and replaced. One walk over the text with a stack of what is open; the output is one buffer in which whatever closes is
//! replaced in place, so text is copied once a level at most, and levels are bounded.

use std::collections::HashMap;

use super::marks::{CAPTION, GAP, INLINE, NULL, Terms, clear, hide_colons, protect};
use super::{Page, templates, variants};

/// Templates nested deeper than this vanish whatever they are: MediaWiki's own limit is 40.
const MAX_DEPTH: usize = 100;

/// Tags whose content never shows in running text.
const DROPPED: &[&str] = &[
    "ref",
    "references",
    "math",
    "chem",
    "ce",
    "gallery",
    "timeline",
    "score",
    "source",
    "syntaxhighlight",
    "hiero",
    "imagemap",
    "templatedata",
    "templatestyles",
    "graph",
    "mapframe",
    "maplink",
    "inputbox",
    "section",
    "categorytree",
    "indicator",
    "dynamicpagelist",
    "includeonly",
    "rss",
    "quiz",
    "charinsert",
    "phonos",
    "languages",
    "rt",
    "rp",
];

/// Those of them that stand in a line.
const IN_LINE: &[&str] = &["ref", "math", "chem", "ce", "score", "hiero", "rp", "rt"];

/// Templates that are notes: they vanish, and their line goes on.
const NOTES: &[&str] =
    &["sfn", "sfnp", "sfnm", "efn", "r", "refn", "rp", "cn", "citation needed", "fact", "cite needed", "note", "#tag:ref"];

/// Other tags that are settled here.
const KEPT: &[&str] = &["nowiki", "pre", "noinclude", "onlyinclude"];

/// Something between braces that is still open.
struct Frame {
    kind: Kind,
    /// Where its first opening char lies in the output.
    start: usize,
    /// Opening chars not matched yet; 2 or more for braces.
    count: usize,
    /// Where its pipes lie in the output.
    pipes: Vec<usize>,
    /// Where the first `=` after each pipe lies, if there is one.
    equals: Vec<Option<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Braces,
    /// `[[` inside braces: its pipes are not the template's.
    Link,
    /// `-{`
    Variant,
}

struct Expander<'t, 'p, 'w> {
    text: &'t str,
    at: usize,
    out: String,
    stack: Vec<Frame>,
    /// How many of each kind are on the stack.
    open: [usize; 3],
    page: &'p mut Page<'w>,
    terms: Terms,
    /// Tags that are not closed after a place are not looked for again.
    unclosed: HashMap<&'static str, usize>,
}

/// Runs the pass.
pub(super) fn expand(text: &str, page: &mut Page<'_>) -> String {
    let cleared = clear(text);
    if cleared.is_some() {
        page.issue("reserved characters");
    }
    let text = cleared.as_deref().unwrap_or(text);
    let mut expander = Expander {
        text,
        at: 0,
        out: String::with_capacity(text.len()),
        stack: Vec::new(),
        open: [0; 3],
        page,
        terms: Terms::default(),
        unclosed: HashMap::new(),
    };
    expander.run();
    expander.out
}

impl Expander<'_, '_, '_> {
    fn run(&mut self) {
        while let Some(skip) = self.find_special() {
            self.out.push_str(&self.text[self.at..self.at + skip]);
            self.at += skip;
            self.special();
        }
        self.out.push_str(&self.text[self.at..]);
        if self.open[Kind::Braces as usize] > 0 {
            self.page.issue("unclosed template");
        }
        if self.open[Kind::Variant as usize] > 0 {
            self.page.issue("unclosed variant");
        }
    }

    /// Distance to the next char that may mean something here.
    fn find_special(&self) -> Option<usize> {
        let rest = &self.text.as_bytes()[self.at..];
        match (self.stack.is_empty(), self.page.wiki.has_variants()) {
            (true, false) => memchr::memchr2(b'<', b'{', rest),
            (true, true) => memchr::memchr3(b'<', b'{', b'-', rest),
            (false, variants) => rest.iter().position(|byte| match byte {
                b'<' | b'{' | b'}' | b'|' | b'[' | b']' | b'=' => true,
                b'-' => variants,
                _ => false,
            }),
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// How often the byte here is repeated.
    fn run_length(&self, byte: u8) -> usize {
        self.text.as_bytes()[self.at..].iter().take_while(|&&other| other == byte).count()
    }

    fn copy(&mut self, length: usize) {
        self.out.push_str(&self.text[self.at..self.at + length]);
        self.at += length;
    }

    fn special(&mut self) {
        let top = self.stack.last().map(|frame| frame.kind);
        match self.text.as_bytes()[self.at] {
            b'<' => self.angle(),
            b'{' => {
                let run = self.run_length(b'{');
                if run >= 2 {
                    self.begin(Kind::Braces, run);
                } else {
                    self.copy(1);
                }
            }
            b'}' => self.close_braces(),
            b'[' if self.rest().starts_with("[[") => self.begin(Kind::Link, 2),
            b']' if top == Some(Kind::Link) && self.rest().starts_with("]]") => {
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
                // `-{{x}}` is a dash and a template; `-{{{x}}}-` a variant around a template.
                self.at += 1;
                let run = self.run_length(b'{');
                self.at -= 1;
                if run == 1 || run >= 3 { self.begin(Kind::Variant, 2) } else { self.copy(1) }
            }
            _ => self.copy(1),
        }
    }

    fn begin(&mut self, kind: Kind, count: usize) {
        self.push(Frame { kind, start: self.out.len(), count, pipes: Vec::new(), equals: Vec::new() });
        self.copy(count);
    }

    fn push(&mut self, frame: Frame) {
        self.open[frame.kind as usize] += 1;
        self.stack.push(frame);
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.stack.pop()?;
        self.open[frame.kind as usize] -= 1;
        Some(frame)
    }

    fn close_braces(&mut self) {
        let run = self.run_length(b'}');
        // Links that were not closed inside stay as they are.
        if (run >= 2 && self.open[Kind::Braces as usize] > 0) || self.open[Kind::Variant as usize] > 0 {
            while self.stack.last().is_some_and(|frame| frame.kind == Kind::Link) {
                self.pop();
            }
        }
        match self.stack.last().map(|frame| frame.kind) {
            Some(Kind::Braces) if run >= 2 => self.close_template(run),
            Some(Kind::Variant) if run == 1 && self.text.as_bytes().get(self.at + 1) == Some(&b'-') => self.close_variant(),
            _ => self.copy(run),
        }
    }

    fn close_template(&mut self, run: usize) {
        let deep = self.stack.len() > MAX_DEPTH;
        let Some(mut frame) = self.pop() else { return };
        let matched = run.min(frame.count).min(3);
        self.at += matched;
        let open = frame.start + frame.count;
        let mut parts: Vec<(&str, Option<usize>)> = Vec::with_capacity(frame.pipes.len() + 1);
        let mut from = open;
        let mut equals = None;
        for (&pipe, &next) in frame.pipes.iter().zip(&frame.equals) {
            parts.push((&self.out[from..pipe], equals));
            from = pipe + 1;
            equals = next.map(|at: usize| at - from);
        }
        parts.push((&self.out[from..], equals));
        let is_note = NOTES.iter().any(|note| note.eq_ignore_ascii_case(parts[0].0.trim()));
        let shown = if deep {
            None
        } else if matched == 2 {
            templates::expand(&parts, self.page)
        } else {
            // A parameter that nobody sets shows its default.
            parts.get(1).map(|_| self.out[frame.pipes[0] + 1..].to_owned())
        };
        self.out.truncate(open - matched);
        match shown {
            Some(shown) if self.stack.is_empty() && shown.contains(':') && self.terms.at_end(&self.out) => {
                hide_colons(&shown, &mut self.out);
            }
            Some(shown) => {
                self.out.push_str(&shown);
                // What a template wraps in a tag takes no letters along.
                if shown.ends_with("]]") {
                    self.out.push(NULL);
                }
            }
            None => self.vanish(is_note),
        }
        frame.count -= matched;
        if frame.count >= 2 {
            frame.pipes.clear();
            frame.equals.clear();
            self.push(frame);
        }
    }

    /// Something shows nothing; whether it stands in a line.
    fn vanish(&mut self, in_line: bool) {
        self.out.push(GAP);
        self.out.extend(in_line.then_some(INLINE));
    }

    fn close_variant(&mut self) {
        let Some(frame) = self.pop() else { return };
        self.at += 2;
        let shown = variants::choose(&self.out[frame.start + 2..], self.page);
        self.out.truncate(frame.start);
        self.out.push_str(&shown);
    }

    /// A comment, a tag of an extension, or something for later passes.
    fn angle(&mut self) {
        if self.rest().starts_with("<!--") {
            return self.comment();
        }
        let bytes = self.rest().as_bytes();
        let closing = bytes.get(1) == Some(&b'/');
        let name_start = 1 + usize::from(closing);
        let name_length = bytes[name_start..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = &self.rest()[name_start..name_start + name_length];
        let Some(name) = DROPPED.iter().chain(KEPT).copied().find(|known| known.eq_ignore_ascii_case(name)) else {
            return self.copy(1);
        };
        let wrapper = matches!(name, "noinclude" | "onlyinclude");
        let Some(length) = tag_length(self.rest()) else { return self.copy(1) };
        let empty = self.rest().as_bytes()[length - 2] == b'/';
        if closing || wrapper {
            // A closing tag without its opening one is residue.
            self.at += length;
            return;
        }
        if empty {
            self.at += length;
            if name == "nowiki" {
                self.out.push(NULL);
            } else {
                self.vanish(IN_LINE.contains(&name));
            }
            return;
        }
        let content = self.at + length;
        let Some((end, after)) = self.find_close(name, content) else {
            self.page.issue(&format!("unclosed <{name}>"));
            // What is only for those who include the page goes on to its end.
            self.at = if name == "includeonly" { self.text.len() } else { self.at + length };
            return;
        };
        let content = &self.text[content..end];
        match name {
            "nowiki" => {
                self.out.push(NULL);
                protect(content, &mut self.out);
                self.out.push(NULL);
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
                let captions = captions(content, self.page);
                self.out.push_str(&captions);
            }
            _ => self.vanish(IN_LINE.contains(&name)),
        }
        self.at = after;
    }

    /// Where the content of a tag ends and what follows begins.
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

    fn comment(&mut self) {
        let bytes = self.text.as_bytes();
        let end = memchr::memmem::find(&bytes[self.at + 4..], b"-->").map_or(bytes.len(), |end| self.at + 4 + end + 3);
        // A line that held only comments vanishes with them.
        let before = self.out.trim_end_matches([' ', '\t']).len();
        let line_start = before == 0 || self.out.as_bytes()[before - 1] == b'\n';
        let after = end + bytes[end..].iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
        let protected = self.stack.last().is_some_and(|frame| before < frame.start + frame.count);
        if line_start && !protected && bytes.get(after) == Some(&b'\n') {
            self.out.truncate(before);
            self.at = after + 1;
        } else {
            self.at = end;
        }
    }
}

/// The captions of a gallery, a line each.
fn captions(content: &str, page: &mut Page<'_>) -> String {
    let mut out = String::from("\n");
    for line in content.lines() {
        let line = expand(line, page);
        if let Some(caption) = super::links::caption(&line, page.wiki) {
            out.push(CAPTION);
            out.push_str(&line[caption].replace('\n', " "));
            out.push('\n');
        }
    }
    out
}

/// Length of the tag at the start of `text`, quotes of attributes respected; none if it does not end.
pub(super) fn tag_length(text: &str) -> Option<usize> {
    /// Longer tags are taken for text: this bounds the search for an end that is not there.
    const MAX_TAG: usize = 4000;
    let mut quote = None;
    let mut unquoted_end = None;
    for (at, byte) in text.bytes().enumerate().skip(1).take(MAX_TAG) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') if text.as_bytes()[..at].trim_ascii_end().ends_with(b"=") => quote = Some(byte),
            (None, b'<') => break,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), b'>') if unquoted_end.is_none() => unquoted_end = Some(at + 1),
            _ => {}
        }
    }
    // A quote that is not closed does not swallow the page.
    unquoted_end
}
