//! The text extractors of a run: one for each wiki.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Context;

use super::page_settings::PageSettings;
use crate::source::SiteInfo;
use crate::wikitext::{ChineseVariant, ExtraSegment, ExtractOptions, TemplateTable, Wiki, WikitextExtractor, wikipedia_code};

/// Extractors by the language of the wiki.
pub struct Extractors {
    by_lang: HashMap<String, WikitextExtractor>,
    /// BLAKE3 of the user's templates.
    pub templates_hash: Option<String>,
}

impl Extractors {
    /// Makes an extractor for each site, and reads the user's templates.
    ///
    /// # Errors
    /// A file of templates that cannot be read or is malformed.
    pub fn new(sites: &BTreeMap<String, SiteInfo>, settings: &PageSettings) -> anyhow::Result<Self> {
        let user_templates = settings.templates.as_deref().map(read_templates).transpose()?;
        let by_lang = sites.iter().map(|(lang, site)| {
            let options = ExtractOptions {
                variant: settings.variant.unwrap_or(ChineseVariant::default_of(lang)),
                captions: settings.extra_segments.contains(&ExtraSegment::Captions),
                tables: settings.extra_segments.contains(&ExtraSegment::Tables),
            };
            let wiki = Wiki::new(site, lang);
            let wiki = match &user_templates {
                Some((templates, _)) => wiki.with_templates(templates.clone()),
                None => wiki,
            };
            (lang.clone(), WikitextExtractor::new(wiki, options))
        });
        Ok(Self { by_lang: by_lang.collect(), templates_hash: user_templates.map(|(_, hash)| hash) })
    }

    /// What to tell the user about languages that are not known.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let mut langs: Vec<&String> = self.by_lang.keys().filter(|lang| wikipedia_code(lang).is_none()).collect();
        langs.sort_unstable();
        langs.into_iter().map(|lang| {
            format!(
                "the language `{lang}` is not known: names of namespaces are those of the dump, and all else is as in English; give the code \
                 of a known language with --lang"
            )
        })
    }

    /// The extractor of a wiki.
    pub fn get(&self, lang: &str) -> Option<&WikitextExtractor> {
        self.by_lang.get(lang)
    }
}

/// The user's templates with the built-in ones, and the hash of the file.
fn read_templates(path: &Path) -> anyhow::Result<(TemplateTable, String)> {
    let name = || format!("--templates {}", path.display());
    let text = std::fs::read_to_string(path).with_context(name)?;
    let templates = TemplateTable::built_in().with(&text).with_context(name)?;
    Ok((templates, blake3::hash(text.as_bytes()).to_hex().to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn unknown_languages_are_told() {
        let settings = PageSettings { namespaces: vec![0], variant: None, extra_segments: Vec::new(), templates: None, strict: false };
        let sites = ["en", "nb", "be-x-old", "tlh"].map(|lang| (lang.to_owned(), SiteInfo::default())).into();
        let warnings: Vec<String> = Extractors::new(&sites, &settings).unwrap().warnings().collect();
        assert!(matches!(&warnings[..], [warning] if warning.contains("`tlh` is not known")), "{warnings:?}");
    }
}
