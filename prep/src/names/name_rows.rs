//! Names as rows, in the order in which they are written.

use schemas::{Name, NameOrigin};

use super::language_rules::Label;
use super::name_counts::WikiNames;
use super::titles::WikiTitles;

/// A row before its texts are looked up.
#[derive(Debug, Clone, Copy)]
struct RowKey {
    label: Label,
    count: u32,
    name: u32,
    origin: NameOrigin,
    /// Number of the title.
    title: u32,
}

/// The rows of a wiki: by label, then by count in descending order, then by name; last the texts that are no names.
///
/// Memory: 20 bytes a row.
pub fn rows_of_wiki<'a>(
    lang: &'a str,
    labels: &'a [String],
    titles: &'a WikiTitles,
    names: &'a WikiNames,
) -> impl Iterator<Item = Name> + 'a {
    let table = &titles.table;
    let mut keys = Vec::new();
    for title in table.numbers() {
        let Some((label, name)) = titles.name_of(title) else { continue };
        let Some(name) = names.names.number(&name) else { continue };
        let origin = if table.page_of(title) == title { NameOrigin::Title } else { NameOrigin::Redirect };
        keys.push(RowKey { label, count: names.labels[&(name, label)].count, name, origin, title });
    }
    let of_links = names.labels.iter().filter(|(_, of_label)| !of_label.has_title);
    keys.extend(of_links.map(|(&(name, label), of_label)| RowKey {
        label,
        count: of_label.count,
        name,
        origin: NameOrigin::Link,
        title: of_label.page,
    }));
    keys.sort_unstable_by(|one, other| {
        let by_number = one.label.cmp(&other.label).then(other.count.cmp(&one.count));
        let by_name = || names.names.get(one.name).cmp(names.names.get(other.name)).then(one.origin.cmp(&other.origin));
        by_number.then_with(by_name).then_with(|| table.titles.get(one.title).cmp(table.titles.get(other.title)))
    });
    let labelled = keys.into_iter().map(move |RowKey { label, count, name, origin, title }| {
        let others = names.others(name, label);
        let unlinked = Some(names.unlinked[name as usize]);
        Name {
            name: names.names.get(name).to_owned(),
            label: Some(labels[usize::from(label)].clone()),
            lang: lang.to_owned(),
            origin,
            title: Some(table.titles.get(title).to_owned()),
            count,
            others,
            unlinked,
            share: Name::share_of(count, others, unlinked),
            ..Name::default()
        }
    });
    let no_names = names.no_names.iter().map(move |(name, &count)| Name {
        name: name.clone(),
        lang: lang.to_owned(),
        origin: NameOrigin::Rule,
        count,
        ..Name::default()
    });
    labelled.chain(no_names)
}
