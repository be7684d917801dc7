//! Syntax inside a line: headings, the colon of a definition, and entities.

use super::markers::{ANCHOR_CLOSE, ANCHOR_OPEN, UNCONVERTED_CLOSE, UNCONVERTED_OPEN, is_marker};

/// Level and text of a heading line.
pub(super) fn heading(line: &str) -> Option<(u8, &str)> {
    let line = line.trim_end_matches(|c: char| c.is_whitespace() || is_marker(c));
    let opening = line.bytes().take_while(|&byte| byte == b'=').count();
    let closing = line.bytes().rev().take_while(|&byte| byte == b'=').count();
    if opening == 0 || closing == 0 || opening + closing >= line.len() {
        return None;
    }
    let level = opening.min(closing).min(6);
    Some((u8::try_from(level).expect("at most 6"), &line[level..line.len() - level]))
}

/// Index of the colon that separates `; term : definition`: the first one outside of links, bold and italics. Colons of templates, tags
/// and external links are protected by earlier passes.
pub(super) fn definition_colon(item: &str) -> Option<usize> {
    let mut inside = false;
    let (mut bold, mut italic) = (false, false);
    // Number of apostrophes before the current char.
    let mut apostrophes = 0;
    item.char_indices().find_map(|(at, c)| {
        if c == '\'' {
            apostrophes += 1;
            return None;
        }
        let run = std::mem::take(&mut apostrophes);
        bold ^= run >= 3;
        italic ^= run == 2 || run >= 5;
        match c {
            ANCHOR_OPEN | UNCONVERTED_OPEN => inside = true,
            ANCHOR_CLOSE | UNCONVERTED_CLOSE => inside = false,
            ':' if !inside && !bold && !italic && !item[at..].starts_with("://") => return Some(at),
            _ => {}
        }
        None
    })
}

/// The HTML entity at the start of `text`: its length and its text. Decodes the full table of HTML 5, once.
pub(super) fn entity_at_start(text: &str) -> Option<(usize, String)> {
    /// The longest names of HTML 5 have 31 letters.
    const LONGEST: usize = 34;
    let end = text.bytes().take(LONGEST).position(|byte| byte == b';')? + 1;
    let name = &text[..end];
    let decoded = html_escape::decode_html_entities(name);
    // As in MediaWiki, the number of a char that HTML does not allow is text.
    let is_allowed = |c: char| matches!(c, '\t' | '\n') || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}'));
    (decoded != name && decoded.chars().all(is_allowed)).then(|| (end, decoded.into_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_levels() {
        for (line, expected) in [
            ("== A ==", Some((2, " A "))),
            ("=A=", Some((1, "A"))),
            ("=== A == ", Some((2, "= A "))),
            ("======= A =======", Some((6, "= A ="))),
            ("== A", None),
            ("==", None),
        ] {
            assert_eq!(heading(line), expected, "{line}");
        }
    }

    #[test]
    fn entities_are_decoded() {
        for (text, expected) in [
            ("&amp;lt;", Some((5, "&"))),
            ("&#x4e2d; x", Some((8, "中"))),
            ("&CounterClockwiseContourIntegral;", Some((33, "∳"))),
            ("&bogus;", None),
            ("&#150;", None),
            ("& x", None),
        ] {
            assert_eq!(entity_at_start(text), expected.map(|(length, decoded)| (length, decoded.to_owned())), "{text}");
        }
    }
}
