//! Rules by which pages and titles get their labels, read from TOML.

use std::collections::BTreeSet;

use super::pattern::{Pattern, PatternError};
use super::rule_file::RuleFile;
use super::wikidata::class_graph::LabelClasses;
use super::wikidata::statement::item_number;

/// Files of rules with their labels.
#[derive(Debug)]
pub struct TypeRules {
    /// The labels, in the order in which reports list them. Numbers of labels are positions here.
    pub labels: Vec<String>,
    /// BLAKE3 of the files.
    pub hash: String,
    /// The user's file comes before those that it extends.
    pub(super) files: Vec<RuleFile>,
}

/// The built-in set: the four types of CoNLL-2003, which are persons, places, organisations and other names.
pub const BUILT_IN: &str = "per-loc-org-misc";

const BUILT_IN_FILES: [&str; 8] = [
    include_str!("data/en.toml"),
    include_str!("data/zh.toml"),
    include_str!("data/ja.toml"),
    include_str!("data/de.toml"),
    include_str!("data/fr.toml"),
    include_str!("data/es.toml"),
    include_str!("data/ru.toml"),
    include_str!("data/wikidata.toml"),
];

/// Most labels.
pub const MAX_LABELS: usize = 64;

/// A list that is no list of words: a capitalised word that the pages do not write in lower case more often.
pub(super) const PROPER_WORD: &str = "proper";
/// The list of the words that need no capital in a title.
pub(super) const SMALL_WORDS: &str = "small-words";

/// Why a file of rules is invalid.
#[derive(Debug, thiserror::Error)]
pub enum TypeRulesError {
    /// It is not TOML, or has missing or unknown keys.
    #[error(transparent)]
    Toml(#[from] toml::de::Error),
    /// There is no label.
    #[error("`labels` is empty; expected the labels of the rules, as in labels = [\"PER\", \"LOC\"]")]
    NoLabels,
    /// More labels than [`MAX_LABELS`].
    #[error("`labels` has {0} labels, expected at most {MAX_LABELS}")]
    TooManyLabels(usize),
    /// A label that is not declared.
    #[error("label `{label}` of an entry is not in `labels`, which has {known}")]
    UnknownLabel {
        /// The label.
        label: String,
        /// Those that are declared.
        known: String,
    },
    /// A set that does not exist.
    #[error("extends = {0:?} is no built-in set; expected {BUILT_IN:?}")]
    UnknownSet(String),
    /// A pattern that is malformed.
    #[error("pattern {pattern:?} {error}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong.
        error: PatternError,
    },
    /// A pattern with a list that no entry defines.
    #[error("pattern {pattern:?} refers to list `{list}`, which no [[list]] defines; there are {known}")]
    UnknownList {
        /// The pattern.
        pattern: String,
        /// The list.
        list: String,
        /// Those that are defined.
        known: String,
    },
    /// A class that is no item.
    #[error("class {0:?} of a [[wikidata]] is no item, expected one such as \"Q5\"")]
    BadClass(String),
    /// A rule that labels nothing.
    #[error("a [[rule]] of label `{0}` has no infoboxes, categories, descriptions, brackets or titles, so it labels nothing")]
    EmptyRule(String),
}

impl TypeRules {
    /// The built-in set of a name.
    pub fn built_in(name: &str) -> Option<Self> {
        (name == BUILT_IN).then(|| Self::new(&BUILT_IN_FILES).expect("a test parses the built-in set"))
    }

    /// The rules of a file, and those of the built-in set that it extends.
    ///
    /// # Errors
    /// See [`TypeRulesError`].
    pub fn parse(toml: &str) -> Result<Self, TypeRulesError> {
        let file: RuleFile = toml::from_str(toml)?;
        match file.extends.as_deref() {
            None => Self::new(&[toml]),
            Some(BUILT_IN) => Self::new(&std::iter::once(toml).chain(BUILT_IN_FILES).collect::<Vec<_>>()),
            Some(other) => Err(TypeRulesError::UnknownSet(other.to_owned())),
        }
    }

    fn new(texts: &[&str]) -> Result<Self, TypeRulesError> {
        let files: Vec<RuleFile> = texts.iter().map(|text| toml::from_str(text)).collect::<Result<_, _>>()?;
        let mut labels: Vec<String> = Vec::new();
        for label in files.iter().flat_map(|file| &file.labels) {
            if !labels.contains(label) {
                labels.push(label.clone());
            }
        }
        let mut hasher = blake3::Hasher::new();
        for text in texts {
            hasher.update(text.as_bytes());
        }
        let rules = Self { labels, hash: hasher.finalize().to_hex().to_string(), files };
        rules.check()?;
        Ok(rules)
    }

    /// The position of a label.
    pub(super) fn label(&self, name: &str) -> Option<u8> {
        self.labels.iter().position(|label| label == name).and_then(|position| u8::try_from(position).ok())
    }

    /// Names of the lists that files may add to.
    pub fn lists(&self) -> BTreeSet<&str> {
        self.files.iter().flat_map(|file| file.lists.iter().map(|list| list.name.as_str())).collect()
    }

    /// The classes of Wikidata of each label, in the order of the labels; those of all files together.
    ///
    /// # Errors
    /// [`TypeRulesError::BadClass`].
    pub fn wikidata_classes(&self) -> Result<Vec<LabelClasses>, TypeRulesError> {
        let numbers = |classes: &[String]| -> Result<Vec<u32>, TypeRulesError> {
            classes.iter().map(|class| item_number(class).ok_or_else(|| TypeRulesError::BadClass(class.clone()))).collect()
        };
        let of_label = |label: &String| {
            let mut found = LabelClasses { label: label.clone(), classes: Vec::new(), except: Vec::new() };
            for entry in self.files.iter().flat_map(|file| &file.wikidata).filter(|entry| entry.label == *label) {
                found.classes.extend(numbers(&entry.classes)?);
                found.except.extend(numbers(&entry.except)?);
            }
            Ok(found)
        };
        self.labels.iter().map(of_label).collect()
    }

    fn check(&self) -> Result<(), TypeRulesError> {
        self.wikidata_classes()?;
        if self.labels.is_empty() {
            return Err(TypeRulesError::NoLabels);
        }
        if self.labels.len() > MAX_LABELS {
            return Err(TypeRulesError::TooManyLabels(self.labels.len()));
        }
        for file in &self.files {
            let of_rules = file.rules.iter().filter_map(|rule| rule.label.as_ref());
            let of_classes = file.wikidata.iter().map(|entry| &entry.label);
            for label in of_rules.chain(file.no_names.iter().filter_map(|entry| entry.label.as_ref())).chain(of_classes) {
                if self.label(label).is_none() {
                    return Err(TypeRulesError::UnknownLabel { label: label.clone(), known: self.labels.join(", ") });
                }
            }
            for rule in &file.rules {
                let evidence = [&rule.infoboxes, &rule.categories, &rule.descriptions, &rule.brackets, &rule.titles];
                if evidence.iter().all(|patterns| patterns.is_empty()) {
                    return Err(TypeRulesError::EmptyRule(rule.label.clone().unwrap_or_default()));
                }
                for (patterns, has_name) in evidence.into_iter().zip([false, false, false, false, true]).chain([(&rule.without, false)]) {
                    patterns.iter().try_for_each(|pattern| self.check_pattern(pattern, has_name))?;
                }
            }
            for pattern in file.no_names.iter().flat_map(|entry| entry.texts.iter().chain(&entry.without)) {
                self.check_pattern(pattern, false)?;
            }
        }
        Ok(())
    }

    fn check_pattern(&self, text: &str, has_name: bool) -> Result<(), TypeRulesError> {
        let pattern = Pattern::parse(text, has_name).map_err(|error| TypeRulesError::Pattern { pattern: text.to_owned(), error })?;
        let known = self.lists();
        match pattern.lists().find(|list| *list != PROPER_WORD && !known.contains(list)) {
            None => Ok(()),
            Some(list) => {
                let known = known.into_iter().chain([PROPER_WORD]).collect::<Vec<_>>().join(", ");
                Err(TypeRulesError::UnknownList { pattern: text.to_owned(), list: list.to_owned(), known })
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_set_is_valid() {
        let rules = TypeRules::built_in(BUILT_IN).unwrap();
        assert_eq!(rules.labels, ["PER", "LOC", "ORG", "MISC"]);
        let without_classes = rules.wikidata_classes().unwrap().into_iter().filter(|label| label.classes.is_empty());
        assert_eq!(without_classes.map(|label| label.label).collect::<Vec<_>>(), ["MISC"]);
        assert!(TypeRules::built_in("nothing").is_none());
    }

    #[test]
    fn invalid_files_are_rejected() {
        let check = |file: &str, expected: &str| {
            let error = TypeRules::parse(file).unwrap_err().to_string();
            assert!(error.contains(expected), "{file}: {error}");
        };
        check("labels = [", "TOML parse error");
        check("[[rule]]\nlabel = 'X'\ntitles = ['x']", "`labels` is empty");
        check("labels = ['X']\n[[rule]]\nlabel = 'Y'\ntitles = ['x']", "label `Y` of an entry is not in `labels`, which has X");
        check("labels = ['X']\n[[no_name]]\nlabel = 'Y'\ntexts = ['x']", "label `Y`");
        check("labels = ['X']\n[[rule]]\nlabel = 'X'", "labels nothing");
        check("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitle = ['x']", "unknown field `title`");
        check("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitles = ['{x']", "pattern \"{x\" has an unmatched `{`");
        check("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitles = ['(x']", "pattern \"(x\" has an unmatched `(`");
        check("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitles = ['']", "pattern \"\" is empty");
        check(
            "labels = ['X']\n[[rule]]\nlabel = 'X'\ntitles = ['{x} *']",
            "refers to list `x`, which no [[list]] defines; there are proper",
        );
        check("labels = ['X']\n[[wikidata]]\nlabel = 'Y'\nclasses = ['Q5']", "label `Y`");
        check("labels = ['X']\n[[wikidata]]\nlabel = 'X'\nclasses = ['P5']", "class \"P5\" of a [[wikidata]] is no item");
        check("labels = ['X']\nextends = 'y'", "extends = \"y\" is no built-in set; expected \"per-loc-org-misc\"");
    }

    #[test]
    fn a_file_extends_the_built_in_set() {
        let rules = TypeRules::parse("extends = 'per-loc-org-misc'\nlabels = ['ART']\n[[rule]]\nlabel = 'ART'\ntitles = ['*']").unwrap();
        assert_eq!(rules.labels, ["ART", "PER", "LOC", "ORG", "MISC"]);
        assert!(rules.lists().contains("given-names"));
    }
}
