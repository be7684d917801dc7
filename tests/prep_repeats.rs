//! Later mentions of what a page links, and sentences that hold unknown names, on the real binary.
#![allow(clippy::unwrap_used)]

mod common;
mod desk;

use desk::{Desk, prep};
use schemas::Origin;

#[test]
fn later_mentions_are_answers() {
    let desk = Desk::new();
    let dump = desk.dump(
        "dump.xml",
        "en",
        &[(
            "Ada Arden (painter)",
            "'''Ada Arden''' saw York and [[York|the city]] by the [[Ouse]]. York is on the Ouse; the Ouses are not, Ada Arden said.\n\n\
             In [[New York]] she liked [[York Minster]]. New York and Ouse and [[File:x.png|thumb|Ouse]] the city [[:Category:Ouse]]s again.",
        )],
    );
    let answers = |more: &[&str]| -> Vec<Vec<(String, Origin)>> {
        let rows = desk.triples(&[&["esi", &dump], more].concat());
        rows.into_iter().map(|row| row.spans.into_iter().map(|span| (span.text, span.origin)).collect()).collect()
    };
    let anchor = |text: &str| (text.to_owned(), Origin::Anchor);
    let repeat = |text: &str| (text.to_owned(), Origin::Repeat);
    assert_eq!(answers(&[]), [vec![anchor("the city"), anchor("Ouse")], vec![anchor("New York"), anchor("York Minster")]]);
    assert_eq!(
        answers(&["--repeat-mentions"]),
        [
            vec![repeat("Ada Arden"), anchor("the city"), anchor("Ouse")],
            vec![repeat("Ouse"), repeat("Ada Arden")],
            vec![anchor("New York"), anchor("York Minster")],
            vec![repeat("New York"), repeat("Ouse"), repeat("the city")],
        ]
    );
    assert_eq!(desk.manifest()["counters"]["repeats"]["out"], 6);
    assert_eq!(desk.manifest()["config"]["repeat_mentions"], true);

    // Chinese has no word borders, and the title is converted as the text is.
    let dump = desk.dump("zh.xml", "zh", &[("臺北市", "'''臺北市'''在[[臺灣]]北部。臺灣人愛臺北市。")]);
    let texts = |more: &[&str]| desk.answers(&[&["esi", &dump], more].concat());
    assert_eq!(texts(&["--repeat-mentions"]), ["Entity:台北市", "Entity:台湾", "Entity:台湾", "Entity:台北市"]);
}

/// A desk with a dump of one page and gazetteers of it: the arguments of `prep nee`.
fn nee(text: &str) -> (Desk, Vec<String>) {
    let desk = Desk::new();
    let dump = desk.dump("dump.xml", "en", &[("Ada Arden (painter)", text)]);
    let people = desk.write("people.txt", "Ada Arden (painter)\nEmil Berg\nRosa Stone Hill\n");
    let places = desk.write("places.txt", "Oslo\nBerg\nNorway\nStone\n");
    let args = ["nee", &dump, "--queries", "en_conll03"].map(str::to_owned).into_iter();
    let gazetteers = [format!("--gazetteer=PER={people}"), format!("--gazetteer=LOC={places}")];
    (desk, args.chain(gazetteers).collect())
}

fn answers(desk: &Desk, args: &[String], more: &[&str]) -> Vec<String> {
    let args: Vec<&str> = args.iter().map(String::as_str).chain(more.iter().copied()).collect();
    desk.answers(&args)
}

#[test]
fn later_mentions_have_the_label_of_the_link() {
    let text = "Ada Arden met [[Emil Berg|E. Berg]] in [[Oslo]] and [[Bergen]]. Arden and E. Berg left Oslo, not Bergen.";
    let (desk, args) = nee(text);
    assert_eq!(answers(&desk, &args, &[]), ["PER:E. Berg", "LOC:Oslo"]);
    assert_eq!(
        answers(&desk, &args, &["--repeat-mentions"]),
        ["PER:Ada Arden", "PER:E. Berg", "LOC:Oslo", "PER:E. Berg", "LOC:Oslo"],
        "what no gazetteer knows is not looked for again"
    );
    assert_eq!(desk.manifest()["counters"]["repeats"]["out"], 3);
    let family = ["--repeat-mentions", "--family-names", "PER"];
    assert_eq!(answers(&desk, &args, &family), ["PER:Ada Arden", "PER:E. Berg", "LOC:Oslo", "PER:Arden", "PER:E. Berg", "LOC:Oslo"]);
    let rows = desk.triples(&args.iter().map(String::as_str).chain(family).collect::<Vec<_>>());
    let origins: Vec<Origin> = rows.iter().flat_map(|row| &row.spans).map(|span| span.origin).collect();
    assert_eq!(origins.iter().filter(|&&origin| origin == Origin::Repeat).count(), 4);

    let wrong = |more: &[&str]| {
        let out = desk.path("x");
        prep(&[&args.iter().map(String::as_str).collect::<Vec<_>>()[..], &["-o", &out], more].concat())
    };
    wrong(&["--repeat-mentions", "--family-names", "CITY"]).fails_with_usage_error(&["--family-names", "has no label `CITY`"]);
    wrong(&["--repeat-mentions", "--match", "mentions"]).fails_with_usage_error(&["--repeat-mentions", "--match"]);
}

#[test]
fn what_a_page_says_comes_before_gazetteers_unless_they_know_more() {
    // By the gazetteers, Berg and Stone are places.
    let text = "Here [[Emil Berg]] painted. Berg and Rosa Stone Hill saw Stone.";
    let (desk, args) = nee(text);
    let both = |more: &[&str]| answers(&desk, &args, &[&["--match", "both"], more].concat());
    assert_eq!(both(&[]), ["PER:Emil Berg", "PER:Rosa Stone Hill", "LOC:Berg", "LOC:Stone"]);
    assert_eq!(both(&["--repeat-mentions", "--family-names", "PER"]), ["PER:Emil Berg", "PER:Berg", "PER:Rosa Stone Hill", "LOC:Stone"]);
    // What the page itself calls by one name is neither.
    let (desk, args) = nee("Here [[Emil Berg]] met [[Berg]]. Berg is old, says Emil Berg.");
    let family = answers(&desk, &args, &["--repeat-mentions", "--family-names", "PER"]);
    assert_eq!(family, ["PER:Emil Berg", "LOC:Berg", "PER:Emil Berg"]);
}

#[test]
fn sentences_with_unknown_names_are_left_out_on_demand() {
    let text = "He left [[Oslo]]. She left [[Oslo]] with Ida.\n\n[[Norway|Norwegian]] ships left [[Oslo]] in May. It left [[Oslo]] by [[sea]]. \
                They left [[Oslo]] for [[Atlantis]].\n\n“Yes” said Ida of [[Oslo]].";
    let (desk, args) = nee(text);
    let stop = desk.write("stop.txt", "Norwegian\nMay\n");
    let count = |more: &[&str]| answers(&desk, &args, more).len();
    assert_eq!(count(&[]), 7);
    assert_eq!(count(&["--stop", &stop]), 6, "a link of a text that is no name is no answer");
    // Oslo alone; Norwegian is known to be Norway by its link, but May is unknown; the sea is no name.
    assert_eq!(count(&["--max-unknown", "0"]), 2);
    assert_eq!(count(&["--max-unknown", "0", "--stop", &stop]), 3);
    assert_eq!(desk.manifest()["counters"]["sentences"]["skipped"]["more unknown names than --max-unknown"], 3);
    assert_eq!(count(&["--max-unknown", "1"]), 7);
    // A script without upper case has links alone to go by.
    let dump = desk.dump("zh.xml", "zh", &[("甲", "他去[[北京]]。她去[[北京]]见[[某人]]。")]);
    let places = format!("NS={}", desk.write("zh.txt", "北京\n"));
    let zh = desk.answers(&["nee", &dump, "--queries", "zh_msra", "--gazetteer", &places, "--max-unknown", "0"]);
    assert_eq!(zh, ["NS:北京"]);
}
