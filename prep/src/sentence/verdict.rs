//! Whether a terminator ends a sentence, by the words beside it. Where the lists of a language do not tell, `sentencex` does.

use std::ops::Range;

use sentencex::languages::{English, Language};

use super::following_text::{FirstChar, FollowingText, is_lower, is_terminator};
use super::language_data::{Kinds, LanguageData, Ordinals, Script};

/// Most bytes of a word that is looked at.
const LONGEST_WORD: usize = 64;
/// Most words of an abbreviation, as in `до н. э.`.
const LONGEST_ABBREVIATION: usize = 4;
/// Letter pairs that stand for a first name like a single letter.
const DIGRAPHS: [&str; 18] = ["Ch", "Ph", "Th", "Chr", "Cz", "Sz", "Rz", "Dz", "Dž", "Gy", "Zs", "Cs", "Ny", "Ty", "Lj", "Nj", "Дж", "Ψ"];

/// Words that begin family names.
const PARTICLES: [&str; 20] =
    ["Le", "La", "Les", "El", "Al", "De", "Di", "Da", "Du", "Des", "Del", "Den", "Der", "Das", "Dos", "Las", "Los", "Lo", "Van", "Von"];

/// What is known of a terminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// A sentence ends; the next one begins at this byte.
    Ends(usize),
    Continues,
    /// Neither is certain.
    Unsure,
}

impl LanguageData {
    /// The verdict on a run of terminators. Looks at no more than a few words.
    pub fn judge(&self, text: &str, run: &Range<usize>) -> Verdict {
        let mark = &text[run.clone()];
        let next = FollowingText::at(text, run.end);
        match next.first {
            FirstChar::Continuing => Verdict::Continues,
            FirstChar::Closing if FollowingText::behind_closing(text, run.end).continues() => Verdict::Continues,
            FirstChar::Closing | FirstChar::Nothing => Verdict::Unsure,
            _ if mark == "." => self.judge_full_stop(text, run, &next),
            _ if mark.chars().all(|c| matches!(c, '.' | '!' | '?' | '…' | ';' | '\u{37e}' | ' ' | '\t')) => {
                self.judge_soft_mark(mark, &next)
            }
            // A name such as `モーニング娘。` comes before.
            _ if next.word.starts_with(['の', 'を']) && !next.word.starts_with("のち") => Verdict::Continues,
            _ => Verdict::Ends(next.start),
        }
    }

    /// `!`, `?` and ellipses, which need not end a sentence.
    fn judge_soft_mark(&self, mark: &str, next: &FollowingText<'_>) -> Verdict {
        let is_ellipsis = mark.ends_with(['.', '…']);
        match next.first {
            FirstChar::Lower => Verdict::Continues,
            FirstChar::Uncased if is_ellipsis && self.continues_with(next.word) => Verdict::Continues,
            _ if self.script == Some(Script::Cjk) => Verdict::Ends(next.start),
            FirstChar::Uncased if self.script == Some(Script::Spaces) && !self.begins_with_starter(next.word) => Verdict::Continues,
            _ => Verdict::Unsure,
        }
    }

    fn judge_full_stop(&self, text: &str, run: &Range<usize>, next: &FollowingText<'_>) -> Verdict {
        let word = last_word(&text[..run.start]);
        let word_start = run.start - word.len();
        if next.first == FirstChar::Lower || (next.is_glued && self.is_inside_word(word, next)) {
            return Verdict::Continues;
        }
        let is_starter = || self.starts_sentence(next);
        let kinds = self.kinds_before(text, word_start..run.start);
        if !kinds.is_empty() {
            let verdict = self.judge_abbreviation(kinds, next, &text[..word_start]);
            if verdict != Verdict::Unsure {
                return verdict;
            }
        }
        if ends_with_initial(word) {
            return match next.first {
                FirstChar::Upper if is_starter() => Verdict::Ends(next.start),
                FirstChar::Upper | FirstChar::Uncased => Verdict::Continues,
                _ => Verdict::Unsure,
            };
        }
        // Eras and times of day are among these in English, which `sentencex` knows.
        if self.has_lists
            && word.contains('.')
            && word
                .split('.')
                .all(|part| !part.is_empty() && part.chars().count() <= 5 && part.chars().all(|c| c.is_alphabetic() || c == '-'))
        {
            return if is_starter() { Verdict::Ends(next.start) } else { Verdict::Continues };
        }
        if word.ends_with(char::is_numeric) || is_roman(word) {
            return self.judge_number(word, next, text[..word_start].trim_end());
        }
        let letters = word.chars().count();
        if letters <= 5 && is_unpronounceable(word) && !is_starter() && !self.ends_with_number(&text[..word_start]) {
            return Verdict::Continues;
        }
        let is_small_letter = letters == 1 && word.starts_with(|c: char| is_lower(c) && c < '\u{250}');
        if is_small_letter && next.first == FirstChar::Upper && !is_starter() {
            // `IV a. C.`, but not `40 x. C`.
            let is_chain = is_initial(next.first_word()) && next.word[next.first_word().len()..].starts_with('.');
            if is_chain || !self.ends_with_number(&text[..word_start]) {
                return Verdict::Continues;
            }
        }
        match (self.script, next.first) {
            (Some(Script::Danda), _) if self.finals.contains(word) => Verdict::Ends(next.start),
            (Some(Script::Danda), _) if letters < 7 => Verdict::Continues,
            (Some(Script::Spaces), _) if word.ends_with(|c: char| !c.is_ascii()) && letters < 7 => Verdict::Continues,
            (_, FirstChar::Uncased) if is_short_in_script(word, letters) => Verdict::Continues,
            // What `sentencex` would find too, more slowly.
            (_, FirstChar::Upper)
                if letters > 3 && word.bytes().all(|byte| byte.is_ascii_lowercase()) && !is_english_abbreviation(word) =>
            {
                Verdict::Ends(next.start)
            }
            _ if self.has_lists && letters > 1 && (next.first != FirstChar::Digit || letters > 3) => Verdict::Ends(next.start),
            _ => Verdict::Unsure,
        }
    }

    /// A full stop without a space after it, as in `3.5`, `example.com` and `J.R.`.
    fn is_inside_word(&self, word: &str, next: &FollowingText<'_>) -> bool {
        match next.first {
            FirstChar::Digit => true,
            FirstChar::Uncased => word.chars().count() <= 3,
            // A space is missing in `ended.The` and `1902.The`.
            FirstChar::Upper => {
                let is_word = word.ends_with([')', '%']) || word.chars().count() > if word.chars().all(is_lower) { 2 } else { 3 };
                !(is_word && next.word.chars().skip(1).take(2).all(is_lower))
            }
            _ => false,
        }
    }

    fn judge_abbreviation(&self, kinds: Kinds, next: &FollowingText<'_>, before: &str) -> Verdict {
        let is_number = next.first == FirstChar::Digit || is_roman(next.first_word());
        if kinds.has(Kinds::UNIT) && self.ends_with_number(before) {
            let continues = next.first == FirstChar::Uncased && self.continues_with(next.word);
            return if continues { Verdict::Continues } else { Verdict::Ends(next.start) };
        }
        if (kinds.has(Kinds::NUMBER) && is_number) || kinds.has(Kinds::NEVER) {
            return Verdict::Continues;
        }
        if kinds.has(Kinds::LAST) {
            return if next.first == FirstChar::Digit { Verdict::Unsure } else { Verdict::Ends(next.start) };
        }
        if kinds.has(Kinds::OPEN) || kinds.has(Kinds::UNIT) {
            return match next.first {
                _ if self.starts_sentence(next) => Verdict::Ends(next.start),
                FirstChar::Upper | FirstChar::Uncased => Verdict::Continues,
                _ => Verdict::Unsure,
            };
        }
        Verdict::Unsure
    }

    /// A number in figures, which may be an ordinal, or a Roman one. `before` is the text before it.
    fn judge_number(&self, word: &str, next: &FollowingText<'_>, before: &str) -> Verdict {
        let digits = word.chars().filter(|c| c.is_numeric()).count();
        let begins_sentence = before.is_empty() || (before.ends_with(is_terminator) && !self.ends_with_abbreviation(before));
        let is_date = digits > 0 && before.strip_suffix('.').is_some_and(|before| before.ends_with(char::is_numeric));
        let is_ordinal = digits <= 3 && self.ordinals.is_some();
        if next.first == FirstChar::Upper && self.starts_sentence(next) && !begins_sentence {
            return Verdict::Ends(next.start);
        }
        match next.first {
            FirstChar::Digit if is_ordinal && digits <= 2 => Verdict::Continues,
            FirstChar::Digit if self.ordinals.is_some() && next.is_short_ordinal() => Verdict::Continues,
            FirstChar::Uncased if is_date && is_ordinal => Verdict::Continues,
            FirstChar::Upper if digits == 0 => {
                if self.ordinals.is_some() || begins_sentence {
                    Verdict::Continues
                } else {
                    Verdict::Unsure
                }
            }
            FirstChar::Upper if is_ordinal && (begins_sentence || is_acronym(next.first_word())) => Verdict::Continues,
            FirstChar::Upper if is_ordinal && self.ordinals == Some(Ordinals::Capital) => {
                let is_cardinal = self.cardinals.contains(last_word(before));
                if is_cardinal { Verdict::Ends(next.start) } else { Verdict::Continues }
            }
            _ => Verdict::Unsure,
        }
    }

    /// The verdict on a terminator before the closing mark of a quote: whether the sentence ends with the quote.
    pub fn judge_quote(&self, text: &str, quote: &Range<usize>) -> Verdict {
        let next = FollowingText::at(text, quote.end);
        if text[quote.end..].starts_with(is_terminator) {
            return Verdict::Unsure;
        }
        let before = text[..quote.start].trim_end();
        let last = text[quote.clone()].chars().rev().take(4).find(|&c| is_terminator(c));
        let is_asked = last.is_some_and(|c| matches!(c, '!' | '?' | '؟' | '！' | '？'));
        let is_title = text[quote.start..].starts_with(['《', '〈']);
        match next.first {
            FirstChar::Lower | FirstChar::Continuing => Verdict::Continues,
            FirstChar::Closing | FirstChar::Nothing => Verdict::Unsure,
            _ if is_title => Verdict::Continues,
            _ if self.script == Some(Script::Cjk) => {
                let is_said =
                    before.ends_with([':', '：', ',', '，', '、', '说', '說', '道', '问', '問', '喊', '写', '寫', '是', '为', '為', '即']);
                let is_first = before.is_empty() || before.ends_with(|c| is_terminator(c) || matches!(c, '”' | '」' | '』'));
                let is_statement = !is_asked && !is_first;
                let ends = self.begins_with_starter(next.word) || ((is_said || is_statement) && !self.continues_with(next.word));
                if ends { Verdict::Ends(next.start) } else { Verdict::Continues }
            }
            FirstChar::Uncased => {
                if next.is_glued || is_asked || self.continues_with(next.word) {
                    Verdict::Continues
                } else {
                    Verdict::Unsure
                }
            }
            _ => Verdict::Unsure,
        }
    }

    /// Whether a text after a name that ends in a terminator begins a sentence.
    pub fn clearly_begins(&self, text: &str, at: usize) -> bool {
        let next = FollowingText::at(text, at);
        match next.first {
            FirstChar::Upper => self.is_starter(next.first_word()),
            FirstChar::Uncased => self.script.is_some() && self.begins_with_starter(next.word),
            _ => false,
        }
    }

    /// Whether the following text begins a sentence rather than a name. `J. Le Pen` is a name, `J. Le roi` is none.
    fn starts_sentence(&self, next: &FollowingText<'_>) -> bool {
        if next.first == FirstChar::Uncased {
            return self.begins_with_starter(next.word);
        }
        let word = next.first_word();
        let is_initial = word.chars().count() == 1 && next.word[word.len()..].starts_with(['.', '-']);
        let is_name = || PARTICLES.contains(&word) && next.word[word.len()..].trim_start().starts_with(char::is_uppercase);
        self.is_starter(word) && !is_initial && (self.has_capital_nouns || !is_name())
    }

    /// Whether a text ends with a number, in figures or Roman, or with one and a unit: `1902`, `1990-х`, `XIX`, `1,2 тыс.`.
    fn ends_with_number(&self, text: &str) -> bool {
        let is_number = |word: &str| word.contains(char::is_numeric) || is_roman(word);
        let text = text.trim_end();
        let word = last_word(text);
        is_number(word)
            || word.strip_suffix('.').is_some_and(|unit| self.kinds_of(unit).has(Kinds::UNIT))
                && is_number(last_word(text[..text.len() - word.len()].trim_end()))
    }

    /// Whether a text ends with an abbreviation or a number and a full stop.
    fn ends_with_abbreviation(&self, text: &str) -> bool {
        let word = text.strip_suffix('.').map_or("", last_word);
        !word.is_empty() && (!self.kinds_of(word).is_empty() || word.ends_with(char::is_numeric) || word.chars().count() == 1)
    }

    fn continues_with(&self, word: &str) -> bool {
        !self.begins_with_starter(word) && self.continuers.iter().any(|continuer| word.starts_with(continuer.as_str()))
    }

    /// The kinds of the longest known abbreviation that ends with a word: of `до н. э` before of `э`.
    fn kinds_before(&self, text: &str, word: Range<usize>) -> Kinds {
        let mut kinds = self.kinds_of(&text[word.clone()]);
        if kinds.is_empty()
            && let Some(at) = text[word.clone()].rfind(['\'', '’'])
        {
            let mark = text[word.start + at..].chars().next().map_or(1, char::len_utf8);
            kinds = self.kinds_of(&text[word.start + at + mark..word.end]);
        }
        let (mut key, mut start) = (String::new(), word.start);
        for _ in 1..LONGEST_ABBREVIATION {
            let before = text[..start].trim_end_matches([' ', '\u{a0}', '\u{2009}', '\u{202f}']);
            let Some(before) = before.strip_suffix('.') else { break };
            if key.is_empty() {
                key.push_str(&text[word.clone()]);
            }
            let part = last_word(before);
            if part.is_empty() || part.chars().count() > 6 {
                break;
            }
            key = format!("{part}.{key}");
            start = before.len() - part.len();
            let longer = self.kinds_of(&key);
            kinds = if longer.is_empty() { kinds } else { longer };
        }
        kinds
    }
}

/// The word that a text ends with, up to a space, an opening bracket or a quote mark; of a long one only the end.
fn last_word(text: &str) -> &str {
    // `由J.`: a Latin word may touch a Chinese or Japanese one.
    let is_latin = text.as_bytes().last().is_some_and(u8::is_ascii);
    let mut start = text.len();
    for (at, c) in text.char_indices().rev() {
        let parts = match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' => false,
            ' ' | '(' | '[' | '{' | '<' | '"' | '/' | '（' | '［' | '「' | '『' | '《' | '〈' | '【' | '“' | '„' | '«' | '»' | '‹'
            | '›' | '—' | '–' => true,
            '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{ffff}' => is_latin,
            c => c.is_whitespace(),
        };
        if parts || text.len() - at > LONGEST_WORD {
            break;
        }
        start = at;
    }
    &text[start..]
}

/// Whether a word ends with an initial: `J`, `J.-C`, `d'A`.
fn ends_with_initial(word: &str) -> bool {
    let part = word.rsplit(['.', '-', '\'', '’', '‐']).next().unwrap_or_default();
    let before = &word[..word.len() - part.len()];
    is_initial(part) && (!before.ends_with(['-', '‐']) || before.starts_with(char::is_uppercase))
}

/// Whether a word is an initial: one capital, or one of a few letter pairs.
fn is_initial(word: &str) -> bool {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return false };
    first.is_uppercase() && (chars.all(|c| c == '\u{301}') || DIGRAPHS.contains(&word))
}

/// Whether a word is a Roman number of capitals.
fn is_roman(word: &str) -> bool {
    !word.is_empty() && word.len() <= 16 && word.chars().all(|c| matches!(c, 'I' | 'V' | 'X' | 'L' | 'C' | 'D' | 'M' | 'І' | 'Х'))
}

/// Whether a word of small letters, but for a first capital, has no vowel, as most abbreviations do: `plk`, `Sdr`. Slavic languages have
/// words in which `r` or `l` is one.
fn is_unpronounceable(word: &str) -> bool {
    const VOWELS: &str = "aeiouyäöüåæøœáéíóúýàèìòùâêîôûãõëïůőűąęěăıлрrlаеёиоуыэюяіїєўαεηιοωυάέήίόύώϊϋΐΰ";
    let mut chars = word.chars();
    chars.next().is_some_and(char::is_alphabetic)
        && chars.clone().next().is_some()
        && chars.clone().all(is_lower)
        && word.chars().all(|c| c < '\u{530}' && !c.to_lowercase().any(|c| VOWELS.contains(c)))
}

/// Whether `sentencex` knows an English abbreviation.
fn is_english_abbreviation(word: &str) -> bool {
    English {}.get_abbreviations().contains(word)
}

fn is_acronym(word: &str) -> bool {
    matches!(word.chars().count(), 2..=4) && word.chars().all(char::is_uppercase)
}

/// Whether a word in a script without capitals is as short as an initial.
fn is_short_in_script(word: &str, letters: usize) -> bool {
    let longest = |c: char| match c {
        // Scripts of India write a vowel as a char of its own.
        '\u{900}'..='\u{dff}' => 3,
        // A syllable or a word is one char.
        '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffff}' => 0,
        c if c.is_alphabetic() && !c.is_ascii() && !c.is_lowercase() => 1,
        _ => 0,
    };
    word.chars().next_back().is_some_and(|c| letters <= longest(c))
}
