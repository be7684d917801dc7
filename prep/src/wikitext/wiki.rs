//! The settings of one wiki that its wikitext depends on.

use std::collections::HashSet;

use super::digit_grouping::DigitGrouping;
use super::language_data::{LanguageData, wikipedia_code};
use super::link_letters::LinkLetters;
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
    pub(super) link_trail: LinkLetters,
    /// Letters right before `[[` that belong to the link text.
    pub(super) link_prefix: LinkLetters,
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
    /// A language that [`wikipedia_code`](super::wikipedia_code) does not know has MediaWiki's defaults, and the namespaces that the dump
    /// lists.
    pub fn new(site: &SiteInfo, lang: &str) -> Self {
        let language = LanguageData::of(lang);
        let english = &LanguageData::of("en").disambiguation_templates;
        Self {
            lang: lang.to_owned(),
            namespaces: Namespaces::new(site, language),
            link_trail: LinkLetters::new(&language.link_trail),
            link_prefix: LinkLetters::new(&language.link_prefix),
            has_variants: !language.variants.is_empty(),
            number_format: language.number_format.clone(),
            magic_words: MagicWords::new(&language.words),
            media_options: MediaOptions::new(&language.words),
            disambiguation_templates: english.iter().chain(&language.disambiguation_templates).cloned().collect(),
            templates: TemplateTable::built_in().clone().of_wiki(wikipedia_code(lang)),
        }
    }

    /// The same wiki with other templates.
    #[must_use]
    pub fn with_templates(self, templates: TemplateTable) -> Self {
        let templates = templates.of_wiki(wikipedia_code(&self.lang));
        Self { templates, ..self }
    }

    /// Whether an anchor's target is an article of this wiki: it is not empty and has no namespace or interwiki prefix.
    pub fn is_article(&self, target: &str) -> bool {
        self.namespaces.is_article(target)
    }
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
            let length = Wiki::new(&SiteInfo::default(), lang).link_trail.length_at_start(text);
            assert_eq!(&text[..length], trail, "{lang} {text}");
        }
    }
}
