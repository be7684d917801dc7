//! Page titles: decoding of link targets, normalization, and short forms.

use std::borrow::Cow;

use super::markers::{FIRST_MARKER_BYTE, without_markers};

/// Longest title in bytes of UTF-8, without its namespace prefix (MediaWiki's own limit).
pub(super) const MAX_TITLE_BYTES: usize = 255;

/// A link target as plain text: entities and `%xx` decoded, markers and marks of writing direction removed.
pub(super) fn decode_target(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(may_need_decoding) {
        return Cow::Borrowed(raw);
    }
    let text = without_markers(raw);
    let text = html_escape::decode_html_entities(&text);
    let mut text = percent_decode(&text).into_owned();
    text.retain(|c| !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'));
    Cow::Owned(text)
}

/// Whether a byte may begin a marker, a protected char, a mark of writing direction, an entity, or a percent escape.
pub(super) const fn may_need_decoding(byte: u8) -> bool {
    byte >= FIRST_MARKER_BYTE || matches!(byte, b'&' | b'%' | 0xe2)
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
    // If the result is not UTF-8, the percent signs were not escapes.
    String::from_utf8(decoded).map_or(Cow::Borrowed(text), Cow::Owned)
}

/// Whether decoded text still contains `%xx` or an entity.
pub(super) fn has_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    let percent = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let entity = |at: usize| {
        let name = text[at + 1..].split(';').next().unwrap_or_default();
        let digits = name.strip_prefix('#').map_or(name, |number| number.strip_prefix(['x', 'X']).unwrap_or(number));
        at + 1 + name.len() < text.len() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80)
    };
    memchr::memchr_iter(b'%', bytes).any(percent) || memchr::memchr_iter(b'&', bytes).any(entity)
}

/// A title with single spaces and without underscores.
pub(super) fn collapse_spaces(title: &str) -> String {
    // Most titles are in this form already.
    if is_single_spaced(title, |byte| byte.is_ascii_graphic() && byte != b'_') {
        return title.to_owned();
    }
    title.split(|c: char| c == '_' || c.is_whitespace()).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What a wiki does to the first letter of a title.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum FirstLetter {
    /// It is put in upper case.
    #[default]
    Upper,
    /// It is put in upper case, in which `i` keeps its dot: `İ`.
    UpperDottedI,
    /// It stays as written.
    AsWritten,
}

/// The canonical form of a title without its namespace: single spaces, no underscores, first letter as the wiki wants it.
pub(super) fn normalize_title(title: &str, first_letter: FirstLetter) -> String {
    let mut title = collapse_spaces(title);
    if first_letter == FirstLetter::AsWritten {
        return title;
    }
    if first_letter == FirstLetter::UpperDottedI && title.starts_with('i') {
        title.replace_range(..1, "İ");
        return title;
    }
    if title.as_bytes().first().is_none_or(u8::is_ascii) {
        title.get_mut(..1).iter_mut().for_each(|first| first.make_ascii_uppercase());
        return title;
    }
    let mut chars = title.chars();
    match chars.next().and_then(upper_case) {
        Some(first) => format!("{first}{}", chars.as_str()),
        None => title,
    }
}

/// The upper case of a letter that is not ASCII, as MediaWiki has it; `None` if the letter stays as it is.
fn upper_case(letter: char) -> Option<char> {
    match letter {
        // Georgian letters stay as they are, although Unicode has upper-case ones.
        '\u{10d0}'..='\u{10ff}' => None,
        // Greek letters with an iota below have a single upper-case letter beside the one that Unicode prefers, which is two letters.
        '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}' => char::from_u32(u32::from(letter) + 8),
        '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}' => char::from_u32(u32::from(letter) + 9),
        // A letter such as ß, whose upper case has several letters, stays as it is, and so does a digraph in title case, such as ǅ.
        _ => {
            let mut upper = letter.to_uppercase();
            let first = upper.next().filter(|_| letter.is_lowercase());
            first.filter(|_| upper.next().is_none())
        }
    }
}

/// A title without its disambiguator: `Paris` for `Paris (Texas)`. A title that consists of a parenthesis only stays as it is.
pub fn strip_disambiguator(title: &str) -> &str {
    let bare = title.strip_suffix([')', '）']).and_then(|title| title.rsplit_once(['(', '（']));
    bare.map(|(bare, _)| bare.trim_end()).filter(|bare| !bare.is_empty()).unwrap_or(title)
}

/// The text of `[[title|]]` (the pipe trick): the title without its prefix, and without a parenthesis at the end or else without the part
/// after the first comma. `[[Help:Arden (city)|]]` and `[[Arden, Ohio|]]` show "Arden".
pub(super) fn pipe_trick(title: &str) -> &str {
    let is_prefix = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-') || !c.is_ascii();
    let title = title.split_once(':').filter(|(prefix, _)| prefix.chars().all(is_prefix)).map_or(title, |(_, rest)| rest).trim();
    let bare = without_parenthesis(title).or_else(|| {
        let (before, _) = [", ", "，", "、"].iter().filter_map(|comma| title.split_once(comma)).min_by_key(|(before, _)| before.len())?;
        Some(without_parenthesis(before).unwrap_or(before))
    });
    bare.unwrap_or(title).trim_matches(|c: char| c == '_' || c.is_whitespace())
}

/// A title without the parenthesis at its end, if it has one and something before it.
fn without_parenthesis(title: &str) -> Option<&str> {
    let open = if title.ends_with(')') { title.find('(') } else { title.strip_suffix('）').and_then(|title| title.find('（')) };
    open.map(|open| title[..open].trim_end()).filter(|bare| !bare.is_empty())
}

/// Whether a text consists of accepted bytes and single spaces between them, with no space at either end.
pub(crate) fn is_single_spaced(text: &str, is_word: impl Fn(u8) -> bool) -> bool {
    let mut after_space = true;
    let spaced = text.bytes().all(|byte| {
        let (space, after) = (byte == b' ', after_space);
        after_space = space;
        if space { !after } else { is_word(byte) }
    });
    spaced && !text.ends_with(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_normalized() {
        for (title, expected) in [
            ("cat", "Cat"),
            ("new_york  City", "New york City"),
            ("éa", "Éa"),
            ("eé", "Eé"),
            ("a__b c", "A b c"),
            ("北京", "北京"),
            ("ßx", "ßx"),
            ("თბილისი", "თბილისი"),
            ("ǆep", "Ǆep"),
            ("ǅep", "ǅep"),
            ("ᾳδω", "ᾼδω"),
            ("ilçe", "Ilçe"),
            ("ırmak", "Irmak"),
            ("", ""),
        ] {
            assert_eq!(normalize_title(title, FirstLetter::Upper), expected);
        }
        assert_eq!(normalize_title("ilçe_a", FirstLetter::UpperDottedI), "İlçe a");
        assert_eq!(normalize_title("ırmak", FirstLetter::UpperDottedI), "Irmak");
        assert_eq!(normalize_title("building_a", FirstLetter::AsWritten), "building a");
    }

    #[test]
    fn disambiguators_are_stripped() {
        for (title, expected) in [
            ("Paris (Texas)", "Paris"),
            ("北京（消歧义）", "北京"),
            ("Paris", "Paris"),
            ("(What's the Story) Morning Glory?", "(What's the Story) Morning Glory?"),
            ("(1) Ceres (planet)", "(1) Ceres"),
            ("(…)", "(…)"),
        ] {
            assert_eq!(strip_disambiguator(title), expected);
        }
    }

    #[test]
    fn targets_are_decoded_once() {
        for (raw, decoded, still_escaped) in [
            ("Caf%C3%A9", "Café", false),
            ("AT&amp;T", "AT&T", false),
            ("100%", "100%", false),
            ("a%FFb", "a%FFb", true),
            ("%2541", "%41", true),
            ("&amp;lt;", "&lt;", true),
            ("\u{200e}Foo\u{FDD1}", "Foo", false),
        ] {
            assert_eq!(decode_target(raw), decoded);
            assert_eq!(has_escape(decoded), still_escaped, "{decoded}");
        }
    }
}
