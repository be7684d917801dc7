//! Properties of languages from `data/languages.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::digit_grouping::DigitGrouping;

/// What `<siteinfo>` does not state about the wiki of a language. The data file explains the fields.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LanguageData {
    pub link_trail: String,
    #[serde(default)]
    pub number_format: DigitGrouping,
    #[serde(default)]
    pub redirect_words: Vec<String>,
    #[serde(default)]
    pub disambiguation_templates: Vec<String>,
    #[serde(default)]
    pub magic_words: Vec<String>,
    #[serde(default)]
    pub media_options: Vec<String>,
    #[serde(default)]
    pub has_variants: bool,
    /// By namespace number, which TOML has as a string.
    #[serde(default)]
    pub namespace_aliases: BTreeMap<String, Vec<String>>,
}

static LANGUAGES: LazyLock<BTreeMap<String, LanguageData>> =
    LazyLock::new(|| toml::from_str(include_str!("data/languages.toml")).expect("a test parses the table"));

static DEFAULT: LazyLock<LanguageData> = LazyLock::new(|| LanguageData { link_trail: "a-z".to_owned(), ..LanguageData::default() });

impl LanguageData {
    /// The data of a language, or MediaWiki's defaults if it is not in the table.
    ///
    /// Only exact codes match: `zh-min-nan` is not a kind of `zh`.
    pub fn of(lang: &str) -> &'static Self {
        LANGUAGES.get(lang).unwrap_or(&DEFAULT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_valid() {
        assert!(LANGUAGES.len() > 40);
        let mut keys = LANGUAGES.values().flat_map(|language| language.namespace_aliases.keys());
        assert!(keys.all(|key| key.parse::<i32>().is_ok()));
        assert_eq!(LanguageData::of("zh-min-nan").link_trail, "a-z");
    }
}
