//! What a page says about itself beside its text: categories, templates, a short description, an item of Wikidata.

use rustc_hash::FxHashSet;

use super::markers::without_markers;
use super::template_arguments::TemplatePart;

/// Templates whose first argument describes the page in a few words, in lower case.
const DESCRIPTION_TEMPLATES: [&str; 3] = ["short description", "shortdesc", "short desc"];
/// Arguments of boxes that name the page's item of Wikidata, in lower case.
const ITEM_ARGUMENTS: [&str; 6] = ["qid", "wikidata", "wikidataid", "wikidata_id", "wikidata id", "wd"];
/// Templates of one line that name it, in lower case.
const ITEM_TEMPLATES: [&str; 2] = ["authority control", "normdaten"];

/// How the names of MediaWiki's variables begin, which are written like templates: `{{CURRENTYEAR}}`.
const VARIABLES: [&str; 12] = [
    "CURRENT",
    "LOCAL",
    "NUMBEROF",
    "REVISION",
    "SITENAME",
    "SERVER",
    "NAMESPACE",
    "SUBJECT",
    "TALK",
    "ARTICLEPAGENAME",
    "ROOTPAGENAME",
    "PAGEID",
];

/// What a page says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PageMetadata {
    /// Its categories, without namespace and sort key, in order, each once.
    pub categories: Vec<String>,
    /// Templates at the top level of the page, without namespace, in order, each once.
    pub templates: Vec<String>,
    /// Its short description.
    pub description: Option<String>,
    /// Its item of Wikidata, such as `Q42`.
    pub wikidata: Option<String>,
}

/// Collects the metadata of a page.
#[derive(Debug, Default)]
pub(super) struct MetadataCollector {
    found: PageMetadata,
    known_categories: FxHashSet<String>,
    known_templates: FxHashSet<String>,
}

impl MetadataCollector {
    /// Adds a category.
    pub fn add_category(&mut self, name: &str) {
        if !name.is_empty() && self.known_categories.insert(name.to_owned()) {
            self.found.categories.push(name.to_owned());
        }
    }

    /// Adds a template at the top level of the page. `name` is as it was written, without namespace; the first part is the template's name
    /// too.
    pub fn add_template(&mut self, name: &str, parts: &[TemplatePart<'_>]) {
        let key = name.to_lowercase();
        let is_box = parts.iter().any(|(part, _)| part.contains('\n')) || ITEM_TEMPLATES.contains(&key.as_str());
        if self.found.wikidata.is_none() && is_box {
            self.found.wikidata = parts[1..].iter().find_map(item_argument);
        }
        if self.found.description.is_none() && DESCRIPTION_TEMPLATES.contains(&key.as_str()) {
            self.set_description(parts.get(1).map_or("", |(description, _)| description));
        }
        let is_variable = name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && VARIABLES.iter().any(|variable| name.starts_with(variable));
        if !name.is_empty() && !is_variable && self.known_templates.insert(name.to_owned()) {
            self.found.templates.push(name.to_owned());
        }
    }

    /// Sets the short description; `none` is none.
    pub fn set_description(&mut self, description: &str) {
        let description = without_markers(description);
        let description = description.split_whitespace().collect::<Vec<_>>().join(" ");
        if !description.is_empty() && !description.eq_ignore_ascii_case("none") {
            self.found.description = Some(description);
        }
    }

    /// What was found.
    pub fn finish(self) -> PageMetadata {
        self.found
    }
}

/// The item that an argument of a template names.
fn item_argument(&(part, equals): &TemplatePart<'_>) -> Option<String> {
    let (key, value) = (&part[..equals?], part[equals? + 1..].trim());
    let is_key = ITEM_ARGUMENTS.contains(&key.trim().to_lowercase().as_str());
    let number = value.strip_prefix('Q')?;
    (is_key && !number.is_empty() && number.len() <= 12 && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| value.to_owned())
}
