//! `prep queries`: lists the built-in query sets, prints one as TOML, and imports the JSON query files of BERT-MRC.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail, ensure};
use schemas::{Query, QuerySet};
use serde::Deserialize;

use crate::config::queries::QueriesConfig;

/// Runs `prep queries`.
///
/// # Errors
/// A query set does not exist, a JSON file holds no query set, or a file exists or cannot be written.
pub fn run(config: &QueriesConfig) -> anyhow::Result<()> {
    match config {
        QueriesConfig::List => print(&list(&QuerySet::built_in())),
        QueriesConfig::Show(set) => print(&set.to_toml()),
        QueriesConfig::Import { file, output, name } => {
            let json = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let set = import(&json, name.as_deref()).with_context(|| file.display().to_string())?;
            write_new(output, &set.to_toml())
        }
    }
}

/// A query set in BERT-MRC's JSON. Its other fields, such as `psedo_query`, are ignored.
#[derive(Debug, Deserialize)]
struct BertMrcQuerySet {
    tags: Vec<String>,
    natural_query: BTreeMap<String, String>,
}

/// The query set in a JSON text: `{"zh_msra": {"tags": ["NR"], "natural_query": {"NR": "…"}}}`, or the inner object alone.
///
/// `name` chooses one of several query sets, or names one that has no name in the file. The language is Chinese if any question has a
/// Chinese character, else English.
///
/// # Errors
/// JSON of another shape, no query set of that name, several and no name, a tag without a question, or a question without a tag.
pub fn import(json: &str, name: Option<&str>) -> anyhow::Result<QuerySet> {
    let shape = r#"expected {"NAME": {"tags": ["LABEL", …], "natural_query": {"LABEL": "question", …}}, …}"#;
    let root: serde_json::Value = serde_json::from_str(json).with_context(|| format!("not JSON, {shape}"))?;
    let root = root.as_object().ok_or_else(|| anyhow!("not an object, {shape}"))?;
    let (name, set) = if root.contains_key("tags") || root.contains_key("natural_query") {
        let name = name.ok_or_else(|| anyhow!("the set has no name in the file; give it one with --name"))?;
        (name, serde_json::Value::Object(root.clone()))
    } else {
        let names: Vec<&str> = root.keys().map(String::as_str).collect();
        let name = match (name, names.as_slice()) {
            (Some(name), _) => name,
            (None, [only]) => only,
            (None, []) => bail!("no set in the file, {shape}"),
            (None, several) => bail!("{} sets in the file; choose one with --name: {}", several.len(), several.join(", ")),
        };
        let set = root.get(name).ok_or_else(|| anyhow!("no set `{name}` in the file; it has {}", names.join(", ")))?;
        (name, set.clone())
    };
    let set: BertMrcQuerySet = serde_json::from_value(set).with_context(|| format!("set `{name}`: {shape}"))?;
    let mut questions = set.natural_query;
    let queries = set.tags.into_iter().map(|label| {
        let text = questions.remove(&label).ok_or_else(|| anyhow!("set `{name}`: tag `{label}` is a duplicate or has no natural_query"))?;
        Ok(Query { label, text })
    });
    let queries = queries.collect::<anyhow::Result<Vec<Query>>>()?;
    if let Some(label) = questions.keys().next() {
        bail!("set `{name}`: natural_query `{label}` is not among the tags");
    }
    let lang = if queries.iter().any(|query| query.text.chars().any(is_han)) { "zh" } else { "en" };
    let set = QuerySet { name: name.to_owned(), lang: lang.to_owned(), description: String::new(), queries };
    set.check()?;
    Ok(set)
}

fn is_han(char: char) -> bool {
    matches!(char, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// A line for each query set: name, language, labels.
fn list(sets: &[QuerySet]) -> String {
    let width = sets.iter().map(|set| set.name.len()).max().unwrap_or(0);
    let line = |set: &QuerySet| format!("{:width$}  {}  {}\n", set.name, set.lang, set.labels().collect::<Vec<_>>().join(" "));
    sets.iter().map(line).collect()
}

fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        // As in `prep queries list | head -1`.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.context("cannot write to standard output"),
    }
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    ensure!(!path.exists(), "{} exists; give another file with -o", path.display());
    Ok(schemas::atomic_file::write(path, text.as_bytes())?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TWO: &str = r#"{"zh_x": {"tags": ["NS", "NR"], "natural_query": {"NR": "人名", "NS": "地名"}, "psedo_query": {}},
        "en_y": {"tags": ["PER"], "natural_query": {"PER": "people"}}}"#;

    #[test]
    fn labels_are_imported_in_the_order_of_their_tags() {
        let set = import(TWO, Some("zh_x")).unwrap();
        assert_eq!((set.name.as_str(), set.lang.as_str()), ("zh_x", "zh"));
        assert_eq!(set.labels().collect::<Vec<_>>(), ["NS", "NR"]);
        assert_eq!(import(TWO, Some("en_y")).unwrap().lang, "en");
        let bare = r#"{"tags": ["A"], "natural_query": {"A": "a"}}"#;
        assert_eq!(import(bare, Some("mine")).unwrap().name, "mine");
        let one = format!(r#"{{"only": {bare}}}"#);
        assert_eq!(import(&one, None).unwrap().name, "only");
    }

    #[test]
    fn malformed_json_is_refused() {
        for (json, name, expected) in [
            ("{", None, "not JSON, expected"),
            ("[]", None, "not an object, expected"),
            ("{}", None, "no set in the file"),
            (TWO, None, "2 sets in the file; choose one with --name: en_y, zh_x"),
            (TWO, Some("z"), "no set `z` in the file; it has en_y, zh_x"),
            (r#"{"tags": [], "natural_query": {}}"#, None, "the set has no name"),
            (r#"{"tags": [], "natural_query": {}}"#, Some("x"), "it has no [[query]]"),
            (r#"{"x": {"tags": ["A"]}}"#, None, "set `x`: expected"),
            (r#"{"x": {"tags": ["A"], "natural_query": {}}}"#, None, "tag `A` is a duplicate or has no natural_query"),
            (r#"{"x": {"tags": ["A", "A"], "natural_query": {"A": "a"}}}"#, None, "tag `A` is a duplicate or has no natural_query"),
            (r#"{"x": {"tags": ["A"], "natural_query": {"A": "a", "B": "b"}}}"#, None, "natural_query `B` is not among the tags"),
            (r#"{"x": {"tags": ["A"], "natural_query": {"A": " "}}}"#, None, "query 1 has an empty label or text"),
        ] {
            let error = format!("{:#}", import(json, name).unwrap_err());
            assert!(error.contains(expected), "{json}: {error}");
        }
    }

    #[test]
    fn the_list_has_a_line_for_each_set() {
        let text = list(&QuerySet::built_in());
        assert!(text.lines().any(|line| line == "zh_msra        zh  NR NS NT"), "{text}");
    }

    #[test]
    fn a_file_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.toml");
        write_new(&path, "a").unwrap();
        let error = write_new(&path, "b").unwrap_err().to_string();
        assert!(error.ends_with("x.toml exists; give another file with -o"), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");
    }
}
