//! Marker characters: chars that carry structure from one pass to the next inside the text.
//!
//! They are noncharacters of Unicode (U+FDD0…), reserved for internal use, and chars of the private plane 16: protected ASCII chars, and
//! the numbers of conversion rules and unknown templates. A page that contains such chars gets U+FFFD in their place before the first pass, so a marker in the
//! text always comes from a pass.

/// Something was removed here. Words on both sides must not join.
pub const GAP: char = '\u{FDD0}';
/// Separates syntax and shows nothing, as `<nowiki/>` does.
pub const SYNTAX_BREAK: char = '\u{FDD1}';
/// Start of an anchor. The n-th such marker belongs to the n-th link target.
pub const ANCHOR_OPEN: char = '\u{FDD2}';
/// End of an anchor.
pub const ANCHOR_CLOSE: char = '\u{FDD3}';
/// A line break, or the start or end of an HTML block.
pub const BLOCK_BREAK: char = '\u{FDD4}';
/// Start of an HTML list item.
pub const LIST_ITEM: char = '\u{FDD5}';
/// Start of text that is not converted between scripts.
pub const UNCONVERTED_OPEN: char = '\u{FDD6}';
/// End of text that is not converted between scripts.
pub const UNCONVERTED_CLOSE: char = '\u{FDD7}';
/// At the start of a line: the line is the caption of a picture.
pub const CAPTION: char = '\u{FDD8}';
/// At the start of a line: the line is a table cell.
pub const TABLE_CELL: char = '\u{FDD9}';
/// What was removed here was inline: a line that holds nothing else does not end the paragraph.
pub const INLINE_GAP: char = '\u{FDDA}';

/// No marker or protected char has a lower first byte in UTF-8: noncharacters begin with EF, plane 16 with F4.
pub const FIRST_MARKER_BYTE: u8 = 0xef;

/// Protected ASCII chars begin here.
const PROTECTED: u32 = 0x10_0000;
/// Markers of conversion rules begin here.
const RULES: u32 = PROTECTED + 128;
/// Most conversion rules of a page. Further ones are ignored, because every change of the active rules costs time.
const MAX_RULES: u32 = 1000;
/// Markers of unknown templates begin here, and take the rest of plane 16.
const HOLES: u32 = RULES + MAX_RULES;
/// The last char of plane 16 that is not a noncharacter.
const LAST_HOLE: u32 = 0x10_FFFD;

/// Whether a char is a marker. Protected chars are not markers.
pub fn is_marker(c: char) -> bool {
    matches!(c, '\u{FDD0}'..='\u{FDDA}') || (RULES..=LAST_HOLE).contains(&u32::from(c))
}

/// The marker from which on a conversion rule of the page is active; `None` beyond the maximum of 1000 rules.
pub fn rule_marker(number: usize) -> Option<char> {
    u32::try_from(number).ok().filter(|&number| number < MAX_RULES).and_then(|number| char::from_u32(RULES + number))
}

/// The number of the conversion rule that a marker stands for.
pub fn rule_number(c: char) -> Option<usize> {
    u32::from(c).checked_sub(RULES).filter(|&number| number < MAX_RULES).map(|number| number as usize)
}

/// The marker of a place where the unknown template with this number vanished; `None` beyond the maximum of some 64,000.
pub fn hole_marker(number: usize) -> Option<char> {
    let code = u32::try_from(number).ok()?.checked_add(HOLES)?;
    char::from_u32(code).filter(|_| code <= LAST_HOLE)
}

/// The number of the unknown template that vanished at a marker.
pub fn hole_number(c: char) -> Option<usize> {
    u32::from(c).checked_sub(HOLES).filter(|&number| number <= LAST_HOLE - HOLES).map(|number| number as usize)
}

/// The text with U+FFFD for each char that could be mistaken for a marker; `None` if there is none.
pub fn replace_markers(text: &str) -> Option<String> {
    // Noncharacters begin with EF B7, plane 16 with F4.
    let bytes = text.as_bytes();
    let suspect = memchr::memchr(0xf4, bytes).is_some() || memchr::memmem::find(bytes, &[0xef, 0xb7]).is_some();
    let is_reserved = |c: char| is_marker(c) || (PROTECTED..RULES).contains(&u32::from(c));
    (suspect && text.chars().any(is_reserved)).then(|| text.chars().map(|c| if is_reserved(c) { '\u{FFFD}' } else { c }).collect())
}

/// Appends text so that later passes see no syntax in it: ASCII punctuation and line feeds are protected. Entities stay entities.
pub fn protect(text: &str, out: &mut String) {
    for c in text.chars() {
        let plain = !c.is_ascii() || c.is_ascii_alphanumeric() || matches!(c, ' ' | '&' | '#' | ';');
        out.push(if plain { c } else { char::from_u32(PROTECTED + u32::from(c)).expect("plane 16 has room for ASCII") });
    }
}

/// The char that a protected char stands for.
pub fn unprotect(c: char) -> Option<char> {
    u32::from(c).checked_sub(PROTECTED).filter(|&ascii| ascii < 128).and_then(char::from_u32)
}

/// The text without markers, and with protected chars restored.
pub fn without_markers(text: &str) -> String {
    text.chars().filter(|&c| !is_marker(c)).map(|c| unprotect(c).unwrap_or(c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protected_text_is_restored() {
        let text = "[[a]] '' <b> {{x}} &amp; 北京\n* -";
        let mut protected = String::new();
        protect(text, &mut protected);
        assert!(!protected.contains(['[', '\'', '<', '{', '\n', '*', '-']));
        assert_eq!(without_markers(&protected), text);
    }

    #[test]
    fn markers_in_a_page_are_replaced() {
        assert_eq!(replace_markers("a\u{FDD2}b\u{10005B}c").as_deref(), Some("a\u{FFFD}b\u{FFFD}c"));
        assert_eq!(replace_markers("ordinary 🎉 \u{F8FF}"), None);
    }
}
