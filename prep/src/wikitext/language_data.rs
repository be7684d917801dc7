//! What the wikitext of a language depends on: the words of its Wikipedia, from `data/wikis.tsv`, and its properties, from
//! `data/languages.toml`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use super::digit_grouping::DigitGrouping;
use super::wiki_words::WikiWords;

/// What `<siteinfo>` does not state about the wiki of a language.
#[derive(Debug, Default)]
pub(super) struct LanguageData {
    /// Pattern of the letters after a link that belong to its text.
    pub link_trail: String,
    /// Pattern of the letters before a link that belong to its text.
    pub link_prefix: String,
    pub number_format: DigitGrouping,
    /// Whether the upper case of `i` is `İ`.
    pub dotted_i: bool,
    /// Variants of `-{…}-`, in the order in which they are preferred where nothing is converted; none if pages do not use it.
    pub variants: Vec<String>,
    pub disambiguation_templates: Vec<String>,
    pub words: WikiWords,
}

/// A table of `data/languages.toml`, which explains the fields.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LanguageEntry {
    like: Option<String>,
    link_trail: Option<String>,
    link_prefix: Option<String>,
    number_format: Option<DigitGrouping>,
    dotted_i: bool,
    variants: Vec<String>,
    disambiguation_templates: Vec<String>,
    redirect_words: Vec<String>,
    magic_words: Vec<String>,
    media_options: Vec<String>,
    /// By namespace number, which TOML has as a string.
    namespace_aliases: BTreeMap<String, Vec<String>>,
}

static ENTRIES: LazyLock<BTreeMap<String, LanguageEntry>> =
    LazyLock::new(|| toml::from_str(include_str!("data/languages.toml")).expect("a test parses the table"));

/// Data by the code of the wiki, each made when it is first asked for.
static LANGUAGES: LazyLock<HashMap<&str, OnceLock<LanguageData>>> = LazyLock::new(|| {
    let codes = WikiWords::codes().chain(ENTRIES.keys().map(String::as_str));
    codes.map(|code| (code, OnceLock::new())).collect()
});

/// Codes of wikis by other codes of their language.
static CODES: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("data/language_codes.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once(' ')).collect()
});

/// MediaWiki's defaults, which are those of English.
static DEFAULT: LazyLock<LanguageData> = LazyLock::new(|| LanguageData { link_trail: DEFAULT_TRAIL.to_owned(), ..LanguageData::default() });

const DEFAULT_TRAIL: &str = "a-z";

/// The code of the Wikipedia in a language: `no` for `nb`, `zh` for `zh-Hans`. `None` for an unknown language.
///
/// ```
/// assert_eq!(prep::wikitext::wikipedia_code("nb"), Some("no"));
/// assert_eq!(prep::wikitext::wikipedia_code("de-AT"), Some("de"));
/// assert_eq!(prep::wikitext::wikipedia_code("klingon"), None);
/// ```
pub fn wikipedia_code(lang: &str) -> Option<&'static str> {
    let lang = lang.trim().to_lowercase().replace('_', "-");
    let mut code = lang.as_str();
    loop {
        let known = LANGUAGES.get_key_value(code).map(|(known, _)| *known);
        let known = known.or_else(|| CODES.get(code).and_then(|code| LANGUAGES.get_key_value(code)).map(|(known, _)| *known));
        if known.is_some() {
            return known;
        }
        // What follows the last hyphen is a script, a region or a variant.
        code = code.rsplit_once('-')?.0;
    }
}

/// Whether the upper case of `i` is `İ` in a language, and the lower case of `I` is `ı`.
///
/// ```
/// assert_eq!(["tr", "az", "kaa", "en"].map(prep::wikitext::has_dotted_i), [true, true, true, false]);
/// ```
pub fn has_dotted_i(lang: &str) -> bool {
    LanguageData::of(lang).dotted_i
}

impl LanguageData {
    /// The data of a language, or MediaWiki's defaults if it is unknown.
    pub fn of(lang: &str) -> &'static Self {
        let Some(code) = wikipedia_code(lang) else { return &DEFAULT };
        LANGUAGES[code].get_or_init(|| Self::new(code))
    }

    fn new(code: &str) -> Self {
        let entry = ENTRIES.get(code).cloned().unwrap_or_default();
        let like = entry.like.as_deref().map(Self::of);
        let mut words = WikiWords::of(code).or_else(|| like.map(|like| like.words.clone())).unwrap_or_default();
        words.redirects.extend(entry.redirect_words);
        words.switches.extend(entry.magic_words.iter().map(|word| word.to_lowercase()));
        words.options.extend(entry.media_options);
        for (number, aliases) in entry.namespace_aliases {
            let number = number.parse().expect("a test checks the table");
            words.aliases.extend(aliases.into_iter().map(|alias| (number, alias)));
        }
        let trail = entry.link_trail.or_else(|| like.map(|like| like.link_trail.clone()));
        let prefix = entry.link_prefix.or_else(|| like.map(|like| like.link_prefix.clone()));
        Self {
            link_trail: trail.unwrap_or_else(|| DEFAULT_TRAIL.to_owned()),
            link_prefix: prefix.unwrap_or_default(),
            number_format: entry.number_format.or_else(|| like.map(|like| like.number_format.clone())).unwrap_or_default(),
            dotted_i: entry.dotted_i,
            variants: entry.variants,
            disambiguation_templates: entry.disambiguation_templates,
            words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid() {
        for (code, entry) in &*ENTRIES {
            assert!(entry.like.as_ref().is_none_or(|like| ENTRIES.contains_key(like) || WikiWords::of(like).is_some()), "{code}");
            LanguageData::of(code);
        }
        assert!(CODES.values().all(|code| LANGUAGES.contains_key(code)));
    }

    #[test]
    fn codes_are_mapped_as_wikis_map_them() {
        for (lang, code) in [
            ("en", Some("en")),
            ("nb", Some("no")),
            ("gsw", Some("als")),
            ("lzh", Some("zh-classical")),
            ("yue", Some("zh-yue")),
            ("nan", Some("zh-min-nan")),
            ("zh-min-nan", Some("zh-min-nan")),
            ("be-x-old", Some("be-tarask")),
            ("be_x_old", Some("be-tarask")),
            ("rup", Some("roa-rup")),
            ("sgs", Some("bat-smg")),
            ("vro", Some("fiu-vro")),
            ("simple", Some("simple")),
            ("EN", Some("en")),
            ("zh-Hant-TW", Some("zh")),
            ("crh-Latn", Some("crh")),
            ("nds-NL", Some("nds-nl")),
            ("kk-Latn", Some("kk-latn")),
            ("", None),
            ("klingon", None),
            ("x-y", None),
        ] {
            assert_eq!(wikipedia_code(lang), code, "{lang}");
        }
    }

    #[test]
    fn data_comes_from_a_language_that_is_alike() {
        assert_eq!(LanguageData::of("gsw").link_trail, LanguageData::of("de").link_trail);
        assert_eq!(LanguageData::of("zh-min-nan").link_trail, "a-z");
        assert_eq!(LanguageData::of("yue").link_trail, "");
        let words = &LanguageData::of("zh-yue").words;
        assert!(words.redirects.iter().any(|word| word == "跳轉") && words.options.iter().any(|option| option == "$1像素"));
    }
}
