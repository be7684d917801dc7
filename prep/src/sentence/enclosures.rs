//! Quotes, brackets and addresses: ranges of a text in which a terminator ends no sentence.

use std::ops::Range;

use super::language_rules::LanguageRules;
use super::quotes::{BACKQUOTE, QuoteIndex, Quotes, SYMMETRIC_MARKS};

/// The enclosures of a text.
pub(super) struct Enclosures<'t> {
    text: &'t str,
    quotes: Quotes,
    brackets: Vec<Range<usize>>,
    addresses: Vec<Range<usize>>,
    /// Where list items begin; each extends to the next one.
    items: &'t [usize],
    marks: [MarkFacts; SYMMETRIC_MARKS.len()],
}

/// What is known of one of the [`SYMMETRIC_MARKS`]; found out when it is asked for.
#[derive(Default)]
struct MarkFacts {
    /// Whether the text has an odd number of them.
    is_odd: Option<bool>,
    /// The ends of the first quote that one of them begins.
    first_quote: Option<Option<usize>>,
    /// Where those are that are in no quote and not inside a word.
    free: Option<Vec<usize>>,
}

/// What a boundary lies in.
pub(super) enum Enclosure {
    /// A quote.
    Quote(Range<usize>),
    /// Brackets, an address or a list item.
    Other,
}

impl<'t> Enclosures<'t> {
    /// Finds the enclosures of a text. `items` is where its list items begin.
    pub fn find(text: &'t str, items: &'t [usize]) -> Self {
        let (quotes, brackets, addresses) = (Quotes::find(text), find_brackets(text), find_addresses(text));
        Self { text, quotes, brackets, addresses, items, marks: Default::default() }
    }

    fn all_quotes(&self) -> [&[Range<usize>]; 3] {
        let [backquotes, apostrophes] = &self.quotes.spaced;
        [backquotes, apostrophes, &self.quotes.tight]
    }

    /// The mark that opens a quote, if it is one of the [`SYMMETRIC_MARKS`]. A backquote is one only in spaced quotes.
    fn mark_of(&self, quote: &Range<usize>) -> Option<usize> {
        let quote_text = &self.text[quote.clone()];
        if quote_text.starts_with('`') {
            return self.quotes.spaced[0].binary_search_by_key(&quote.start, |spaced| spaced.start).is_ok().then_some(BACKQUOTE);
        }
        SYMMETRIC_MARKS.iter().position(|mark| quote_text.starts_with(mark))
    }

    /// What encloses the boundary that a run of terminators makes; of several ranges the one that begins first. A quote that pairs the wrong
    /// marks does not count.
    pub fn around(&mut self, rules: &LanguageRules, run: &Range<usize>, boundary: usize) -> Option<Enclosure> {
        let mut quotes = self.all_quotes().map(|quotes| enclosing(quotes, boundary).cloned());
        for quote in &mut quotes {
            *quote = quote.take().filter(|quote| !self.is_mispaired(rules, quote, run));
        }
        let quote = quotes.into_iter().flatten().min_by_key(|quote| quote.start);
        let others = [enclosing(&self.brackets, boundary), enclosing(&self.addresses, boundary)];
        let other = others.into_iter().flatten().map(|range| range.start).min();
        match quote {
            Some(quote) if other.is_none_or(|other| quote.start < other) => Some(Enclosure::Quote(quote)),
            None if other.is_none() && !self.is_in_item(boundary) => None,
            _ => Some(Enclosure::Other),
        }
    }

    fn is_in_item(&self, boundary: usize) -> bool {
        let next = self.items.partition_point(|&item| item < boundary);
        next > 0 && boundary < self.items.get(next).copied().unwrap_or(self.text.len())
    }

    /// Whether a quote pairs the wrong marks. This is possible if its opening and closing marks are the same: one of them lies in brackets and
    /// the other does not, or the number of marks is odd and the run of terminators certainly ends a sentence.
    fn is_mispaired(&mut self, rules: &LanguageRules, quote: &Range<usize>, run: &Range<usize>) -> bool {
        let text = self.text;
        let Some(mark) = self.mark_of(quote) else { return false };
        let starts_in = enclosing(&self.brackets, quote.start).is_some_and(|bracket| bracket.end < quote.end);
        let ends_in = enclosing(&self.brackets, quote.end).is_some_and(|bracket| bracket.start > quote.start);
        let is_odd = || text.matches(SYMMETRIC_MARKS[mark]).count() % 2 == 1;
        starts_in || ends_in || (*self.marks[mark].is_odd.get_or_insert_with(is_odd) && rules.is_strong(text, run))
    }

    /// Whether one of the ranges begins at a boundary.
    pub fn begins(&self, boundary: usize) -> bool {
        let begins = |ranges: &[Range<usize>]| ranges.binary_search_by_key(&boundary, |range| range.start).is_ok();
        let [backquotes, apostrophes, tight] = self.all_quotes();
        [backquotes, apostrophes, tight, &self.brackets, &self.addresses].into_iter().any(begins)
            || self.items.binary_search(&boundary).is_ok()
    }

    /// Whether a quote that ends before a boundary begins with a mark.
    pub fn has_quote_before(&mut self, mark: usize, boundary: usize) -> bool {
        let begins = |quote: &&Range<usize>| self.mark_of(quote).is_some() && self.text[quote.start..].starts_with(SYMMETRIC_MARKS[mark]);
        let first_end = || self.all_quotes().into_iter().flatten().filter(begins).map(|quote| quote.end).min();
        let first_quote = self.marks[mark].first_quote.unwrap_or_else(first_end);
        self.marks[mark].first_quote = Some(first_quote);
        first_quote.is_some_and(|end| end <= boundary)
    }

    /// Number of marks in no quote before a boundary, and of all such marks.
    pub fn free_marks(&mut self, mark: usize, boundary: usize) -> (usize, usize) {
        if self.marks[mark].free.is_none() {
            self.marks[mark].free = Some(self.find_free_marks(SYMMETRIC_MARKS[mark]));
        }
        let free = self.marks[mark].free.as_deref().unwrap_or_default();
        (free.partition_point(|&at| at < boundary), free.len())
    }

    fn find_free_marks(&self, mark: &str) -> Vec<usize> {
        // The quotes among all ranges, in the order of their starts; list items come last.
        let quotes = self.all_quotes().into_iter().flatten().map(|quote| (quote.start, Some(quote)));
        let others = self.brackets.iter().chain(&self.addresses).map(|range| (range.start, None));
        let mut ranges: Vec<_> = quotes.chain(others).collect();
        ranges.sort_unstable_by_key(|&(start, _)| start);
        let mut index = QuoteIndex::default();
        for (start, quote) in ranges.into_iter().chain(self.items.iter().map(|&item| (item, None))) {
            match quote {
                Some(quote) => index.push(quote),
                None => index.push_other(start),
            }
        }
        let marks = self.text.match_indices(mark).map(|(at, _)| at);
        marks.filter(|&at| index.may_be_mark(self.text, at, mark.len())).collect()
    }
}

/// The range around a boundary. The ranges are ascending and do not overlap.
pub(super) fn enclosing(ranges: &[Range<usize>], boundary: usize) -> Option<&Range<usize>> {
    let next = ranges.partition_point(|range| range.end <= boundary);
    ranges.get(next).filter(|range| range.start < boundary)
}

/// Text in brackets: from an opening bracket to the first closing one, of any kind.
fn find_brackets(text: &str) -> Vec<Range<usize>> {
    let mut brackets = Vec::new();
    let mut open = None;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '（' | '<' | '{' | '[' => open = open.or(Some(at)),
            ')' | '）' | '>' | '}' | ']' => brackets.extend(open.take().map(|open| open..at + c.len_utf8())),
            _ => {}
        }
    }
    brackets
}

/// E-mail addresses: the expression `[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,7}`.
fn find_addresses(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let is_domain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let is_local = |byte: &u8| is_domain(byte) || matches!(byte, b'_' | b'%' | b'+');
    let is_last_part = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'|';
    let mut addresses: Vec<Range<usize>> = Vec::new();
    for at in memchr::memchr_iter(b'@', bytes) {
        let from = addresses.last().map_or(0, |address| address.end);
        let local = bytes.get(from..at).unwrap_or_default().iter().rev().take_while(|byte| is_local(byte)).count();
        let domain = bytes[at + 1..].iter().take_while(|byte| is_domain(byte)).count();
        let last_part = |stop: usize| bytes[stop + 1..].iter().take(7).take_while(|byte| is_last_part(byte)).count();
        let is_end = |&stop: &usize| bytes[stop] == b'.' && last_part(stop) >= 2;
        let Some(stop) = (at + 2..=at + domain).rev().find(is_end).filter(|_| local > 0) else { continue };
        addresses.push(at - local..stop + 1 + last_part(stop));
    }
    addresses
}
