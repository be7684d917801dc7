//! What a run counts, so that nothing is lost without a reason.

use std::collections::BTreeMap;

use schemas::Counter;
use serde::{Deserialize, Serialize};

/// A kind of item that a run over pages (`prep pages`, `prep esi`, `prep nee`) counts: a key of `counters` in the manifest. `prep mrc` and
/// relabelling in `train` have keys of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CounterKey {
    /// Links of pages: kept as spans, or skipped.
    Anchors,
    /// Input files.
    Inputs,
    /// Names that a gazetteer's matcher found in the text.
    Mentions,
    /// Names in gazetteers.
    Names,
    /// Pages of the inputs.
    Pages,
    /// Redirect pages: resolved, or part of a redirect loop.
    Redirects,
    /// Later mentions of what a page links or is named by.
    Repeats,
    /// Sentences of prose.
    Sentences,
    /// Link targets that were looked up among the redirects.
    Targets,
    /// Texts of pages: those with text, redirects and empty ones.
    Texts,
}

impl CounterKey {
    /// The key in the manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anchors => "anchors",
            Self::Inputs => "inputs",
            Self::Mentions => "mentions",
            Self::Names => "names",
            Self::Pages => "pages",
            Self::Redirects => "redirects",
            Self::Repeats => "repeats",
            Self::Sentences => "sentences",
            Self::Targets => "targets",
            Self::Texts => "texts",
        }
    }
}

/// Counters by kind of item. Each adds up: items in = items out + items skipped by reason.
///
/// ```
/// use prep::counters::{CounterKey, Counters};
///
/// let mut batch = Counters::default();
/// batch.of(CounterKey::Pages).keep();
/// batch.of(CounterKey::Pages).skip("other namespace");
/// let mut run = Counters::default();
/// run.add(&batch);
/// assert_eq!(run.seen(CounterKey::Pages), 2);
/// assert!(run.add_up());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Counters(BTreeMap<CounterKey, Counter>);

impl Counters {
    /// The counter of one kind of item.
    pub fn of(&mut self, key: CounterKey) -> &mut Counter {
        self.0.entry(key).or_default()
    }

    /// Number of items of one kind that came in.
    pub fn seen(&self, key: CounterKey) -> u64 {
        self.0.get(&key).map_or(0, |counter| counter.seen)
    }

    /// Adds the counters of a later part of the run.
    pub fn add(&mut self, other: &Self) {
        for (&key, counter) in &other.0 {
            self.of(key).add(counter);
        }
    }

    /// Whether every counter adds up.
    pub fn add_up(&self) -> bool {
        self.0.values().all(Counter::adds_up)
    }

    /// The counters by their key in the manifest.
    pub fn into_manifest(self) -> BTreeMap<String, Counter> {
        self.0.into_iter().map(|(key, counter)| (key.name().to_owned(), counter)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_on_disk_are_the_names() {
        use CounterKey::*;
        let mut counters = Counters::default();
        let keys = [Anchors, Inputs, Mentions, Names, Pages, Redirects, Repeats, Sentences, Targets, Texts];
        keys.iter().for_each(|&key| counters.of(key).keep());
        let json = serde_json::to_value(&counters).unwrap();
        let names: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(names, keys.map(CounterKey::name), "the same keys, and in the order of the alphabet");
        assert_eq!(serde_json::from_value::<Counters>(json).unwrap(), counters);
        assert!(counters.clone().into_manifest().into_keys().eq(keys.map(|key| key.name().to_owned())));
    }

    #[test]
    fn parts_add_up_to_the_whole() {
        let (mut one, mut other) = (Counters::default(), Counters::default());
        one.of(CounterKey::Pages).keep();
        other.of(CounterKey::Pages).skip("other namespace");
        other.of(CounterKey::Anchors).keep();
        one.add(&other);
        assert_eq!((one.seen(CounterKey::Pages), one.seen(CounterKey::Anchors), one.seen(CounterKey::Texts)), (2, 1, 0));
        assert!(one.add_up());
        one.of(CounterKey::Pages).seen += 1;
        assert!(!one.add_up());
    }
}
