//! Links: internal ones to anchors, media and categories out of the text, external ones to their text.

use std::borrow::Cow;
use std::ops::Range;

use super::Page;
use super::marks::{ANCHOR_CLOSE, ANCHOR_OPEN, CAPTION, FIRST_OF_MARKS, GAP, NULL, Terms, hide_colons, is_mark, plain, protect, unprotect};
use super::wiki::{Prefix, Wiki};

/// Where an anchor leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub title: String,
    pub fragment: Option<String>,
}

/// Marks the anchors; the targets are in the order of the marks.
pub(super) fn resolve(text: &str, page: &mut Page<'_>) -> (String, Vec<Target>) {
    let mut resolver = Resolver {
        text,
        brackets: Brackets::find(text),
        out: String::with_capacity(text.len()),
        targets: Vec::new(),
        captions: Vec::new(),
        depth: 0,
        page,
    };
    resolver.run(0, text.len());
    if !resolver.captions.is_empty() {
        resolver.out.push('\n');
        resolver.put_captions();
    }
    let Resolver { out, targets, .. } = resolver;
    (externals(out, page), targets)
}

/// A title of more bytes is none.
pub(super) const MAX_TITLE: usize = 255;

/// Captions inside captions deeper than this vanish.
const MAX_DEPTH: usize = 4;

/// Which `]]` closes which `[[`.
struct Brackets {
    /// Places of all `[[` in ascending order, their `]]`, and whether another `[[` lies inside.
    opens: Vec<(usize, Option<usize>, bool)>,
    /// The next to be asked for: they are asked for in order.
    next: usize,
}

impl Brackets {
    fn find(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut opens: Vec<(usize, Option<usize>, bool)> = Vec::new();
        let mut stack: Vec<usize> = Vec::new();
        let mut at = 0;
        while let Some(found) = memchr::memchr2(b'[', b']', &bytes[at..]) {
            at += found;
            if bytes.get(at + 1) != Some(&bytes[at]) {
                at += 1;
                continue;
            }
            if bytes[at] == b'[' {
                if let Some(&outer) = stack.last() {
                    opens[outer].2 = true;
                }
                stack.push(opens.len());
                opens.push((at, None, false));
            } else if let Some(inner) = stack.pop() {
                opens[inner].1 = Some(at);
            }
            at += 2;
        }
        Self { opens, next: 0 }
    }

    fn at(&mut self, place: usize) -> (Option<usize>, bool) {
        while self.opens.get(self.next).is_some_and(|open| open.0 < place) {
            self.next += 1;
        }
        self.opens.get(self.next).filter(|open| open.0 == place).map_or((None, false), |open| (open.1, open.2))
    }
}

struct Resolver<'t, 'p, 'w> {
    text: &'t str,
    brackets: Brackets,
    out: String,
    targets: Vec<Target>,
    /// Captions met in this line, with their own targets: they follow the line.
    captions: Vec<(String, Vec<Target>)>,
    /// Captions that this text lies in.
    depth: usize,
    page: &'p mut Page<'w>,
}

impl Resolver<'_, '_, '_> {
    fn run(&mut self, mut from: usize, end: usize) {
        let bytes = self.text.as_bytes();
        // A link at the end of a caption may take a bracket of what closes the picture.
        while let Some(at) = bytes.get(from..end).and_then(double_bracket).map(|found| from + found) {
            self.push(from, at);
            from = self.link(at).unwrap_or_else(|| {
                self.out.push_str("[[");
                at + 2
            });
        }
        self.push(from.min(end), end);
    }

    /// Appends text between links, and after its first line the captions that wait for its end.
    fn push(&mut self, from: usize, to: usize) {
        let text = &self.text[from..to];
        match memchr::memchr(b'\n', text.as_bytes()) {
            Some(line) if self.depth == 0 && !self.captions.is_empty() => {
                self.out.push_str(&text[..=line]);
                self.put_captions();
                self.out.push_str(&text[line + 1..]);
            }
            _ => self.out.push_str(text),
        }
    }

    fn put_captions(&mut self) {
        for (caption, targets) in self.captions.drain(..) {
            self.out.push(CAPTION);
            self.out.push_str(&caption);
            self.out.push('\n');
            self.targets.extend(targets);
        }
    }

    /// Renders the link at `open` and gives the place after it; nothing if it is no link.
    fn link(&mut self, open: usize) -> Option<usize> {
        let (close, nested) = self.brackets.at(open);
        let inner = &self.text[open + 2..];
        // Most targets are plain: one walk tells.
        let (mut plain, mut colon) = (true, false);
        let end = inner.bytes().position(|byte| {
            plain &= byte != b'\n' && !means_more(byte);
            colon |= byte == b':';
            matches!(byte, b'|' | b'[' | b']' | b'{' | b'}' | b'<' | b'>')
        })?;
        let raw = &inner[..end];
        // MediaWiki takes no line break in a target; authors who wrap their lines mean a space. A blank line is none.
        // What is set off by `<nowiki>` makes no title.
        if !plain && (raw.contains("\n\n") || raw.chars().any(|c| c == NULL || unprotect(c).is_some())) {
            return None;
        }
        let written = if plain { Cow::Borrowed(raw) } else { decode(raw) };
        let may_have_colon = colon || !plain;
        let forced = may_have_colon && written.trim_start().starts_with(':');
        let title = written.trim().trim_start_matches(':').trim();
        let prefix = Some(title).filter(|_| may_have_colon).and_then(|title| title.split_once(':'));
        let prefix = prefix.and_then(|(before, _)| self.page.wiki.prefix(before));
        if !forced && prefix == Some(Prefix::Namespace(6)) {
            return Some(self.media(open, close));
        }
        if (!plain || raw.bytes().any(|byte| matches!(byte, b'.' | b'~' | b'_' | b':')) || raw.len() > MAX_TITLE)
            && !self.page.wiki.is_title(title)
        {
            return None;
        }
        // A link's text holds no link.
        let mut close = close.filter(|_| !nested)?;
        let delimiter = inner.as_bytes()[end];
        if title.is_empty()
            || !(delimiter == b'|' || (delimiter == b']' && open + 2 + end == close))
            || (may_have_colon && title.contains("://"))
        {
            return None;
        }
        if !forced && matches!(prefix, Some(Prefix::Namespace(14) | Prefix::Language)) {
            self.out.push(GAP);
            return Some(close + 2);
        }
        let label = if delimiter == b'|' { self.text.get(open + 3 + end..close) } else { None };
        // `[[a|[http://x y]]]`: the first of three brackets belongs to the text.
        let bytes = self.text.as_bytes();
        if label.is_some_and(|label| memchr::memchr(b'[', label.as_bytes()).is_some()) && bytes.get(close + 2) == Some(&b']') {
            close += 1;
        }
        let label = label.map(|_| &self.text[open + 3 + end..close]);
        let after = close + 2;
        let trail = self.page.wiki.trail_length(&self.text[after..]);
        self.out.push(ANCHOR_OPEN);
        match label {
            // Apostrophes of a title are no markup.
            None => {
                let shown = if !plain && raw.contains('%') { title } else { raw.trim().trim_start_matches(':') };
                if shown.contains(['\n', '\'']) {
                    self.out.push_str(&shown.replace('\n', " ").replace("''", &literal("''")));
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
        self.targets.push(Target { title: self.page.wiki.target(title), fragment: fragment.filter(|fragment| !fragment.is_empty()) });
        Some(after + trail)
    }

    /// A picture shows nothing in running text. One that is never closed ends with its line.
    fn media(&mut self, open: usize, close: Option<usize>) -> usize {
        self.out.push(GAP);
        let Some(mut close) = close else {
            self.page.issue("unclosed media link");
            return memchr::memchr(b'\n', &self.text.as_bytes()[open..]).map_or(self.text.len(), |end| open + end);
        };
        // As with links, the first of three brackets may belong to the caption.
        let inner = &self.text[open + 2..close];
        let brackets = |bracket| memchr::memchr_iter(bracket, inner.as_bytes()).count();
        if brackets(b'[') > brackets(b']') && self.text.as_bytes().get(close + 2) == Some(&b']') {
            close += 1;
        }
        if self.page.captions && self.depth < MAX_DEPTH {
            self.caption(open + 2, close);
        }
        close + 2
    }

    /// Resolves the caption among a picture's parameters, for later.
    fn caption(&mut self, from: usize, to: usize) {
        let Some(caption) = caption(&self.text[from..to], self.page.wiki) else { return };
        let (out, targets) = (std::mem::take(&mut self.out), std::mem::take(&mut self.targets));
        self.depth += 1;
        self.run(from + caption.start, from + caption.end);
        self.depth -= 1;
        let text = std::mem::replace(&mut self.out, out).replace('\n', " ");
        let targets = std::mem::replace(&mut self.targets, targets);
        self.captions.push((text, targets));
    }
}

/// Where the caption lies among the parameters of `File:a.jpg|thumb|caption`: it is the last one that is no option.
pub(super) fn caption(parameters: &str, wiki: &Wiki) -> Option<Range<usize>> {
    let mut pipes = Vec::new();
    let mut depth = 0u32;
    let bytes = parameters.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr3(b'|', b'[', b']', &bytes[at..]) {
        at += found;
        let double = bytes.get(at + 1) == Some(&bytes[at]);
        match bytes[at] {
            b'|' if depth == 0 => pipes.push(at),
            b'[' if double => depth += 1,
            b']' if double => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += if double && bytes[at] != b'|' { 2 } else { 1 };
    }
    let mut end = parameters.len();
    for pipe in pipes.into_iter().rev() {
        if !wiki.is_media_option(parameters[pipe + 1..end].trim()) {
            return Some(pipe + 1..end).filter(|range| parameters[range.clone()].chars().any(|c| !c.is_whitespace() && !is_mark(c)));
        }
        end = pipe;
    }
    None
}

/// Text that means nothing to later passes.
fn literal(text: &str) -> String {
    let mut out = String::new();
    protect(text, &mut out);
    out
}

/// A target as its author meant it: without marks and what turns the direction of writing, entities and `%xx` decoded.
pub(super) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(means_more) {
        return Cow::Borrowed(raw);
    }
    let text = plain(raw);
    let text = html_escape::decode_html_entities(&text);
    let mut text = percent_decode(&text).into_owned();
    text.retain(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'));
    Cow::Owned(text)
}

/// Whether a byte begins a mark or a protected char, one that turns the direction of writing, an entity or an escape.
fn means_more(byte: u8) -> bool {
    byte >= FIRST_OF_MARKS || matches!(byte, b'&' | b'%' | 0xe2)
}

/// Where the first `[[` lies.
fn double_bracket(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'[', bytes).find(|at| bytes.get(at + 1) == Some(&b'['))
}

fn percent_decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let hex = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(high * 16 + low);
                at += 3;
            }
            (byte, ..) => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    // What is no UTF-8 was no escape.
    String::from_utf8(decoded).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// What `[[title|]]` shows: the title less what stands before its first colon, and less a parenthesis at its end or else what
/// follows its first comma, with a parenthesis before that. `[[Help:Arden (city)|]]` and `[[Arden, Ohio|]]` show "Arden".
fn pipe_trick(title: &str) -> &str {
    let is_prefix = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-') || !c.is_ascii();
    let title = title.split_once(':').filter(|(prefix, _)| prefix.chars().all(is_prefix)).map_or(title, |(_, rest)| rest).trim();
    let bare = without_parenthesis(title).or_else(|| {
        let (before, _) = [", ", "，", "、"].iter().filter_map(|comma| title.split_once(comma)).min_by_key(|(before, _)| before.len())?;
        Some(without_parenthesis(before).unwrap_or(before))
    });
    bare.unwrap_or(title).trim_matches(|c: char| c == '_' || c.is_whitespace())
}

/// A title less the parenthesis at its end, if something stands before it.
fn without_parenthesis(title: &str) -> Option<&str> {
    let open = if title.ends_with(')') { title.find('(') } else { title.strip_suffix('）').and_then(|title| title.find('（')) };
    open.map(|open| title[..open].trim_end()).filter(|bare| !bare.is_empty())
}

const PROTOCOLS: &[&str] = &[
    "http://",
    "https://",
    "//",
    "ftp://",
    "ftps://",
    "mailto:",
    "news:",
    "irc://",
    "ircs://",
    "gopher://",
    "telnet://",
    "nntp://",
    "worldwind://",
    "svn://",
    "git://",
    "mms://",
    "bitcoin:",
    "magnet:",
    "urn:",
    "geo:",
    "tel:",
    "sms:",
    "sip:",
    "xmpp:",
    "ssh://",
    "sftp://",
];

/// Takes out magic words between underscores of full width, as Japanese has them.
fn wide_magic_words(text: String, page: &Page<'_>) -> String {
    const WIDE: &str = "＿＿";
    if memchr::memmem::find(text.as_bytes(), WIDE.as_bytes()).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(WIDE) {
        out.push_str(&rest[..at]);
        let word = page.wiki.magic_word(&rest[at..]);
        out.push_str(if word.is_some() { "" } else { WIDE });
        rest = &rest[at + word.unwrap_or(WIDE.len())..];
    }
    out + rest
}

/// `[http://x text]` gives its text, `[http://x]` nothing; magic words vanish.
fn externals(text: String, page: &mut Page<'_>) -> String {
    let text = wide_magic_words(text, page);
    let bytes = text.as_bytes();
    let mut out = String::new();
    let mut terms = Terms::default();
    let mut from = 0;
    // On this line there is no bracket that closes: up to here it is not looked for again.
    let mut hopeless = 0;
    let mut search = 0;
    while let Some(at) = memchr::memchr2(b'[', b'_', &bytes[search..]).map(|found| search + found) {
        search = at + 1;
        if bytes[at] == b'_' {
            if bytes.get(at + 1) == Some(&b'_')
                && let Some(length) = page.wiki.magic_word(&text[at..])
            {
                page.disambiguation |= text[at..].starts_with("__DISAMBIG__") || text[at..].starts_with("__消歧");
                out.push_str(&text[from..at]);
                search = at + length;
                from = search;
            }
            continue;
        }
        let Some(url) = url_length(&text[at + 1..]) else { continue };
        if at < hopeless {
            continue;
        }
        let rest = &text[at + 1 + url..];
        let close = match memchr::memchr2(b']', b'\n', rest.as_bytes()) {
            Some(close) if rest.as_bytes()[close] == b']' => close,
            found => {
                hopeless = found.map_or(text.len(), |found| at + 1 + url + found);
                continue;
            }
        };
        out.push_str(&text[from..at]);
        let label = rest[..close].trim();
        if label.is_empty() {
            out.push(GAP)
        } else if label.contains(':') && terms.at_end(&out) {
            hide_colons(label, &mut out);
        } else {
            out.push_str(label)
        }
        from = at + 1 + url + close + 1;
        search = from;
    }
    if from == 0 {
        return text;
    }
    out.push_str(&text[from..]);
    out
}

/// Length of the URL at the start of `text`, where a bracketed link may begin with it.
fn url_length(text: &str) -> Option<usize> {
    let lower = |protocol: &str| text.get(..protocol.len()).is_some_and(|start| start.eq_ignore_ascii_case(protocol));
    let protocol = PROTOCOLS.iter().find(|protocol| lower(protocol))?;
    let rest = &text[protocol.len()..];
    let length = rest.find(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '<' | '>' | '"')).unwrap_or(rest.len());
    (length > 0).then_some(protocol.len() + length)
}
