//! Prefixes of titles: namespaces of the wiki, and interwiki prefixes.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::language_data::LanguageData;
use super::title::{FirstLetter, MAX_TITLE_BYTES, collapse_spaces, has_escape, normalize_title};
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

/// Namespace of templates.
pub(super) const TEMPLATE_NAMESPACE: i32 = 10;

/// The canonical names of MediaWiki, which hold in every language; of two names of a namespace, the later one is written in titles.
const CANONICAL: [(i32, &str); 24] = [
    (-2, "Media"),
    (-1, "Special"),
    (1, "Talk"),
    (2, "User"),
    (3, "User talk"),
    (4, "Project"),
    (5, "Project talk"),
    (FILE_NAMESPACE, "Image"),
    (7, "Image talk"),
    (FILE_NAMESPACE, "File"),
    (7, "File talk"),
    (8, "MediaWiki"),
    (9, "MediaWiki talk"),
    (TEMPLATE_NAMESPACE, "Template"),
    (11, "Template talk"),
    (12, "Help"),
    (13, "Help talk"),
    (CATEGORY_NAMESPACE, "Category"),
    (15, "Category talk"),
    (710, "TimedText"),
    (711, "TimedText talk"),
    (828, "Module"),
    (829, "Module talk"),
    (2600, "Topic"),
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

/// The namespaces of a wiki: MediaWiki's canonical names, the names and aliases of the language's Wikipedia, and the names in the dump.
#[derive(Debug, Clone, Default)]
pub(super) struct Namespaces {
    /// Numbers by name in lower case.
    numbers: HashMap<String, i32>,
    /// Names by number, as they are written in titles.
    names: HashMap<i32, String>,
    /// What happens to the first letter of a title where it does not stay as written.
    first_letter: FirstLetter,
    /// Whether the first letter stays as written, by number of the namespace.
    case_sensitive: HashMap<i32, bool>,
    /// Whether it does in namespaces that the dump does not list.
    is_case_sensitive: bool,
}

impl Namespaces {
    pub fn new(site: &SiteInfo, language: &LanguageData) -> Self {
        let mut namespaces = Self {
            first_letter: if language.dotted_i { FirstLetter::UpperDottedI } else { FirstLetter::Upper },
            is_case_sensitive: site.is_case_sensitive,
            case_sensitive: site.case_sensitive.iter().map(|(&key, &sensitive)| (key, sensitive)).collect(),
            ..Self::default()
        };
        for (key, name) in CANONICAL {
            namespaces.add(key, name);
        }
        // The project's namespaces have the name of the project, and those from 100 on are of one wiki, but for those of extensions.
        let is_of_project = |key: i32| matches!(key, 4 | 5) || ((100..710).contains(&key));
        let is_shared = |key: i32| site.is_wikipedia() || !is_of_project(key);
        if !site.namespaces.contains_key(&4) {
            namespaces.add(4, "Wikipedia");
        }
        let words = &language.words;
        for (key, alias) in words.aliases.iter().filter(|(key, _)| is_shared(*key)) {
            namespaces.numbers.insert(alias.to_lowercase(), *key);
        }
        let local = words.names.iter().map(|(key, name)| (*key, name.as_str())).filter(|(key, _)| is_shared(*key));
        let stated = site.namespaces.iter().map(|(key, name)| (*key, name.as_str()));
        for (key, name) in local.chain(stated).filter(|(_, name)| !name.is_empty()) {
            namespaces.add(key, name);
        }
        namespaces
    }

    fn add(&mut self, key: i32, name: &str) {
        let name = name.replace('_', " ");
        self.numbers.insert(name.to_lowercase(), key);
        self.names.insert(key, name);
    }

    /// What happens to the first letter of a title in a namespace.
    fn first_letter_in(&self, key: i32) -> FirstLetter {
        let stays = self.case_sensitive.get(&key).copied().unwrap_or(self.is_case_sensitive);
        if stays { FirstLetter::AsWritten } else { self.first_letter }
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

    /// The title of a template without its namespace, as the wiki writes it: with a capital first, where titles have one.
    pub fn normalize_template(&self, name: &str) -> String {
        normalize_title(name, self.first_letter_in(TEMPLATE_NAMESPACE))
    }

    /// A link target as anchors store it: single spaces, no underscores, first letter as this wiki wants it, and the namespace as it
    /// writes it. Of interwiki links only the spaces are normalized and the prefix is put in lower case.
    pub fn normalize_target(&self, title: &str) -> String {
        let colon = memchr::memchr(b':', title.as_bytes()).map(|at| (&title[..at], &title[at + 1..]));
        let prefix = colon.and_then(|(before, rest)| Some((self.prefix(before)?, before, rest)));
        match prefix {
            Some((TitlePrefix::Namespace(key), _, rest)) if self.names.contains_key(&key) => {
                format!("{}:{}", self.names[&key], normalize_title(rest, self.first_letter_in(key)))
            }
            // Other wikis may have other rules for titles.
            Some((TitlePrefix::Language | TitlePrefix::Project, before, rest)) => {
                format!("{}:{}", before.trim().to_lowercase(), collapse_spaces(rest))
            }
            _ => normalize_title(title, self.first_letter_in(0)),
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

    #[test]
    fn names_and_aliases_do_not_depend_on_the_header() {
        let (none, mut wiktionary) = (SiteInfo::default(), SiteInfo { dbname: "thwiktionary".to_owned(), ..SiteInfo::default() });
        wiktionary.namespaces.insert(4, "วิกิพจนานุกรม".to_owned());
        for (site, lang, title, expected) in [
            (&none, "th", "ภาพ:x.jpg", "ไฟล์:X.jpg"),
            (&none, "tt", "рәсем:x.jpg", "Файл:X.jpg"),
            (&none, "sw", "Picha:x", "Faili:X"),
            (&none, "nb", "Bilde:x", "Fil:X"),
            (&none, "gsw", "Bild:x", "Datei:X"),
            (&none, "de", "BD:x", "Benutzer Diskussion:X"),
            (&none, "fr", "Discussion_utilisatrice:x", "Discussion utilisateur:X"),
            (&none, "yue", "檔案:x", "File:X"),
            (&none, "xx", "image:x", "File:X"),
            (&none, "tr", "dosya:ilçe", "Dosya:İlçe"),
            (&wiktionary, "th", "วิกิพีเดีย:x", "วิกิพีเดีย:x"),
            (&wiktionary, "th", "ภาพ:x", "ไฟล์:X"),
            (&wiktionary, "th", "project:x", "วิกิพจนานุกรม:X"),
        ] {
            assert_eq!(Namespaces::new(site, LanguageData::of(lang)).normalize_target(title), expected, "{lang} {title}");
        }
    }

    #[test]
    fn the_header_says_where_the_first_letter_stays() {
        let site = SiteInfo { is_case_sensitive: true, case_sensitive: [(0, true), (2, false)].into(), ..SiteInfo::default() };
        let namespaces = Namespaces::new(&site, LanguageData::of("en"));
        for (title, expected) in
            [("building", "building"), ("user:ada", "User:Ada"), ("category:en:x", "Category:en:x"), ("İlçe", "İlçe"), ("i_b", "i b")]
        {
            assert_eq!(namespaces.normalize_target(title), expected);
        }
    }
}
