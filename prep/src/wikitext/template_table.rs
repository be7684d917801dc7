//! The table of templates whose content is part of the text. Templates are not run: the table says what each of them shows.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde::Deserialize;

/// What the templates of a wiki show; templates that are not in the table are removed.
///
/// It is read from TOML in the notation that the [guide](super) describes under "Templates":
///
/// ```
/// use prep::wikitext::TemplateTable;
///
/// let own = "
///     [[template]]
///     names = ['river']
///     show = '[[{1} (river)|{2|1}]]'
/// ";
/// let templates = TemplateTable::built_in().with(own)?;
/// # Ok::<(), prep::wikitext::TemplateTableError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct TemplateTable {
    by_name: HashMap<String, Vec<Arc<TemplateEntry>>>,
    /// Entries whose name ends in `*`, by what precedes it.
    by_prefix: Vec<(String, Arc<TemplateEntry>)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TemplateFile {
    #[serde(rename = "template", default)]
    templates: Vec<TemplateEntry>,
}

/// An entry of the table; `data/templates.toml` explains the fields.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateEntry {
    names: Vec<String>,
    /// Codes of the Wikipedias that have it; empty for all.
    #[serde(default)]
    wikis: Vec<String>,
    /// Conditions: for an argument, the values of which it must have one.
    #[serde(default)]
    pub when: BTreeMap<String, Vec<String>>,
    /// The pattern of what is shown; `None` if the template is known to show nothing.
    pub show: Option<String>,
    /// Whether the content is a block of its own.
    #[serde(default)]
    pub block: bool,
    /// Whether the content is in another language and therefore not converted between scripts.
    #[serde(default)]
    pub keep: bool,
}

/// Why a file of templates is invalid.
#[derive(Debug, thiserror::Error)]
pub enum TemplateTableError {
    /// The file is not TOML, or has missing or unknown keys.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// The brackets of a pattern do not match.
    #[error("template `{names}`: unmatched `{bracket}` in show = {show:?}; expected arguments as {{1}} and optional parts as <…>")]
    Unbalanced {
        /// The names of the entry.
        names: String,
        /// The unmatched bracket.
        bracket: char,
        /// The pattern.
        show: String,
    },
}

static BUILT_IN: LazyLock<TemplateTable> =
    LazyLock::new(|| TemplateTable::default().with(include_str!("data/templates.toml")).expect("a test parses the table"));

impl TemplateTable {
    /// The templates of `data/templates.toml`.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// This table extended by the entries of a TOML file. For a template that both define, the entries of the file are tried first.
    ///
    /// # Errors
    /// The file is invalid TOML, has unknown keys, or a pattern has unmatched brackets.
    pub fn with(&self, toml: &str) -> Result<Self, TemplateTableError> {
        let file: TemplateFile = toml::from_str(toml)?;
        let mut all = Self::default();
        for entry in file.templates {
            check_brackets(&entry)?;
            let entry = Arc::new(entry);
            for name in &entry.names {
                match name.strip_suffix('*') {
                    Some(prefix) => all.by_prefix.push((prefix.to_lowercase(), Arc::clone(&entry))),
                    None => all.by_name.entry(name.to_lowercase()).or_default().push(Arc::clone(&entry)),
                }
            }
        }
        all.by_prefix.extend(self.by_prefix.iter().cloned());
        for (name, entries) in &self.by_name {
            all.by_name.entry(name.clone()).or_default().extend(entries.iter().cloned());
        }
        Ok(all)
    }

    /// Without the entries of other wikis. `code` is the one of a Wikipedia, if it is one.
    pub(super) fn of_wiki(mut self, code: Option<&str>) -> Self {
        let has_entry = |entry: &TemplateEntry| entry.wikis.is_empty() || entry.wikis.iter().any(|wiki| Some(wiki.as_str()) == code);
        self.by_name.retain(|_, entries| {
            entries.retain(|entry| has_entry(entry));
            !entries.is_empty()
        });
        self.by_prefix.retain(|(_, entry)| has_entry(entry));
        self
    }

    /// The entries for a normalized template name, in the order in which they are tried.
    pub(super) fn entries(&self, name: &str) -> impl Iterator<Item = &TemplateEntry> {
        let by_name = self.by_name.get(name).map_or(&[][..], Vec::as_slice);
        let by_prefix = self.by_prefix.iter().filter(move |(prefix, _)| by_name.is_empty() && name.starts_with(prefix.as_str()));
        by_name.iter().map(AsRef::as_ref).chain(by_prefix.map(|(_, entry)| entry.as_ref()))
    }
}

/// Checks that `{}` and `<>` match, and that no bracket lies inside of `{}`.
fn check_brackets(entry: &TemplateEntry) -> Result<(), TemplateTableError> {
    let Some(show) = &entry.show else { return Ok(()) };
    let unbalanced = |bracket: char| TemplateTableError::Unbalanced { names: entry.names.join(", "), bracket, show: show.clone() };
    let mut open: Vec<char> = Vec::new();
    for c in show.chars() {
        let matched = match c {
            '{' | '<' => {
                open.push(c);
                open.len() < 2 || open[open.len() - 2] != '{'
            }
            '}' => open.pop() == Some('{'),
            '>' => open.pop() == Some('<'),
            _ => true,
        };
        if !matched {
            return Err(unbalanced(c));
        }
    }
    open.pop().map_or(Ok(()), |bracket| Err(unbalanced(bracket)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn invalid_files_are_rejected() {
        for (file, error) in [
            ("[[template]]\nnames = ['x']\nshow = '{1'", "template `x`: unmatched `{` in show"),
            ("[[template]]\nnames = ['x', 'y']\nshow = '1>'", "template `x, y`: unmatched `>` in show"),
            ("[[template]]\nnames = ['x']\nshow = '{<1>}'", "unmatched `<`"),
            ("[[template]]\nname = ['x']\nshow = '1'", "unknown field"),
        ] {
            let found = TemplateTable::default().with(file).unwrap_err().to_string();
            assert!(found.contains(error), "{found}");
        }
    }

    #[test]
    fn wikis_have_templates_of_their_own() {
        let file = "[[template]]\nnames = ['x', 'y*']\nwikis = ['fr']\nshow = 'a'\n[[template]]\nnames = ['x']\nshow = 'b'";
        let templates = TemplateTable::default().with(file).unwrap();
        let count = |wiki: Option<&str>, name: &str| templates.clone().of_wiki(wiki).entries(name).count();
        assert_eq!((count(Some("fr"), "x"), count(Some("en"), "x"), count(None, "x")), (2, 1, 1));
        assert_eq!((count(Some("fr"), "yz"), count(Some("en"), "yz")), (1, 0));
    }

    #[test]
    fn exact_names_come_before_prefixes_and_new_files_before_old_ones() {
        let shows = |templates: &TemplateTable, name: &str| -> String {
            templates.entries(name).filter_map(|entry| entry.show.as_deref()).collect::<Vec<_>>().join(" ")
        };
        let first = "[[template]]\nnames = ['X', 'lang-*']\nshow = 'a'\n[[template]]\nnames = ['x', 'lang-de']\nshow = 'b'";
        let templates = TemplateTable::default().with(first).unwrap();
        assert_eq!(
            (shows(&templates, "x"), shows(&templates, "lang-fr"), shows(&templates, "lang-de")),
            ("a b".into(), "a".into(), "b".into())
        );
        let templates = templates.with("[[template]]\nnames = ['x', 'l*']\nshow = 'c'").unwrap();
        assert_eq!(
            (shows(&templates, "x"), shows(&templates, "lang-fr"), shows(&templates, "y")),
            ("c a b".into(), "c a".into(), String::new())
        );
    }
}
