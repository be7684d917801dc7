//! List items inside a text: `1) one 2) two`. Where they begin is decided as `sentencex` does, in linear time.

/// Chars that mark list items.
const BULLETS: &[char] = &['•', '◦', '▪', '▫', '■', '□', '●', '○', '⁃', '⁌', '⁍', '◆', '◇', '★', '☆', '➤', '➢', '➣', '▶', '▸', '►'];

/// Fewest bytes from one marker to the next one of its kind. Closer ones, as in `e. e. cummings`, are no list items.
const MIN_DISTANCE: usize = 4;

/// Kinds of markers. The items of a text have markers of one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// `•`, `(1)`, `(a)`, `(iv)`
    Certain,
    /// `*`, `+`, `-`
    Dash,
    /// `1.`, `1)`, `1.)`
    Number,
    /// `a)`, `a.)`
    LetterWithBracket,
    /// `a.`
    LetterWithStop,
    /// `ii.`, `ii)`, `ii.)`
    Roman,
}

/// The kinds of which a text needs two, in the order that decides between equally frequent ones.
const UNCERTAIN: [Kind; 5] = [Kind::Dash, Kind::Number, Kind::LetterWithBracket, Kind::LetterWithStop, Kind::Roman];

/// A marker that may begin a list item.
struct Marker {
    at: usize,
    kind: Kind,
    /// Whether it is a letter that may be a Roman number.
    may_be_roman: bool,
}

/// Where list items begin in a text without line feeds, ascending.
pub(super) fn find_list_items(text: &str) -> Vec<usize> {
    let mut markers = find_markers(text);
    if markers.iter().any(|marker| marker.kind == Kind::Roman) {
        markers.iter_mut().filter(|marker| marker.may_be_roman).for_each(|marker| marker.kind = Kind::Roman);
    }
    let mut last: [Option<usize>; 6] = [None; 6];
    markers.retain(|marker| {
        let last = &mut last[marker.kind as usize];
        let is_kept = last.is_none_or(|last| marker.at - last >= MIN_DISTANCE);
        *last = if is_kept { Some(marker.at) } else { *last };
        is_kept
    });
    let count = |kind| markers.iter().filter(|marker| marker.kind == kind).count();
    let first = |kind| markers.iter().position(|marker| marker.kind == kind);
    // One certain marker suffices at the start.
    let is_certain = count(Kind::Certain) >= 2 || markers.iter().any(|marker| marker.at == 0 && marker.kind == Kind::Certain);
    let kind = if is_certain {
        Some(Kind::Certain)
    } else {
        UNCERTAIN.into_iter().filter(|&kind| count(kind) >= 2).max_by_key(|&kind| (count(kind), std::cmp::Reverse(first(kind))))
    };
    markers.into_iter().filter(|marker| Some(marker.kind) == kind).map(|marker| marker.at).collect()
}

/// All markers: at the start of the text, whatever blanks are before it, and after blanks.
fn find_markers(text: &str) -> Vec<Marker> {
    let mut markers = Vec::new();
    let bytes = text.as_bytes();
    let skip_blanks = |at: usize| at + bytes[at..].iter().take_while(|byte| is_blank(**byte)).count();
    let start = skip_blanks(0);
    if let Some((kind, length)) = marker_at_start(&bytes[start..])
        && next_char(&text[start + length..]).is_some()
    {
        markers.push(Marker { at: 0, kind, may_be_roman: may_be_roman(kind, bytes[start]) });
    }
    // Without a bracket or the first byte of a bullet, nothing after blanks is a marker.
    if memchr::memchr2(b')', 0xe2, &bytes[start..]).is_none() {
        return markers;
    }
    let mut at = start;
    while let Some(blank) = memchr::memchr2(b' ', b'\t', &bytes[at..]) {
        at = skip_blanks(at + blank);
        let Some((kind, length)) = marker_at_start(&bytes[at..]) else { continue };
        // A full stop may end a sentence here, and dashes join words.
        let is_bare = bytes[at + length - 1] == b'.' && matches!(kind, Kind::Number | Kind::LetterWithStop | Kind::Roman);
        let is_lower_case = next_char(&text[at + length..]).is_none_or(char::is_lowercase);
        if !is_bare && !is_lower_case && kind != Kind::Dash {
            markers.push(Marker { at, kind, may_be_roman: may_be_roman(kind, bytes[at]) });
        }
    }
    markers
}

/// The kind and length of the marker that a text begins with.
fn marker_at_start(bytes: &[u8]) -> Option<(Kind, usize)> {
    let word = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let with_closer = |kind, length: usize| closer_length(&bytes[length..]).map(|closer| (kind, length + closer));
    match *bytes {
        [0xe2, second, third, ..] => {
            let bullet = std::str::from_utf8(&[0xe2, second, third]).is_ok_and(|c| c.starts_with(BULLETS));
            bullet.then_some((Kind::Certain, 3))
        }
        [b'(', ref rest @ ..] => {
            let inner = &rest[..word(rest)];
            let is_number = matches!(inner.len(), 1 | 2) && inner.iter().all(u8::is_ascii_digit);
            let is_letter = inner.len() == 1 && inner[0].is_ascii_alphabetic();
            let is_roman = !inner.is_empty() && inner.iter().all(|&byte| is_roman(byte));
            let is_closed = rest.get(inner.len()) == Some(&b')');
            (is_closed && (is_number || is_letter || is_roman)).then_some((Kind::Certain, inner.len() + 2))
        }
        [b'*' | b'+' | b'-', ..] => Some((Kind::Dash, 1)),
        [first, ..] if first.is_ascii_digit() => with_closer(Kind::Number, bytes.iter().take_while(|byte| byte.is_ascii_digit()).count()),
        [first, ref rest @ ..] if first.is_ascii_alphabetic() => {
            let roman = bytes.iter().take_while(|byte| is_roman(**byte)).count();
            let roman = if roman >= 2 { with_closer(Kind::Roman, roman) } else { None };
            roman.or(match *rest {
                [b')', ..] => Some((Kind::LetterWithBracket, 2)),
                [b'.', b')', ..] => Some((Kind::LetterWithBracket, 3)),
                [b'.', ..] if first.is_ascii_lowercase() => Some((Kind::LetterWithStop, 2)),
                _ => None,
            })
        }
        _ => None,
    }
}

/// Length of `.`, `)` or `.)` at the start of a text.
fn closer_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'.', b')', ..] => Some(2),
        [b'.' | b')', ..] => Some(1),
        _ => None,
    }
}

/// The char after the blanks that follow a marker; `None` where no blank or no char follows.
fn next_char(after_marker: &str) -> Option<char> {
    let rest = after_marker.trim_start_matches([' ', '\t']);
    if rest.len() < after_marker.len() { rest.chars().next() } else { None }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn is_roman(byte: u8) -> bool {
    matches!(byte.to_ascii_lowercase(), b'i' | b'v' | b'x' | b'l' | b'c' | b'd' | b'm')
}

fn may_be_roman(kind: Kind, first: u8) -> bool {
    matches!(kind, Kind::LetterWithBracket | Kind::LetterWithStop) && is_roman(first)
}
