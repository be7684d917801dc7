//! Annotated corpora in every format, and what no format can hold: `prep mrc` and `prep export`.

#![allow(clippy::unwrap_used)]

mod common;
mod corpus_common;

use std::fs;

use corpus_common::{Desk, PREP};
use schemas::hf_rows::{HfParquetWriter, TaggedSentence};
use serde_json::{Value, json};

#[test]
fn every_format_gives_the_same_entities() {
    let expected = [
        "0:PER Ada wrote Jugend ohne Gott with Bo Li: Ada@0-3 Bo Li@32-37",
        "0:creative-work Ada wrote Jugend ohne Gott with Bo Li: Jugend ohne Gott@10-26",
    ];
    let text = "Ada wrote Jugend ohne Gott with Bo Li";
    let mrc_json =
        |label: &str, spans: Value| json!({"qas_id": "7.1", "context": text, "query": "?", "entity_label": label, "span_position": spans});
    let nested = json!({"context": text, "label": {"creative-work": ["2;4"], "PER": ["0;0", "6,7"]}});
    let chars = [json!([0, 3, "PER"]), json!([10, 26, "creative-work"]), json!([32, 37, "PER"])];
    let offsets = chars.clone().map(|span| json!({"start_offset": span[0], "end_offset": span[1], "label": span[2]}));
    let results = chars.clone().map(|span| json!({"type": "labels", "value": {"start": span[0], "end": span[1], "labels": [span[2]]}}));
    let tagged = |line: fn(&str, &str) -> String| {
        let tags = ["B-PER", "O", "B-creative-work", "I-creative-work", "I-creative-work", "O", "B-PER", "I-PER"];
        text.split(' ').zip(tags).map(|(token, tag)| line(token, tag)).collect::<String>()
    };
    let hf_tags = ["B-PER", "O", "B-creative-work", "I-creative-work", "I-creative-work", "O", "B-PER", "I-PER"];
    for (format, content, options) in [
        ("conll", tagged(|token, tag| format!("{token} {tag}\n")), &[][..]),
        ("conll", tagged(|token, tag| format!("-X-\t{tag}\tNN\t{token}\n")), &["--columns", "_,tag,_,token"]),
        (
            "conll",
            format!("-DOCSTART- -X- -X- O\n\n{}", tagged(|token, tag| format!("{token} NN I-NP {tag}\n"))),
            &["--columns", "token,_,_,tag"],
        ),
        ("nested", json!([nested]).to_string(), &[]),
        ("nested", format!("\u{feff}{nested}\r\n"), &[]),
        (
            "nested",
            json!({"context": text, "label": {"creative-work": [[10, 25]], "PER": ["0;2", "32;36"]}}).to_string(),
            &["--offsets", "chars-inclusive"],
        ),
        (
            "nested",
            json!({"context": text, "label": {"creative-work": ["2;5"], "PER": ["0;1", "6;8"]}}).to_string(),
            &["--offsets", "tokens-exclusive"],
        ),
        ("jsonl", json!({"text": text, "label": chars}).to_string(), &[]),
        ("jsonl", json!({"text": text, "entities": offsets}).to_string(), &[]),
        (
            "jsonl",
            serde_json::to_string_pretty(&json!([{"id": 1, "data": {"text": text}, "annotations": [{"result": results}]}])).unwrap(),
            &[],
        ),
        ("hf", json!({"tokens": text.split(' ').collect::<Vec<_>>(), "ner_tags": hf_tags}).to_string(), &[]),
        (
            "hf",
            json!([{"words": text.split(' ').collect::<Vec<_>>(), "ner": [1, 0, 2, 3, 3, 0, 1, 4]}]).to_string(),
            &["--labels", "O,B-PER,B-creative-work,I-creative-work,I-PER"],
        ),
        ("mrc-json", json!([mrc_json("creative-work", json!(["2;4"])), mrc_json("PER", json!(["0;0", "6;7"]))]).to_string(), &[]),
    ] {
        let desk = Desk::new();
        desk.mrc(&content, &[options, &["--strict"]].concat()).ok();
        assert_eq!(desk.answers(), expected, "{content}");
        assert_eq!(common::manifest(&desk.out()).config["formats"], json!([format]), "{content}");
        assert_eq!(desk.counter("sentences"), "1 in, 1 out", "{content}");
    }
}

#[test]
fn io_marks_all() {
    let desk = Desk::new();
    desk.mrc("-DOCSTART- O\n\nAda I-PER\nLovelace I-PER\nwrote O\nNotes I-creative-work\n\n-DOCSTART- O\n\nBo I-PER\n", &["--strict"]).ok();
    assert_eq!(
        desk.answers()[..2],
        ["0:PER Ada Lovelace wrote Notes: Ada Lovelace@0-12", "0:creative-work Ada Lovelace wrote Notes: Notes@19-24"]
    );
    assert_eq!(common::manifest(&desk.out()).config["scheme"], "io");
    assert_eq!(desk.counter("repaired entities"), "0 in, 0 out");
    assert_eq!(
        desk.export(&["--format", "conll"]).ok().stdout,
        "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\nNotes\tB-creative-work\n\nBo\tB-PER\n\n"
    );
}

/// Every spelling of tags gives the same entities, and is reported once.
#[test]
fn every_notation_of_tags_is_read() {
    let words = ["Ada", "Lovelace", "wrote", "Notes", "."];
    let expected = ["0:PER Ada Lovelace wrote Notes .: Ada Lovelace@0-12", "0:creative-work Ada Lovelace wrote Notes .: Notes@19-24"];
    for (tags, warning) in [
        (
            "PER PER O creative-work O",
            Some("corpus:1: tags without a prefix, such as `PER` (3 times), are read as labels, as in scheme IO"),
        ),
        ("PER-B PER-I O creative-work-B O", Some("such as `PER-B` (3 times)")),
        ("B_PER I_PER O B_creative-work O", Some("such as `B_PER` (3 times)")),
        ("b-PER i-PER O b-creative-work O", Some("such as `b-PER` (3 times)")),
        ("B-PER I-PER o B-creative-work 0", Some("corpus:3: tags `o` or `0`, such as `o` (2 times)")),
        ("B-PER\t I-PER\t O\t B-creative-work\t O\t", Some("corpus:1: tags with a tab behind them, such as `B-PER` (5 times)")),
    ] {
        let desk = Desk::new();
        let lines: String = words.iter().zip(tags.split(' ')).map(|(word, tag)| format!("{word}\t{tag}\n")).collect();
        let run = desk.mrc(&format!("{lines}\nBo\tO\n"), &[]).ok();
        assert_eq!(desk.answers(), expected, "{tags}");
        assert_eq!(run.stderr.matches("warning: ").count(), usize::from(warning.is_some()), "{}", run.stderr);
        assert!(run.stderr.contains(warning.unwrap_or_default()), "{}", run.stderr);
    }
    let desk = Desk::new();
    desk.mrc("Ada B\nLovelace I\nwrote O\n", &["--label", "PER"]).ok();
    assert_eq!(desk.answers(), ["0:PER Ada Lovelace wrote: Ada Lovelace@0-12"]);
}

/// A space shows where words end in languages that write none, so that they can be found and written again.
#[test]
fn words_of_languages_without_spaces_stay_words() {
    for (words, lang) in [("กรุงเทพ|เป็น|เมือง", "th"), ("ວຽງຈັນ|ເປັນ|ເມືອງ", "lo"), ("ភ្នំពេញ|ជា|ទីក្រុង", "km"), ("ရန်ကုန်|မြို့|ကြီး", "my")]
    {
        let desk = Desk::new();
        let words: Vec<&str> = words.split('|').collect();
        let text: String = words.iter().zip(["B-PER", "O", "O"]).map(|(word, tag)| format!("{word}\t{tag}\n")).collect::<String>() + "\n";
        desk.mrc(&text, &["--strict"]).ok();
        assert_eq!(desk.answers(), [format!("0:PER {}: {}@0-{}", words.join(" "), words[0], words[0].chars().count())]);
        assert_eq!(common::manifest(&desk.out()).config["lang"], lang);
        assert_eq!(desk.export(&["--format", "conll"]).ok().stdout, text);
        desk.mrc(&text, &["--join", "nothing"]).ok();
        assert!(desk.answers()[0].starts_with(&format!("0:PER {}:", words.concat())), "{:?}", desk.answers());
    }
    let desk = Desk::new();
    desk.mrc("東京\tB-PER\nは\tO\n", &["--join", "space"]).ok();
    assert_eq!(desk.answers(), ["0:PER 東京 は: 東京@0-2"]);
}

#[test]
fn spans_behind_emoji_may_count_utf16() {
    let desk = Desk::new();
    let run = desk.mrc(r#"{"text": "🎉 Ada Bo", "label": [[2, 5, "PER"]]}"#, &[]).ok();
    assert!(run.stderr.contains("corpus:1: spans lie behind chars outside of") && run.stderr.contains("--offsets utf16"), "{}", run.stderr);
    assert_eq!(desk.answers(), ["0:PER 🎉 Ada Bo: Ada@2-5"]);
    let run = desk.mrc(r#"{"text": "🎉 Ada Bo", "label": [[3, 6, "PER"]]}"#, &["--offsets", "utf16"]).ok();
    assert_eq!((desk.answers(), run.stderr.contains("utf16")), (vec!["0:PER 🎉 Ada Bo: Ada@2-5".to_owned()], false));
}

#[test]
fn offsets_of_another_kind_end_the_run() {
    let desk = Desk::new();
    let text = "{\"text\": \"Ada\", \"label\": [[0, 9, \"PER\"]]}\n".repeat(10);
    desk.mrc(&text, &[]).fails(&["10 spans are malformed and 0 are sound", "--offsets", "--skip-malformed"]);
    desk.mrc(&text, &["--skip-malformed"]).ok();
    assert_eq!(desk.counter("entities"), "10 in, 0 out, 10 skipped (span outside 10)");
}

/// A data set of Hugging Face as Parquet comes back with its own names of tags in their order, and so does one of a scheme that
/// `prep export` does not write by itself.
#[test]
fn parquet_of_data_sets_comes_back() {
    let names = ["I-creative-work", "O", "I-PER"].map(str::to_owned).to_vec();
    let rows = [("Ada|Bo|saw|Notes", "I-PER|I-PER|O|I-creative-work"), ("!", "O")];
    let rows = rows.into_iter().enumerate().map(|(number, (tokens, tags))| TaggedSentence {
        id: number.to_string(),
        tokens: tokens.split('|').map(str::to_owned).collect(),
        tags: tags.split('|').map(str::to_owned).collect(),
    });
    let mut writer = HfParquetWriter::new(Vec::new(), names.clone()).unwrap();
    rows.for_each(|row| writer.write(row).unwrap());
    let desk = Desk::new();
    fs::write(desk.path("in.parquet"), writer.finish().unwrap()).unwrap();
    let queries = desk.path("toy.toml").display().to_string();
    corpus_common::mrc(&desk.path("in.parquet"), &desk.out(), &["--queries", &queries, "--strict"]).ok();
    assert_eq!(desk.answers(), ["0:PER Ada Bo saw Notes: Ada Bo@0-6", "0:creative-work Ada Bo saw Notes: Notes@11-16"]);
    let back = desk.path("back.parquet").display().to_string();
    common::run(PREP, ["export", &desk.out().display().to_string(), "--format", "hf", "-o", &back]).ok();
    let read = |path: &str| {
        let shard = schemas::shard::open_shard(&desk.path(path)).unwrap();
        shard.map(Result::unwrap).collect::<Vec<_>>()
    };
    assert_eq!(read("back.parquet"), read("in.parquet"));
    // Its names are its own.
    assert_eq!(common::manifest(&desk.out()).config["labels"], json!(names));

    let run = desk.mrc(r#"{"tokens": ["a"], "ner_tags": [1]}"#, &[]);
    run.fails(&["corpus:1: element 1: tag 1 is a number, and the file does not say its name", "--labels O,B-PER,I-PER"]);
    let info = json!({"default": {"features": {"ner_tags": {"feature": {"names": ["O", "B-PER"], "_type": "ClassLabel"}}}}});
    fs::write(desk.path("dataset_infos.json"), info.to_string()).unwrap();
    desk.mrc(r#"{"tokens": ["a"], "ner_tags": [1]}"#, &[]).ok();
    assert_eq!(desk.answers(), ["0:PER a: a@0-1"]);
    assert_eq!(common::manifest(&desk.out()).inputs.len(), 2);
    desk.mrc(r#"{"tokens": ["a"], "ner_tags": [2]}"#, &[]).fails(&["tag 2 has no name, expected a number from 0 to 1"]);
    desk.mrc(r#"{"tokens": ["a"], "ner_tags": []}"#, &[]).fails(&["1 tokens and 0 tags"]);
}

/// Of overlapping spans the longest, where none has a score.
#[test]
fn flat_exports_have_one_label_a_char() {
    let desk = Desk::new();
    let text =
        r#"{"text": "Ada wrote Notes", "label": [[0, 3, "PER"], [0, 9, "creative-work"], [10, 15, "PER"], [10, 15, "creative-work"]]}"#;
    desk.mrc(text, &[]).ok();
    desk.export(&["--format", "conll"]).fails(&["overlaps", "--flat"]);
    assert_eq!(desk.export(&["--format", "conll", "--flat"]).ok().stdout, "Ada\tB-creative-work\nwrote\tI-creative-work\nNotes\tB-PER\n\n");
    let line = desk.export(&["--format", "jsonl", "--flat"]).ok().stdout;
    assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["entities"].as_array().unwrap().len(), 2);
}

#[test]
fn columns_must_fit() {
    let desk = Desk::new();
    let run = desk.mrc("a NN O\nb O\n\nc NN B-PER\n", &["--columns", "token,_,tag", "--skip-malformed"]).ok();
    let warning = "corpus:2: `b O` has 2 columns, expected a token and its tag (token,_,tag); line 1 has 3";
    assert!(run.stderr.contains(warning), "{}", run.stderr);
    assert_eq!(desk.counter("sentences"), "2 in, 1 out, 1 skipped (other columns 1)");
    let run = desk.mrc("a O\n", &["--columns", "token,word"]);
    assert!(run.code == 2 && run.stderr.contains("`word` is not a column"), "{}", run.stderr);
}

#[test]
fn mrc_json_brings_its_questions() {
    let element = |id: &str, context: &str, label: &str, query: &str| {
        json!({"qas_id": id, "context": context, "entity_label": label, "query": query, "span_position": ["0;0"], "impossible": false})
            .to_string()
    };
    let asked = [element("0.1", "a b", "X", "Which X?"), element("0.2", "a b", "Y", "Which Y?"), element("1.1", "c d", "Y", "Which Y?")];
    let desk = Desk::new();
    let run = desk.mrc_only(&asked.join("\n"), &[]).ok();
    let rows: Vec<String> =
        common::triples(&desk.out()).iter().map(|row| format!("{} {} {}", row.id, row.query, row.spans.len())).collect();
    assert_eq!(rows, ["corpus:0:X Which X? 1", "corpus:0:Y Which Y? 1", "corpus:1:X Which X? 0", "corpus:1:Y Which Y? 1"]);
    assert!(run.stderr.contains("1 questions that the files do not ask"), "{}", run.stderr);
    assert_eq!(desk.counter("questions added"), "1 in, 1 out");

    let other = element("2.1", "e", "X", "What is X?");
    desk.mrc_only(&format!("{}\n{other}\n", asked[0]), &[]).fails(&["corpus:2: label `X` is asked for with \"What is X?\"", "--queries"]);
    desk.mrc_only("a B-PER\n", &[]).fails(&["give the questions with --queries; only MRC JSON holds its own"]);
    desk.mrc(&asked[0], &[]).fails(&["has no question for these labels", "corpus:1: `X` (1 times)"]);
}

#[test]
fn malformed_elements_are_counted() {
    let lines = [
        r#"{"text": "Ada", "label": [[0, 3, "PER"]]}"#,
        r#"{"text": "Bo", "label": [[0, 3, "PER"]]}"#,
        r#"{"text": "Cy""#,
        r#"{"text": "", "label": []}"#,
        r#"{"text": "Di"}"#,
        r#"{"text": "Ed", "label": [[0, 2, "PER"], [0, 2, "PER"]]}"#,
    ];
    let desk = Desk::new();
    let run = desk.mrc(&lines.join("\n"), &[]).ok();
    // The text of the second element stays, without its span.
    assert_eq!(desk.answers(), ["0:PER Ada: Ada@0-3", "4:PER Ed: Ed@0-2"]);
    for warning in [
        "corpus:2: element 2: span 0;3 is not within the 2 chars of the text, where the end is the one after the last; see --offsets",
        "corpus:3: element 3: `{\"text\": \"Cy\"` is not JSON (EOF while parsing an object), expected an object a line",
        "corpus:5: element 5: no array of spans, expected `entities` or `label`; it has `text`; see --label-field",
    ] {
        assert!(run.stderr.contains(warning), "{warning:?} is not in {}", run.stderr);
    }
    let skipped = "6 in, 3 out, 3 skipped (empty 1, missing field 1, not JSON 1)";
    assert_eq!([desk.counter("sentences"), desk.counter("elements")], [skipped, skipped]);
    assert_eq!(desk.counter("entities"), "4 in, 2 out, 2 skipped (duplicate 1, span outside 1)");

    let strict = Desk::new();
    strict.mrc(&lines.join("\n"), &["--strict"]).fails(&["corpus:2: element 2: span 0;3 is not within the 2 chars"]);
    assert!(!strict.out().exists());
    for (content, expected) in [
        ("[{\"text\": \"a\", \"label\": []},\n{\"text\" 3}]", "corpus: line 2, element 2: not JSON: expected `:`"),
        ("[{\"text\": \"a\", \"label\": []}\n", "corpus: line 2, element 1: the file ends inside the array"),
        ("[{\"foo\": \"a\"}]", "corpus: looks like JSON, but of no known format: it has `foo`"),
        ("{\"text\": \"a\", \"label\": [[0, 1, \"LOC\"]]}", "corpus:1: `LOC` (1 times)"),
    ] {
        let desk = Desk::new();
        desk.mrc(content, &[]).fails(&[expected]);
        assert!(!desk.out().exists(), "{content}");
    }
}

#[test]
fn running_text_stays_as_it_is() {
    let desk = Desk::new();
    let text = format!("  Ada\n\tmet  Bo.{}", " And so on.".repeat(2000));
    desk.mrc(&json!({"text": text, "label": [[2, 6, "PER"], [7, 13, "PER"]]}).to_string(), &[]).ok();
    let rows = common::triples(&desk.out());
    assert_eq!(rows[0].context, text, "long and with its white space");
    let spans: Vec<_> = rows[0].spans.iter().map(|span| (span.start, span.end, span.text.as_str())).collect();
    assert_eq!(spans, [(2, 6, "Ada\n"), (7, 13, "met  B")], "as they were marked");
    common::run(PREP, ["verify".as_ref(), desk.out().as_os_str()]).ok();
}

#[test]
fn what_a_format_cannot_hold_is_an_error() {
    let desk = Desk::new();
    desk.mrc(r#"{"text": "Bo Li wrote.", "label": [[0, 5, "PER"], [3, 5, "creative-work"]]}"#, &[]).ok();
    desk.export(&["--format", "conll"]).fails(&["row corpus:0:creative-work: \"Li\" (3..5) overlaps \"Bo Li\" (0..5) of row corpus:0:PER"]);
    assert_eq!(
        desk.export(&["--format", "nested"]).ok().stdout,
        "[\n{\"context\":\"Bo Li wrote.\",\"label\":{\"PER\":[\"0;1\"],\"creative-work\":[\"1;1\"]}}\n]\n"
    );

    desk.mrc(r#"{"text": "By Bo Li.", "label": [[3, 8, "PER"]]}"#, &[]).ok();
    for format in ["conll", "nested", "mrc-json"] {
        desk.export(&["--format", format]).fails(&["row corpus:0:PER: \"Bo Li\" (3..8) begins or ends inside a token", "--tokens cut"]);
    }
    assert_eq!(
        desk.export(&["--format", "conll", "--tokens", "cut", "--scheme", "bmes"]).ok().stdout,
        "By\tO\nBo\tB-PER\nLi\tE-PER\n.\tO\n\n"
    );
    assert_eq!(desk.export(&["--format", "conll", "--tokens", "chars"]).ok().stdout.lines().count(), 10);

    desk.mrc(" \tO\n", &["--lang", "zh"]).ok();
    desk.export(&["--format", "nested"]).fails(&["row corpus:0:PER: nothing but white space"]);
    assert_eq!(desk.export(&["--format", "conll"]).ok().stdout, " \tO\n\n");

    desk.mrc(r#"{"text": "a -DOCSTART- b", "label": []}"#, &[]).ok();
    desk.export(&["--format", "conll"]).fails(&["row corpus:0:PER: a token `-DOCSTART-` would begin a document"]);
}

#[test]
fn an_export_is_whole_or_not_there() {
    let desk = Desk::new();
    desk.mrc("Ada B-PER\n\nBo B-PER\n", &[]).ok();
    let (dir, file) = (desk.out().display().to_string(), desk.path("back").display().to_string());
    let export = |options: &[&str]| common::run(PREP, [&["export", &dir, "-o", &file, "--format", "conll"], options].concat());
    let run = export(&[]).ok();
    assert!(run.stderr.contains("2 sentences with 2 entities in "), "{}", run.stderr);
    assert_eq!(fs::read_to_string(&file).unwrap(), "Ada\tB-PER\n\nBo\tB-PER\n\n");
    export(&[]).fails(&["back exists", "--overwrite"]);
    export(&["--overwrite", "-q"]).ok();

    desk.mrc(r#"{"text": "Bo Li", "label": [[0, 1, "PER"]]}"#, &[]).ok();
    fs::remove_file(&file).unwrap();
    export(&[]).fails(&["begins or ends inside a token"]);
    let names: Vec<_> = fs::read_dir(desk.path("")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.contains("back")), "{names:?}");

    desk.mrc(r#"{"text": "a  b", "label": []}"#, &[]).ok();
    assert!(export(&[]).ok().stderr.contains("white space differs from the triples in 1 sentence;"));
}
