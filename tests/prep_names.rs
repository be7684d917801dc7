//! `prep names pages`, and `prep nee --names`, on the real binary.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use std::path::Path;

use common::manifest;
use desk::{Desk, prep};
use schemas::{Counter, Name, NameOrigin, Page, Row, ShardFolder, ShardWriter};

const PAGES: &[(&str, &str)] = &[
    (
        "Ada Quill",
        "{{Infobox scientist\n| name = Ada}}\n'''Ada Quill''' lived in [[Arden, Ohio]] and [[Arden, Ohio|Arden]] as a [[botanist]]. \
         [[Italy|Italian]] friends of [[Bo Fenn (painter)|her husband]] came. Quill left [[Merrow University]].\n[[Category:1801 births]]",
    ),
    (
        "Merrow",
        "'''Merrow''' is a town of [[Italy]] by [[Lake Elsin]]. It has [[Merrow University]] and [[Merrow Post]].\n[[Category:Towns in Italy]]",
    ),
    ("Quill (surname)", "'''Quill''' is a surname: [[Ada Quill|Quill]].\n[[Category:Surnames]]"),
    ("Both", "{{Infobox person\n| a = b}}\n{{Infobox company\n| a = b}}\n'''Both''' was in [[Merrow]] with [[Ada Quill]]."),
    ("A. Quill", "→Ada Quill"),
    ("Works of Quill", "→Ada Quill#Works"),
    ("Round", "→About"),
    ("About", "→Round"),
    (
        "The elm",
        "An elm grows in Merrow and in Oslo. Ada Quill saw Merrow. [[Mercury (planet)|Mercury]] is up, and [[Merrow (film)|Merrow]] is out.",
    ),
];

/// A desk with folders of pages and of names.
fn desk(more: &[&str]) -> (Desk, String, String) {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "en", PAGES);
    let (pages, names) = (desk.path("pages"), desk.path("names"));
    prep(&["pages", &dump, "-o", &pages]).ok();
    prep(&[&["names", "pages", &pages, "-o", &names], more].concat()).ok();
    prep(&["verify", &names]).ok();
    (desk, pages, names)
}

fn rows(dir: &str) -> Vec<Name> {
    ShardFolder::open::<Name>(Path::new(dir)).unwrap().rows::<Name>().collect::<Result<Vec<_>, _>>().unwrap().concat()
}

/// `label:name>title count/others/unlinked` of each row with a label.
fn shown(rows: &[Name]) -> Vec<String> {
    let labelled = rows.iter().filter(|row| row.label.is_some());
    let shown = labelled.map(|Name { name, label, title, count, others, unlinked, .. }| {
        let (label, title) = (label.as_deref().unwrap_or_default(), title.as_deref().unwrap_or_default());
        format!("{label}:{name}>{title} {count}/{others}/{}", unlinked.unwrap_or_default())
    });
    shown.collect()
}

#[test]
fn pages_and_linked_titles_are_typed_and_counted() {
    let (_desk, _, names) = desk(&[]);
    let rows = rows(&names);
    let expected = [
        // By infobox and category; the link from the surname's page has a name of its own, and the page explains `Quill`.
        "PER:Ada Quill>Ada Quill 2/0/1",
        "PER:A. Quill>A. Quill 1/0/0",
        "PER:Bo Fenn>Bo Fenn (painter) 1/0/0",
        "PER:Quill>Ada Quill 1/1/0",
        // Italy is a region, Lake Elsin a title that says so, Arden the name in `Arden, Ohio`. A page of several labels has none.
        "LOC:Arden>Arden, Ohio 3/0/0",
        "LOC:Italy>Italy 2/0/0",
        "LOC:Merrow>Merrow 2/2/0",
        "MISC:Merrow>Merrow (film) 2/2/0",
        "LOC:Lake Elsin>Lake Elsin 2/0/0",
        "ORG:Merrow University>Merrow University 3/0/0",
        "ORG:Merrow Post>Merrow Post 2/0/0",
    ];
    let mut found = shown(&rows);
    found.sort();
    let mut expected: Vec<String> = expected.map(str::to_owned).into();
    expected.sort();
    assert_eq!(found, expected);
    let origin = |name: &str| rows.iter().find(|row| row.name == name).map(|row| row.origin);
    assert_eq!(origin("A. Quill"), Some(NameOrigin::Redirect));
    assert_eq!(origin("Quill"), Some(NameOrigin::Link));
    // What a rule says is no name: an adjective of a place, and what begins with a lower-case letter.
    assert_eq!(
        (origin("Italian"), origin("her husband"), origin("Monday")),
        (Some(NameOrigin::Rule), Some(NameOrigin::Rule), Some(NameOrigin::Rule))
    );
    let counters = manifest(Path::new(&names)).counters;
    assert!(counters.values().all(Counter::adds_up), "{counters:?}");
    assert_eq!(counters["pages"].to_string(), "5 in, 2 out, 3 skipped (no rule knows it 1, of no label 1, of several labels 1)");
    assert_eq!(counters["redirects"].to_string(), "4 in, 1 out, 3 skipped (to a section, or round in a circle 3)");
    assert_eq!(counters["names"].out, rows.len() as u64);
}

#[test]
fn the_same_rows_whatever_the_threads() {
    let (desk, pages, names) = desk(&["--threads", "1"]);
    let other = desk.path("other");
    prep(&["names", "pages", &pages, "-o", &other, "--threads", "5"]).ok();
    let shards = |dir: &str| manifest(Path::new(dir)).shards;
    assert_eq!(shards(&names), shards(&other));
    prep(&["names", "pages", &pages, "-o", &other]).fails(&["not empty"]);
    assert!(prep(&["names", "pages", &pages, "-o", &other, "--resume"]).ok().stderr.contains("nothing to do"));
}

#[test]
fn a_damaged_shard_leaves_a_folder_that_says_so() {
    let (desk, pages, _) = desk(&[]);
    let shard = Path::new(&pages).join("part-00000.parquet");
    let mut bytes = std::fs::read(&shard).unwrap();
    // The columns at the beginning; the footer stays sound.
    bytes[4..400].fill(0xff);
    std::fs::write(&shard, bytes).unwrap();
    let names = desk.path("incomplete");
    prep(&["names", "pages", &pages, "-o", &names]).fails(&["part-00000.parquet"]);
    let manifest = manifest(Path::new(&names));
    assert!(!manifest.complete && manifest.error.is_some_and(|error| error.contains("part-00000.parquet")));
    prep(&["nee", &pages, "-o", &desk.path("x"), "--queries", "en_conll03", "--names", &names]).fails(&["not complete"]);
}

#[test]
fn links_have_the_label_of_their_title() {
    let (desk, pages, names) = desk(&[]);
    let nee = ["nee", &pages, "--queries", "en_conll03", "--names", &names];
    let by_links = desk.answers(&nee);
    // Of the link `Arden, Ohio`, the name; no label by the text where the title has a bracket that says something else.
    let expected = [
        "PER:Ada Quill",
        "LOC:Arden",
        "LOC:Arden",
        "ORG:Merrow University",
        "LOC:Italy",
        "LOC:Lake Elsin",
        "ORG:Merrow University",
        "ORG:Merrow Post",
        "PER:Quill",
        "LOC:Merrow",
        "MISC:Merrow",
        "PER:Ada Quill",
    ];
    let mut found = by_links.clone();
    found.sort();
    let mut sorted: Vec<&str> = expected[1..].to_vec();
    sorted.sort_unstable();
    assert_eq!(found, sorted);
    // Names that are sure enough are found in the text.
    let both = desk.answers(&[&nee[..], &["--match", "both"]].concat());
    assert_eq!(both.iter().filter(|answer| *answer == "PER:Ada Quill").count(), 3);
    assert!(!both.contains(&"LOC:Oslo".to_owned()));
    let loose = desk.answers(&[&nee[..], &["--match", "both", "--min-share", "0.4", "--min-count", "1"]].concat());
    let merrow = |answers: &[String]| answers.iter().filter(|answer| *answer == "LOC:Merrow").count();
    assert!(merrow(&loose) > merrow(&both), "{loose:?}");
    // Labels that mean the same in another query set; gazetteers beside names.
    let msra = desk.answers(&["nee", &pages, "--queries", "zh_msra", "--names", &names]);
    assert!(msra.contains(&"NT:Merrow Post".to_owned()), "{msra:?}");
    let oslo = format!("LOC={}", desk.write("places.txt", "Oslo\n"));
    let beside = desk.answers(&[&nee[..], &["--match", "both", "--gazetteer", &oslo]].concat());
    assert!(beside.contains(&"LOC:Oslo".to_owned()));
    prep(&["nee", &pages, "-o", &desk.path("x"), "--queries", "zh_ecommerce", "--names", &names])
        .fails(&["has names of the labels LOC, MISC, ORG, PER"]);
    prep(&["nee", &pages, "-o", &desk.path("x"), "--queries", "zh_msra", "--names", &pages]).fails(&["names"]);
    prep(&["nee", &pages, "-o", &desk.path("x"), "--queries", "zh_msra"]).fails_with_usage_error(&["--gazetteer"]);
}

#[test]
fn names_of_labels_that_the_query_set_lacks_are_known() {
    let desk = Desk::new();
    let pages = &[
        (
            "Ada Quill",
            "{{Infobox scientist\n| a = b}}\nIn [[Merrow]], Bo saw [[Quill (film)|Quill]]. Then Quill read [[Moor Day]] in [[Merrow]].",
        ),
        ("Quill (film)", "{{Infobox film\n| a = b}}\n[[Arden University]] asked, and Lem Quill went to [[Merrow]] for Moor Day."),
        ("Merrow", "{{Infobox town\n| a = b}}\n[[Merrow]] has a Moor Day and [[Moor Treaty Day|a treaty]]."),
    ];
    let dump = desk.dump("dump.xml", "en", pages);
    let (pages, names) = (desk.path("pages"), desk.path("names"));
    prep(&["pages", &dump, "-o", &pages]).ok();
    prep(&["names", "pages", &pages, "-o", &names]).ok();
    let found = shown(&rows(&names));
    // The film has the family name of a person, who has it too: one title and one link of a full name.
    assert!(found.contains(&"MISC:Quill>Quill (film) 2/1/0".to_owned()), "{found:?}");
    assert!(found.contains(&"MISC:Moor Day>Moor Day 2/0/2".to_owned()), "{found:?}");
    let queries = "name = 'two'\nlang = 'en'\n[[query]]\nlabel = 'PER'\ntext = 'Who?'\n[[query]]\nlabel = 'LOC'\ntext = 'Where?'";
    let queries = desk.write("queries.toml", queries);
    let common = ["nee", &pages, "--names", &names, "--match", "both", "--repeat-mentions", "--family-names", "PER", "--min-entities", "0"];
    let run = |queries: &str, more: &[&str]| desk.answers(&[&common[..], &["--queries", queries], more].concat());
    // Films and days are no answers, nor unknown; `Bo` and `Lem` are. The later `Quill` is the person.
    assert_eq!(run(&queries, &["--max-unknown", "0"]), ["PER:Quill", "LOC:Merrow", "LOC:Merrow"]);
    // A name that a gazetteer has too is of the gazetteer's label.
    let days = format!("LOC={}", desk.write("places.txt", "Moor Day\n"));
    assert!(run(&queries, &["--ambiguous", "drop", "--gazetteer", &days]).contains(&"LOC:Moor Day".to_owned()));
    let four = run("en_conll03", &["--max-unknown", "0"]);
    assert!(four.contains(&"MISC:Moor Day".to_owned()), "{four:?}");
}

#[test]
fn reports_show_labels_and_doubtful_names() {
    let (_desk, _, names) = desk(&[]);
    let report = prep(&["inspect", &names, "--sample", "2"]).ok().stdout;
    for text in [
        "label",
        "PER",
        "title 2",
        "redirect 1",
        "LOC, most doubtful:",
        "  Merrow  0.50: 2 of it, 2 of others, 0 unlinked",
        "texts that are no names",
    ] {
        assert!(report.contains(text), "no {text:?} in {report}");
    }
    let json = prep(&["inspect", &names, "--label", "PER", "--json"]).ok().stdout;
    assert!(json.contains("\"most_frequent\"") && !json.contains("Merrow"), "{json}");
    prep(&["inspect", &names, "--label", "X"]).fails(&["no row of label `X`; the folder has LOC, MISC, ORG, PER"]);
}

#[test]
fn rules_and_lists_of_the_user() {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "en", PAGES);
    let (pages, names) = (desk.path("pages"), desk.path("names"));
    prep(&["pages", &dump, "-o", &pages]).ok();
    let rules = "labels = ['TREE']\n[[list]]\nname = 'trees'\nskip_common_words = true\n[[rule]]\nlabel = 'TREE'\ntitles = ['The {trees}', '{trees}']\n\
                 [[rule]]\nlabel = 'TREE'\nlangs = ['de']\ntitles = ['*']\n";
    let types = desk.write("types.toml", rules);
    let list = format!("trees={}", desk.write("trees.csv", "id;name\n1;elm\n2;Botanist\n3;Merrow\n"));
    let run = |more: &[&str]| prep(&[&["names", "pages", &pages, "-o", &names, "--overwrite", "--types", &types], more].concat());
    run(&["--known", &format!("{list}:name")]).ok();
    // `elm` has a capital in the list; `botanist` is a common word of the pages.
    assert_eq!(shown(&rows(&names)), ["TREE:Merrow>Merrow 2/2/0"]);
    run(&["--known", "elms=x.txt"]).fails_with_usage_error(&["--known elms=x.txt: the rules have no list `elms`, expected one of trees"]);
    run(&["--known", "elms"]).fails_with_usage_error(&["--known elms: expected LIST=FILE"]);
    run(&["--known", "trees=none.txt"]).fails(&["--known trees=none.txt"]);
    run(&["--known", &format!("{list}:nothing")]).fails(&["no column is named `nothing`"]);
    for (text, expected) in [
        ("labels = [", "TOML parse error"),
        ("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitel = ['x']", "unknown field `titel`"),
        ("labels = ['X']\n[[rule]]\nlabel = 'X'\ntitles = ['{trees} *']", "refers to list `trees`, which no [[list]] defines"),
    ] {
        desk.write("types.toml", text);
        run(&[]).fails(&["--types", "types.toml", expected]);
    }
    prep(&["names", "pages", &pages, "-o", &names, "--types", "nothing"])
        .fails_with_usage_error(&["no set of rules and no file is named `nothing`; the built-in set is per-loc-org-misc"]);
    prep(&["names", "pages", &dump, "-o", &names]).fails(&["dump.xml"]);
}

#[test]
fn folders_without_metadata_are_refused() {
    /// Pages as earlier versions had them.
    struct EarlierPage(Page<'static>);
    impl Row for EarlierPage {
        const SCHEMA_NAME: &'static str = Page::SCHEMA_NAME;
        const ROW_GROUP_ROWS: usize = 10;
        const NO_DICTIONARY: &'static [&'static str] = &[];
        const NO_STATISTICS: &'static [&'static str] = &[];
        const DELTA_ENCODED: &'static [&'static str] = &[];
        fn schema() -> arrow::datatypes::SchemaRef {
            Self::to_batch(&[]).schema()
        }
        fn to_batch(rows: &[Self]) -> arrow::array::RecordBatch {
            let batch = Page::to_batch(&rows.iter().map(|row| row.0.clone()).collect::<Vec<_>>());
            let kept = (0..batch.num_columns()).filter(|&at| {
                !["categories", "templates", "description", "wikidata"].contains(&batch.schema_ref().field(at).name().as_str())
            });
            batch.project(&kept.collect::<Vec<_>>()).unwrap()
        }
        fn from_batch(_: &arrow::array::RecordBatch) -> Result<Vec<Self>, schemas::RowError> {
            unreachable!()
        }
        fn memory_bytes(&self) -> usize {
            100
        }
        fn check(&self) -> Result<(), schemas::RowError> {
            Ok(())
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let earlier = dir.path().join("earlier");
    let config = serde_json::json!({"sites": {"en": {}}});
    let mut writer = ShardWriter::create(&earlier, false, schemas::Manifest::new("prep 0", "pages", config)).unwrap();
    writer.write(EarlierPage(Page { title: "Ada Quill".into(), lang: "en".into(), ..Page::default() })).unwrap();
    writer.finish(Vec::new(), Default::default(), None).unwrap();
    let (earlier, names) = (earlier.display().to_string(), dir.path().join("names").display().to_string());
    prep(&["names", "pages", &earlier, "-o", &names])
        .fails(&["has no column categories, templates, description", "make it again with `prep pages`"]);
}
