//! Boundaries compared with those of the gold sentences in `gold/`.

use std::fs;
use std::path::Path;

use schemas::{Anchor, Segment, SegmentKind};

use super::splitter::split_page;

/// A text with the char ranges of its sentences, and its links.
struct GoldText {
    text: String,
    sentences: Vec<(usize, usize)>,
    anchors: Vec<Anchor<'static>>,
    is_held_out: bool,
}

impl GoldText {
    fn parse(line: &str, is_held_out: bool) -> Self {
        let (mut text, mut anchors, mut ends, mut start) = (String::new(), Vec::new(), Vec::new(), 0);
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            let at = text.chars().count();
            if let Some(after) = rest.strip_prefix("[[") {
                (rest, start) = (after, at);
            } else if let Some(after) = rest.strip_prefix("]]") {
                rest = after;
                let surface: String = text.chars().skip(start).collect();
                let target = surface.clone().into();
                anchors.push(Anchor { start: start as u32, end: at as u32, text: surface.into(), target, fragment: None });
            } else {
                rest = &rest[c.len_utf8()..];
                if c == '‖' { ends.push(at) } else { text.push(c) }
            }
        }
        ends.push(text.chars().count());
        let chars: Vec<char> = text.chars().collect();
        let mut from = 0;
        let sentences = ends.into_iter().map(|end| {
            let first = (from..end).find(|&at| !chars[at].is_whitespace()).unwrap_or(end);
            from = end;
            (first, end)
        });
        Self { sentences: sentences.collect(), text, anchors, is_held_out }
    }

    fn read(lang: &str) -> Vec<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sentence/gold").join(format!("{lang}.txt"));
        let (mut texts, mut is_held_out) = (Vec::new(), false);
        for line in fs::read_to_string(path).expect("the gold sentences are there").lines() {
            is_held_out |= line == "# held out";
            if !line.starts_with('#') {
                texts.push(Self::parse(line, is_held_out));
            }
        }
        texts
    }

    fn ours(&self, lang: &str) -> Vec<(usize, usize)> {
        let segment = Segment { start: 0, end: self.text.chars().count() as u32, kind: SegmentKind::Paragraph, level: 0 };
        let sentences = split_page(lang, &self.text, &[segment], &self.anchors);
        sentences.into_iter().map(|range| (range.start as usize, range.end as usize)).collect()
    }

    fn of_library(&self, lang: &str) -> Vec<(usize, usize)> {
        let found = sentencex::get_sentence_boundaries(lang, &self.text);
        let trimmed = found.into_iter().filter(|found| !found.text.trim().is_empty()).map(|found| {
            let spaces = |text: &str| text.chars().take_while(|c| c.is_whitespace()).count();
            let end = found.text.chars().rev().take_while(|c| c.is_whitespace()).count();
            (found.start_index + spaces(found.text), found.end_index - end)
        });
        trimmed.collect()
    }
}

/// How found sentences compare with gold ones.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    right: usize,
    wrong: usize,
    missed: usize,
    sentences: usize,
    cut: usize,
}

impl Score {
    fn add(&mut self, gold: &[(usize, usize)], found: &[(usize, usize)]) {
        let ends = |sentences: &[(usize, usize)]| sentences[..sentences.len() - 1].iter().map(|s| s.1).collect::<Vec<_>>();
        let (gold_ends, found_ends) = (ends(gold), ends(found));
        let right = found_ends.iter().filter(|end| gold_ends.contains(end)).count();
        self.right += right;
        self.wrong += found_ends.len() - right;
        self.missed += gold_ends.len() - right;
        self.sentences += gold.len();
        self.cut += gold.iter().filter(|s| found_ends.iter().any(|&end| s.0 < end && end < s.1)).count();
    }

    fn f1(&self) -> f64 {
        200.0 * self.right as f64 / (2 * self.right + self.wrong + self.missed).max(1) as f64
    }

    fn uncut(&self) -> f64 {
        100.0 * (self.sentences - self.cut) as f64 / self.sentences as f64
    }
}

const LANGS: [&str; 30] = [
    "en", "zh", "ja", "de", "fr", "es", "it", "pt", "nl", "pl", "ru", "uk", "cs", "sv", "fi", "hu", "tr", "ar", "fa", "he", "hi", "bn",
    "th", "vi", "ko", "id", "el", "ro", "da", "no",
];

fn score(lang: &str, is_held_out: bool, split: impl Fn(&GoldText) -> Vec<(usize, usize)>) -> Score {
    let mut score = Score::default();
    for text in GoldText::read(lang).iter().filter(|text| text.is_held_out == is_held_out) {
        score.add(&text.sentences, &split(text));
    }
    score
}

/// Prints the table of `benches/README.md`, with `--nocapture`.
#[test]
fn gold_sentences_are_found() {
    let mut bad = Vec::new();
    for lang in LANGS {
        let ours = [false, true].map(|held_out| score(lang, held_out, |text| text.ours(lang)));
        let library = [false, true].map(|held_out| score(lang, held_out, |text| text.of_library(lang)));
        let cell = |score: Score| format!("{:.1} | {:.0} | {}", score.f1(), score.uncut(), score.missed);
        println!("| {lang} | {} |", [ours[0], ours[1], library[0], library[1]].map(cell).join(" | "));
        let is_bad = |score: &Score| score.sentences < 10 || score.f1() < 90.0 || score.uncut() < 90.0 || score.missed > 1;
        bad.extend(ours.iter().any(is_bad).then_some(lang));
    }
    assert!(bad.is_empty(), "{bad:?}");
}
