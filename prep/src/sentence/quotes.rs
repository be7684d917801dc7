//! Quotes: which quote marks belong together. Pairs are those of `sentencex`, found in linear time also where marks are not paired.

use std::ops::Range;

use regex_syntax::is_word_character;

/// Marks that both open and close quotes.
pub(super) const SYMMETRIC_MARKS: [&str; 8] = ["``", "''", "`", "'", "\"", "‚", "‛", "‟"];

/// The index of the backquote in [`SYMMETRIC_MARKS`].
pub(super) const BACKQUOTE: usize = 2;

/// Marks that close quotes, longest first.
pub(super) const CLOSING_MARKS: [&str; 18] =
    ["’", "‚", "”", "‛", "“", "‟", "›", "》", "」", "』", "〉", "''", "``", "»", "«", "'", "`", "\""];

/// A single char that opens quotes, and the mark that closes them.
const PAIRS: [(char, &str); 14] = [
    ('"', "\""),
    ('«', "»"),
    ('‘', "’"),
    ('‚', "‚"),
    ('“', "”"),
    ('‛', "‛"),
    ('„', "“"),
    ('»', "«"),
    ('‟', "‟"),
    ('‹', "›"),
    ('《', "》"),
    ('「', "」"),
    ('『', "』"),
    ('〈', "〉"),
];

/// All quotes of a text.
#[derive(Default)]
pub(super) struct Quotes {
    /// Quotes whose marks touch their words, ascending.
    pub tight: Vec<Range<usize>>,
    /// Quotes in backquotes or in apostrophes that have spaces on both sides, `' like this '`, ascending. Other quotes may lie inside.
    pub spaced: [Vec<Range<usize>>; 2],
}

impl Quotes {
    /// Finds the quotes of a text without line feeds.
    pub fn find(text: &str) -> Self {
        let tight = find_tight(text);
        let mut index = QuoteIndex::default();
        tight.iter().for_each(|quote| index.push(quote));
        let spaced = ['`', '\''].map(|mark| find_spaced(text, mark, &mut index));
        Self { tight, spaced }
    }
}

/// Finds quotes from left to right: the first mark that is closed opens one, and the next begins after it.
fn find_tight(text: &str) -> Vec<Range<usize>> {
    let mut closers = Closers::new(text);
    let mut quotes = Vec::new();
    let mut at = 0;
    // First bytes of marks.
    let is_lead = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`' | 0xc2 | 0xe2 | 0xe3);
    while let Some(found) = text.as_bytes()[at..].iter().position(is_lead) {
        let open = at + found;
        at = match closers.end_of_quote(open) {
            Some(end) => {
                quotes.push(open..end);
                end
            }
            None => open + text[open..].chars().next().map_or(1, char::len_utf8),
        };
    }
    quotes
}

/// Finds closing marks of quotes that are looked up in ascending order.
struct Closers<'t> {
    text: &'t str,
    /// The closing marks of [`PAIRS`].
    single: [NextMark<'t>; 14],
    backquotes: NextMark<'t>,
    apostrophes: NextMark<'t>,
    /// A backquote and an apostrophe that touch a word before them and none after them.
    after_word: [NextMark<'t>; 2],
}

impl<'t> Closers<'t> {
    fn new(text: &'t str) -> Self {
        let mark = |mark, after_word| NextMark { text, mark, after_word, found: None };
        Self {
            text,
            single: PAIRS.map(|(_, close)| mark(close, false)),
            backquotes: mark("``", false),
            apostrophes: mark("''", false),
            after_word: [mark("`", true), mark("'", true)],
        }
    }

    /// The end of the quote that a mark at `open` opens.
    fn end_of_quote(&mut self, open: usize) -> Option<usize> {
        let rest = &self.text[open..];
        let first = rest.chars().next()?;
        if let Some(pair) = PAIRS.iter().position(|&(mark, _)| mark == first) {
            return self.single[pair].end(open + first.len_utf8());
        }
        if !matches!(first, '`' | '\'') {
            return None;
        }
        let is_double = rest[1..].starts_with(first);
        let opens_word = || {
            let before = self.text[..open].chars().next_back();
            !before.is_some_and(is_word_character) && rest[1..].chars().next().is_some_and(is_word_character)
        };
        // A mark at the start of the text and one at its end are a quote too.
        let at_ends = |mark: char| (open == 0 && rest.len() > 2 && rest.ends_with(mark)).then_some(rest.len());
        let (from, opens_word) = (open + 2, opens_word());
        let [backquote, apostrophe] = &mut self.after_word;
        // Backquotes are closed by apostrophes or by backquotes, apostrophes by apostrophes.
        if first == '`' {
            let double = if is_double { self.apostrophes.end(from).or_else(|| self.backquotes.end(from)) } else { None };
            let single = || if opens_word { apostrophe.end(from).or_else(|| backquote.end(from)) } else { None };
            double.or_else(single).or_else(|| at_ends('\'')).or_else(|| at_ends('`'))
        } else {
            let double = if is_double { self.apostrophes.end(from) } else { None };
            let single = || if opens_word { apostrophe.end(from) } else { None };
            double.or_else(single).or_else(|| at_ends('\''))
        }
    }
}

/// The next place of a mark, looked up in ascending order, so that each part of the text is searched once.
struct NextMark<'t> {
    text: &'t str,
    mark: &'static str,
    /// Whether only marks count that touch a word before them and none after them.
    after_word: bool,
    /// What the last look-up found.
    found: Option<Option<usize>>,
}

impl NextMark<'_> {
    /// The end of the first such mark at or after an offset.
    fn end(&mut self, from: usize) -> Option<usize> {
        let at = match self.found {
            Some(None) => None,
            Some(Some(at)) if at >= from => Some(at),
            _ => *self.found.insert(self.search(from)),
        };
        at.map(|at| at + self.mark.len())
    }

    fn search(&self, from: usize) -> Option<usize> {
        let rest = self.text.as_bytes().get(from..)?;
        let ends_word = |&at: &usize| {
            let (before, after) = self.text.split_at(at);
            let before = before.chars().next_back().filter(|c| !c.is_whitespace() && !self.mark.starts_with(*c));
            before.is_some() && !after[self.mark.len()..].chars().next().is_some_and(is_word_character)
        };
        memchr::memmem::find_iter(rest, self.mark).map(|at| from + at).find(|at| !self.after_word || ends_word(at))
    }
}

/// Finds pairs of a mark of which the first one has white space on both sides, `' like this '`. Adds them to the index.
fn find_spaced(text: &str, mark: char, index: &mut QuoteIndex) -> Vec<Range<usize>> {
    let mut quotes = Vec::new();
    let Ok(byte) = u8::try_from(mark) else { return quotes };
    let mut pending: Option<usize> = None;
    for at in memchr::memchr_iter(byte, text.as_bytes()) {
        if !index.may_be_mark(text, at, 1) {
            continue;
        }
        pending = match pending {
            Some(open) if is_spaced(text, open) && !is_second_opener(text, open, at, byte, index) => {
                let quote = open..at + 1;
                index.push(&quote);
                quotes.push(quote);
                None
            }
            _ => Some(at),
        };
    }
    quotes
}

/// Whether a mark of one byte has white space after it, and before it white space or nothing.
fn is_spaced(text: &str, at: usize) -> bool {
    let (before, after) = (text[..at].chars().next_back(), text[at + 1..].chars().next());
    before.is_none_or(char::is_whitespace) && after.is_some_and(char::is_whitespace)
}

/// Whether a mark that could close a quote rather opens another one: a sentence ends between the marks, another begins after the second
/// one, and the second one is closed before a sentence ends.
fn is_second_opener(text: &str, open: usize, at: usize, byte: u8, index: &QuoteIndex) -> bool {
    let closes = |next: &usize| index.may_be_mark(text, *next, 1);
    let next = || memchr::memchr_iter(byte, &text.as_bytes()[at + 1..]).map(|next| at + 1 + next).find(closes);
    begins_sentence(text, at + 1)
        && may_end_sentence(&text[open + 1..at])
        && is_spaced(text, at)
        && next().is_some_and(|next| !may_end_sentence(&text[at + 1..next]))
}

/// Whether blanks and an ASCII capital follow.
pub(super) fn begins_sentence(text: &str, from: usize) -> bool {
    let rest = &text[from..];
    let word = rest.trim_start_matches([' ', '\t']);
    word.len() < rest.len() && word.starts_with(|c: char| c.is_ascii_uppercase())
}

/// Whether a text contains a full stop before blanks and an ASCII capital.
fn may_end_sentence(text: &str) -> bool {
    memchr::memchr_iter(b'.', text.as_bytes()).any(|at| begins_sentence(text, at + 1))
}

/// Tells whether an offset lies in a quote. It gives `sentencex`'s answer: a binary search of ranges that need not be sorted.
#[derive(Default)]
pub(super) struct QuoteIndex {
    starts: Vec<usize>,
    /// For each range, the last end of a quote up to it.
    last_ends: Vec<usize>,
}

impl QuoteIndex {
    /// Adds a quote.
    pub fn push(&mut self, quote: &Range<usize>) {
        self.push_other(quote.start);
        if let Some(last) = self.last_ends.last_mut() {
            *last = quote.end.max(*last);
        }
    }

    /// Adds a range that is no quote.
    pub fn push_other(&mut self, start: usize) {
        self.last_ends.push(self.last_ends.last().copied().unwrap_or_default());
        self.starts.push(start);
    }

    /// Whether the mark of so many bytes at an offset may be a quote mark: it lies in no quote and is no apostrophe inside a word.
    pub fn may_be_mark(&self, text: &str, at: usize, length: usize) -> bool {
        let until = self.starts.partition_point(|&start| start <= at);
        let in_quote = until > 0 && self.last_ends[until - 1] > at;
        let (before, after) = (text[..at].chars().next_back(), text[at + length..].chars().next());
        let is_apostrophe = before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric);
        !in_quote && !is_apostrophe
    }
}
