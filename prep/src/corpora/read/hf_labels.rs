//! The names of tags that a Hugging Face data set writes as numbers: its `ClassLabel` features.

use serde_json::Value;

/// Files beside a data set, or in the folder above, that hold its features.
pub const FEATURE_FILES: [&str; 3] = ["dataset_info.json", "dataset_infos.json", "README.md"];

/// The names in the value of the key `huggingface` in the metadata of a Parquet file.
pub fn of_metadata(metadata: &str, column: &str) -> Option<Vec<String>> {
    let metadata: Value = serde_json::from_str(metadata).ok()?;
    of_feature(metadata.pointer("/info/features")?.get(column)?)
}

/// The names in a file of [`FEATURE_FILES`].
pub fn of_file(text: &str, column: &str) -> Option<Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        return of_card(text, column);
    }
    let info: Value = serde_json::from_str(text).ok()?;
    let features = |info: &Value| of_feature(info.get("features")?.get(column)?);
    // `dataset_infos.json` has an object for each configuration.
    features(&info).or_else(|| info.as_object()?.values().find_map(features))
}

/// The names in a feature, however deep in lists.
fn of_feature(feature: &Value) -> Option<Vec<String>> {
    match feature {
        Value::Object(fields) => match fields.get("names") {
            Some(Value::Array(names)) => names.iter().map(|name| name.as_str().map(str::to_owned)).collect(),
            _ => of_feature(fields.get("feature")?),
        },
        Value::Array(items) => of_feature(items.first()?),
        _ => None,
    }
}

/// The names in the YAML at the head of a data set card:
///
/// ```yaml
///   - name: ner_tags
///     sequence:
///       class_label:
///         names:
///           '0': O
///           '1': B-PER
/// ```
fn of_card(text: &str, column: &str) -> Option<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| unquoted(line.trim().strip_prefix("- name:").unwrap_or_default()) != column).skip(1);
    let names_at = lines.by_ref().take_while(|line| !line.trim_start().starts_with("- name:")).find(|line| line.trim() == "names:")?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_item = |line: &str| indent(line) == indent(names_at) && line.trim_start().starts_with("- ");
    let names = lines.take_while(|line| indent(line) > indent(names_at) || is_item(line)).map_while(|line| {
        let line = line.trim();
        let name = match line.strip_prefix("- ") {
            Some(name) => name,
            None => line.split_once(':')?.1,
        };
        Some(unquoted(name))
    });
    let names: Vec<String> = names.collect();
    (!names.is_empty()).then_some(names)
}

/// A scalar of YAML without white space and quotes around it.
fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = ['\'', '"'].iter().find_map(|&quote| text.strip_prefix(quote)?.strip_suffix(quote));
    inner.unwrap_or(text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_wherever_they_are() {
        let names = Some(vec!["O".to_owned(), "B-PER".to_owned(), "I-PER".to_owned()]);
        let label = r#"{"names": ["O", "B-PER", "I-PER"], "_type": "ClassLabel"}"#;
        for feature in [format!(r#"{{"feature": {label}, "_type": "List"}}"#), format!("[{label}]"), label.to_owned()] {
            let features = format!(r#"{{"features": {{"id": {{"dtype": "string"}}, "ner_tags": {feature}}}}}"#);
            assert_eq!(of_metadata(&format!(r#"{{"info": {features}}}"#), "ner_tags"), names);
            assert_eq!(of_file(&features, "ner_tags"), names);
            assert_eq!(of_file(&format!(r#"{{"default": {features}}}"#), "ner_tags"), names);
            assert_eq!(of_file(&features, "id"), None);
        }
        let card = "---\nlanguage:\n- en\ndataset_info:\n  features:\n  - name: pos_tags\n    sequence:\n      class_label:\n        names:\n          \
                    '0': NN\n  - name: ner_tags\n    sequence:\n      class_label:\n        names:\n          '0': O\n          '1': B-PER\n          \
                    '2': \"I-PER\"\n  splits:\n  - name: train\n---\n# A card\n";
        assert_eq!(of_file(card, "ner_tags"), names);
        assert_eq!(of_file(card, "pos_tags"), Some(vec!["NN".to_owned()]));
        assert_eq!(of_file(card, "tokens"), None);
        assert_eq!(of_file("# A card", "ner_tags"), None);
    }
}
