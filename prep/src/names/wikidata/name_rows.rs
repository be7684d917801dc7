//! The records of a partition to rows of names, each with how many items have the name.

use schemas::{Counter, Name};

use super::class_graph::{ClassLabels, ItemLabel, LabelClasses};
use super::record::NameRecord;

/// Makes rows of records.
#[derive(Debug)]
pub struct NameRows<'a> {
    /// The labels, by position.
    pub labels: &'a [LabelClasses],
    /// The labels of classes.
    pub classes: &'a ClassLabels,
    /// Language of the names.
    pub lang: &'a str,
}

impl NameRows<'_> {
    /// The rows of all names of a partition, by name, label and item, and what became of the names of items.
    ///
    /// An item counts once for each of its names, however often the dump has it.
    ///
    /// # Errors
    /// The records are damaged.
    pub fn of_partition(&self, mut records: &[u8]) -> anyhow::Result<(Vec<Name>, Counter)> {
        let mut names: Vec<(NameRecord<'_>, ItemLabel)> = Vec::new();
        while !records.is_empty() {
            let record =
                NameRecord::read(&mut records).ok_or_else(|| anyhow::anyhow!("spilled names are damaged; start again with --overwrite"))?;
            let label = self.classes.of_item(&record.classes);
            names.push((record, label));
        }
        names.sort_unstable_by(|(a, _), (b, _)| (a.name, a.item, a.origin).cmp(&(b.name, b.item, b.origin)));
        names.dedup_by(|(later, _), (earlier, _)| later.name == earlier.name && later.item == earlier.item);
        let (mut rows, mut counter) = (Vec::new(), Counter::default());
        for of_name in names.chunk_by(|(a, _), (b, _)| a.name == b.name) {
            let items = |label: usize| of_name.iter().filter(|(_, found)| *found == ItemLabel::One(label)).count() as u32;
            for position in 0..self.labels.len() {
                let count = items(position);
                let others = of_name.len() as u32 - count;
                let with_label = of_name.iter().filter(|(_, found)| *found == ItemLabel::One(position));
                rows.extend(with_label.map(|(record, _)| self.row(record, position, count, others)));
            }
            for (_, label) in of_name {
                match label {
                    ItemLabel::One(_) => counter.keep(),
                    ItemLabel::None => counter.skip("of no label"),
                    ItemLabel::Several => counter.skip("of several labels"),
                    ItemLabel::NoClass => counter.skip("without a class"),
                }
            }
        }
        Ok((rows, counter))
    }

    fn row(&self, record: &NameRecord<'_>, label: usize, count: u32, others: u32) -> Name {
        Name {
            name: record.name.to_owned(),
            label: Some(self.labels[label].label.clone()),
            lang: self.lang.to_owned(),
            origin: record.origin,
            title: record.title.map(str::to_owned),
            item: Some(format!("Q{}", record.item)),
            count,
            others,
            unlinked: None,
            share: Name::share_of(count, others, None),
            sitelinks: Some(record.sitelinks),
            instance_of: record.classes.iter().map(|class| format!("Q{class}")).collect(),
        }
    }
}
