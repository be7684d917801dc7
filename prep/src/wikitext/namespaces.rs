//! Prefixes of titles: namespaces of the wiki, and interwiki prefixes.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language_data::LanguageData;
use super::title::{MAX_TITLE_BYTES, collapse_spaces, has_escape, normalize_title};
use crate::source::SiteInfo;

/// What a prefix before the first colon of a title means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TitlePrefix {
    /// A namespace of this wiki, by number.
    Namespace(i32),
    /// Wikipedia in another language.
    Language,
    /// Another wiki.
    Project,
}

/// Namespace of files (pictures, videos, sounds).
pub(super) const FILE_NAMESPACE: i32 = 6;
/// Namespace of categories.
pub(super) const CATEGORY_NAMESPACE: i32 = 14;

/// The canonical names of MediaWiki, which hold in every language.
const CANONICAL: [(i32, &str); 19] = [
    (-2, "media"),
    (-1, "special"),
    (1, "talk"),
    (2, "user"),
    (3, "user talk"),
    (4, "project"),
    (5, "project talk"),
    (FILE_NAMESPACE, "file"),
    (7, "file talk"),
    (8, "mediawiki"),
    (9, "mediawiki talk"),
    (10, "template"),
    (11, "template talk"),
    (12, "help"),
    (13, "help talk"),
    (CATEGORY_NAMESPACE, "category"),
    (15, "category talk"),
    (828, "module"),
    (829, "module talk"),
];

static INTERWIKI: LazyLock<HashMap<&str, TitlePrefix>> = LazyLock::new(|| {
    let mut prefixes = HashMap::new();
    for line in include_str!("data/interwiki.txt").lines() {
        let mut words = line.split(' ');
        let prefix = match words.next() {
            Some("languages") => TitlePrefix::Language,
            Some("projects") => TitlePrefix::Project,
            _ => continue,
        };
        prefixes.extend(words.map(|word| (word, prefix)));
    }
    prefixes
});

/// The namespaces of a wiki: MediaWiki's canonical names, the local names of the dump, and the aliases of the language.
#[derive(Debug, Clone, Default)]
pub(super) struct Namespaces {
    /// Numbers by name in lower case.
    numbers: HashMap<String, i32>,
    /// Names by number, as they are written in titles.
    names: HashMap<i32, String>,
}

impl Namespaces {
    pub fn new(site: &SiteInfo, language: &LanguageData) -> Self {
        let mut numbers: HashMap<String, i32> = CANONICAL.iter().map(|(key, name)| ((*name).to_owned(), *key)).collect();
        numbers.insert("image".to_owned(), FILE_NAMESPACE);
        numbers.insert("image talk".to_owned(), 7);
        let mut names: HashMap<i32, String> = CANONICAL.iter().map(|(key, name)| (*key, normalize_title(name))).collect();
        names.insert(8, "MediaWiki".to_owned());
        names.insert(9, "MediaWiki talk".to_owned());
        if !site.namespaces.contains_key(&4) {
            // The project namespace has the name of the wiki. A dump that does not state it is taken for one of Wikipedia.
            numbers.insert("wikipedia".to_owned(), 4);
            names.insert(4, "Wikipedia".to_owned());
        }
        for (&key, name) in site.namespaces.iter().filter(|(_, name)| !name.is_empty()) {
            numbers.insert(name.to_lowercase().replace('_', " "), key);
            names.insert(key, name.replace('_', " "));
        }
        for (key, aliases) in &language.namespace_aliases {
            let key = key.parse().expect("a test checks the table");
            numbers.extend(aliases.iter().map(|name| (name.to_lowercase(), key)));
        }
        Self { numbers, names }
    }

    /// What the part of a title before its first colon means; `None` if it is only part of the title, as in `2001: A Space Odyssey`.
    pub fn prefix(&self, before_colon: &str) -> Option<TitlePrefix> {
        let name = before_colon.trim().to_lowercase().replace('_', " ");
        let namespace = self.numbers.get(&name).map(|&key| TitlePrefix::Namespace(key));
        namespace.or_else(|| INTERWIKI.get(name.as_str()).copied())
    }

    /// Whether a decoded link target, with its fragment, is valid by MediaWiki's rules for titles.
    pub fn is_valid_target(&self, target: &str) -> bool {
        let (title, has_fragment) = target.split_once('#').map_or((target, false), |(title, _)| (title, true));
        // Room for the longest prefix.
        if title.len() > 2 * MAX_TITLE_BYTES {
            return false;
        }
        let title = title.replace(['_', '\n'], " ");
        let title = title.trim();
        if title.is_empty() {
            return has_fragment;
        }
        let is_forbidden = |c: char| matches!(c, '[' | ']' | '{' | '}' | '|' | '<' | '>' | '\u{fffd}') || c.is_control();
        if title.chars().any(is_forbidden) || title.contains("~~~") || has_escape(title) {
            return false;
        }
        let prefix = title.split_once(':').and_then(|(before, rest)| Some((self.prefix(before)?, rest.trim())));
        let (prefix, name) = prefix.map_or((None, title), |(prefix, name)| (Some(prefix), name));
        let has_second_prefix = || name.split_once(':').is_some_and(|(before, _)| self.prefix(before).is_some());
        let is_relative = name.split('/').any(|part| matches!(part, "." | ".."));
        let is_valid_name = !is_relative && name.len() <= MAX_TITLE_BYTES;
        match prefix {
            None => is_valid_name,
            // Talk pages of other namespaces have namespaces of their own.
            Some(TitlePrefix::Namespace(1)) if has_second_prefix() => false,
            Some(TitlePrefix::Namespace(_)) => is_valid_name && (has_fragment || !name.is_empty()),
            Some(TitlePrefix::Language | TitlePrefix::Project) => true,
        }
    }

    /// A link target as anchors store it: single spaces, no underscores, first letter in upper case, and the namespace as this wiki
    /// writes it. Of interwiki links only the spaces are normalized and the prefix is put in lower case.
    pub fn normalize_target(&self, title: &str) -> String {
        let colon = memchr::memchr(b':', title.as_bytes()).map(|at| (&title[..at], &title[at + 1..]));
        let prefix = colon.and_then(|(before, rest)| Some((self.prefix(before)?, before, rest)));
        match prefix {
            Some((TitlePrefix::Namespace(key), _, rest)) if self.names.contains_key(&key) => {
                format!("{}:{}", self.names[&key], normalize_title(rest))
            }
            // Other wikis may have other rules for titles.
            Some((TitlePrefix::Language | TitlePrefix::Project, before, rest)) => {
                format!("{}:{}", before.trim().to_lowercase(), collapse_spaces(rest))
            }
            _ => normalize_title(title),
        }
    }

    /// Whether a normalized target is an article of this wiki: it is not empty and has no prefix.
    pub fn is_article(&self, target: &str) -> bool {
        !target.is_empty() && memchr::memchr(b':', target.as_bytes()).is_none_or(|colon| self.prefix(&target[..colon]).is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_targets() {
        let mut site = SiteInfo::default();
        site.namespaces.insert(100, "Portal".to_owned());
        let namespaces = Namespaces::new(&site, LanguageData::of("zh"));
        for (prefix, expected) in [
            ("File", Some(TitlePrefix::Namespace(6))),
            (" 檔案 ", Some(TitlePrefix::Namespace(6))),
            ("portal", Some(TitlePrefix::Namespace(100))),
            ("User_talk", Some(TitlePrefix::Namespace(3))),
            ("en", Some(TitlePrefix::Language)),
            ("wikt", Some(TitlePrefix::Project)),
            ("2001", None),
            ("Star Trek", None),
        ] {
            assert_eq!(namespaces.prefix(prefix), expected, "{prefix}");
        }
        assert!(namespaces.is_article("2001: A Space Odyssey"));
        assert!(!namespaces.is_article("Category:Films") && !namespaces.is_article(""));
        for (title, expected) in [
            ("foo_bar", "Foo bar"),
            ("category: foo", "Category:Foo"),
            ("图像:a.jpg", "File:A.jpg"),
            ("PORTAL:x", "Portal:X"),
            ("EN: foo_x", "en:foo x"),
            ("2001: a", "2001: a"),
        ] {
            assert_eq!(namespaces.normalize_target(title), expected);
        }
    }
}
