//! Query sets: for each label of a data set, the query that the model is given.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// The labels of a data set in order, each with its query.
///
/// ```
/// let set = schemas::QuerySet::load("en_conll03")?;
/// assert_eq!(set.labels().collect::<Vec<_>>(), ["ORG", "PER", "LOC", "MISC"]);
/// # Ok::<(), schemas::query_set::QuerySetError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuerySet {
    /// Name, for `--queries`.
    pub name: String,
    /// Language of the queries.
    pub lang: String,
    /// Where the labels come from.
    #[serde(default)]
    pub description: String,
    /// One query a label, in the order of the rows of a sentence.
    #[serde(rename = "query")]
    pub queries: Vec<Query>,
}

/// A label and its query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// The label as the data set writes it.
    pub label: String,
    /// The query: a question about the label or a description of it.
    pub text: String,
}

/// A query set that cannot be loaded or is not valid.
#[derive(Debug, thiserror::Error)]
pub enum QuerySetError {
    /// The name is neither a built-in set nor a file.
    #[error("no query set and no file is named `{name}`; built in are {}", BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("cannot read query set {0}")]
    Io(PathBuf, #[source] std::io::Error),
    /// The file is not TOML of the expected form.
    #[error("{path} is not a query set: expected name, lang and [[query]] entries with label and text")]
    Toml {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        #[source]
        source: toml::de::Error,
    },
    /// A label or a query is missing or given twice.
    #[error("query set `{name}`: {problem}")]
    Invalid {
        /// Name of the set.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../queries/", $name, ".toml")))),*]
    };
}

const BUILT_IN: &[(&str, &str)] = built_in![
    "zhwiki",
    "enwiki",
    "zh_ecommerce",
    "zh_ecommerce5",
    "zh_msra",
    "zh_ontonotes4",
    "en_conll03",
    "en_twitter",
    "en_wnut17",
    "en_ontonotes5",
    "en_ace04",
    "en_ace05",
    "en_genia",
];

impl QuerySet {
    /// The built-in sets.
    pub fn built_in() -> Vec<Self> {
        BUILT_IN.iter().map(|(name, text)| Self::parse(Path::new(name), text).expect("built-in sets are tested")).collect()
    }

    /// Loads a built-in set by its name, or a set from a TOML file. A built-in name wins over a file of the same name.
    ///
    /// # Errors
    /// Neither exists, or the file is not a valid query set.
    pub fn load(name_or_file: &str) -> Result<Self, QuerySetError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_file) {
            return Self::parse(Path::new(name), text);
        }
        let path = Path::new(name_or_file);
        if !path.exists() {
            return Err(QuerySetError::Unknown { name: name_or_file.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(|error| QuerySetError::Io(path.to_owned(), error))?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, QuerySetError> {
        let set: Self = toml::from_str(text).map_err(|source| QuerySetError::Toml { path: path.to_owned(), source })?;
        set.check()?;
        Ok(set)
    }

    /// Checks that there is at least one label, that no label is given twice, and that each has a query.
    ///
    /// # Errors
    /// [`QuerySetError::Invalid`] for the first violation.
    pub fn check(&self) -> Result<(), QuerySetError> {
        let invalid = |problem: String| Err(QuerySetError::Invalid { name: self.name.clone(), problem });
        if self.queries.is_empty() {
            return invalid("it has no [[query]]".to_owned());
        }
        for (at, query) in self.queries.iter().enumerate() {
            if query.label.trim().is_empty() || query.text.trim().is_empty() {
                return invalid(format!("query {} has an empty label or text", at + 1));
            }
            if self.queries[..at].iter().any(|other| other.label == query.label) {
                return invalid(format!("label `{}` is given twice", query.label));
            }
        }
        Ok(())
    }

    /// Index of a label in the set.
    pub fn position(&self, label: &str) -> Option<usize> {
        self.queries.iter().position(|query| query.label == label)
    }

    /// The labels, in order.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.queries.iter().map(|query| query.label.as_str())
    }

    /// The set as the content of a TOML file.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a query set is plain data")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_sets_are_sound() {
        let labels = |name: &str| match name {
            "zhwiki" | "enwiki" => 1,
            "zh_ecommerce" => 2,
            "zh_msra" | "en_twitter" => 3,
            "zh_ontonotes4" | "en_conll03" => 4,
            "zh_ecommerce5" | "en_genia" => 5,
            "en_wnut17" => 6,
            "en_ace04" | "en_ace05" => 7,
            "en_ontonotes5" => 18,
            _ => panic!("say here how many labels {name} has"),
        };
        for (set, &(name, _)) in QuerySet::built_in().iter().zip(BUILT_IN) {
            assert_eq!((set.name.as_str(), set.queries.len()), (name, labels(name)));
            assert!(name.starts_with(&set.lang), "{name} is in the language of its data");
            assert_eq!(QuerySet::parse(Path::new(name), &set.to_toml()).unwrap(), *set, "TOML round trip");
        }
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let unknown = QuerySet::load("en_nothing").unwrap_err().to_string();
        assert!(unknown.contains("en_conll03"), "{unknown}");
        let twice = "name='x'\nlang='en'\n[[query]]\nlabel='A'\ntext='a'\n[[query]]\nlabel='A'\ntext='b'";
        let error = QuerySet::parse(Path::new("x"), twice).unwrap_err().to_string();
        assert_eq!(error, "query set `x`: label `A` is given twice");
    }
}
