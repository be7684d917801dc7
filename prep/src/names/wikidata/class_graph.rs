//! The classes of Wikidata: which ones lead to a label through "subclass of" (P279).

use serde::Serialize;

/// The classes of a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LabelClasses {
    /// The label.
    pub label: String,
    /// Numbers of classes: instances of these and of their subclasses have the label.
    pub classes: Vec<u32>,
    /// Instances of these and of their subclasses have not.
    pub except: Vec<u32>,
}

/// "Subclass of" between classes, by number.
///
/// Memory: eight bytes for each statement, about 40 MB for all of Wikidata.
#[derive(Debug, Default)]
pub struct ClassGraph {
    /// Superclass and subclass.
    edges: Vec<(u32, u32)>,
}

impl ClassGraph {
    /// A graph of statements, each the class and its superclass.
    pub fn new(statements: impl IntoIterator<Item = (u32, u32)>) -> Self {
        let mut edges: Vec<(u32, u32)> = statements.into_iter().map(|(class, superclass)| (superclass, class)).collect();
        edges.sort_unstable();
        edges.dedup();
        Self { edges }
    }

    /// Number of statements.
    pub fn len(&self) -> usize {
        self.edges.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// These classes and all their subclasses, in ascending order. Circles of classes do no harm.
    fn with_subclasses(&self, classes: &[u32]) -> Vec<u32> {
        let mut found: Vec<u32> = classes.to_vec();
        found.sort_unstable();
        found.dedup();
        let mut new = found.clone();
        // A step of the graph at a time, so that what was found is one sorted array.
        while !new.is_empty() {
            let mut next: Vec<u32> = new.iter().flat_map(|class| self.subclasses(*class)).collect();
            next.sort_unstable();
            next.dedup();
            next.retain(|class| found.binary_search(class).is_err());
            found.extend(&next);
            found.sort_unstable();
            new = next;
        }
        found
    }

    fn subclasses(&self, class: u32) -> impl Iterator<Item = u32> + '_ {
        let start = self.edges.partition_point(|(superclass, _)| *superclass < class);
        self.edges[start..].iter().take_while(move |(superclass, _)| *superclass == class).map(|(_, subclass)| *subclass)
    }
}

/// The labels of classes.
#[derive(Debug, Default)]
pub struct ClassLabels {
    /// Classes that lead to a label, in ascending order, each with a bit for each label.
    masks: Vec<(u32, u64)>,
}

/// What the classes of an item say about its label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ItemLabel {
    /// The label with this position.
    One(usize),
    /// None of its classes leads to a label.
    None,
    /// They lead to several labels, which counts as none.
    Several,
    /// It has no class.
    NoClass,
}

impl ClassLabels {
    /// Resolves the classes of labels. A class has a label if it is one of its classes or a subclass of one, and neither one of its exceptions
    /// nor a subclass of one.
    pub fn new(graph: &ClassGraph, labels: &[LabelClasses]) -> Self {
        let mut masks: Vec<(u32, u64)> = Vec::new();
        for (position, label) in labels.iter().enumerate() {
            let exceptions = graph.with_subclasses(&label.except);
            let classes = graph.with_subclasses(&label.classes);
            let classes = classes.into_iter().filter(|class| exceptions.binary_search(class).is_err());
            masks.extend(classes.map(|class| (class, 1u64 << position)));
        }
        masks.sort_unstable();
        masks.dedup_by(|later, earlier| {
            let is_same = later.0 == earlier.0;
            if is_same {
                earlier.1 |= later.1;
            }
            is_same
        });
        Self { masks }
    }

    /// The label of an item with these classes.
    pub fn of_item(&self, classes: &[u32]) -> ItemLabel {
        let mask_of = |class: &u32| self.masks.binary_search_by_key(class, |(class, _)| *class).map_or(0, |at| self.masks[at].1);
        let mask = classes.iter().fold(0, |mask, class| mask | mask_of(class));
        match mask.count_ones() {
            0 if classes.is_empty() => ItemLabel::NoClass,
            0 => ItemLabel::None,
            1 => ItemLabel::One(mask.trailing_zeros() as usize),
            _ => ItemLabel::Several,
        }
    }

    /// Classes that lead to a label.
    pub fn len(&self) -> usize {
        self.masks.len()
    }

    /// Whether no class does.
    pub fn is_empty(&self) -> bool {
        self.masks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_lead_to_labels() {
        // 11 and 12 are subclasses of 10, 13 of 12, 21 of 20 and of 13; 30 and 31 are subclasses of each other.
        let graph = ClassGraph::new([(11, 10), (12, 10), (13, 12), (21, 20), (21, 13), (30, 31), (31, 30), (30, 10), (30, 10)]);
        assert_eq!(graph.len(), 8);
        let label = |label: &str, classes: &[u32], except: &[u32]| LabelClasses {
            label: label.to_owned(),
            classes: classes.to_vec(),
            except: except.to_vec(),
        };
        let labels = ClassLabels::new(&graph, &[label("A", &[10], &[12, 99]), label("B", &[20, 5], &[])]);
        for (classes, expected) in [
            (&[11][..], ItemLabel::One(0)),
            (&[10, 11], ItemLabel::One(0)),
            (&[31], ItemLabel::One(0)),
            (&[13], ItemLabel::None),
            (&[21], ItemLabel::One(1)),
            (&[5], ItemLabel::One(1)),
            (&[5, 7], ItemLabel::One(1)),
            (&[5, 11], ItemLabel::Several),
            (&[7], ItemLabel::None),
            (&[], ItemLabel::NoClass),
        ] {
            assert_eq!(labels.of_item(classes), expected, "{classes:?}");
        }
    }
}
