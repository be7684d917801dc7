//! A text with its entities in brackets, for people to read.

use super::entity::PredictedEntity;
use crate::decode::{ScoredSpan, flat_reading};

/// ANSI colours of the labels in turn: cyan, yellow, magenta, green, blue, red.
const COLOURS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// How a text is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkOptions {
    /// Mark overlapping entities too, as brackets within brackets. Of two that cross, the later one is left out, for brackets
    /// cannot show both.
    pub overlapping: bool,
    /// Colour the entities by label and show their scores, for a terminal.
    pub colour: bool,
}

/// The text with each entity in brackets, followed by its label: `[Ödön Teleki PER] was born`.
///
/// The model answers for each label by itself, so that entities of different labels may overlap. Unless `overlapping` says
/// otherwise, only the [flat reading](flat_reading) of all labels is marked, in which at most one entity covers a char.
///
/// `entities` are sorted by start, of equal ones the longest first.
pub fn mark_entities(text: &str, entities: &[PredictedEntity<'_>], options: MarkOptions) -> String {
    if options.overlapping {
        return bracket(text, entities, options.colour);
    }
    let spans: Vec<ScoredSpan> = entities
        .iter()
        .map(|&PredictedEntity { start, end, score, .. }| ScoredSpan { start, end, score: score.unwrap_or_default() })
        .collect();
    let flat: Vec<PredictedEntity<'_>> = flat_reading(&spans).into_iter().map(|index| entities[index]).collect();
    bracket(text, &flat, options.colour)
}

fn bracket(text: &str, entities: &[PredictedEntity<'_>], colour: bool) -> String {
    let mut marked = String::with_capacity(text.len() * 2);
    let mut open: Vec<&PredictedEntity<'_>> = Vec::new();
    let mut next = entities.iter().peekable();
    let mut end = 0;
    for (at, char) in text.chars().enumerate() {
        let at = at as u32;
        close(&mut marked, &mut open, at, colour);
        while let Some(entity) = next.next_if(|entity| entity.start <= at) {
            if open.last().is_none_or(|outer| entity.end <= outer.end) {
                marked.push('[');
                if colour {
                    marked.push_str(&start_colour(entity));
                }
                open.push(entity);
            }
        }
        marked.push(char);
        end = at + 1;
    }
    close(&mut marked, &mut open, end, colour);
    marked
}

/// Closes the entities that end before char `at`.
fn close(marked: &mut String, open: &mut Vec<&PredictedEntity<'_>>, at: u32, colour: bool) {
    while let Some(entity) = open.pop_if(|entity| entity.end == at) {
        if colour {
            let score = entity.score.map_or(String::new(), |score| format!(" {score:.2}"));
            // An outer entity goes on in its own colour.
            let outer = open.last().map_or(String::new(), |outer| start_colour(outer));
            marked.push_str(&format!("\x1b[0;2m {}{score}\x1b[0m]{outer}", entity.label));
        } else {
            marked.push_str(&format!(" {}]", entity.label));
        }
    }
}

fn start_colour(entity: &PredictedEntity<'_>) -> String {
    format!("\x1b[1;{}m", COLOURS[entity.label_index % COLOURS.len()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(start: u32, end: u32, label: &'static str, score: f32) -> PredictedEntity<'static> {
        PredictedEntity { start, end, label, text: "", score: Some(score), label_index: usize::from(label == "Y") }
    }

    /// Entities are `(start, end, label, score)`; gives the marked text without and with overlapping ones.
    fn check(text: &str, entities: &[(u32, u32, &'static str, f32)], flat: &str, overlapping: &str) {
        let entities: Vec<_> = entities.iter().map(|&(start, end, label, score)| entity(start, end, label, score)).collect();
        let mark = |overlapping| mark_entities(text, &entities, MarkOptions { overlapping, colour: false });
        assert_eq!((mark(false).as_str(), mark(true).as_str()), (flat, overlapping));
    }

    #[test]
    fn entities_are_marked() {
        let both = |text, entities: &[_], expected| check(text, entities, expected, expected);
        both("nobody here", &[], "nobody here");
        both("Ödön Teleki was born", &[(0, 11, "PER", 0.9)], "[Ödön Teleki PER] was born");
        both("在北京", &[(1, 3, "LOC", 0.9)], "在[北京 LOC]");
        both("ab", &[(0, 1, "X", 0.9), (1, 2, "Y", 0.8)], "[a X][b Y]");
    }

    #[test]
    fn the_surest_of_overlapping_entities_is_marked() {
        check(
            "University of Harwen before she moved to Belmora",
            &[(0, 48, "ORG", 0.4), (14, 20, "LOC", 0.9), (41, 48, "LOC", 0.8)],
            "University of [Harwen LOC] before she moved to [Belmora LOC]",
            "[University of [Harwen LOC] before she moved to [Belmora LOC] ORG]",
        );
        check("Bank of China", &[(0, 13, "ORG", 0.9), (8, 13, "LOC", 0.8)], "[Bank of China ORG]", "[Bank of [China LOC] ORG]");
        check("a b c", &[(0, 3, "X", 0.5), (2, 5, "Y", 0.6)], "a [b c Y]", "[a b X] c");
        check("ab", &[(0, 2, "X", 0.5), (0, 2, "Y", 0.5)], "[ab X]", "[[ab Y] X]");
    }

    #[test]
    fn colours_tell_labels_apart_and_scores_are_shown() {
        let entities = [entity(0, 4, "X", 0.987), entity(1, 2, "Y", 0.5)];
        let mark = |overlapping| mark_entities("ab c", &entities, MarkOptions { overlapping, colour: true });
        assert_eq!(mark(false), "[\x1b[1;36mab c\x1b[0;2m X 0.99\x1b[0m]");
        assert_eq!(mark(true), "[\x1b[1;36ma[\x1b[1;33mb\x1b[0;2m Y 0.50\x1b[0m]\x1b[1;36m c\x1b[0;2m X 0.99\x1b[0m]");
    }
}
