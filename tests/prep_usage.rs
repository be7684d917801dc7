//! Usage errors of `prep`: exit code 2, a message that says what was found and what is expected, and nothing written.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{fixture, run};

const PREP: &str = env!("CARGO_BIN_EXE_prep");

/// Runs `prep` with these arguments, in which `DUMP` and `OUT` stand for paths, and expects a usage error.
#[track_caller]
fn check(args: &str, expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let dump = fixture("enwiki.xml");
    let args: Vec<String> = args.split(' ').map(|arg| arg.replace("DUMP", &dump).replace("OUT", out.to_str().unwrap())).collect();
    let run = run(PREP, &args);
    assert_eq!(run.code, 2, "prep {args:?}: {}", run.stderr);
    assert!(run.stderr.starts_with("error: ") && run.stderr.contains(expected), "no {expected:?} in: {}", run.stderr);
    assert!(!Path::new(&out).exists(), "prep {args:?} wrote an output folder");
}

#[test]
fn arguments_that_are_missing() {
    check("pages DUMP", "--output");
    check("esi -o OUT", "required");
    check("nee DUMP -o OUT", "--queries");
    check("nee DUMP -o OUT --queries en_conll03", "--gazetteer");
    check("esi --plan plan.json -o OUT", "--part");
}

#[test]
fn values_that_are_none_of_their_option() {
    check("pages DUMP -o OUT --variant klingon", "--variant");
    check("pages DUMP -o OUT --with poems", "--with");
    check("plan DUMP -o OUT --parts 0", "--parts");
    check("nee DUMP -o OUT --queries en_conll03 --gazetteer people.txt", "--gazetteer");
    check("nee DUMP -o OUT --queries en_conll03 --gazetteer PER=p.txt --match all", "--match");
    check("nee DUMP -o OUT --queries en_conll03 --gazetteer PER=p.txt --buckets 3-1", "--buckets");
    check("nee DUMP -o OUT --queries en_conll03 --gazetteer PER=p.txt --encoding klingon", "--encoding");
    check("mrc DUMP -o OUT --columns token,word", "`word` is not a column");
    check("esi DUMP -o OUT --max-chars 0", "--max-chars is 0, expected at least 1");
}

#[test]
fn arguments_that_contradict_each_other() {
    check("pages DUMP -o OUT --resume --overwrite", "cannot be used with");
    check("esi --plan plan.json --part 0 -o OUT --resolve-redirects", "--resolve-redirects needs all redirects");
    check(
        "nee DUMP -o OUT --queries en_conll03 --gazetteer PER=p.txt --repeat-mentions --match mentions",
        "--match mentions ignores links; expected --match anchors or both",
    );
    check("mrc DUMP -o OUT --queries en_conll03 --ignore-label PER", "label `PER` of --ignore-label has a query");
}

#[test]
fn query_sets_and_labels_that_do_not_fit() {
    check("esi DUMP -o OUT --queries en_nothing", "en_nothing");
    check("esi DUMP -o OUT --queries en_conll03", "query set `en_conll03` has 4 labels, expected one");
    check("queries show en_nothing", "en_conll03");
    check(
        "nee DUMP -o OUT --queries en_conll03 --gazetteer CITY=x.txt",
        "query set `en_conll03` has no label `CITY`, expected one of ORG, PER, LOC, MISC",
    );
}
