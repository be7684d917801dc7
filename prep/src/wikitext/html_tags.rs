//! HTML in wikitext: block tags become breaks, inline tags vanish, anything else is text.

use super::expand::tag_length;
use super::marks::{BREAK, ITEM, NULL, Terms, hide_colons};

const INLINE: &[&str] = &[
    "b",
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
    "strong",
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
];
const VOID: &[&str] = &["wbr", "link", "meta"];
const BLOCK: &[&str] = &[
    "br",
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

/// Takes out HTML tags. Tags that no browser and no extension knows stay.
pub(super) fn strip(text: String) -> String {
    if memchr::memchr(b'<', text.as_bytes()).is_none() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let mut poem = false;
    let mut terms = Terms::default();
    // Inline tags that are open on this line.
    let mut depth = 0u32;
    let bytes = text.as_bytes();
    while let Some(at) = memchr::memchr(b'<', &bytes[from..]).map(|found| from + found) {
        let before = &text[from..at];
        if depth > 0 && before.contains(':') && terms.at_end(&out) {
            let line = before.find('\n').unwrap_or(before.len());
            hide_colons(&before[..line], &mut out);
            piece(&before[line..], poem, &mut out);
        } else {
            piece(before, poem, &mut out);
        }
        if before.contains('\n') {
            depth = 0;
        }
        let (name, length) = match read(&text[at..]) {
            Some(tag) => tag,
            None => {
                out.push('<');
                from = at + 1;
                continue;
            }
        };
        match name {
            Tag::Void => {}
            Tag::Inline if text[at..].starts_with("</") => depth = depth.saturating_sub(1),
            Tag::Inline => depth += u32::from(!text[..at + length].ends_with("/>")),
            Tag::Block => out.push(BREAK),
            Tag::Item => out.push(ITEM),
            Tag::Poem { opens } => {
                out.push(BREAK);
                poem = opens;
            }
        }
        from = at + length;
        // Apostrophes on both sides of a tag are markup each for itself: `''a''<sub>''n''</sub>`.
        if out.ends_with('\'') && text[from..].starts_with('\'') {
            out.push(NULL);
        }
    }
    piece(&text[from..], poem, &mut out);
    out
}

/// Appends text between tags. The lines of a poem stay lines.
fn piece(text: &str, poem: bool, out: &mut String) {
    if poem && text.contains('\n') {
        for (at, line) in text.split('\n').enumerate() {
            if at > 0 {
                out.push(BREAK);
            }
            out.push_str(line.trim_start_matches(':'));
        }
    } else {
        out.push_str(text);
    }
}

enum Tag {
    Inline,
    /// Inline, and nothing is inside it.
    Void,
    Block,
    Item,
    Poem {
        opens: bool,
    },
}

fn read(text: &str) -> Option<(Tag, usize)> {
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
        Tag::Void
    } else if INLINE.contains(&name) {
        Tag::Inline
    } else if BLOCK.contains(&name) {
        Tag::Block
    } else if name == "poem" {
        Tag::Poem { opens: start == 1 }
    } else if name == "li" {
        if start == 1 { Tag::Item } else { Tag::Block }
    } else {
        return None;
    };
    Some((tag, tag_length(text)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (text, expected) in [
            ("a<b>b</b>c", "abc"),
            ("''a''<sub>''n''</sub> it's<b>'</b>", "''a''\u{FDD1}''n'' it's'"),
            ("H<SUB>2</sub>O", "H2O"),
            ("<President> of", "<President> of"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("a<span title=\"x > y\">b</span>", "ab"),
            ("<references/>", ""),
            ("x<br />y", "x\u{FDD4}y"),
            ("<b", "<b"),
            ("<poem>\na\n:b\n</poem>c\nd", "\u{FDD4}\u{FDD4}a\u{FDD4}b\u{FDD4}\u{FDD4}c\nd"),
        ] {
            assert_eq!(strip(text.to_owned()), expected, "{text}");
        }
    }
}
