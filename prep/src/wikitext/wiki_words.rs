//! The words of each Wikipedia, from `data/wikis.tsv`: names of namespaces, redirect words, behaviour switches and picture options.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// The words of one wiki beyond those of MediaWiki in English. All but the names are in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct WikiWords {
    /// Local names of namespaces by number.
    pub names: Vec<(i32, String)>,
    /// Further names of namespaces by number.
    pub aliases: Vec<(i32, String)>,
    /// Words after the `#` of a redirect page.
    pub redirects: Vec<String>,
    /// Behaviour switches.
    pub switches: Vec<String>,
    /// Behaviour switches that mark a disambiguation page.
    pub disambiguations: Vec<String>,
    /// Parameters of pictures that are not captions; `$1` stands for a value.
    pub options: Vec<String>,
}

/// The lines of the file by wiki and kind. `data/make_wikis.py` explains the format.
struct WikiTable {
    codes: HashSet<&'static str>,
    /// The wiki whose words a wiki has too, and the further words.
    lines: HashMap<(&'static str, &'static str), (&'static str, &'static str)>,
}

static WIKIS: LazyLock<WikiTable> = LazyLock::new(|| {
    let mut lines = include_str!("data/wikis.tsv").lines();
    let codes = lines.next().map(|codes| codes.split('\t').collect()).unwrap_or_default();
    let line = |line: &'static str| {
        let mut fields = line.splitn(4, '\t');
        let mut field = || fields.next().unwrap_or_default();
        ((field(), field()), (field(), field()))
    };
    WikiTable { codes, lines: lines.map(line).collect() }
});

impl WikiWords {
    /// Codes of all wikis.
    pub fn codes() -> impl Iterator<Item = &'static str> {
        WIKIS.codes.iter().copied()
    }

    /// The words of a wiki; `None` if it is not in the table.
    pub fn of(code: &str) -> Option<Self> {
        let code = WIKIS.codes.get(code)?;
        let words = |kind| {
            let mut words = Vec::new();
            push_words(code, kind, &mut words);
            words
        };
        let lower = |kind| words(kind).iter().map(|word| word.to_lowercase()).collect();
        let numbered = |kind| words(kind).iter().filter_map(|word| numbered_name(word)).collect();
        Some(Self {
            names: numbered("names"),
            aliases: numbered("aliases"),
            redirects: lower("redirects"),
            switches: lower("switches"),
            disambiguations: lower("disambiguations"),
            options: lower("options"),
        })
    }
}

/// Appends the words of a wiki after those of the wiki that it resembles, so that of two names of a namespace its own is the later one.
fn push_words(code: &'static str, kind: &'static str, words: &mut Vec<&'static str>) {
    if let Some(&(like, own)) = WIKIS.lines.get(&(code, kind)) {
        push_words(like, kind, words);
        words.extend(own.split('\t').filter(|word| !word.is_empty()));
    }
}

/// Splits `6:File`.
fn numbered_name(word: &str) -> Option<(i32, String)> {
    let (number, name) = word.split_once(':')?;
    Some((number.parse().ok()?, name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid() {
        assert!(WIKIS.codes.len() > 300);
        for (&(code, kind), (like, own)) in &WIKIS.lines {
            assert!(WIKIS.codes.contains(code) && (like.is_empty() || WIKIS.lines.contains_key(&(*like, kind))), "{code} {kind}");
            let is_numbered = matches!(kind, "names" | "aliases");
            let words = || own.split('\t').filter(|word| !word.is_empty());
            assert!(!is_numbered || words().all(|word| numbered_name(word).is_some()), "{code} {kind}");
            assert!(words().next().is_some() || !like.is_empty(), "{code} {kind}");
        }
    }

    #[test]
    fn words_come_with_those_of_the_wiki_that_is_alike() {
        let words = WikiWords::of("nds").unwrap_or_default();
        let names: HashMap<i32, String> = words.names.into_iter().collect();
        assert_eq!((names[&6].as_str(), names[&14].as_str()), ("Bild", "Kategorie"));
        assert!(words.redirects.iter().any(|word| word == "wiederleiden") && words.redirects.iter().any(|word| word == "weiterleitung"));
        assert!(words.options.iter().any(|option| option == "hochkant=$1"), "{:?}", words.options);
    }
}
