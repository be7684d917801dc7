//! `prep nee` and `--resolve-redirects` on the real binary.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use std::fs;
use std::path::Path;

use common::{fixture, manifest, triples};
use desk::{Desk, prep};
use schemas::{Origin, Page, ShardFolder};

const PAGES: &[(&str, &str)] = &[
    ("Ada Arden", "'''Ada Arden''' met [[Paris (Texas)|the town]] and [[Oslo]]. Later she saw Bergen and Oslo with Georgia."),
    ("Oslo", "Oslo lies in [[Norway|the north]], by [[Nowhere]]. It has no other name, says Ada Arden."),
];

/// A desk with [`PAGES`] and gazetteers of people and places.
fn desk() -> (Desk, String, String, String) {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "en", PAGES);
    let people = format!("PER={}", desk.write("people.txt", "Ada Arden\nGeorgia\n"));
    let places = format!("LOC={}", desk.write("places.csv", "id,name\n1,Oslo\n2,Paris\n3,Bergen\n4,Georgia\n5,Norway\n"));
    (desk, dump, people, places + ":name")
}

fn nee<'a>(dump: &'a str, people: &'a str, places: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["nee", dump, "--queries", "en_conll03", "--gazetteer", people, "--gazetteer", places], more].concat()
}

#[test]
fn links_are_typed_by_target_or_text() {
    let (desk, dump, people, places) = desk();
    assert_eq!(desk.answers(&nee(&dump, &people, &places, &[])), ["LOC:the town", "LOC:Oslo", "LOC:the north"]);
    let rows = desk.triples(&nee(&dump, &people, &places, &[]));
    // A row for each sentence and label, in the query set's order.
    assert_eq!(rows.len(), 8);
    assert!(rows.chunks(4).all(|rows| rows.iter().map(|row| row.label.as_str()).eq(["ORG", "PER", "LOC", "MISC"])));
    assert!(rows.iter().all(|row| row.impossible == row.spans.is_empty()));
    assert!(rows.iter().flat_map(|row| &row.spans).all(|span| span.origin == Origin::Gazetteer));
    let counters = desk.manifest()["counters"].clone();
    assert_eq!(counters["sentences"]["in"], 4);
    assert_eq!(counters["sentences"]["skipped"]["fewer answers than --min-entities"], 2);
    assert_eq!(counters["anchors"], serde_json::json!({"in": 4, "out": 3, "skipped": {"in no gazetteer": 1}}));
    assert_eq!(counters["names"], serde_json::json!({"in": 7, "out": 6, "skipped": {"duplicate": 1}}));
    // Sentences that nothing is known of are kept on demand.
    assert_eq!(desk.triples(&nee(&dump, &people, &places, &["--min-entities", "0"])).len(), 16);
    assert_eq!(desk.triples(&nee(&dump, &people, &places, &["--min-entities", "2"])).len(), 4);
}

#[test]
fn names_are_found_in_the_text() {
    let (desk, dump, people, places) = desk();
    let both = desk.answers(&nee(&dump, &people, &places, &["--match", "both"]));
    let found = [
        "PER:Ada Arden",
        "LOC:the town",
        "LOC:Oslo",
        "PER:Georgia",
        "LOC:Bergen",
        "LOC:Oslo",
        "LOC:Oslo",
        "LOC:the north",
        "PER:Ada Arden",
    ];
    assert_eq!(both, found);
    let mentions = desk.answers(&nee(&dump, &people, &places, &["--match", "mentions"]));
    assert_eq!(mentions, ["PER:Ada Arden", "LOC:Oslo", "PER:Georgia", "LOC:Bergen", "LOC:Oslo", "LOC:Oslo", "PER:Ada Arden"]);
    assert_eq!(desk.manifest()["counters"]["anchors"]["skipped"]["not asked for"], 4);
    let stop = desk.write("stop.txt", "Oslo\r\nBergen\r\n");
    let stopped = desk.answers(&nee(&dump, &people, &places, &["--match", "mentions", "--stop", &stop]));
    assert_eq!(stopped, ["PER:Ada Arden", "PER:Georgia", "PER:Ada Arden"]);
    let long = desk.answers(&nee(&dump, &people, &places, &["--match", "mentions", "--min-length", "6"]));
    assert_eq!(long, ["PER:Ada Arden", "PER:Georgia", "LOC:Bergen", "PER:Ada Arden"]);
}

#[test]
fn names_of_several_labels() {
    let (desk, dump, people, places) = desk();
    let georgia = |args: &[&str]| {
        let answers = desk.answers(args);
        answers.into_iter().find(|answer| answer.ends_with(":Georgia"))
    };
    let both = ["--match", "both"];
    assert_eq!(georgia(&nee(&dump, &people, &places, &both)), Some("PER:Georgia".to_owned()));
    assert_eq!(georgia(&nee(&dump, &places, &people, &both)), Some("LOC:Georgia".to_owned()), "the label that is given first");
    assert_eq!(georgia(&nee(&dump, &people, &places, &["--match", "both", "--ambiguous", "drop"])), None);
    assert_eq!(desk.manifest()["counters"]["mentions"]["skipped"]["of several labels"], 1);
}

#[test]
fn the_report_says_what_the_names_cover() {
    let (desk, dump, people, places) = desk();
    let out = desk.path("out");
    let said = prep(&[&nee(&dump, &people, &places, &["--match", "both"])[..], &["-o", &out]].concat()).ok().stderr;
    let report = &desk.manifest()["report"];
    let place_file = places.trim_start_matches("LOC=").trim_end_matches(":name");
    assert_eq!(
        report["labels"][2],
        serde_json::json!({"label": "LOC", "matches": 6, "names": 4, "files": [{"path": place_file, "names": 5, "found": 4, "matches": 6}]})
    );
    assert_eq!(report["labels"][0], serde_json::json!({"label": "ORG", "matches": 0, "names": 0, "files": []}));
    assert_eq!(report["top"][0], serde_json::json!({"name": "Oslo", "labels": ["LOC"], "matches": 3}));
    assert_eq!(report["ambiguous"]["top"], serde_json::json!([{"name": "Georgia", "labels": ["PER", "LOC"], "matches": 1}]));
    for line in
        ["LOC: 6 matches of 4 names", "most frequent: Oslo (LOC) 3", "of several labels: 1 of 1 name found, 1 match: Georgia (PER LOC) 1"]
    {
        assert!(said.contains(line), "no {line:?} in {said}");
    }
    // Matches are answers: the rows hold as many.
    let spans = triples(Path::new(&out)).iter().map(|row| row.spans.len()).sum::<usize>();
    let matches: u64 = report["labels"].as_array().unwrap().iter().map(|label| label["matches"].as_u64().unwrap()).sum();
    assert_eq!(spans as u64, matches);
    // Gazetteers are inputs.
    let inputs = desk.manifest()["inputs"].as_array().unwrap().clone();
    assert_eq!((inputs.len(), inputs[1]["path"].as_str().unwrap()), (3, place_file));
    let bytes = fs::read(place_file).unwrap();
    assert_eq!(
        (inputs[1]["bytes"].as_u64(), inputs[1]["blake3"].as_str()),
        (Some(bytes.len() as u64), Some(&*blake3::hash(&bytes).to_string()))
    );
    let quiet = prep(&[&nee(&dump, &people, &places, &[])[..], &["-o", &out, "--overwrite", "-q"]].concat()).ok();
    assert_eq!(quiet.stderr, "");
}

#[test]
fn gazetteers_of_every_kind() {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "zh", &[("甲", "[[张三|他]]在[[北京]]見過ＩＢＭ的[[李四]]，也去過上海和Oslo。")]);
    let per = desk.write("per.txt", "\u{feff}張三\t9\r李四\t8\r");
    // 北京 and 上海 in GBK.
    let loc = desk.write("loc.txt", b"\xb1\xb1\xbe\xa9\r\n\xc9\xcf\xba\xa3\r\n");
    let org = desk.write("org.tsv", "id\tname\n1\tIBM\n");
    let args = [
        "nee",
        &dump,
        "--queries",
        "zh_msra",
        "--match",
        "both",
        "--encoding",
        "gbk",
        "--ignore-case",
        "--gazetteer",
        &format!("NR={per}"),
        "--gazetteer",
        &format!("NS={loc}"),
        "--gazetteer",
        &format!("NT={org}:name"),
        "--gazetteer",
        &format!("NS={}", desk.write("more.txt", "OSLO\n")),
    ];
    let expected = ["NR:他", "NR:李四", "NS:北京", "NS:上海", "NS:Oslo", "NT:ＩＢＭ"];
    assert_eq!(desk.answers(&args), expected);
    let exact = [&args[..], &["--no-nfkc"]].concat();
    assert_eq!(desk.answers(&exact), expected[..5], "ＩＢＭ is IBM by compatibility only");
}

#[test]
fn names_in_the_script_of_the_text() {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "zh", &[("甲", "[[臺灣]]的[[张三]]去過[[广州]]。")]);
    let (per, loc) = (desk.write("per.txt", "張三\n"), desk.write("loc.txt", "台湾\n广州\n"));
    let names = ["--queries", "zh_msra", "--match", "both", "--gazetteer", &format!("NR={per}"), "--gazetteer", &format!("NS={loc}")];
    let expected = [("zh-hans", ["NR:张三", "NS:台湾", "NS:广州"]), ("zh-hant", ["NR:張三", "NS:臺灣", "NS:廣州"])];
    for (variant, answers) in expected {
        assert_eq!(desk.answers(&[&["nee", &dump, "--variant", variant], &names[..]].concat()), answers, "{variant}");
        let pages = desk.path(variant);
        prep(&["pages", &dump, "-o", &pages, "--variant", variant, "-q"]).ok();
        assert_eq!(desk.answers(&[&["nee", &pages], &names[..]].concat()), answers, "pages of {variant}");
    }
    // The variant that is asked for counts for other Chinese languages too.
    let (wu, pages) = (desk.dump("wu.xml", "wuu", &[("甲", "[[臺灣]]个[[张三]]到过[[广州]]。")]), desk.path("wu"));
    prep(&["pages", &wu, "-o", &pages, "--variant", "zh-hant", "-q"]).ok();
    for input in [&[wu.as_str(), "--variant", "zh-hant"][..], &[&pages]] {
        assert_eq!(desk.answers(&[&["nee"], input, &names[..]].concat()), expected[1].1, "{input:?}");
    }
    let both = ["nee", &desk.path("zh-hans"), &desk.path("zh-hant"), "-o", &desk.path("x")];
    prep(&[&both, &names[..]].concat()).fails(&["in zh-hans", "in zh-hant", "names are looked for in one script"]);
}

#[test]
fn a_gazetteer_in_parquet() {
    let (desk, dump, people, _) = desk();
    // Any file of Parquet will do: pages have a column of titles.
    prep(&["pages", &dump, "-o", &desk.path("pages"), "-q"]).ok();
    let places = format!("LOC={}/part-00000.parquet:title", desk.path("pages"));
    assert_eq!(desk.answers(&nee(&dump, &people, &places, &[])), ["LOC:Oslo"]);
}

#[test]
fn names_are_found_in_other_forms() {
    let desk = Desk::new();
    let answers = |lang: &str, text: &str, names: &str, more: &[&str]| {
        let dump = desk.dump(&format!("{lang}.xml"), lang, &[("X", text)]);
        let names = format!("LOC={}", desk.write("names.txt", names));
        let args = ["nee", &dump, "--queries", "en_conll03", "--match", "mentions", "--gazetteer", &names];
        desk.answers(&[&args[..], more].concat())
    };
    assert_eq!(answers("ko", "그는 서울은 물론 부산에서도 살았다.", "서울\n부산\n", &[]), ["LOC:서울", "LOC:부산"]);
    let curly = "They left L’Étoile‑Noire and Val-d'Or.";
    assert_eq!(answers("en", curly, "L'Étoile-Noire\nVal‐d’Or\n", &[]), ["LOC:L’Étoile‑Noire", "LOC:Val-d'Or"]);
    assert_eq!(answers("en", "They left New York.", "New_York\n", &["--underscores"]), ["LOC:New York"]);
    assert_eq!(
        answers("tr", "Onlar DİYARBAKIR, ISPARTA ve İzmir gördü.", "Diyarbakır\nısparta\nizmir\n", &["--ignore-case"]),
        ["LOC:DİYARBAKIR", "LOC:ISPARTA", "LOC:İzmir"]
    );
    assert_eq!(answers("el", "Είδαν την ΠΑΡΟΣ χθες.", "Πάρος\nΠαρος\n", &["--ignore-case"]), ["LOC:ΠΑΡΟΣ"]);
}

#[test]
fn ragged_rows_are_counted_and_numbers_draw_a_warning() {
    let (desk, dump, people, _) = desk();
    let ragged = desk.write("ragged.csv", "1;Oslo\n2\n3;Bergen;x\n4;Oslo\n");
    let numbers = desk.write("numbers.txt", "12\tOslo\n7\tBergen\n");
    let (places, numbers, out) = (format!("LOC={ragged}:#2"), format!("LOC={numbers}"), desk.path("out"));
    let args = nee(&dump, &people, &places, &["--gazetteer", &numbers, "-o", &out]);
    let run = prep(&args);
    assert!(run.stderr.contains("warning") && run.stderr.contains("numbers.txt: every name is a number"), "{}", run.stderr);
    run.ok();
    let names = manifest(Path::new(&out)).counters["names"].clone();
    assert_eq!((names.skipped["ragged row"], names.skipped["duplicate"], names.adds_up()), (2, 1, true));
}

#[test]
fn bad_gazetteers_are_refused() {
    let (desk, dump, people, places) = desk();
    let out = desk.path("out");
    let fails = |gazetteer: &str, texts: &[&str]| {
        prep(&["nee", &dump, "--queries", "en_conll03", "-o", &out, "--gazetteer", gazetteer]).fails(texts);
        assert!(!Path::new(&out).exists(), "nothing is made before the gazetteers are read");
    };
    let gbk = desk.write("gbk.txt", b"Oslo\n\xb1\xb1\xbe\xa9\n");
    let csv = places.trim_start_matches("LOC=").trim_end_matches(":name");
    prep(&["nee", &dump, "--queries", "en_conll03", "-o", &out, "--gazetteer", "CITY=x.txt"]).fails_with_usage_error(&[
        "--gazetteer CITY=x.txt",
        "`en_conll03` has no label `CITY`",
        "ORG, PER, LOC, MISC",
    ]);
    fails("LOC=/no/such.txt", &["--gazetteer LOC=/no/such.txt", "no gazetteer file"]);
    fails(&format!("LOC={gbk}"), &["gbk.txt", "line 2 is not UTF-8", "--encoding gbk"]);
    fails(&format!("LOC={csv}"), &["places.csv", "needs the column", "it has id, name"]);
    fails(&format!("LOC={csv}:town"), &["places.csv", "no column is named `town`", "id, name"]);
    for (option, value) in [
        ("--gazetteer", "people.txt"),
        ("--encoding", "klingon"),
        ("--match", "all"),
        ("--ambiguous", "last"),
        ("--buckets", "3-1"),
        ("--buckets", "1-3,2-4"),
        ("--min-length", "two"),
    ] {
        let run = prep(&[&nee(&dump, &people, &places, &["-o", &out])[..], &[option, value]].concat());
        assert!(run.code == 2 && run.stderr.contains(option), "{option}: {}", run.stderr);
    }
    assert_eq!(prep(&["nee", &dump, "--queries", "en_conll03", "-o", &out]).code, 2, "no gazetteer at all");
}

#[test]
fn buckets_are_folders() {
    let (desk, dump, people, places) = desk();
    let args = nee(&dump, &people, &places, &["--match", "both", "--buckets", "1-2,3,4+"]);
    let rows = desk.triples(&args);
    let manifest = desk.manifest();
    let shards: Vec<&str> = manifest["shards"].as_array().unwrap().iter().map(|shard| shard["file"].as_str().unwrap()).collect();
    assert_eq!(shards, ["entities=1-2/part-00000.parquet", "entities=3/part-00000.parquet"]);
    let rows_of = |shard: usize| manifest["shards"][shard]["rows"].as_u64();
    assert_eq!((rows_of(0), rows_of(1), rows.len()), (Some(8), Some(8), 16));
    assert!(rows.chunks(4).all(|rows| rows.iter().all(|row| row.sentence == rows[0].sentence)), "rows of a sentence together");
    let json: serde_json::Value = serde_json::from_str(&prep(&["inspect", &desk.path("out"), "--json"]).ok().stdout).unwrap();
    assert_eq!((&json["rows"], &json["sentences"]), (&16.into(), &4.into()));
    // Sentences that are in no bucket are counted, and what is foreign in a bucket is kept.
    assert_eq!(desk.triples(&nee(&dump, &people, &places, &["--match", "both", "--buckets", "3"])).len(), 8);
    assert_eq!(desk.manifest()["counters"]["sentences"]["skipped"]["in none of --buckets"], 2);
    desk.write("out/entities=3/part-00000.parquet", "changed");
    prep(&["verify", &desk.path("out")]).fails(&["entities=3/part-00000.parquet"]);
    desk.write("out/entities=3/thesis.txt", "mine");
    prep(&[&args[..], &["-o", &desk.path("out"), "--overwrite"]].concat()).fails(&["entities=3/thesis.txt"]);
}

#[test]
fn the_fixtures_are_typed() {
    for (lang, queries, labels) in [("en", "en_twitter", ["PER", "LOC", "ORG"]), ("zh", "zh_msra", ["NR", "NS", "NT"])] {
        let desk = Desk::new();
        let file = |name: &str, label: &str| format!("{label}={}", fixture(&format!("gazetteers/{lang}/{name}.txt")));
        let files = [file("people", labels[0]), file("places", labels[1]), file("organisations", labels[2])];
        let dump = fixture(&format!("{lang}wiki.xml"));
        let pages = desk.path("pages");
        prep(&["pages", &dump, "-o", &pages, "-q"]).ok();
        let mut args = vec!["nee", &dump, "--queries", queries, "--match", "both", "--resolve-redirects"];
        files.iter().for_each(|file| args.extend(["--gazetteer", file]));
        let mut shards = Vec::new();
        for threads in ["1", "2", "5"] {
            desk.triples(&[&args[..], &["--threads", threads]].concat());
            shards.push((fs::read(desk.path("out/part-00000.parquet")).unwrap(), fs::read(desk.path("out/_manifest.json")).unwrap()));
        }
        assert!(shards.iter().all(|shard| *shard == shards[0]), "threads change nothing");
        let direct = desk.triples(&args);
        args[1] = &pages;
        assert_eq!(desk.triples(&args), direct, "by way of pages or directly: the same triples");
        assert!(direct.len() > 300, "{}", direct.len());
        for label in labels {
            let spans: usize = direct.iter().filter(|row| row.label == label).map(|row| row.spans.len()).sum();
            assert!(spans > 20, "{spans} answers of {label}");
        }
        let places: Vec<String> =
            fs::read_to_string(fixture(&format!("gazetteers/{lang}/places.txt"))).unwrap().lines().map(str::to_owned).collect();
        let found =
            direct.iter().filter(|row| row.label == labels[1]).flat_map(|row| &row.spans).filter(|span| places.contains(&span.text));
        assert!(found.count() > 20);
    }
}

#[test]
fn redirects_are_followed() {
    let desk = Desk::new();
    let dump = desk.dump(
        "dump.xml",
        "en",
        &[
            ("A", "See [[Big Apple]], [[NYC#Parks|parks]], [[round]], [[Nothing]] and [[new York City]]."),
            ("NYC", "→New York"),
            ("Big Apple", "→NYC"),
            ("New York City", "→New York"),
            ("New York", "'''New York''' is a city."),
            ("Round", "→Circle"),
            ("Circle", "→Round"),
        ],
    );
    let targets = |dir: &str| -> Vec<String> {
        let pages = ShardFolder::open::<Page>(Path::new(dir)).unwrap().rows::<Page>().next().unwrap().unwrap();
        pages[0].anchors.iter().map(|anchor| anchor.target.to_string()).collect()
    };
    let (plain, resolved, again) = (desk.path("plain"), desk.path("resolved"), desk.path("again"));
    prep(&["pages", &dump, "-o", &plain]).ok();
    assert_eq!(targets(&plain), ["Big Apple", "NYC", "Round", "Nothing", "New York City"]);
    let said = prep(&["pages", &dump, "-o", &resolved, "--resolve-redirects"]).ok().stderr;
    assert_eq!(targets(&resolved), ["New York", "New York", "Round", "Nothing", "New York"]);
    assert!(said.contains("redirects: 5 in, 3 out, 2 skipped (redirect loop 2)"), "{said}");
    let counters = manifest(Path::new(&resolved)).counters;
    let (no, round) = ("left as written: no redirect", "left as written: redirect loop");
    let targets_counted = &counters["targets"];
    assert_eq!((targets_counted.out, targets_counted.skipped[no], targets_counted.skipped[round]), (3, 1, 1));
    prep(&["verify", &resolved]).ok();
    // The rows of redirect pages say the same as the dump.
    let york = format!("LOC={}", desk.write("york.txt", "New York\n"));
    for input in [&dump, &plain, &resolved] {
        let args = ["nee", input, "--queries", "en_conll03", "--gazetteer", &york];
        let resolved = [&args[..], &["--resolve-redirects"]].concat();
        assert_eq!(desk.answers(&resolved), ["LOC:Big Apple", "LOC:new York City"], "{input}; a section of it is something else");
    }
    assert!(desk.answers(&["nee", &plain, "--queries", "en_conll03", "--gazetteer", &york]).is_empty());
    prep(&["esi", &plain, "-o", &again, "--resolve-redirects"]).ok();
    prep(&["pages", "-", "-o", &desk.path("x"), "--resolve-redirects"]).fails(&["--resolve-redirects", "twice", "standard input"]);
    prep(&["pages", "/nonexistent.xml", "-o", &desk.path("x"), "--resolve-redirects"]).fails(&["/nonexistent.xml", "No such file"]);
}

mod shared_data {
    use super::*;

    #[test]
    #[ignore = "needs ../shared/data: real dumps, gazetteers and corpora in a folder beside the project's"]
    fn gazetteers_type_real_pages() {
        let data = common::shared_data("");
        let desk = Desk::new();
        let file = |label: &str, name: &str| format!("{label}={}", data.join("gazetteers").join(name).display());
        let zh = data.join("dumps/zhwiki-2018-33pages.xml.bz2").display().to_string();
        let files = [
            file("NS", "thuocl/THUOCL_diming.txt"),
            file("NR", "names/zh-ancient-names.txt"),
            file("NR", "thuocl/THUOCL_lishimingren.txt"),
        ];
        let mut args = vec!["nee", &zh, "--queries", "zh_msra", "--match", "both"];
        files.iter().for_each(|file| args.extend(["--gazetteer", file]));
        let rows = desk.triples(&args);
        assert!(rows.len() > 1000, "{}", rows.len());
        let en = data.join("dumps/enwiki-2016-206pages.xml.bz2").display().to_string();
        let cities = file("LOC", "world-cities.csv:name");
        let sp500 = file("ORG", "companies/sp500.csv:Security");
        let args = ["nee", &en, "--queries", "en_conll03", "--gazetteer", &cities, "--gazetteer", &sp500, "--resolve-redirects"];
        assert!(desk.triples(&args).len() > 1000);
    }
}
