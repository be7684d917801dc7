//! The `README.md` of an exported model, which the Hugging Face hub shows as its model card.

use std::fmt::Write;

use serde_json::Value;

use crate::run_folder::MrcDescription;

/// The model card: how the model is used, its labels and queries, its scores and the settings of its last stage.
///
/// `settings` is the text of `run.toml`; of the paths in it the last two parts are shown. `result` is what a finished run wrote.
pub fn model_card(model: &MrcDescription, lang: Option<&str>, settings: Option<&str>, result: Option<&Value>) -> String {
    let mut card = String::from("---\nlibrary_name: transformers\npipeline_tag: token-classification\n");
    if let Some(lang) = lang.filter(|lang| !lang.is_empty()) {
        let _ = writeln!(card, "language: \"{lang}\"");
    }
    card += "tags:\n- named-entity-recognition\n- mrc\n---\n\n# Named entities by questions\n\n";
    let kind = if model.nested { "Entities may be nested." } else { "Entities of one label do not overlap; those of two labels may." };
    let _ = writeln!(
        card,
        "The model reads a query about a label together with a text, of at most {} word pieces at once, and marks the spans that answer it \
         (BERT-MRC, Li et al. 2020). {kind} Longer texts are read in windows.\n",
        model.max_length
    );
    card += "## Use\n\n```python\nfrom transformers import AutoModel\n\nmodel = AutoModel.from_pretrained(DIR, trust_remote_code=True)\n";
    let arguments =
        if model.queries.is_empty() { "[\"A sentence.\"], {\"LABEL\": \"the query of the label\"}" } else { "[\"A sentence.\"]" };
    let _ = writeln!(card, "model.predict({arguments})\n```\n");
    card += "Without `trust_remote_code`, `AutoModel` reads the encoder alone. The program that wrote this folder reads it too:\n\n```sh\n";
    let queries = if model.queries.is_empty() { "QUERIES.toml" } else { "DIR/queries.toml" };
    let _ = writeln!(card, "train predict DIR --queries {queries} FILE\n```\n");
    if !model.queries.is_empty() {
        card += "## Labels\n\n| label | query |\n|---|---|\n";
        model.queries.iter().for_each(|query| {
            let _ = writeln!(card, "| {} | {} |", cell(&query.label), cell(&query.text));
        });
        card.push('\n');
    }
    for (set, title) in [("test", "Scores on the test set"), ("dev", "Scores on the development set, which chose the weights")] {
        if let Some(scores) = result.and_then(|result| result.get(set)).filter(|scores| scores.is_object()) {
            let _ = writeln!(card, "## {title}\n\n{}", score_table(scores));
        }
    }
    if let Some(settings) = settings {
        let _ = writeln!(card, "## Training\n\nThe settings of the last stage:\n\n```toml\n{}```", short_paths(settings));
    }
    card
}

/// Precision, recall and F1 of exact spans in percent, by label and together.
fn score_table(scores: &Value) -> String {
    let mut table = String::from("| label | precision | recall | F1 | entities |\n|---|---|---|---|---|\n");
    let mut row = |label: &str, scores: &Value| {
        let percent = |key: &str| scores[key].as_f64().map_or_else(|| "-".to_owned(), |share| format!("{:.1}", share * 100.0));
        let (precision, recall, f1) = (percent("precision"), percent("recall"), percent("f1"));
        let _ = writeln!(table, "| {} | {precision} | {recall} | {f1} | {} |", cell(label), scores["support"]);
    };
    scores["labels"].as_object().into_iter().flatten().for_each(|(label, scores)| row(label, scores));
    row("all", scores);
    table
}

/// A text as the cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

/// Settings whose absolute paths are cut to their last two parts: the others say where somebody works, and nothing of the model.
fn short_paths(settings: &str) -> String {
    let shorten = |line: &str| {
        let path = line.split_once(" = \"/").and_then(|(key, path)| Some((key, path.strip_suffix('"')?)));
        path.map_or_else(
            || line.to_owned(),
            |(key, path)| {
                let parts: Vec<&str> = path.split('/').collect();
                format!("{key} = \"{}\"", parts[parts.len().saturating_sub(2)..].join("/"))
            },
        )
    };
    settings.lines().map(|line| shorten(line) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use schemas::Query;

    use super::*;
    use crate::decode::Decoding;

    #[test]
    fn a_card_says_what_a_user_asks() {
        let queries = vec![Query { label: "PER".into(), text: "people | persons".into() }];
        let model = MrcDescription { max_length: 150, nested: false, decoding: Decoding::Nearest, queries };
        let result = serde_json::json!({
            "dev": {"precision": 0.5, "recall": 0.25, "f1": 0.333_333, "support": 4,
                    "labels": {"PER": {"precision": 0.5, "recall": 0.25, "f1": 0.333_333, "support": 4}}}
        });
        let settings = "# Written by train.\nstage = \"finetune\"\ndata = \"/home/me/gold/train\"\ndev = \"gold/dev\"\n";
        let card = model_card(&model, Some("en"), Some(settings), Some(&result));
        for expected in [
            "language: \"en\"\n",
            "| PER | people \\| persons |\n",
            "## Scores on the development set, which chose the weights\n\n| label | precision | recall | F1 | entities |\n|---|---|---|---|---|\n| PER | 50.0 | 25.0 | 33.3 | 4 |\n| all | 50.0 | 25.0 | 33.3 | 4 |\n",
            "data = \"gold/train\"\ndev = \"gold/dev\"\n",
            "train predict DIR --queries DIR/queries.toml FILE\n",
            "of at most 150 word pieces",
        ] {
            assert!(card.contains(expected), "{expected}\nis not in\n{card}");
        }
        let bare = model_card(&MrcDescription { nested: true, queries: Vec::new(), ..model }, None, None, None);
        assert!(bare.contains("Entities may be nested.") && !bare.contains("language") && !bare.contains("## Labels"), "{bare}");
    }
}
