//! The entities of a text reduced to the surest, and as tags of tokens.

use std::collections::HashSet;
use std::ops::Range;

use schemas::Triple;
use schemas::hf_rows::TaggedSentence;
use schemas::tokens::joins_with_space;

use super::entity::predicted_entities;
use super::input::InputText;
use crate::decode::{ScoredSpan, flat_reading};

/// Removes spans of a text's triples so that at most one covers a char: the [flat reading](flat_reading) of all labels.
pub fn flatten(triples: &mut [Triple]) {
    let spans = triples.iter().flat_map(|triple| &triple.spans);
    let scored: Vec<ScoredSpan> =
        spans.map(|span| ScoredSpan { start: span.start, end: span.end, score: span.score.unwrap_or_default() }).collect();
    let mut is_kept = vec![false; scored.len()];
    flat_reading(&scored).into_iter().for_each(|index| is_kept[index] = true);
    let mut is_kept = is_kept.into_iter();
    for triple in triples {
        triple.spans.retain(|_| is_kept.next().unwrap_or_default());
        triple.impossible = triple.spans.is_empty();
    }
}

/// The tokens of a text with BIO tags of its entities, which do not overlap.
///
/// Tokens are those of the input. Without them they are chars in Chinese and Japanese, and else the words between white space, cut where
/// an entity begins or ends inside of one.
pub fn tagged_sentence(text: &InputText, triples: &[Triple], lang: &str) -> TaggedSentence {
    let entities = predicted_entities(triples);
    let tokens = text.tokens.clone().unwrap_or_else(|| {
        let bounds = entities.iter().flat_map(|entity| [entity.start, entity.end]).collect();
        cut(&text.text, &bounds, !joins_with_space(lang))
    });
    let mut tags = vec!["O".to_owned(); tokens.len()];
    for entity in &entities {
        let mut prefix = "B";
        let first = tokens.partition_point(|token| token.end <= entity.start);
        let tokens = tokens[first..].iter().take_while(|token| token.start < entity.end);
        for (token, tag) in tokens.zip(&mut tags[first..]) {
            // Of two entities that share a token of the input, the first has it.
            if tag == "O" && !token.is_empty() {
                *tag = format!("{prefix}-{}", entity.label);
                prefix = "I";
            }
        }
    }
    let chars: Vec<char> = text.text.chars().collect();
    let slice = |token: &Range<u32>| chars[token.start as usize..token.end as usize].iter().collect();
    let id =
        text.fields.get("id").map_or_else(|| text.sentence.to_string(), |id| id.as_str().map_or_else(|| id.to_string(), str::to_owned));
    TaggedSentence { id, tokens: tokens.iter().map(slice).collect(), tags }
}

/// The char ranges of the tokens of a text.
fn cut(text: &str, bounds: &HashSet<u32>, each_char: bool) -> Vec<Range<u32>> {
    let mut tokens: Vec<Range<u32>> = Vec::new();
    let mut ended = true;
    for (char, at) in text.chars().zip(0u32..) {
        if char.is_whitespace() {
            ended = true;
        } else if ended || each_char || bounds.contains(&at) {
            tokens.push(at..at + 1);
            ended = false;
        } else if let Some(last) = tokens.last_mut() {
            last.end = at + 1;
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use schemas::{Origin, Span};

    use super::*;

    fn triple(label: &str, spans: &[(u32, u32, f32)]) -> Triple {
        let span =
            |&(start, end, score): &(u32, u32, f32)| Span { start, end, text: String::new(), origin: Origin::Model, score: Some(score) };
        Triple { label: label.to_owned(), spans: spans.iter().map(span).collect(), ..Triple::default() }
    }

    #[test]
    fn one_label_covers_a_char() {
        let mut triples = [triple("ORG", &[(0, 13, 0.9)]), triple("LOC", &[(8, 13, 0.5), (20, 24, 0.4)]), triple("PER", &[(0, 13, 0.2)])];
        flatten(&mut triples);
        let spans: Vec<Vec<(u32, u32)>> = triples.iter().map(|row| row.spans.iter().map(|span| (span.start, span.end)).collect()).collect();
        assert_eq!(spans, [vec![(0, 13)], vec![(20, 24)], vec![]]);
        assert_eq!(triples.map(|triple| triple.impossible), [false, false, true]);
    }

    #[test]
    fn tokens_are_tagged() {
        let check = |text: &str, tokens: Option<Vec<Range<u32>>>, lang: &str, spans: &[(u32, u32, f32)], expected: &str| {
            let text = InputText { text: text.to_owned(), tokens, ..InputText::default() };
            let TaggedSentence { tokens, tags, .. } = tagged_sentence(&text, &[triple("X", spans)], lang);
            let found: Vec<String> = tokens.iter().zip(tags).map(|(token, tag)| format!("{token}/{tag}")).collect();
            assert_eq!(found.join(" "), expected);
        };
        check("By Ada Lovelace.", None, "en", &[(3, 15, 0.9)], "By/O Ada/B-X Lovelace/I-X ./O");
        check("在北京 a", None, "zh", &[(1, 3, 0.9)], "在/O 北/B-X 京/I-X a/O");
        check("ab cd", Some(vec![0..2, 3..5]), "en", &[(1, 2, 0.9), (3, 5, 0.8)], "ab/B-X cd/B-X");
        check("", None, "en", &[], "");
    }
}
