//! Words that decide in a language whether a terminator ends a sentence, from `data/languages.toml`, which explains them.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};
use serde::Deserialize;

/// What the data file says of a language. Lists are words between spaces.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Entry {
    base: Option<String>,
    never: String,
    open: String,
    last: String,
    number: String,
    unit: String,
    starters: String,
    continuers: String,
    finals: String,
    cardinals: String,
    suffixes: String,
    ordinals: Option<Ordinals>,
    script: Option<Script>,
}

#[derive(Debug, Deserialize)]
struct Table {
    aliases: BTreeMap<String, String>,
    #[serde(flatten)]
    languages: BTreeMap<String, Entry>,
}

/// Which words follow an ordinal number that is written with a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ordinals {
    /// Words that begin with a small letter, unless they are names.
    Small,
    /// Words that begin with a capital too.
    Capital,
}

/// How a script marks where sentences end, where that is not by a full stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Script {
    Danda,
    Cjk,
    Spaces,
}

/// The kinds that an abbreviation has, as bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds(u8);

impl Kinds {
    pub const NEVER: Self = Self(1);
    pub const OPEN: Self = Self(2);
    pub const LAST: Self = Self(4);
    pub const NUMBER: Self = Self(8);
    pub const UNIT: Self = Self(16);

    pub fn has(self, kind: Self) -> bool {
        self.0 & kind.0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// The words of a language.
#[derive(Debug, Default)]
pub(super) struct LanguageData {
    abbreviations: FxHashMap<String, Kinds>,
    starters: FxHashSet<String>,
    pub continuers: Vec<String>,
    pub finals: FxHashSet<String>,
    pub cardinals: FxHashSet<String>,
    suffixes: Vec<String>,
    pub ordinals: Option<Ordinals>,
    pub script: Option<Script>,
    /// Whether abbreviations that are not in the lists are rare.
    pub has_lists: bool,
    /// Whether `"` inside a word abbreviates it.
    pub has_inner_quote_marks: bool,
    /// Whether all nouns have a capital.
    pub has_capital_nouns: bool,
}

static LANGUAGES: LazyLock<FxHashMap<String, LanguageData>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("data/languages.toml")).expect("a test parses the table");
    let own = table.languages.keys().map(|lang| (lang, lang));
    let all = own.chain(&table.aliases).map(|(lang, as_lang)| (lang.clone(), LanguageData::compile(&table, as_lang)));
    all.collect()
});

impl LanguageData {
    /// The words of a language; only what is common to all if the table does not have it.
    pub fn of(lang: &str) -> &'static Self {
        LANGUAGES.get(lang).unwrap_or_else(|| &LANGUAGES["all"])
    }

    fn compile(table: &Table, lang: &str) -> Self {
        let mut out = Self {
            has_capital_nouns: lang == "de",
            has_lists: !matches!(lang, "all" | "en"),
            has_inner_quote_marks: lang == "he",
            ..Self::default()
        };
        out.add(&table.languages["all"]);
        let mut next = Some(lang);
        while let Some(entry) = next.and_then(|lang| table.languages.get(lang)) {
            out.add(entry);
            next = entry.base.as_deref();
        }
        out
    }

    fn add(&mut self, entry: &Entry) {
        let Entry { never, open, last, number, unit, .. } = entry;
        let lists = [(never, Kinds::NEVER), (open, Kinds::OPEN), (last, Kinds::LAST), (number, Kinds::NUMBER), (unit, Kinds::UNIT)];
        for (words, kind) in lists {
            for word in words.split(' ').filter(|word| !word.is_empty()) {
                self.abbreviations.entry(word.to_owned()).or_default().0 |= kind.0;
            }
        }
        let words = |list: &str| list.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        self.starters.extend(words(&entry.starters));
        self.continuers.extend(words(&entry.continuers));
        self.finals.extend(words(&entry.finals));
        self.cardinals.extend(words(&entry.cardinals));
        self.suffixes.extend(words(&entry.suffixes));
        self.ordinals = self.ordinals.or(entry.ordinals);
        self.script = self.script.or(entry.script);
    }

    /// The kinds of an abbreviation without its last full stop.
    pub fn kinds_of(&self, word: &str) -> Kinds {
        if let Some(kinds) = self.abbreviations.get(word) {
            return *kinds;
        }
        if self.suffixes.iter().any(|suffix| word.ends_with(suffix.as_str())) {
            return Kinds(Kinds::OPEN.0 | Kinds::NUMBER.0);
        }
        // A single capital is an initial.
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if first.is_uppercase() && !chars.as_str().is_empty() => {
                let small: String = first.to_lowercase().chain(chars).collect();
                self.abbreviations.get(&small).copied().unwrap_or_default()
            }
            _ => Kinds::default(),
        }
    }

    /// Whether a word with a capital begins a sentence rather than being a name.
    pub fn is_starter(&self, word: &str) -> bool {
        self.starters.contains(word)
    }

    /// Whether a text begins with one of the starters; for scripts that do not part words.
    pub fn begins_with_starter(&self, text: &str) -> bool {
        let ends = text.char_indices().map(|(at, c)| at + c.len_utf8()).take(24);
        ends.into_iter().any(|end| self.starters.contains(&text[..end]))
    }

    /// Whether a sentence may end before the space at `space`, where only spaces part sentences.
    pub fn may_end_at_space(&self, text: &str, space: usize) -> bool {
        self.script == Some(Script::Spaces) && !text[..space].trim_end().ends_with([',', '(', '"'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid() {
        assert!(LANGUAGES.len() > 100);
        let table: Table = toml::from_str(include_str!("data/languages.toml")).expect("a table");
        let bases = table.languages.values().filter_map(|entry| entry.base.as_ref());
        for lang in bases.chain(table.aliases.values()) {
            assert!(table.languages.contains_key(lang), "{lang}");
        }
        let is_written = |word: &str| !word.ends_with('.') && !word.contains(char::is_whitespace);
        assert!(LANGUAGES.values().flat_map(|data| data.abbreviations.keys()).all(|word| is_written(word)));
    }

    #[test]
    fn abbreviations_have_kinds() {
        let german = LanguageData::of("als");
        assert!(german.kinds_of("Bzw").has(Kinds::NEVER) && german.kinds_of("Nr").has(Kinds::NUMBER) && german.kinds_of("Haus").is_empty());
        assert!(LanguageData::of("xx").kinds_of("Dr").has(Kinds::NEVER));
    }
}
