//! Predicted against gold entities: what became of each, and which labels are confused.

use std::collections::BTreeMap;
use std::fmt;

/// An entity of a sentence. Offsets are chars, half-open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entity<'a> {
    /// First char.
    pub start: u32,
    /// One past the last char.
    pub end: u32,
    /// Its label.
    pub label: &'a str,
}

impl Entity<'_> {
    fn has_bounds_of(&self, other: &Self) -> bool {
        (self.start, self.end) == (other.start, other.end)
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// What became of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum OutcomeKind {
    /// Bounds and label are right.
    Correct,
    /// The bounds are right, the label is not.
    WrongLabel,
    /// A prediction of the same label overlaps it.
    WrongBounds,
    /// A prediction of another label overlaps it.
    WrongBoth,
    /// No prediction overlaps it.
    Missed,
    /// A prediction that belongs to no gold entity.
    Invented,
}

impl OutcomeKind {
    const ALL: [Self; 6] = [Self::Correct, Self::WrongLabel, Self::WrongBounds, Self::WrongBoth, Self::Missed, Self::Invented];

    /// The name in reports and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Correct => "correct",
            Self::WrongLabel => "wrong label",
            Self::WrongBounds => "wrong borders",
            Self::WrongBoth => "wrong borders and label",
            Self::Missed => "missed",
            Self::Invented => "invented",
        }
    }
}

/// A gold entity with the prediction for it, if any, or a prediction without a gold entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome<'a> {
    /// What became of it.
    pub kind: OutcomeKind,
    /// The gold entity.
    pub gold: Option<Entity<'a>>,
    /// The prediction.
    pub predicted: Option<Entity<'a>>,
}

/// Compares the entities of a sentence over all labels: gives an outcome for each gold entity, then one for each prediction that
/// was assigned to none.
pub fn compare<'a>(gold: &[Entity<'a>], predicted: &[Entity<'a>]) -> Vec<Outcome<'a>> {
    let mut outcomes: Vec<Outcome<'a>> = Vec::with_capacity(gold.len());
    for &entity in gold {
        let find = |fits: &dyn Fn(&Entity<'a>) -> bool| predicted.iter().copied().find(|other| fits(other));
        // A prediction that equals another gold entity is not a mistake about this one.
        let free = |other: &Entity<'a>| !gold.contains(other);
        let candidates = [
            (OutcomeKind::Correct, find(&|other| *other == entity)),
            (OutcomeKind::WrongLabel, find(&|other| free(other) && other.has_bounds_of(&entity))),
            (OutcomeKind::WrongBounds, find(&|other| free(other) && other.overlaps(&entity) && other.label == entity.label)),
            (OutcomeKind::WrongBoth, find(&|other| free(other) && other.overlaps(&entity))),
        ];
        let found = candidates.into_iter().find(|(_, other)| other.is_some()).unwrap_or((OutcomeKind::Missed, None));
        outcomes.push(Outcome { kind: found.0, gold: Some(entity), predicted: found.1 });
    }
    let taken: Vec<Entity<'a>> = outcomes.iter().filter_map(|outcome| outcome.predicted).collect();
    let left = predicted.iter().filter(|other| !taken.contains(other));
    outcomes.extend(left.map(|&other| Outcome { kind: OutcomeKind::Invented, gold: None, predicted: Some(other) }));
    outcomes
}

/// Counts of outcomes, and the confusion matrix of labels.
#[derive(Debug, Clone, Default)]
pub struct ConfusionCounts {
    kinds: BTreeMap<OutcomeKind, u64>,
    /// By gold and predicted label: entities with the right bounds.
    labels: BTreeMap<(String, String), u64>,
}

impl ConfusionCounts {
    /// Counts one outcome.
    pub fn add(&mut self, outcome: &Outcome<'_>) {
        *self.kinds.entry(outcome.kind).or_default() += 1;
        if let (OutcomeKind::Correct | OutcomeKind::WrongLabel, Some(gold), Some(predicted)) =
            (outcome.kind, outcome.gold, outcome.predicted)
        {
            *self.labels.entry((gold.label.to_owned(), predicted.label.to_owned())).or_default() += 1;
        }
    }

    fn count(&self, kind: OutcomeKind) -> u64 {
        self.kinds.get(&kind).copied().unwrap_or(0)
    }

    /// As JSON: `kinds`, the counts by [name](OutcomeKind::name), and `labels`, the confusion matrix of entities with the right bounds,
    /// by gold and predicted label.
    pub fn to_json(&self) -> serde_json::Value {
        let mut labels: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for ((gold, predicted), count) in &self.labels {
            labels.entry(gold).or_default().insert(predicted, *count);
        }
        let kinds: BTreeMap<&str, u64> = OutcomeKind::ALL.map(|kind| (kind.name(), self.count(kind))).into();
        serde_json::json!({ "kinds": kinds, "labels": labels })
    }
}

impl fmt::Display for ConfusionCounts {
    /// A line for each kind of outcome, then one for each pair of labels that were confused, the most frequent first.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for kind in OutcomeKind::ALL {
            writeln!(f, "{:23}  {:7}", kind.name(), self.count(kind))?;
        }
        let mut pairs: Vec<_> = self.labels.iter().filter(|((gold, predicted), _)| gold != predicted).collect();
        pairs.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for ((gold, predicted), count) in pairs {
            writeln!(f, "{:23}  {count:7}", format!("{gold} as {predicted}"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(start: u32, end: u32, label: &str) -> Entity<'_> {
        Entity { start, end, label }
    }

    #[test]
    fn each_entity_has_one_outcome() {
        let gold = [entity(0, 4, "PER"), entity(5, 9, "LOC"), entity(10, 14, "ORG"), entity(20, 24, "ORG"), entity(30, 31, "PER")];
        let predicted = [
            entity(0, 4, "PER"),
            entity(0, 4, "LOC"),
            entity(5, 9, "ORG"),
            entity(10, 12, "ORG"),
            entity(22, 26, "LOC"),
            entity(40, 41, "PER"),
        ];
        let outcomes = compare(&gold, &predicted);
        let kinds: Vec<OutcomeKind> = outcomes.iter().map(|outcome| outcome.kind).collect();
        let expected = [
            OutcomeKind::Correct,
            OutcomeKind::WrongLabel,
            OutcomeKind::WrongBounds,
            OutcomeKind::WrongBoth,
            OutcomeKind::Missed,
            OutcomeKind::Invented,
            OutcomeKind::Invented,
        ];
        assert_eq!(kinds, expected);
        assert_eq!(outcomes[5].predicted, Some(entity(0, 4, "LOC")), "a second label for what is found");
        let mut confusion = ConfusionCounts::default();
        outcomes.iter().for_each(|outcome| confusion.add(outcome));
        insta::assert_snapshot!(confusion.to_string(), @r"
        correct                        1
        wrong label                    1
        wrong borders                  1
        wrong borders and label        1
        missed                         1
        invented                       2
        LOC as ORG                     1
        ");
        assert_eq!(confusion.to_json()["labels"]["LOC"]["ORG"], 1);
    }
}
