//! Statistics of a folder of names.

use std::collections::BTreeMap;

use schemas::{Name, NameOrigin};
use serde::Serialize;

use super::charts::Panel;
use super::highlight::without_control_chars;
use super::sample::Sample;
use super::text_table::align_columns;
use crate::number_format::grouped;

/// Names that a list of a report holds.
const LISTED: usize = 10;
/// Names of at least this share count as sure: the default of `prep nee --min-share`.
const SURE_SHARE: f32 = 0.8;

/// What a folder of names holds.
#[derive(Debug, Default, Serialize)]
pub struct NameStatistics {
    /// Rows.
    pub rows: u64,
    /// Rows without a label: texts that are no names.
    pub no_names: u64,
    /// Labels, by their name.
    pub labels: BTreeMap<String, LabelNames>,
    /// Rows that are spread over the folder.
    pub samples: Vec<Sample>,
}

/// The names of a label.
#[derive(Debug, Default, Serialize)]
pub struct LabelNames {
    /// Rows.
    pub rows: u64,
    /// Rows with a share of at least 0.8.
    pub sure: u64,
    /// Rows by origin.
    pub origins: BTreeMap<&'static str, u64>,
    /// The names with the highest counts, in descending order.
    pub most_frequent: Vec<ListedName>,
    /// The names that most often stand for something else, in descending order.
    pub most_doubtful: Vec<ListedName>,
}

/// A name in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedName {
    /// The name.
    pub name: String,
    /// A page that it leads to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As in the row.
    pub count: u32,
    /// As in the row.
    pub others: u32,
    /// As in the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unlinked: Option<u32>,
    /// As in the row.
    pub share: f32,
}

impl From<&Name> for ListedName {
    fn from(row: &Name) -> Self {
        let Name { name, title, count, others, unlinked, share, .. } = row;
        Self { name: name.clone(), title: title.clone(), count: *count, others: *others, unlinked: *unlinked, share: *share }
    }
}

impl std::fmt::Display for ListedName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", without_control_chars(&self.name))?;
        if let Some(title) = self.title.as_ref().filter(|title| **title != self.name) {
            write!(f, " → {}", without_control_chars(title))?;
        }
        write!(f, "  {:.2}: {} of it, {} of others", self.share, grouped(self.count.into()), grouped(self.others.into()))?;
        self.unlinked.map_or(Ok(()), |unlinked| write!(f, ", {} unlinked", grouped(unlinked.into())))
    }
}

impl NameStatistics {
    /// Adds a row. Memory: the lists of a report.
    pub fn add(&mut self, row: &Name) {
        self.rows += 1;
        let Some(label) = &row.label else {
            self.no_names += 1;
            return;
        };
        if !self.labels.contains_key(label) {
            self.labels.insert(label.clone(), LabelNames::default());
        }
        let of_label = self.labels.get_mut(label).expect("it was inserted");
        of_label.rows += 1;
        of_label.sure += u64::from(row.share >= SURE_SHARE);
        *of_label.origins.entry(row.origin.name()).or_default() += 1;
        insert(&mut of_label.most_frequent, row, |name| f64::from(name.count));
        if row.share < 1.0 {
            insert(&mut of_label.most_doubtful, row, occurrences_of_others);
        }
    }

    /// Adds what was counted of later rows.
    pub fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        self.no_names += other.no_names;
        for (label, names) in other.labels {
            let known = self.labels.entry(label).or_default();
            known.rows += names.rows;
            known.sure += names.sure;
            names.origins.into_iter().for_each(|(origin, rows)| *known.origins.entry(origin).or_default() += rows);
            names.most_frequent.into_iter().for_each(|name| insert(&mut known.most_frequent, name, |name| f64::from(name.count)));
            names.most_doubtful.into_iter().for_each(|name| insert(&mut known.most_doubtful, name, occurrences_of_others));
        }
    }

    /// The figures at the top of an HTML report.
    pub fn figures(&self) -> Vec<(&'static str, String)> {
        let sure: u64 = self.labels.values().map(|label| label.sure).sum();
        vec![
            ("rows", grouped(self.rows)),
            ("labels", grouped(self.labels.len() as u64)),
            ("rows of a share of 0.8 or more", grouped(sure)),
            ("texts that are no names", grouped(self.no_names)),
        ]
    }

    /// The charts of an HTML report.
    pub fn panels(&self) -> Vec<Panel> {
        let mut panels = Vec::new();
        for (label, names) in &self.labels {
            let origins: BTreeMap<String, u64> = names.origins.iter().map(|(origin, rows)| ((*origin).to_owned(), *rows)).collect();
            panels.push(Panel::counts(&format!("{label}: origins"), String::new(), &origins));
            for (what, list) in [("most frequent", &names.most_frequent), ("most doubtful", &names.most_doubtful)] {
                let bars: Vec<(String, u64)> = list.iter().map(|name| (name.to_string(), name.count.into())).collect();
                let bars = bars.iter().map(|(name, count)| (name, count));
                panels.push(Panel::counts(&format!("{label}: {what}"), String::new(), bars));
            }
        }
        panels
    }

    fn label_table(&self) -> String {
        let origins = NameOrigin::ALL.into_iter().filter(|origin| *origin != NameOrigin::Rule).map(NameOrigin::name);
        let origins: Vec<&str> = origins.filter(|origin| self.labels.values().any(|label| label.origins.contains_key(origin))).collect();
        let mut rows = vec![["label", "rows", "share ≥ 0.8", "by origin"].map(str::to_owned)];
        for (label, names) in &self.labels {
            let by_origin = origins.iter().map(|origin| format!("{origin} {}", grouped(names.origins.get(origin).copied().unwrap_or(0))));
            let by_origin = by_origin.collect::<Vec<_>>().join(", ");
            rows.push([without_control_chars(label), grouped(names.rows), grouped(names.sure), by_origin]);
        }
        align_columns(&rows)
    }
}

/// How often a name stands for something else, as its share weighs it.
fn occurrences_of_others(name: &ListedName) -> f64 {
    f64::from(name.count) * (1.0 / f64::from(name.share.max(f32::MIN_POSITIVE)) - 1.0)
}

/// Inserts a name into a list in descending order, once.
fn insert(list: &mut Vec<ListedName>, name: impl Into<ListedName>, rank: impl Fn(&ListedName) -> f64) {
    let name = name.into();
    if list.iter().any(|listed| listed.name == name.name) {
        return;
    }
    let at = list.partition_point(|listed| rank(listed) >= rank(&name));
    if at < LISTED {
        list.insert(at, name);
        list.truncate(LISTED);
    }
}

impl std::fmt::Display for NameStatistics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}\n", self.label_table())?;
        writeln!(f, "rows            {}, {} of them texts that are no names", grouped(self.rows), grouped(self.no_names))?;
        for (label, names) in &self.labels {
            let lists = [("most frequent", &names.most_frequent), ("most doubtful", &names.most_doubtful)];
            for (what, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
                writeln!(f, "\n{}, {what}:", without_control_chars(label))?;
                list.iter().try_for_each(|name| writeln!(f, "  {name}"))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str, count: u32, others: u32) -> Name {
        let share = Name::share_of(count, others, None);
        Name { name: name.to_owned(), label: Some("LOC".to_owned()), count, others, share, ..Name::default() }
    }

    #[test]
    fn names_are_listed_once_by_count_and_by_doubt() {
        let mut statistics = NameStatistics::default();
        let rows = [name("Arden", 5, 0), name("Oslo", 9, 1), name("Mercury", 2, 30), name("Oslo", 9, 1)];
        rows.iter().for_each(|row| statistics.add(row));
        (0..20).for_each(|number| statistics.add(&name(&format!("rare {number}"), 1, 0)));
        let mut other = NameStatistics::default();
        other.add(&name("Bergen", 7, 2));
        statistics.merge(other);
        let label = &statistics.labels["LOC"];
        let listed = |list: &[ListedName]| list.iter().take(3).map(|name| name.name.clone()).collect::<Vec<_>>();
        assert_eq!(listed(&label.most_frequent), ["Oslo", "Bergen", "Arden"]);
        assert_eq!(listed(&label.most_doubtful), ["Mercury", "Bergen", "Oslo"]);
        assert_eq!((label.rows, label.sure, label.most_frequent.len()), (25, 23, LISTED));
    }
}
