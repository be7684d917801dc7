//! The TOML file of rules, as it is written. The head of `data/en.toml` explains the notation.

use serde::Deserialize;

/// A file of rules.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleFile {
    /// The labels, in the order in which reports list them.
    #[serde(default)]
    pub labels: Vec<String>,
    /// A built-in set whose rules hold too.
    pub extends: Option<String>,
    /// Codes of the Wikipedias of entries that name none; empty for all.
    #[serde(default)]
    pub langs: Vec<String>,
    /// Lists that patterns refer to.
    #[serde(rename = "list", default)]
    pub lists: Vec<ListEntry>,
    /// What labels pages and titles.
    #[serde(rename = "rule", default)]
    pub rules: Vec<RuleEntry>,
    /// Which texts of links are no names.
    #[serde(rename = "no_name", default)]
    pub no_names: Vec<NoNameEntry>,
    /// Classes of Wikidata that have a label.
    #[serde(default)]
    pub wikidata: Vec<WikidataEntry>,
}

/// A list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListEntry {
    /// Name of the list, as in `{given-names}` and `--known given-names=FILE`.
    pub name: String,
    pub langs: Option<Vec<String>>,
    /// Its entries, beside those of files.
    #[serde(default)]
    pub words: Vec<String>,
    /// Texts that are not in it, whatever files say.
    #[serde(default)]
    pub without: Vec<String>,
    /// Lists whose entries are not in it.
    #[serde(default)]
    pub without_lists: Vec<String>,
    /// Whether words that the pages write in lower case more often than with a capital are not in it.
    #[serde(default)]
    pub skip_common_words: bool,
}

/// Classes of a label.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WikidataEntry {
    pub label: String,
    /// Items such as `Q5`: instances of these and of their subclasses have the label.
    pub classes: Vec<String>,
    /// Instances of these and of their subclasses have not.
    #[serde(default)]
    pub except: Vec<String>,
}

/// Evidence for a label.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleEntry {
    /// The label; without it, what matches has none.
    pub label: Option<String>,
    pub langs: Option<Vec<String>>,
    /// Templates of the page.
    #[serde(default)]
    pub infoboxes: Vec<String>,
    /// Categories of the page.
    #[serde(default)]
    pub categories: Vec<String>,
    /// Short descriptions of the page.
    #[serde(default)]
    pub descriptions: Vec<String>,
    /// What is in the bracket at the end of the title.
    #[serde(default)]
    pub brackets: Vec<String>,
    /// Titles without their bracket.
    #[serde(default)]
    pub titles: Vec<String>,
    /// Titles, with a bracket or without, of fewer or more words do not match.
    pub words: Option<[usize; 2]>,
    /// Titles with these patterns do not match.
    #[serde(default)]
    pub without: Vec<String>,
    /// Whether each word of the title but small ones begins with a capital.
    #[serde(default)]
    pub capitalised: bool,
}

/// Texts of links that are no names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoNameEntry {
    pub langs: Option<Vec<String>>,
    /// Label of the pages that the links lead to; without it, of all.
    pub label: Option<String>,
    /// The texts, as patterns. A text that is a title of the label is a name.
    #[serde(default)]
    pub texts: Vec<String>,
    /// Texts of fewer or more words are names.
    pub words: Option<[usize; 2]>,
    /// Patterns of texts that are names.
    #[serde(default)]
    pub without: Vec<String>,
    /// Whether texts that the title has are names.
    #[serde(default)]
    pub unless_in_title: bool,
    /// Whether texts that begin with a lower-case letter are no names, unless the title has them.
    #[serde(default)]
    pub lower_case: bool,
    /// Whether texts that end with a word in lower case are no names, unless the title has the word: `American wife`.
    #[serde(default)]
    pub lower_case_end: bool,
}
