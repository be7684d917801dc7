//! Templates in the running text that the table does not know, counted by name.

use std::collections::{BTreeMap, HashMap};

use schemas::manifest::VanishedTemplate;
use serde::{Deserialize, Serialize};

/// Most templates that are reported.
const MAX_REPORTED: usize = 200;
/// Most names that are counted. Rare ones that come after them are not.
const MAX_NAMES: usize = 10_000;

/// Counts of templates that left nothing in the running text, each with an example.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VanishedTemplates(BTreeMap<String, VanishedTemplate>);

impl VanishedTemplates {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds those of a later part of the run.
    pub fn merge(&mut self, later: Self) {
        for (name, template) in later.0 {
            let is_full = self.0.len() >= MAX_NAMES;
            match self.0.get_mut(&name) {
                Some(known) => known.count += template.count,
                None if is_full => {}
                None => drop(self.0.insert(name, template)),
            }
        }
    }

    /// The most frequent ones, at most 200, in the order of their frequency and then of their names.
    pub fn most_frequent(&self) -> Vec<VanishedTemplate> {
        let mut templates: Vec<VanishedTemplate> = self.0.values().cloned().collect();
        // The sort is stable, and they are in the order of their names.
        templates.sort_by_key(|template| std::cmp::Reverse(template.count));
        templates.truncate(MAX_REPORTED);
        templates
    }

    /// The most frequent ones of several parts of a run.
    pub fn joined(parts: impl IntoIterator<Item = VanishedTemplate>) -> Vec<VanishedTemplate> {
        let mut all = Self::default();
        for template in parts {
            all.merge(Self([(template.name.clone(), template)].into()));
        }
        all.most_frequent()
    }
}

/// The unknown templates of a page, numbered by their names. Whether they stood in the running text is known when its blocks are.
#[derive(Debug, Default)]
pub(super) struct UnknownTemplates {
    numbers: HashMap<String, usize>,
    templates: Vec<VanishedTemplate>,
}

impl UnknownTemplates {
    /// The number of a template.
    pub fn number(&mut self, name: String, example: impl FnOnce() -> String) -> usize {
        *self.numbers.entry(name).or_insert_with_key(|name| {
            self.templates.push(VanishedTemplate { name: name.clone(), count: 0, example: example() });
            self.templates.len() - 1
        })
    }

    /// Counts those that left a hole in the text, by their numbers.
    pub fn vanished(mut self, holes: impl IntoIterator<Item = usize>) -> VanishedTemplates {
        for number in holes {
            self.templates[number].count += 1;
        }
        let counted = self.templates.into_iter().filter(|template| template.count > 0);
        VanishedTemplates(counted.map(|template| (template.name.clone(), template)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first() {
        let mut all = VanishedTemplates::default();
        for name in ["b", "c", "c", "a"] {
            let mut page = UnknownTemplates::default();
            let number = page.number(name.to_owned(), || format!("{{{{{name}}}}}"));
            all.merge(page.vanished([number]));
        }
        let found: Vec<(String, u64)> = all.most_frequent().into_iter().map(|template| (template.example, template.count)).collect();
        assert_eq!(found, [("{{c}}".to_owned(), 2), ("{{a}}".to_owned(), 1), ("{{b}}".to_owned(), 1)]);
    }
}
