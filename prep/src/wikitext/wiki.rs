//! The settings of one wiki that its wikitext depends on.

use std::collections::HashSet;

use super::digit_grouping::DigitGrouping;
use super::language_data::LanguageData;
use super::magic_words::MagicWords;
use super::media::MediaOptions;
use super::namespaces::Namespaces;
use super::template_table::TemplateTable;
use crate::source::SiteInfo;

/// A wiki: language, namespaces, link trail and templates, from the `<siteinfo>` of its dump and the built-in data tables.
#[derive(Debug, Clone, Default)]
pub struct Wiki {
    /// Language code.
    pub lang: String,
    pub(super) namespaces: Namespaces,
    /// Letters right after `]]` that belong to the link text.
    link_trail: HashSet<char>,
    /// Whether pages use `-{…}-`.
    pub(super) has_variants: bool,
    pub(super) number_format: DigitGrouping,
    pub(super) magic_words: MagicWords,
    pub(super) media_options: MediaOptions,
    /// Templates that mark a disambiguation page, in lower case.
    pub(super) disambiguation_templates: HashSet<String>,
    pub(super) templates: TemplateTable,
}

impl Wiki {
    /// The wiki of a dump with the built-in templates. `lang` is its language code, which the user may have overridden.
    ///
    /// A language that is not in the tables has MediaWiki's defaults, and the namespaces that the dump lists.
    pub fn new(site: &SiteInfo, lang: &str) -> Self {
        let language = LanguageData::of(lang);
        let english = &LanguageData::of("en").disambiguation_templates;
        Self {
            lang: lang.to_owned(),
            namespaces: Namespaces::new(site, language),
            link_trail: expand_ranges(&language.link_trail),
            has_variants: language.has_variants,
            number_format: language.number_format.clone(),
            magic_words: MagicWords::new(language),
            media_options: MediaOptions::new(language),
            disambiguation_templates: english.iter().chain(&language.disambiguation_templates).cloned().collect(),
            templates: TemplateTable::built_in().clone(),
        }
    }

    /// The same wiki with other templates.
    #[must_use]
    pub fn with_templates(self, templates: TemplateTable) -> Self {
        Self { templates, ..self }
    }

    /// Whether an anchor's target is an article of this wiki: it is not empty and has no namespace or interwiki prefix.
    pub fn is_article(&self, target: &str) -> bool {
        self.namespaces.is_article(target)
    }

    /// Number of bytes at the start of `text`, which follows `]]`, that belong to the link text.
    pub(super) fn link_trail_length(&self, text: &str) -> usize {
        // In some languages the apostrophe is part of the trail, but two are quote markup in every language.
        let is_end = |&(at, letter): &(usize, char)| !self.link_trail.contains(&letter) || text[at..].starts_with("''");
        text.char_indices().find(is_end).map_or(text.len(), |(at, _)| at)
    }
}

/// The chars of a pattern such as `a-zäöü`.
fn expand_ranges(pattern: &str) -> HashSet<char> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut letters: HashSet<char> = chars.iter().copied().filter(|&c| c != '-').collect();
    for range in chars.windows(3).filter(|range| range[1] == '-') {
        letters.extend(range[0]..=range[2]);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_trail_depends_on_the_language() {
        for (lang, text, trail) in [
            ("en", "s b", "s"),
            ("en", "é", ""),
            ("de", "ße", "ße"),
            ("zh", "a", ""),
            ("xx", "zé", "z"),
            ("ca", "'x''y", "'x"),
            ("ru", "у", "у"),
        ] {
            let length = Wiki::new(&SiteInfo::default(), lang).link_trail_length(text);
            assert_eq!(&text[..length], trail, "{lang} {text}");
        }
    }
}
