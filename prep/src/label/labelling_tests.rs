//! Labelling: pages with links and gazetteers to triples, and counters that add up.

use std::borrow::Cow;

use schemas::{Anchor, Manifest, Page, Query, Segment, SegmentKind, ShardFolder, ShardWriter, Triple};

use super::nee::{GazetteerLabeller, MatchIn, RepeatSettings};
use super::sentences::SentenceRules;
use super::triple_sink::TripleSink;
use super::{esi, nee};
use crate::counters::CounterKey;
use crate::gazetteer::load::load;
use crate::gazetteer::name_file::NameFile;
use crate::gazetteer::names_folder::NamesFolders;
use crate::gazetteer::normalizer::Normalizer;
use crate::gazetteer::{AmbiguousNames, Gazetteer, GazetteerOptions};
use crate::sentence;
use crate::source::SiteInfo;
use crate::wikitext::{ChineseVariant, ExtractOptions, Wiki, WikitextExtractor};

fn extractor() -> WikitextExtractor {
    let options = ExtractOptions { variant: ChineseVariant::Unconverted, captions: false, tables: false };
    WikitextExtractor::new(Wiki::new(&SiteInfo::default(), "en"), options)
}

/// A page of one paragraph, in which `[surface form|target]` is a link.
fn page(text: &str) -> Page<'static> {
    let (mut plain, mut anchors) = (String::new(), Vec::new());
    for (number, piece) in text.split(['[', ']']).enumerate() {
        let start = plain.chars().count() as u32;
        let surface = if number % 2 == 0 { piece } else { piece.split('|').next().unwrap() };
        plain.push_str(surface);
        if number % 2 == 1 {
            let target = piece.split('|').next_back().unwrap().to_owned();
            let (end, text) = (start + surface.chars().count() as u32, Cow::Owned(surface.to_owned()));
            anchors.push(Anchor { start, end, text, target: target.into(), fragment: None });
        }
    }
    let segments = vec![Segment { start: 0, end: plain.chars().count() as u32, kind: SegmentKind::Paragraph, level: 0 }];
    let sentences = sentence::split_page("en", &plain, &segments, &anchors);
    Page { page_id: 7, title: "Title".into(), lang: "en".into(), text: plain.into(), anchors, segments, sentences, ..Page::default() }
}

fn rules() -> SentenceRules {
    SentenceRules { min_entities: 1, max_chars: 400, no_holes: false, max_unknown: None, buckets: None }
}

fn query(label: &str) -> Query {
    Query { label: label.to_owned(), text: format!("find {label}") }
}

/// The triples with spans, as `partition: sentence label: mention mention`, and what was counted.
fn outcome(sink: TripleSink) -> (Vec<String>, Vec<(CounterKey, String)>) {
    use CounterKey::{Anchors, Mentions, Repeats, Sentences};
    let TripleSink { partitions, mut counters, .. } = sink;
    assert!(counters.add_up(), "{counters:?}");
    let dir = tempfile::tempdir().unwrap();
    let mut lines = Vec::new();
    for (partition, triples) in partitions {
        let out = dir.path().join(partition.to_string());
        let mut writer = ShardWriter::<Triple>::create(&out, false, Manifest::new("test", "test", serde_json::Value::Null)).unwrap();
        triples.finish().iter().for_each(|batch| writer.write_batch(0, batch).unwrap());
        writer.finish(Vec::new(), Default::default(), None).unwrap();
        for row in ShardFolder::open::<Triple>(&out).unwrap().rows::<Triple>().flat_map(Result::unwrap).filter(|row| !row.impossible) {
            let mentions: Vec<String> = row.spans.iter().map(|span| span.text.clone()).collect();
            lines.push(format!("{partition}: {} {}: {}", row.sentence, row.label, mentions.join(" ")));
        }
    }
    let keys = [Sentences, Anchors, Repeats, Mentions];
    let counted = keys.into_iter().filter(|&key| counters.seen(key) > 0);
    let counted = counted.collect::<Vec<_>>().into_iter().map(|key| (key, counters.of(key).to_string())).collect();
    (lines, counted)
}

#[track_caller]
fn check_esi(text: &str, repeat_mentions: bool, rules: &SentenceRules, expected: &[&str], counted: &[(CounterKey, &str)]) {
    let mut sink = TripleSink::default();
    esi::label_page(&page(text), &extractor(), &query("Entity"), repeat_mentions, rules, &mut sink).unwrap();
    let (triples, counters) = outcome(sink);
    assert_eq!(triples, expected);
    assert_eq!(counters, counted.iter().map(|&(key, counter)| (key, counter.to_owned())).collect::<Vec<_>>());
}

/// A gazetteer of names by label: 0 for persons, 1 for places.
fn gazetteer(people: &str, places: &str, ambiguous: AmbiguousNames, stop: &str) -> Gazetteer {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, names: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, names.replace(',', "\n")).unwrap();
        path
    };
    let files = [(0, file("people", people)), (1, file("places", places))].map(|(label, path)| (label, NameFile { path, column: None }));
    let options = GazetteerOptions {
        files: files.into(),
        folders: NamesFolders::default(),
        encoding: encoding_rs::UTF_8,
        underscores: false,
        korean_particles: false,
        normalizer: Normalizer::default(),
        ambiguous,
        stop_lists: vec![file("stop", stop)],
        min_mention_chars: Some(2),
    };
    load(options).unwrap().0
}

#[track_caller]
fn check_nee(text: &str, labeller: &GazetteerLabeller<'_>, rules: &SentenceRules, expected: &[&str], counted: &[(CounterKey, &str)]) {
    let mut sink = TripleSink::default();
    nee::label_page(&page(text), &extractor(), &[query("PER"), query("LOC")], labeller, rules, &mut sink).unwrap();
    let (triples, counters) = outcome(sink);
    assert_eq!(triples, expected);
    assert_eq!(counters, counted.iter().map(|&(key, counter)| (key, counter.to_owned())).collect::<Vec<_>>());
}

#[test]
fn links_are_spans_of_their_sentence() {
    let text = "[Ada|Ada Lovelace] met [Babbage] there. Nothing is linked here. She lived in [London].";
    let counted =
        [(CounterKey::Sentences, "3 in, 2 out, 1 skipped (fewer answers than --min-entities 1)"), (CounterKey::Anchors, "3 in, 3 out")];
    check_esi(text, false, &rules(), &["0: 0 Entity: Ada Babbage", "0: 2 Entity: London"], &counted);
}

#[test]
fn sentences_with_few_spans_are_skipped_with_their_links() {
    let text = "[Ada] met [Babbage] there. She lived in [London].";
    let counted = [
        (CounterKey::Sentences, "2 in, 1 out, 1 skipped (fewer answers than --min-entities 1)"),
        (CounterKey::Anchors, "3 in, 2 out, 1 skipped (sentence skipped 1)"),
    ];
    check_esi(text, false, &SentenceRules { min_entities: 2, ..rules() }, &["0: 0 Entity: Ada Babbage"], &counted);
}

#[test]
fn no_sentence_ends_inside_a_span() {
    // The splitter would end a sentence after `Inc.`, and --max-chars would cut between the words of the span.
    let text = "They joined [Acme Inc. Works] in the north of the country last year.";
    let counted = [(CounterKey::Sentences, "1 in, 1 out"), (CounterKey::Anchors, "1 in, 1 out")];
    check_esi(text, false, &rules(), &["0: 0 Entity: Acme Inc. Works"], &counted);
    let mut sink = TripleSink::default();
    let short = SentenceRules { max_chars: 35, ..rules() };
    esi::label_page(&page(text), &extractor(), &query("Entity"), false, &short, &mut sink).unwrap();
    let (triples, counters) = outcome(sink);
    assert!(triples.len() == 1 && triples[0].ends_with("Entity: Acme Inc. Works"), "{triples:?}");
    assert_ne!(counters[0].1, "1 in, 1 out", "the sentence is split");
}

#[test]
fn a_sentence_that_is_one_span_is_skipped() {
    let counted = [
        (CounterKey::Sentences, "1 in, 0 out, 1 skipped (nothing but an answer 1)"),
        (CounterKey::Anchors, "1 in, 0 out, 1 skipped (sentence skipped 1)"),
    ];
    check_esi("[Ada Lovelace]", false, &rules(), &[], &counted);
}

#[test]
fn links_to_other_namespaces_are_no_spans() {
    let counted = [(CounterKey::Sentences, "1 in, 1 out"), (CounterKey::Anchors, "2 in, 1 out, 1 skipped (not to an article 1)")];
    check_esi("See [this list|Category:People] of [London] now.", false, &rules(), &["0: 0 Entity: London"], &counted);
}

#[test]
fn later_mentions_are_spans_but_not_inside_links() {
    let text = "[Ada] came early. Then Ada saw [Ada College] and Ada left.";
    let counted = [(CounterKey::Sentences, "2 in, 2 out"), (CounterKey::Anchors, "2 in, 2 out"), (CounterKey::Repeats, "2 in, 2 out")];
    check_esi(text, true, &rules(), &["0: 0 Entity: Ada", "0: 1 Entity: Ada Ada College Ada"], &counted);
}

#[test]
fn buckets_partition_by_the_number_of_spans() {
    let text = "[Ada] came. [Ada] met [Babbage] there. [Ada], [Babbage] and [Byron] left.";
    let rules = SentenceRules { buckets: Some("1,3+".parse().unwrap()), ..rules() };
    let counted = [
        (CounterKey::Sentences, "3 in, 2 out, 1 skipped (in none of --buckets 1)"),
        (CounterKey::Anchors, "6 in, 4 out, 2 skipped (sentence skipped 2)"),
    ];
    check_esi(text, false, &rules, &["0: 0 Entity: Ada", "1: 2 Entity: Ada Babbage Byron"], &counted);
}

#[test]
fn names_between_links_get_their_labels() {
    let names = gazetteer("Ada,Byron", "London,Ada College", AmbiguousNames::First, "");
    let labeller = GazetteerLabeller { gazetteer: &names, matching: MatchIn::Both, repeats: None };
    // The longest of nested names is taken. A name inside of a link that no gazetteer knows is none.
    let text = "[Ada] left Ada College for [the London Club] in London.";
    let counted = [
        (CounterKey::Sentences, "1 in, 1 out"),
        (CounterKey::Anchors, "2 in, 1 out, 1 skipped (in no gazetteer 1)"),
        (CounterKey::Mentions, "2 in, 2 out"),
    ];
    check_nee(text, &labeller, &rules(), &["0: 0 PER: Ada", "0: 0 LOC: Ada College London"], &counted);
    let anchors = GazetteerLabeller { matching: MatchIn::Anchors, ..labeller };
    check_nee(text, &anchors, &rules(), &["0: 0 PER: Ada"], &counted[..2]);
    let mentions = GazetteerLabeller { gazetteer: &names, matching: MatchIn::Mentions, repeats: None };
    let counted = [
        (CounterKey::Sentences, "1 in, 1 out"),
        (CounterKey::Anchors, "2 in, 0 out, 2 skipped (not asked for 2)"),
        (CounterKey::Mentions, "4 in, 4 out"),
    ];
    check_nee(text, &mentions, &rules(), &["0: 0 PER: Ada", "0: 0 LOC: Ada College London London"], &counted);
}

#[test]
fn ambiguous_names_have_the_first_label_or_none() {
    let text = "They saw [Paris] and [London] there.";
    let first = gazetteer("Paris", "Paris,London", AmbiguousNames::First, "");
    let labeller = GazetteerLabeller { gazetteer: &first, matching: MatchIn::Anchors, repeats: None };
    let counted = [(CounterKey::Sentences, "1 in, 1 out"), (CounterKey::Anchors, "2 in, 2 out")];
    check_nee(text, &labeller, &rules(), &["0: 0 PER: Paris", "0: 0 LOC: London"], &counted);
    let dropped = gazetteer("Paris", "Paris,London", AmbiguousNames::Drop, "");
    let labeller = GazetteerLabeller { gazetteer: &dropped, matching: MatchIn::Anchors, repeats: None };
    let counted = [(CounterKey::Sentences, "1 in, 1 out"), (CounterKey::Anchors, "2 in, 1 out, 1 skipped (of several labels 1)")];
    check_nee(text, &labeller, &rules(), &["0: 0 LOC: London"], &counted);
}

#[test]
fn family_names_repeat_full_names() {
    let names = gazetteer("Ada Lovelace", "London", AmbiguousNames::First, "");
    let repeats = Some(RepeatSettings { family_label: Some(0) });
    let labeller = GazetteerLabeller { gazetteer: &names, matching: MatchIn::Anchors, repeats };
    let counted = [(CounterKey::Sentences, "2 in, 2 out"), (CounterKey::Anchors, "2 in, 2 out"), (CounterKey::Repeats, "1 in, 1 out")];
    let text = "Here [Ada Lovelace] was born. Then Lovelace came to [London].";
    check_nee(text, &labeller, &rules(), &["0: 0 PER: Ada Lovelace", "0: 1 PER: Lovelace", "0: 1 LOC: London"], &counted);
}

#[test]
fn sentences_with_unknown_names_are_skipped() {
    // Unknown: the link Zork and the word Foo. Not unknown: the first word, words in lower case, and stop names.
    let text = "There [Ada] met [Zork] and Foo on Monday.";
    let names = gazetteer("Ada", "London", AmbiguousNames::First, "Monday");
    let labeller = GazetteerLabeller { gazetteer: &names, matching: MatchIn::Anchors, repeats: None };
    let skipped = [
        (CounterKey::Sentences, "1 in, 0 out, 1 skipped (more unknown names than --max-unknown 1)"),
        (CounterKey::Anchors, "2 in, 0 out, 2 skipped (in no gazetteer 1, sentence skipped 1)"),
    ];
    check_nee(text, &labeller, &SentenceRules { max_unknown: Some(1), ..rules() }, &[], &skipped);
    let kept = [(CounterKey::Sentences, "1 in, 1 out"), (CounterKey::Anchors, "2 in, 1 out, 1 skipped (in no gazetteer 1)")];
    check_nee(text, &labeller, &SentenceRules { max_unknown: Some(2), ..rules() }, &["0: 0 PER: Ada"], &kept);
}
