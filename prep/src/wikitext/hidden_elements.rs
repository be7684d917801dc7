//! Elements that a style hides: `<span style="display:none">!sort key</span>`.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem;

use super::html_tags::tag_length;
use super::markers::GAP;

/// The text without elements that a style hides. One that is not closed stays.
pub(super) fn remove_hidden_elements(text: String) -> String {
    if !is_likely(&text) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for range in hidden_elements(&text) {
        out.push_str(&text[from..range.start]);
        out.push(GAP);
        from = range.end;
    }
    out.push_str(&text[from..]);
    out
}

/// Whether the text may hold such a style.
fn is_likely(text: &str) -> bool {
    // Without the first letter, which may be a capital.
    [b"isplay".as_slice(), b"isibility", b"DISPLAY"].iter().any(|property| memmem::find(text.as_bytes(), property).is_some())
}

/// Elements that a style hides, in order, outermost ones alone.
fn hidden_elements(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    // By name: where open elements begin, and whether they are hidden.
    let mut open: HashMap<String, Vec<(usize, bool)>> = HashMap::new();
    let mut from = 0;
    while let Some(at) = memchr::memchr(b'<', &text.as_bytes()[from..]).map(|found| from + found) {
        from = at + 1;
        let is_end = text.as_bytes().get(at + 1) == Some(&b'/');
        let rest = &text[at + 1 + usize::from(is_end)..];
        let name: Cow<'_, str> = match rest.bytes().take(12).take_while(u8::is_ascii_alphanumeric).count() {
            0 => continue,
            length => rest[..length].to_ascii_lowercase().into(),
        };
        let Some(length) = tag_length(&text[at..]) else { continue };
        let tag = &text[at..at + length];
        from = at + length;
        if is_end {
            let Some((start, true)) = open.get_mut(&*name).and_then(Vec::pop) else { continue };
            // Those inside of it are part of it.
            found.truncate(found.partition_point(|range| range.start < start));
            found.push(start..from);
        } else if !tag.ends_with("/>") && !matches!(&*name, "br" | "hr" | "wbr" | "img") {
            open.entry(name.into_owned()).or_default().push((at, hides(tag)));
        }
    }
    found
}

/// Whether the `style` of a tag hides the element.
fn hides(tag: &str) -> bool {
    let lower = tag.to_ascii_lowercase();
    let Some((_, style)) = lower.split_once("style") else { return false };
    let Some(style) = style.trim_start().strip_prefix('=') else { return false };
    let style = style.trim_start();
    let style = match style.chars().next() {
        Some(quote @ ('"' | '\'')) => style[1..].split(quote).next().unwrap_or_default(),
        _ => style.split([' ', '>']).next().unwrap_or_default(),
    };
    style.split(';').filter_map(|rule| rule.split_once(':')).any(|(property, value)| {
        let value = value.trim().trim_end_matches("!important").trim_end();
        matches!((property.trim(), value), ("display", "none") | ("visibility", "hidden"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_elements_are_removed() {
        for (text, expected) in [
            ("a<span style=\"display:none\">b</span>c", "a#c"),
            ("a<SPAN class=x style='color: red; Display : None !important;'>b<span>c</span></SPAN>d", "a#d"),
            ("a<div style=display:none>b<div>c</div>d</div>e", "a#e"),
            ("a<span style=\"visibility:hidden\">0</span>5", "a#5"),
            ("a<span style=\"display:none\">b<span style=\"display:none\">c</span></span>d", "a#d"),
            ("a<div>b<span style=\"display:none\">c</div>d</span>e", "a<div>b#e"),
            // What is not closed stays, as what is not hidden does.
            ("a<span style=\"display:none\">b", "a<span style=\"display:none\">b"),
            ("a<span style=\"display:none\">b<span style=\"display:none\">c</span>", "a<span style=\"display:none\">b#"),
            ("none <span style=\"display:inline\">b</span>", "none <span style=\"display:inline\">b</span>"),
            ("<br style=\"display:none\">none</br>", "<br style=\"display:none\">none</br>"),
            ("a < b, none", "a < b, none"),
        ] {
            assert_eq!(remove_hidden_elements(text.to_owned()).replace(GAP, "#"), expected, "{text}");
        }
    }
}
