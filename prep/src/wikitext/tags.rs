//! HTML in wikitext: tables go, block tags become breaks, inline tags vanish, anything else is text.

use super::expand::tag_length;
use super::marks::{BREAK, ITEM};

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
    "wbr",
    "mark",
    "time",
    "data",
    "link",
    "meta",
    "nobr",
    "a",
    "img",
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
    "poem",
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
pub(super) fn strip(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let bytes = text.as_bytes();
    while let Some(at) = memchr::memchr(b'<', &bytes[from..]).map(|found| from + found) {
        out.push_str(&text[from..at]);
        let (name, length) = match read(&text[at..]) {
            Some(tag) => tag,
            None => {
                out.push('<');
                from = at + 1;
                continue;
            }
        };
        match name {
            Tag::Inline => {}
            Tag::Block => out.push(BREAK),
            Tag::Item => out.push(ITEM),
        }
        from = at + length;
    }
    out.push_str(&text[from..]);
    out
}

enum Tag {
    Inline,
    Block,
    Item,
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
    let tag = if INLINE.contains(&name) {
        Tag::Inline
    } else if BLOCK.contains(&name) {
        Tag::Block
    } else if name == "li" {
        if start == 1 { Tag::Item } else { Tag::Block }
    } else {
        return None;
    };
    Some((tag, tag_length(text)?))
}

/// Takes out tables, `{|` to `|}` at the starts of lines and `<table>` to `</table>`, nested ones with them.
///
/// A table that is never closed ends before the next heading, or at its first line where there is none.
pub(super) fn drop_tables(text: &str) -> (String, bool) {
    if !text.contains("{|") && !text.contains("<table") && !text.contains("<TABLE") {
        return (text.to_owned(), false);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut unclosed = false;
    // Where every table closes, told from the inside out.
    let ends = table_ends(&lines);
    let mut at = 0;
    let mut headings = lines.iter().enumerate().filter(|(_, line)| line.starts_with("==")).map(|(at, _)| at).peekable();
    while at < lines.len() {
        match ends[at] {
            Some(End::Line(end)) => {
                let closing = strip_line(lines[end]);
                let rest = closing.strip_prefix("|}").unwrap_or_else(|| after_html_table(lines[end]));
                out.push_str(rest);
                if rest.is_empty() || !rest.ends_with('\n') {
                    out.push('\n');
                }
                at = end + 1;
            }
            Some(End::Never) => {
                unclosed = true;
                while headings.next_if(|&heading| heading <= at).is_some() {}
                at = headings.peek().copied().unwrap_or(at + 1);
            }
            None => {
                out.push_str(lines[at]);
                at += 1;
            }
        }
    }
    (out, unclosed)
}

#[derive(Clone, Copy)]
enum End {
    Line(usize),
    Never,
}

fn strip_line(line: &str) -> &str {
    line.trim_start_matches([' ', '\t', ':', super::marks::GAP])
}

fn after_html_table(line: &str) -> &str {
    let at = line.to_ascii_lowercase().rfind("</table>").map_or(line.len(), |at| at + "</table>".len());
    &line[at..]
}

fn table_ends(lines: &[&str]) -> Vec<Option<End>> {
    let mut ends = vec![None; lines.len()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let start = strip_line(line);
        if start.starts_with("{|") {
            ends[at] = Some(End::Never);
            open.push((at, false));
        } else if start.starts_with("|}")
            && let Some(index) = open.iter().rposition(|&(_, html)| !html)
        {
            ends[open[index].0] = Some(End::Line(at));
            open.truncate(index);
        }
        if line.contains('<') {
            let lower = line.to_ascii_lowercase();
            let opened = lower.matches("<table").count();
            let closed = lower.matches("</table").count();
            if opened > closed && ends[at].is_none() {
                ends[at] = Some(End::Never);
                open.push((at, true));
            } else if closed > opened
                && let Some(index) = open.iter().rposition(|&(_, html)| html)
            {
                ends[open[index].0] = Some(End::Line(at));
                open.truncate(index);
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        for (text, expected) in [
            ("a<b>b</b>c", "abc"),
            ("H<SUB>2</sub>O", "H2O"),
            ("<President> of", "<President> of"),
            ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
            ("a<span title=\"x > y\">b</span>", "ab"),
            ("<references/>", ""),
            ("x<br />y", "x\u{FDD4}y"),
            ("<b", "<b"),
        ] {
            assert_eq!(strip(text), expected, "{text}");
        }
    }

    #[test]
    fn tables() {
        for (text, expected) in [
            ("a\n{| class=x\n|-\n| b\n|}\nc", "a\n\nc"),
            ("a\n{|\n| b\n{|\n| c\n|}\n| d\n|}\ne", "a\n\ne"),
            (":{|\n| b\n|} tail\ne", " tail\ne"),
            ("a\n{|\n| b\n== H ==\ntext", "a\n== H ==\ntext"),
            ("a\n<table>\n<tr><td>b</td></tr>\n</table>\nc", "a\n\nc"),
            ("no {| here |} b", "no {| here |} b"),
        ] {
            assert_eq!(drop_tables(text).0, expected, "{text}");
        }
    }
}
