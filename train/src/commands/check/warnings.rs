//! What `train check` warns of.

use std::collections::{BTreeMap, BTreeSet};

use super::report::CheckedSet;

/// Answers of a label below which it is hardly learned.
const FEW_ANSWERS: u64 = 20;

/// Share of `[UNK]` above which a vocabulary does not fit a text.
const MANY_UNKNOWN: f64 = 0.1;

/// Share of copies above which they are no accident.
const MANY_COPIES: f64 = 0.05;

/// The warnings of some sets, of which the first is the training set.
pub fn of(sets: &[CheckedSet]) -> Vec<String> {
    let mut warnings = Vec::new();
    for CheckedSet { name, statistics } in sets {
        if statistics.answers() == 0 {
            warnings.push(format!("{name} has no answer at all"));
        }
        for (query, labels) in &statistics.queries {
            if labels.len() > 1 {
                let labels = labels.iter().map(String::as_str).collect::<Vec<_>>().join(" and ");
                warnings.push(format!("{name}: {labels} have the same query, `{query}`: the model cannot tell them apart"));
            }
        }
        let encoding = &statistics.encoding;
        let unknown = encoding.unknown as f64 / encoding.word_pieces.max(1) as f64;
        if unknown > MANY_UNKNOWN {
            warnings
                .push(format!("{name}: {:.0} % of the word pieces are [UNK]; choose an encoder that knows the script", unknown * 100.0));
        }
        let lost = encoding.unalignable + encoding.too_long;
        if lost > 0 {
            warnings.push(format!("{name}: {lost} answers are not labelled, as they touch no word piece or are longer than a window"));
        }
        let (copies, triples) = (statistics.questions.copies(), statistics.triples.max(1));
        if copies as f64 > MANY_COPIES * triples as f64 {
            warnings.push(format!("{name}: {:.0} % of the triples are copies of others", copies as f64 * 100.0 / triples as f64));
        }
    }
    let Some((train, others)) = sets.split_first() else { return warnings };
    for (label, counts) in &train.statistics.labels {
        if (1..FEW_ANSWERS).contains(&counts.answers) {
            warnings.push(format!("train has {} answers of {label}, which is few to learn from", counts.answers));
        }
    }
    for other in others {
        if other.statistics.contexts.shared() > 0 {
            let shared = other.statistics.contexts.shared();
            warnings.push(format!("{shared} sentences of {} are in train too: scores on them say little", other.name));
        }
    }
    warnings.extend(labels_of_some_sets(sets));
    warnings
}

/// A warning for each label whose answers some sets have and others have not.
fn labels_of_some_sets(sets: &[CheckedSet]) -> Vec<String> {
    let mut sets_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (number, set) in sets.iter().enumerate() {
        for (label, _) in set.statistics.labels.iter().filter(|(_, counts)| counts.answers > 0) {
            sets_of.entry(label).or_default().insert(number);
        }
    }
    let names = |which: &dyn Fn(&usize) -> bool| {
        (0..sets.len()).filter(|number| which(number)).map(|number| sets[number].name).collect::<Vec<_>>().join(" and ")
    };
    let partial = sets_of.into_iter().filter(|(_, of)| of.len() < sets.len());
    partial
        .map(|(label, of)| format!("answers of {label} are in {}, but not in {}", names(&|n| of.contains(n)), names(&|n| !of.contains(n))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{LabelCounts, SetStatistics};

    fn set(name: &'static str, labels: &[(&str, u64)]) -> CheckedSet {
        let labels = labels.iter().map(|&(label, answers)| (label.to_owned(), LabelCounts { triples: 100, answers })).collect();
        CheckedSet { name, statistics: SetStatistics { triples: 100, labels, ..SetStatistics::default() } }
    }

    #[test]
    fn labels_that_a_set_lacks_are_named() {
        assert_eq!(of(&[set("train", &[("PER", 90)]), set("dev", &[("PER", 7)])]), [""; 0]);
        let warnings = of(&[set("train", &[("PER", 90), ("LOC", 3)]), set("dev", &[("PER", 7), ("ORG", 1)]), set("test", &[("PER", 0)])]);
        assert_eq!(
            warnings,
            [
                "test has no answer at all",
                "train has 3 answers of LOC, which is few to learn from",
                "answers of LOC are in train, but not in dev and test",
                "answers of ORG are in dev, but not in train and test",
                "answers of PER are in train and dev, but not in test",
            ]
        );
    }

    #[test]
    fn a_query_of_two_labels_is_a_fault() {
        let mut train = set("train", &[("PER", 90), ("LOC", 90)]);
        train.statistics.queries.insert("who?".to_owned(), ["PER", "LOC"].map(str::to_owned).into());
        assert_eq!(of(&[train]), ["train: LOC and PER have the same query, `who?`: the model cannot tell them apart"]);
    }
}
