//! HTML tags: tags of blocks become block breaks, inline tags are removed, and unknown tags such as `<President>` stay as text.

use super::definition_terms::{DefinitionTermTracker, protect_colons};
use super::markers::{BLOCK_BREAK, LIST_ITEM, SYNTAX_BREAK};

/// Inline tags.
const INLINE: &[&str] = &[
    "i",
    "u",
    "s",
    "small",
    "big",
    "sub",
    "sup",
    "span",
    "font",
    "code",
    "tt",
    "em",
    "cite",
    "abbr",
    "dfn",
    "kbd",
    "samp",
    "var",
    "q",
    "del",
    "ins",
    "strike",
    "ruby",
    "rb",
    "rt",
    "rp",
    "rtc",
    "bdi",
    "bdo",
    "mark",
    "time",
    "data",
    "nobr",
    "label",
    "acronym",
    "nowiki",
    "onlyinclude",
    "noinclude",
    "includeonly",
    "ref",
    "references",
    "section",
    "translate",
    "tvar",
    "langconvert",
];
/// Inline tags without content.
const VOID: &[&str] = &["wbr", "link", "meta"];
/// Tags that end the block before them.
const BLOCK: &[&str] = &[
    "p",
    "div",
    "center",
    "blockquote",
    "ul",
    "ol",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "td",
    "tr",
    "th",
    "caption",
    "tbody",
    "thead",
    "table",
    "pre",
    "gallery",
    "section",
    "figure",
    "figcaption",
];

/// Removes HTML tags.
pub(super) fn remove_html_tags(text: String) -> String {
    if memchr::memchr(b'<', text.as_bytes()).is_none() {
        return text;
    }
    let text = remove_unnamed_variables(text);
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let mut in_poem = false;
    let mut bold = BoldTracker::default();
    let mut terms = DefinitionTermTracker::default();
    // Number of inline tags that are open in this line.
    let mut depth = 0u32;
    let bytes = text.as_bytes();
    while let Some(at) = memchr::memchr(b'<', &bytes[from..]).map(|found| from + found) {
        let before = &text[from..at];
        if depth > 0 && before.contains(':') && terms.ends_in_term(&out) {
            let line = before.find('\n').unwrap_or(before.len());
            protect_colons(&before[..line], &mut out);
            push_text(&before[line..], in_poem, &mut out);
        } else {
            push_text(before, in_poem, &mut out);
        }
        if before.contains('\n') {
            depth = 0;
        }
        let (name, length) = match parse_tag(&text[at..]) {
            Some(tag) => tag,
            None => {
                out.push('<');
                from = at + 1;
                continue;
            }
        };
        match name {
            TagKind::Void => {}
            TagKind::Inline | TagKind::Bold if text[at..].starts_with("</") => {
                depth = depth.saturating_sub(1);
                if name == TagKind::Bold {
                    bold.tag(at, false);
                }
            }
            TagKind::Inline | TagKind::Bold => {
                depth += u32::from(!text[..at + length].ends_with("/>"));
                if name == TagKind::Bold {
                    bold.tag(at, true);
                }
            }
            // A name that is broken into lines is one name.
            TagKind::LineBreak if bold.is_bold_at(&text, at) => out.push(' '),
            TagKind::LineBreak => out.push(BLOCK_BREAK),
            TagKind::Block => out.push(BLOCK_BREAK),
            TagKind::ListItem => out.push(LIST_ITEM),
            TagKind::Poem { opens } => {
                out.push(BLOCK_BREAK);
                in_poem = opens;
            }
        }
        from = at + length;
        // Apostrophes before and after a tag are separate quote markup: `''a''<sub>''n''</sub>`.
        if out.ends_with('\'') && text[from..].starts_with('\'') {
            out.push(SYNTAX_BREAK);
        }
    }
    push_text(&text[from..], in_poem, &mut out);
    out
}

/// Appends text between tags. In a poem, line feeds become block breaks.
fn push_text(text: &str, in_poem: bool, out: &mut String) {
    if in_poem && text.contains('\n') {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                out.push(BLOCK_BREAK);
            }
            out.push_str(line.trim_start_matches(':'));
        }
    } else {
        out.push_str(text);
    }
}

/// Whether the text is bold, by quotes or by a tag. Both end with the line.
#[derive(Default)]
struct BoldTracker {
    in_quotes: bool,
    in_tag: bool,
    /// Where the text was read to: it is read when somebody asks.
    read_to: usize,
    /// Where a bold tag was seen last.
    tag_at: usize,
}

impl BoldTracker {
    /// A bold tag begins or ends.
    fn tag(&mut self, at: usize, opens: bool) {
        (self.in_tag, self.tag_at) = (opens, at);
    }

    /// Whether the text is bold at an offset. Offsets of successive calls must not decrease.
    fn is_bold_at(&mut self, text: &str, at: usize) -> bool {
        let bytes = &text.as_bytes()[self.read_to..at];
        let line = memchr::memrchr(b'\n', bytes).inspect(|&end| {
            self.in_quotes = false;
            self.in_tag &= self.tag_at > self.read_to + end;
        });
        let line = &bytes[line.unwrap_or(0)..];
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&line[from..], b"'''") {
            from += found + line[from + found..].iter().take_while(|&&byte| byte == b'\'').count();
            self.in_quotes = !self.in_quotes;
        }
        self.read_to = at;
        self.in_quotes || self.in_tag
    }
}

/// The text without the tags of variables in an older form of the Translate extension: `<tvar|name>content</>`.
fn remove_unnamed_variables(text: String) -> String {
    if memchr::memmem::find(text.as_bytes(), b"<tvar|").is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("<tvar|");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let content = part.split_once('>').map_or(part, |(_, content)| content);
        out.push_str(&content.replacen("</>", "", 1));
    }
    out
}

/// What a tag does to the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TagKind {
    /// An inline tag with content.
    Inline,
    /// An inline tag whose content is bold.
    Bold,
    /// `<br>`
    LineBreak,
    /// An inline tag without content.
    Void,
    /// Ends the block.
    Block,
    /// `<li>`
    ListItem,
    /// `<poem>` or `</poem>`
    Poem { opens: bool },
}

/// The kind and length of the tag at the start of `text`; `None` if it is not a known tag.
fn parse_tag(text: &str) -> Option<(TagKind, usize)> {
    let bytes = text.as_bytes();
    let start = 1 + usize::from(bytes.get(1) == Some(&b'/'));
    let name_length = bytes[start..].iter().take(12).take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let mut buffer = [0; 12];
    let name = &mut buffer[..name_length];
    name.copy_from_slice(&bytes[start..start + name_length]);
    name.make_ascii_lowercase();
    let name = std::str::from_utf8(name).ok()?;
    if !matches!(bytes.get(start + name_length), Some(b'>' | b'/' | b' ' | b'\t' | b'\n')) {
        return None;
    }
    let tag = if VOID.contains(&name) {
        TagKind::Void
    } else if matches!(name, "b" | "strong") {
        TagKind::Bold
    } else if name == "br" {
        TagKind::LineBreak
    } else if INLINE.contains(&name) {
        TagKind::Inline
    } else if BLOCK.contains(&name) {
        TagKind::Block
    } else if name == "poem" {
        TagKind::Poem { opens: start == 1 }
    } else if name == "li" {
        if start == 1 { TagKind::ListItem } else { TagKind::Block }
    } else {
        return None;
    };
    Some((tag, tag_length(text)?))
}

/// Length of the tag at the start of `text`. Attribute values in quotes may contain `>`. `None` if the tag does not end.
pub(super) fn tag_length(text: &str) -> Option<usize> {
    /// Longer tags are text, so that the search for a missing end is bounded.
    const MAX_TAG: usize = 4000;
    let mut quote = None;
    let mut end_in_quotes = None;
    for (at, byte) in text.bytes().enumerate().skip(1).take(MAX_TAG) {
        match (quote, byte) {
            (None, b'>') => return Some(at + 1),
            (None, b'"' | b'\'') if text.as_bytes()[..at].trim_ascii_end().ends_with(b"=") => quote = Some(byte),
            (None, b'<') => break,
            (Some(open), _) if byte == open => quote = None,
            (Some(_), b'>') if end_in_quotes.is_none() => end_in_quotes = Some(at + 1),
            _ => {}
        }
    }
    // In an unclosed quote, the first `>` ends the tag.
    end_in_quotes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_tags_are_removed() {
        for (text, expected) in [
            ("a<b>b</b>c", "abc"),
            ("''a''<sub>''n''</sub> it's<b>'</b>", "''a''\u{FDD1}''n'' it's'"),
            ("H<SUB>2</sub>O", "H2O"),
            ("<President> of", "<President> of"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("a<span title=\"x > y\">b</span>", "ab"),
            ("<references/>", ""),
            ("x<br />y", "x\u{FDD4}y"),
            ("'''x<br>y''' z<br>w", "'''x y''' z\u{FDD4}w"),
            ("<b>x<br>y</b> z<br>w '''''a<br>", "x y z\u{FDD4}w '''''a "),
            ("'''x\ny<br>z", "'''x\ny\u{FDD4}z"),
            ("<translate>a <tvar|1>b</> c</translate> <tvar name=2>d</tvar>", "a b c d"),
            ("<b", "<b"),
            ("<poem>\na\n:b\n</poem>c\nd", "\u{FDD4}\u{FDD4}a\u{FDD4}b\u{FDD4}\u{FDD4}c\nd"),
        ] {
            assert_eq!(remove_html_tags(text.to_owned()), expected, "{text}");
        }
    }
}
