//! Where `sentencex` would part a text, found without asking it about the whole text.
//!
//! What `sentencex` does takes most of its time to find what may hold no boundary: quotes, brackets, addresses, items of lists. In most
//! texts few of them are there, and no boundary lies near one. Then it is enough to ask it about each full stop, which depends on a few
//! words before and after alone. Where anything is there that could make a difference beyond that, nothing is said, and the caller asks
//! about the whole.

use std::ops::Range;

use sentencex::languages::{English, Language};

/// What a byte means for sentences.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A letter or anything else.
    Plain,
    /// `.`, `!` or `?`.
    Terminator,
    Opener,
    Closer,
    /// `"`.
    Quote,
    /// `'`.
    Apostrophe,
    /// The first byte of a char of which some matter.
    Lead,
    /// Ask about the whole.
    Unknown,
}

const KINDS: [Kind; 256] = {
    let mut kinds = [Kind::Plain; 256];
    // Scripts that end sentences in their own way. The other first bytes are those of letters alone.
    let mut byte = 0xdc;
    while byte < 256 {
        kinds[byte] = match byte {
            0xe4..=0xe9 | 0xeb..=0xed => Kind::Plain,
            _ => Kind::Unknown,
        };
        byte += 1;
    }
    (kinds[0xd6], kinds[0xd8], kinds[0xdb], kinds[0xe3]) = (Kind::Lead, Kind::Lead, Kind::Lead, Kind::Lead);
    (kinds[b'.' as usize], kinds[b'!' as usize], kinds[b'?' as usize]) = (Kind::Terminator, Kind::Terminator, Kind::Terminator);
    (kinds[b'(' as usize], kinds[b'[' as usize]) = (Kind::Opener, Kind::Opener);
    (kinds[b'{' as usize], kinds[b'<' as usize]) = (Kind::Opener, Kind::Opener);
    (kinds[b')' as usize], kinds[b']' as usize]) = (Kind::Closer, Kind::Closer);
    (kinds[b'}' as usize], kinds[b'>' as usize]) = (Kind::Closer, Kind::Closer);
    (kinds[b'"' as usize], kinds[b'\'' as usize]) = (Kind::Quote, Kind::Apostrophe);
    (kinds[b'`' as usize], kinds[b'@' as usize]) = (Kind::Unknown, Kind::Unknown);
    (kinds[b'\\' as usize], kinds[b'\n' as usize]) = (Kind::Unknown, Kind::Unknown);
    (kinds[0xc2], kinds[0xcd], kinds[0xe1], kinds[0xe2]) = (Kind::Lead, Kind::Unknown, Kind::Lead, Kind::Lead);
    kinds
};

/// So many bytes are looked at together.
const STRIDE: usize = 16;

/// Letters and what stands between them most: some of what is [`Kind::Plain`].
fn is_word(byte: u8) -> bool {
    ((byte | 0x20).wrapping_sub(b'a') < 26) | (byte.wrapping_sub(b'0') < 10) | (byte == b' ') | (byte == b',')
}

/// Room for what is found in a text, to be used for the next one.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    terminators: Vec<Range<usize>>,
    brackets: Vec<Range<usize>>,
    quotes: Vec<Range<usize>>,
    /// How many `"` there are.
    doubles: usize,
    /// How many `'`.
    singles: usize,
}

/// Whether a language ends its sentences as most do.
pub(super) fn knows(language: &dyn Language) -> bool {
    std::ptr::eq(language.get_sentence_break_regex(), English {}.get_sentence_break_regex())
}

/// Puts into `out` where sentences end before the end of `text`, in bytes. False where that cannot be told here.
pub(super) fn boundaries(language: &dyn Language, text: &str, scratch: &mut Scratch, out: &mut Vec<usize>) -> bool {
    out.clear();
    if !scratch.read(text) {
        return false;
    }
    for run in &scratch.terminators {
        let Some(boundary) = language.find_boundary(text, run.start, run.end).filter(|&boundary| boundary < text.len()) else { continue };
        let bracket = around(&scratch.brackets, boundary);
        let quote = around(&scratch.quotes, boundary).filter(|quote| bracket.is_none_or(|bracket| quote.start < bracket.start));
        let quote = quote.filter(|quote| !scratch.is_mispaired(language, text, quote, run));
        let boundary = match (quote, bracket) {
            // Of what stands in quotes only the end ends a sentence, after the mark.
            (Some(quote), _) => {
                let length = if text[quote.clone()].ends_with('”') { '”'.len_utf8() } else { 1 };
                let next = language.get_next_word_approx(text, quote.end);
                let extend = (boundary + length == quote.end).then(|| language.get_boundary_extend(next)).flatten();
                extend.map(|extend| quote.end + extend)
            }
            (None, Some(_)) => None,
            // A boundary moves behind the mark that ends a quote which began nowhere.
            _ if closes(&text[boundary..]) && !begins(&scratch.quotes, boundary) => return false,
            _ => Some(boundary),
        };
        out.extend(boundary.filter(|&boundary| boundary < text.len() && out.last().is_none_or(|&last| last < boundary)));
    }
    true
}

impl Scratch {
    /// Finds terminators, brackets and quotes; false where there is anything that is not known here.
    fn read(&mut self, text: &str) -> bool {
        self.terminators.clear();
        self.brackets.clear();
        self.quotes.clear();
        (self.doubles, self.singles) = (0, 0);
        let bytes = text.as_bytes();
        let (mut bracket, mut quote): (Option<usize>, Option<(usize, u8)>) = (None, None);
        // Whether a quote mark stood within an open quote.
        let mut inner = false;
        let mut markers = item(bytes);
        let mut at = 0;
        while at < bytes.len() {
            // No branch for each byte: the compiler makes one comparison of them all.
            if let Some(stride) = bytes.get(at..at + STRIDE)
                && stride.iter().fold(true, |all, &byte| all & is_word(byte))
            {
                at += STRIDE;
                continue;
            }
            // Then the byte that stopped it, most often within a few.
            if let Some(plain) = bytes[at..].iter().take(STRIDE).position(|&byte| KINDS[usize::from(byte)] != Kind::Plain) {
                at += plain;
            } else {
                at = bytes.len().min(at + STRIDE);
                continue;
            }
            let here = at;
            at += 1;
            match KINDS[usize::from(bytes[here])] {
                Kind::Plain => {}
                Kind::Terminator => {
                    while bytes.get(at).is_some_and(|&byte| KINDS[usize::from(byte)] == Kind::Terminator) {
                        at += 1;
                    }
                    if at < bytes.len() {
                        self.terminators.push(here..at);
                    }
                    // `. . .`
                    let blanks = bytes[at..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
                    if blanks > 0 && bytes.get(at + blanks).is_some_and(|&byte| KINDS[usize::from(byte)] == Kind::Terminator) {
                        return false;
                    }
                }
                Kind::Opener => bracket = bracket.or(Some(here)),
                Kind::Closer => {
                    markers += usize::from(bytes[here] == b')' && marker(bytes, here));
                    self.brackets.extend(bracket.take().map(|open| open..at));
                }
                Kind::Quote => {
                    self.doubles += 1;
                    match quote {
                        None => quote = Some((here, b'"')),
                        Some((open, b'"')) => {
                            self.quotes.push(open..at);
                            quote = None;
                        }
                        Some(_) => inner = true,
                    }
                }
                Kind::Apostrophe => {
                    self.singles += 1;
                    match (Apostrophe::at(text, here), quote) {
                        (Apostrophe::Within, _) => {}
                        (Apostrophe::Opens, None) => quote = Some((here, b'\'')),
                        (Apostrophe::Opens, Some((_, b'\''))) => {}
                        (Apostrophe::Opens, Some(_)) => inner = true,
                        (Apostrophe::Closes, Some((open, b'\''))) => {
                            self.quotes.push(open..at);
                            quote = None;
                        }
                        (Apostrophe::Closes, _) => {}
                        (Apostrophe::Unknown, _) => return false,
                    }
                }
                Kind::Lead => match (bytes[here], bytes[at], bytes.get(at + 1)) {
                    // Two-byte chars but « and ».
                    (0xc2, second, _) if second != 0xab && second != 0xbb => {}
                    // Letters of Vietnamese and of old Greek; kana and ideographs; Armenian, Arabic.
                    (0xe1, 0xb8.., _) | (0xe3, 0x81.., _) => {}
                    (0xd6, second, _) if second != 0x89 => {}
                    (0xd8, second, _) if !matches!(second, 0x9d..=0x9f) => {}
                    (0xdb, second, _) if second != 0x94 => {}
                    (0xe2, 0x80, Some(0x9c)) if quote.is_none() => quote = Some((here, 0x9d)),
                    (0xe2, 0x80, Some(0x9c)) => inner = true,
                    (0xe2, 0x80, Some(0x9d)) => match quote {
                        Some((open, 0x9d)) => {
                            self.quotes.push(open..at + 2);
                            quote = None;
                        }
                        Some(_) => inner = true,
                        None => {}
                    },
                    // Dashes, ’, daggers, primes; currencies; letter-like symbols, arrows, mathematics; planets and suits but no stars.
                    (0xe2, 0x80, Some(0x90..=0x95 | 0x99 | 0xa0 | 0xa1 | 0xb2 | 0xb3)) | (0xe2, 0x82 | 0x84..=0x8c | 0x99 | 0x9f, _) => {}
                    (0xe2, 0x98, Some(third)) if !matches!(third, 0x85 | 0x86) => {}
                    _ => return false,
                },
                Kind::Unknown => return false,
            }
        }
        markers < 2 && !(quote.is_some() && inner)
    }

    /// Whether a quote, in which a run of terminators ends a sentence, is taken for none: its marks are the same on both sides, and one of
    /// them stands in brackets, or one is left over and the sentence's end is beyond doubt.
    fn is_mispaired(&self, language: &dyn Language, text: &str, quote: &Range<usize>, run: &Range<usize>) -> bool {
        let marks = match text.as_bytes()[quote.start] {
            b'"' => self.doubles,
            b'\'' => self.singles,
            _ => return false,
        };
        let crosses = around(&self.brackets, quote.start) != around(&self.brackets, quote.end);
        crosses || marks % 2 == 1 && language.has_strong_sentence_break(text, run.start, run.end)
    }
}

/// What a `'` may be, by what stands beside it.
enum Apostrophe {
    /// That of `it's`.
    Within,
    /// It begins a quote, if one that may end it follows.
    Opens,
    /// That of `the boys'`, or the end of a quote.
    Closes,
    Unknown,
}

impl Apostrophe {
    fn at(text: &str, at: usize) -> Self {
        let (before, after) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
        // What begins a line may end with it, with other rules.
        if before.is_none() || before == Some('\'') || after == Some('\'') {
            return Self::Unknown;
        }
        match (is_in_word(before), is_in_word(after)) {
            (Some(true), Some(true)) => Self::Within,
            (Some(false), Some(true)) => Self::Opens,
            (Some(_), Some(false)) if !before.is_some_and(char::is_whitespace) => Self::Closes,
            _ => Self::Unknown,
        }
    }
}

/// Whether a char belongs to a word, where that is beyond doubt.
fn is_in_word(c: Option<char>) -> Option<bool> {
    match c {
        None | Some('–' | '—' | '”' | '“' | '’') => Some(false),
        Some(c) if c.is_ascii() => Some(c.is_ascii_alphanumeric() || c == '_'),
        Some(c) if c.is_alphabetic() => Some(true),
        Some(c) if c.is_whitespace() => Some(false),
        Some(_) => None,
    }
}

/// How many marks of items a text may begin with: 1 for one that needs another to be one (`1.`, `iv)`, `a)`), 2 for `(a)`.
fn item(bytes: &[u8]) -> usize {
    let start = bytes.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let (marks, rest) = match &bytes[start..] {
        [b'(', rest @ ..] => (2, rest),
        rest => (1, rest),
    };
    let (word, rest) = rest.split_at(rest.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count());
    let closed = matches!(rest, [b'.' | b')', b' ' | b'\t', ..] | [b'.', b')', ..]);
    marks * usize::from(closed && !word.is_empty() && numbers(word))
}

/// Whether a `)` may end the mark of an item within a text: `1)`, `iv)`, `a.)`, `(a)`, after a space and before another that no small letter
/// follows.
fn marker(bytes: &[u8], at: usize) -> bool {
    match &bytes[at + 1..] {
        [b' ' | b'\t', next, ..] if !next.is_ascii_lowercase() => {}
        _ => return false,
    }
    let before = bytes[..at].strip_suffix(b".").unwrap_or(&bytes[..at]);
    let word = before.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let (before, word) = before.split_at(before.len() - word);
    let before = before.strip_suffix(b"(").unwrap_or(before);
    !word.is_empty() && numbers(word) && before.last().is_none_or(|byte| matches!(byte, b' ' | b'\t'))
}

/// Whether a word may number an item: digits, a letter, a Roman number.
fn numbers(word: &[u8]) -> bool {
    let roman = |byte: &u8| matches!(byte.to_ascii_lowercase(), b'i' | b'v' | b'x' | b'l' | b'c' | b'd' | b'm');
    word.len() == 1 || word.iter().all(u8::is_ascii_digit) || word.iter().all(roman)
}

/// Whether a text begins with what can close a quote, of what is known here.
fn closes(text: &str) -> bool {
    text.starts_with(['"', '\'', '’', '”', '“'])
}

/// That of the ranges, which are in order and apart, in which a boundary lies.
fn around(ranges: &[Range<usize>], boundary: usize) -> Option<&Range<usize>> {
    let next = ranges.partition_point(|range| range.end <= boundary);
    ranges.get(next).filter(|range| range.start < boundary)
}

/// Whether one of the ranges begins at a boundary.
fn begins(ranges: &[Range<usize>], boundary: usize) -> bool {
    ranges.binary_search_by_key(&boundary, |range| range.start).is_ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of text, a bar between two.
    const PIECES: &str = concat!(
        " | | | |  |\t|. |. |! |? |.|!|?|...|. .|! .|, |; |: |(|)|[|]|<|>|{|\"|\" | \"|\".|.\"|'|''|'s|' | '| 'a|b' |.' |",
        "('|`|“|”|„|‘|’|«|»|–|—|…|•|−|€|@|a@b.com|\\|1|12|1.|1)|2)|(1)|(2)|(a)|a)|b)|b.)|iv)|ii.|(born 1894)|1894)|3.5|[1]|",
        " [2]|* |- |A|I|The|He|went|it|Dr|Mr|St|etc|e.g|U.S|J|Yahoo|e|p.m|Jan|No|Ö|ö|Кто|ł|ễ|ὀ|é|Ⅳ|→|π|\u{a0}|\u{2009}|☉|",
        "★|†|•|カ|강|ש|ع|؟|۔|հ|是|。|）|\u{37e}|։"
    );

    fn whole(language: &dyn Language, text: &str) -> Vec<usize> {
        let ends = language.segment(text).into_iter().scan(0, |end, sentence| {
            *end += sentence.len();
            Some(*end)
        });
        ends.filter(|&end| end < text.len()).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        /// What is told without asking about the whole is what `sentencex` says of it.
        #[test]
        fn it_is_what_the_library_says(pieces in prop::collection::vec(prop::sample::select(PIECES.split('|').collect::<Vec<_>>()), 1..24)) {
            let text = pieces.concat();
            let (mut scratch, mut found) = (Scratch::default(), Vec::new());
            for lang in ["en", "de", "fr", "es", "it", "nl", "pl", "pt", "ru", "uk", "fi", "da", "sk", "ca", "bg", "kk", "sv", "tr", "ja", "zh"] {
                let language = sentencex::language_factory(lang);
                if knows(&*language) && boundaries(&*language, &text, &mut scratch, &mut found) {
                    prop_assert_eq!(&found, &whole(&*language, &text), "{} {:?}", lang, text);
                }
            }
        }
    }

    #[test]
    fn most_texts_are_told() {
        let (mut scratch, mut found) = (Scratch::default(), Vec::new());
        let language = sentencex::language_factory("en");
        for (text, expected) in [
            ("Dr. Smith (born 1894) came. He left at 5 p.m. today.", &[28][..]),
            ("It's “over”, she said. \"Not yet\", he said. No!", &[27, 47]),
            ("She said \"No. Yes.\" Then \"why?\" he asked.", &[20]),
            ("It (no. C) ended. So", &[18]),
            ("A 'no. One' is. It's Bob's", &[16]),
            ("Bob's boys' 'no.' They say", &[18]),
            ("\"Go. Now\" he\" said", &[]),
            ("No end", &[]),
        ] {
            assert!(boundaries(&*language, text, &mut scratch, &mut found), "{text}");
            assert_eq!(found, expected, "{text}");
        }
        for text in ["Well. ' A", "1. One 2) Two", "a) One b) Two", "Go.\" Now", "是。否", "One.\nTwo"] {
            assert!(!boundaries(&*language, text, &mut scratch, &mut found), "{text}");
        }
        assert!(!knows(&*sentencex::language_factory("el")));
    }
}
