//! What `sentencex` knows about a language: its terminators, and whether one of them ends a sentence.

use std::ops::Range;

use regex_syntax::is_word_character;
use rustc_hash::FxHashSet;
use sentencex::languages::{Catalan, Danish, English, Italian, Language};

/// Bytes before a terminator that `sentencex` is asked about. It looks for the word before the terminator, which would be the whole text
/// where there are no spaces, and in English for the start of the sentence before `7 p.m.`.
const CONTEXT: usize = 1024;
/// Bytes of a word before a terminator that `sentencex` is asked about. No word that it knows is longer.
const WORD: usize = 256;

/// The rules of one language.
pub(super) struct LanguageRules(Box<dyn Language>);

impl LanguageRules {
    /// The rules of a language; those of English if `sentencex` does not know it.
    pub fn new(lang: &str) -> Self {
        let language = sentencex::language_factory(lang);
        // Each of these languages has a list of abbreviations of its own.
        let is = |other: &dyn Language| std::ptr::eq(language.get_abbreviations(), other.get_abbreviations());
        let continues = if is(&Italian {}) {
            starts_in_lower_case
        } else if is(&Danish {}) || is(&Catalan {}) {
            has_lower_case_word
        } else {
            return Self(language);
        };
        let has_elision = is(&Italian {});
        Self(Box::new(WithoutRegex { language, continues, has_elision }))
    }

    /// Whether the language has the terminators of English, as most languages have.
    pub fn has_english_terminators(&self) -> bool {
        std::ptr::eq(self.0.get_sentence_break_regex(), English {}.get_sentence_break_regex())
    }

    /// Replaces the content of `runs` by the runs of terminators in a text.
    pub fn find_terminators(&self, text: &str, runs: &mut Vec<Range<usize>>) {
        runs.clear();
        let is_blank = |c| matches!(c, ' ' | '\t');
        for found in self.0.get_sentence_break_regex().find_iter(text) {
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
        self.0.get_sentence_break_regex().find(text).filter(|found| found.start() == 0).map(|found| found.end())
    }

    /// Where the sentence ends that a run of terminators may end; `None` if it ends none, as after an abbreviation.
    pub fn boundary_after(&self, text: &str, run: &Range<usize>) -> Option<usize> {
        let from = context_start(text, run.start);
        self.0.find_boundary(&text[from..], run.start - from, run.end - from).map(|boundary| from + boundary)
    }

    /// Whether a run of terminators ends a sentence even inside of quotes.
    pub fn is_strong(&self, text: &str, run: &Range<usize>) -> bool {
        let from = context_start(text, run.start);
        self.0.has_strong_sentence_break(&text[from..], run.start - from, run.end - from)
    }

    /// The boundary at or after the end of a quote that a terminator before its closing mark makes; `None` if the sentence continues.
    pub fn boundary_after_quote(&self, text: &str, end: usize) -> Option<usize> {
        self.0.get_boundary_extend(self.0.get_next_word_approx(text, end)).map(|extend| end + extend)
    }
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
