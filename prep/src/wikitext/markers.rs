//! Chars that carry structure from one pass to the next.
//!
//! They are noncharacters of Unicode, set aside for use inside a program, and the sixteenth private plane for protected ASCII and for
//! a page's conversions.
//! Where a page holds such chars itself they are replaced by U+FFFD before the first pass, so nothing in the text can be mistaken
//! for a mark.

/// Something vanished here; words on both sides must not join.
pub const GAP: char = '\u{FDD0}';
/// Breaks syntax and shows nothing: `<nowiki/>`.
pub const NULL: char = '\u{FDD1}';
/// An anchor begins; anchors are numbered in the order of their marks.
pub const ANCHOR_OPEN: char = '\u{FDD2}';
/// An anchor ends.
pub const ANCHOR_CLOSE: char = '\u{FDD3}';
/// A line break or the border of an HTML block.
pub const BREAK: char = '\u{FDD4}';
/// An HTML list item begins.
pub const ITEM: char = '\u{FDD5}';
/// Text that is not converted between scripts begins.
pub const KEEP_OPEN: char = '\u{FDD6}';
/// Text that is not converted between scripts ends.
pub const KEEP_CLOSE: char = '\u{FDD7}';
/// Begins a line that is the caption of a picture.
pub const CAPTION: char = '\u{FDD8}';
/// Begins a line that is a table's cell.
pub const CELL: char = '\u{FDD9}';

/// What vanished here stood in its line: where nothing else is on it, the paragraph goes on.
pub const INLINE: char = '\u{FDDA}';

/// Marks and protected chars begin with this byte or a higher one: noncharacters with EF, plane 16 with F4.
pub const FIRST_OF_MARKS: u8 = 0xef;

const PROTECTED: u32 = 0x10_0000;
/// From here on, the page's conversion of the number holds.
const RULES: u32 = PROTECTED + 128;
/// Later conversions of a page are left out: they cost time for each place where they change.
const MAX_RULES: u32 = 1000;

/// Whether a char is one of ours.
pub fn is_mark(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDDA}') || rule(c).is_some()
}

/// The mark of a conversion.
pub fn rule_mark(number: usize) -> Option<char> {
    u32::try_from(number).ok().filter(|&number| number < MAX_RULES).and_then(|number| char::from_u32(RULES + number))
}

/// The number of the conversion that a mark stands for.
pub fn rule(c: char) -> Option<usize> {
    u32::from(c).checked_sub(RULES).filter(|&number| number < MAX_RULES).map(|number| number as usize)
}

/// Tells of a text that only grows, but for its last line, whether that line begins with the term of a definition, `; term : definition`.
#[derive(Debug, Default)]
pub struct Terms {
    /// Bytes that were looked at, and where the last line in them begins.
    seen: usize,
    line: usize,
    /// What was said of that line: its prefix is not read again.
    known: Option<bool>,
}

impl Terms {
    /// Whether the last line of `text` is one.
    pub fn at_end(&mut self, text: &str) -> bool {
        let seen = self.seen.min(text.len());
        if let Some(found) = memchr::memrchr(b'\n', &text.as_bytes()[seen..]) {
            self.line = seen + found + 1;
            self.known = None;
        }
        self.seen = text.len();
        *self.known.get_or_insert_with(|| {
            let line = text.get(self.line..).unwrap_or_default().trim_start_matches(is_mark);
            let prefix = line.bytes().take_while(|byte| matches!(byte, b'*' | b'#' | b';' | b':')).count();
            line[..prefix].ends_with(';')
        })
    }
}

/// Appends text whose colons do not part a definition; those of links and of URLs stay as they are.
pub fn hide_colons(text: &str, out: &mut String) {
    let mut rest = text;
    // Where no link ends any more, none is looked for again.
    let mut ends = true;
    while let Some(at) = rest.find([':', '[']) {
        let link = if ends && rest[at..].starts_with("[[") { rest[at..].find("]]") } else { None };
        ends &= link.is_some() || !rest[at..].starts_with("[[");
        let length = match link {
            Some(length) => length + 2,
            None => 1,
        };
        if link.is_none() && rest[at..].starts_with(':') && !rest[at..].starts_with("://") {
            out.push_str(&rest[..at]);
            protect(":", out);
        } else {
            out.push_str(&rest[..at + length]);
        }
        rest = &rest[at + length..];
    }
    out.push_str(rest);
}

/// Replaces what could be mistaken for a mark.
pub fn clear(text: &str) -> Option<String> {
    // Noncharacters begin with EF B7, plane 16 with F4.
    let bytes = text.as_bytes();
    let suspect = memchr::memchr(0xf4, bytes).is_some() || memchr::memmem::find(bytes, &[0xef, 0xb7]).is_some();
    let ours = |c: char| is_mark(c) || (PROTECTED..RULES).contains(&u32::from(c));
    (suspect && text.chars().any(ours)).then(|| text.chars().map(|c| if ours(c) { '\u{FFFD}' } else { c }).collect())
}

/// Appends text whose ASCII punctuation and line feeds mean nothing to later passes. Entities stay entities.
pub fn protect(text: &str, out: &mut String) {
    for c in text.chars() {
        let plain = !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, ' ' | '&' | '#' | ';');
        out.push(if plain { c } else { char::from_u32(PROTECTED + u32::from(c)).expect("plane 16 has room for ASCII") });
    }
}

/// The char that a protected one stands for.
pub fn unprotect(c: char) -> Option<char> {
    u32::from(c).checked_sub(PROTECTED).filter(|&ascii| ascii < 128).and_then(char::from_u32)
}

/// Text without marks, and with protected chars as they were.
pub fn plain(text: &str) -> String {
    text.chars().filter(|&c| !is_mark(c)).map(|c| unprotect(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protection_is_undone() {
        let text = "[[a]] '' <b> {{x}} &amp; 北京\n* -";
        let mut hidden = String::new();
        protect(text, &mut hidden);
        assert!(!hidden.contains(['[', '\'', '<', '{', '\n', '*', '-']));
        assert_eq!(plain(&hidden), text);
    }

    #[test]
    fn marks_in_a_page_are_replaced() {
        assert_eq!(clear("a\u{FDD2}b\u{10005B}c").as_deref(), Some("a\u{FFFD}b\u{FFFD}c"));
        assert_eq!(clear("ordinary 🎉 \u{F8FF}"), None);
    }
}
