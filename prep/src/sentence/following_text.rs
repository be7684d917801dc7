//! The text after a terminator: what decides whether it begins a sentence.

/// What the text after a terminator begins with, behind white space, opening quotes, brackets and dashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstChar {
    Upper,
    Lower,
    Digit,
    /// A letter of a script without capitals.
    Uncased,
    /// A comma, colon or semicolon.
    Continuing,
    /// A closing quote or bracket.
    Closing,
    /// The end of the text, or another sign.
    Nothing,
}

/// The text after a terminator.
#[derive(Debug)]
pub(super) struct FollowingText<'t> {
    /// Where the next sentence begins, if one does: behind white space, or right behind citations, `[12]`.
    pub start: usize,
    /// The text from its first letter or digit.
    pub word: &'t str,
    pub first: FirstChar,
    /// Whether neither white space nor a citation comes first.
    pub is_glued: bool,
}

impl<'t> FollowingText<'t> {
    /// The text at byte `end`.
    pub fn at(text: &'t str, end: usize) -> Self {
        let mut cited = end;
        while let Some(length) = citation_length(&text[cited..]) {
            cited += length;
        }
        let rest = text[cited..].trim_start();
        let is_spaced = cited > end || rest.len() < text.len() - end;
        let start = if cited > end { cited } else { text.len() - rest.len() };
        let found = |first, word| Self { start, word, first, is_glued: !is_spaced };
        match rest.chars().next() {
            None => return found(FirstChar::Nothing, rest),
            Some(',' | ';' | ':' | '，' | '、' | '；' | '：' | '،' | '؛') => return found(FirstChar::Continuing, rest),
            Some(c) if is_closing(c) || (!is_spaced && matches!(c, '"' | '\'' | '“')) => return found(FirstChar::Closing, rest),
            Some(_) => {}
        }
        let word = rest.trim_start_matches(|c: char| c.is_whitespace() || is_opening(c));
        let mut chars = word.chars();
        let first = match chars.next() {
            Some(c) if c.is_numeric() => FirstChar::Digit,
            // `iPhone` begins sentences.
            Some(c) if is_lower(c) => {
                if c.is_ascii() && chars.next().is_some_and(char::is_uppercase) {
                    FirstChar::Upper
                } else {
                    FirstChar::Lower
                }
            }
            Some(c) if c.is_uppercase() => FirstChar::Upper,
            Some(c) if c.is_alphabetic() => FirstChar::Uncased,
            _ => FirstChar::Nothing,
        };
        found(first, word)
    }

    /// The text behind the closing marks that follow byte `end`.
    pub fn behind_closing(text: &'t str, end: usize) -> Self {
        let rest = text[end..].trim_start_matches(|c: char| c.is_whitespace() || is_closing(c) || matches!(c, '"' | '\'' | '“'));
        Self::at(text, text.len() - rest.len())
    }

    /// Whether the text cannot begin a sentence.
    pub fn continues(&self) -> bool {
        matches!(self.first, FirstChar::Lower | FirstChar::Continuing)
    }

    /// Whether the text begins with an ordinal of at most two digits, as the parts of a date.
    pub fn is_short_ordinal(&self) -> bool {
        let rest = self.word.trim_start_matches(char::is_numeric);
        rest.starts_with('.') && self.first_word().chars().count() <= 2
    }

    /// The letters and digits that the text begins with.
    pub fn first_word(&self) -> &'t str {
        let end = self.word.find(|c: char| !c.is_alphanumeric()).unwrap_or(self.word.len());
        &self.word[..end]
    }
}

/// Length of a number in square brackets, with the white space before it, at the start of a text.
fn citation_length(text: &str) -> Option<usize> {
    let rest = text.trim_start().strip_prefix('[')?;
    let after = rest.trim_start_matches(char::is_numeric);
    let closed = after.strip_prefix(']').filter(|_| after.len() < rest.len())?;
    Some(text.len() - closed.len())
}

/// Whether a char ends sentences in some script.
pub(super) fn is_terminator(c: char) -> bool {
    matches!(c, '.' | '!' | '?' | '…' | '。' | '！' | '？' | '।' | '॥' | '؟' | '۔' | '։' | '።' | '။' | '។' | '．' | '｡')
}

/// Whether a letter is small, in a script that has capitals. Georgian uses small letters only.
pub(super) fn is_lower(c: char) -> bool {
    c.is_lowercase() && !matches!(c, 'ª' | 'º' | '\u{10d0}'..='\u{10ff}')
}

fn is_closing(c: char) -> bool {
    matches!(c, '”' | '’' | '»' | '›' | '」' | '』' | '》' | '〉' | '）' | ')' | ']' | '】' | '}')
}

fn is_opening(c: char) -> bool {
    matches!(
        c,
        '"' | '\''
            | '“'
            | '‘'
            | '„'
            | '‚'
            | '«'
            | '‹'
            | '('
            | '（'
            | '['
            | '{'
            | '《'
            | '〈'
            | '「'
            | '『'
            | '【'
            | '¿'
            | '¡'
            | '–'
            | '—'
            | '-'
    )
}
