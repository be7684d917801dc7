//! The rules of a language: its terminators, and whether one of them ends a sentence. Our own lists decide first, then `sentencex`.

use std::borrow::Cow;
use std::ops::Range;

use regex_syntax::is_word_character;
use rustc_hash::FxHashSet;
use sentencex::languages::{Catalan, Danish, English, Italian, Language};

use super::language_data::{LanguageData, Script};
use super::verdict::Verdict;

/// Bytes before a terminator that `sentencex` is asked about. It looks for the word before the terminator, which would be the whole text
/// where there are no spaces, and in English for the start of the sentence before `7 p.m.`.
const CONTEXT: usize = 1024;
/// Bytes of a word before a terminator that `sentencex` is asked about. No word that it knows is longer.
const WORD: usize = 256;

/// The rules of one language.
pub(super) struct LanguageRules {
    library: Box<dyn Language>,
    /// `None` to ask `sentencex` alone.
    data: Option<&'static LanguageData>,
}

impl LanguageRules {
    /// The rules of a language; those of English if `sentencex` does not know it.
    pub fn new(lang: &str) -> Self {
        Self { library: library_rules(lang), data: Some(LanguageData::of(lang)) }
    }

    /// The rules of `sentencex` alone.
    #[cfg(test)]
    pub fn of_library(lang: &str) -> Self {
        Self { library: library_rules(lang), data: None }
    }

    /// Whether the language has the terminators of English, as most languages have.
    pub fn has_english_terminators(&self) -> bool {
        std::ptr::eq(self.library.get_sentence_break_regex(), English {}.get_sentence_break_regex())
    }

    /// Replaces the content of `runs` by the runs of terminators in a text.
    pub fn find_terminators(&self, text: &str, runs: &mut Vec<Range<usize>>) {
        runs.clear();
        let is_blank = |c| matches!(c, ' ' | '\t');
        for found in self.library.get_sentence_break_regex().find_iter(text) {
            let is_ellipsis = || found.as_str().starts_with('.') && found.as_str().chars().all(|c| c == '.' || is_blank(c));
            match runs.last_mut() {
                // `! . . .` is one run.
                Some(last)
                    if text[last.clone()].ends_with(['!', '?', '…'])
                        && last.end < found.start()
                        && text[last.end..found.start()].chars().all(is_blank)
                        && is_ellipsis() =>
                {
                    last.end = found.end();
                }
                _ => runs.push(found.range()),
            }
        }
    }

    /// Length of the run of terminators at the start of a text.
    pub fn terminators_at_start(&self, text: &str) -> Option<usize> {
        self.library.get_sentence_break_regex().find(text).filter(|found| found.start() == 0).map(|found| found.end())
    }

    /// Where the sentence ends that a run of terminators may end; `None` if it ends none, as after an abbreviation.
    pub fn boundary_after(&self, text: &str, run: &Range<usize>) -> Option<usize> {
        match self.data.map_or(Verdict::Unsure, |data| data.judge(text, run)) {
            Verdict::Ends(boundary) => return Some(boundary),
            Verdict::Continues => return None,
            Verdict::Unsure => {}
        }
        let from = context_start(text, run.start);
        self.library.find_boundary(&text[from..], run.start - from, run.end - from).map(|boundary| from + boundary)
    }

    /// The text without `"` inside of words where that abbreviates them, as in Hebrew. Lengths are kept.
    pub fn without_inner_quote_marks<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.data.is_some_and(|data| data.has_inner_quote_marks) {
            return Cow::Borrowed(text);
        }
        let is_hebrew = |c: Option<char>| c.is_some_and(|c| matches!(c, '\u{5d0}'..='\u{5ea}'));
        let is_inner = |at: usize| is_hebrew(text[..at].chars().next_back()) && is_hebrew(text[at + 1..].chars().next());
        Cow::Owned(text.char_indices().map(|(at, c)| if matches!(c, '"' | '\'') && is_inner(at) { '_' } else { c }).collect())
    }

    /// Whether the text after a name that ends in a terminator begins a sentence for sure.
    pub fn clearly_begins(&self, text: &str, at: usize) -> bool {
        self.data.is_none_or(|data| data.clearly_begins(text, at))
    }

    /// Whether only spaces part sentences, and where: before words that begin sentences.
    pub fn boundaries_at_spaces(&self, text: &str, out: &mut Vec<usize>) {
        let Some(data) = self.data.filter(|data| data.script == Some(Script::Spaces)) else { return };
        let spaces = memchr::memchr_iter(b' ', text.as_bytes());
        out.extend(
            spaces.map(|space| space + 1).filter(|&at| data.begins_with_starter(&text[at..]) && data.may_end_at_space(text, at - 1)),
        );
    }

    /// Whether a run of terminators ends a sentence even inside of quotes.
    pub fn is_strong(&self, text: &str, run: &Range<usize>) -> bool {
        let from = context_start(text, run.start);
        self.library.has_strong_sentence_break(&text[from..], run.start - from, run.end - from)
    }

    /// The boundary at or after the end of a quote that a terminator before its closing mark makes; `None` if the sentence continues.
    pub fn boundary_after_quote(&self, text: &str, quote: &Range<usize>) -> Option<usize> {
        match self.data.map_or(Verdict::Unsure, |data| data.judge_quote(text, quote)) {
            Verdict::Ends(boundary) => return Some(boundary),
            Verdict::Continues => return None,
            Verdict::Unsure => {}
        }
        let end = quote.end;
        self.library.get_boundary_extend(self.library.get_next_word_approx(text, end)).map(|extend| end + extend)
    }
}

/// What `sentencex` does in a language; as in English if it does not know it.
fn library_rules(lang: &str) -> Box<dyn Language> {
    let language = sentencex::language_factory(lang);
    // Each of these languages has a list of abbreviations of its own.
    let is = |other: &dyn Language| std::ptr::eq(language.get_abbreviations(), other.get_abbreviations());
    let continues = if is(&Italian {}) {
        starts_in_lower_case
    } else if is(&Danish {}) || is(&Catalan {}) {
        has_lower_case_word
    } else {
        return language;
    };
    let has_elision = is(&Italian {});
    Box::new(WithoutRegex { language, continues, has_elision })
}

/// Where the text begins that decides about a terminator.
fn context_start(text: &str, terminator: usize) -> usize {
    let word = terminator.saturating_sub(WORD);
    let is_long = memchr::memrchr(b' ', &text.as_bytes()[word..terminator]).is_none();
    text.floor_char_boundary(if is_long { word } else { terminator.saturating_sub(CONTEXT) })
}

/// A language for which `sentencex` compiles a regular expression at each terminator.
struct WithoutRegex {
    language: Box<dyn Language>,
    /// Whether a text after a terminator continues the sentence.
    continues: fn(&str) -> bool,
    /// Whether `l'` is no part of the word that follows it.
    has_elision: bool,
}

impl Language for WithoutRegex {
    fn get_abbreviations(&self) -> &FxHashSet<String> {
        self.language.get_abbreviations()
    }

    fn continue_in_next_word(&self, text_after_boundary: &str) -> bool {
        (self.continues)(text_after_boundary)
    }

    fn get_last_word<'a>(&self, text: &'a str) -> &'a str {
        if !self.has_elision {
            return self.language.get_last_word(text);
        }
        let word = text.rsplit(|c: char| c.is_whitespace() || c == '.').next().unwrap_or_default();
        word.rsplit("l'").next().unwrap_or_default()
    }
}

/// The expression `^[0-9a-z]`.
fn starts_in_lower_case(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// The expression `^\W*[0-9a-z]`.
fn has_lower_case_word(text: &str) -> bool {
    starts_in_lower_case(text.trim_start_matches(|c| !is_word_character(c)))
}
