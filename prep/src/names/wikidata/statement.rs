//! Statements of an entity: ranks, and what their values are.

use std::borrow::Cow;

use serde::Deserialize;

/// A statement. Qualifiers and references are skipped.
#[derive(Debug, Deserialize)]
pub(super) struct Statement<'a> {
    mainsnak: Snak<'a>,
    #[serde(borrow, default)]
    rank: Option<Cow<'a, str>>,
}

#[derive(Debug, Deserialize)]
struct Snak<'a> {
    #[serde(borrow, default)]
    snaktype: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    datavalue: Option<DataValue<'a>>,
}

#[derive(Debug, Deserialize)]
struct DataValue<'a> {
    #[serde(borrow)]
    value: EntityValue<'a>,
}

#[derive(Debug, Deserialize)]
struct EntityValue<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(rename = "entity-type", borrow, default)]
    entity_type: Option<Cow<'a, str>>,
    #[serde(rename = "numeric-id", default)]
    numeric_id: Option<u32>,
}

impl Statement<'_> {
    /// The number of the item that is the value. `None` where the value is unknown, there is none, or it is no item.
    fn item(&self) -> Option<u32> {
        let is_value = self.mainsnak.snaktype.as_deref().unwrap_or("value") == "value";
        let value = &self.mainsnak.datavalue.as_ref().filter(|_| is_value)?.value;
        match &value.id {
            Some(id) => item_number(id),
            None => value.numeric_id.filter(|_| value.entity_type.as_deref().unwrap_or("item") == "item"),
        }
    }
}

/// The number of an item, as in `Q42`. `None` for an id of another kind.
pub fn item_number(id: &str) -> Option<u32> {
    id.strip_prefix('Q')?.parse().ok()
}

/// The items that the statements of the best rank name: the preferred ones where there are any, else the normal ones; never those that are
/// deprecated.
pub(super) fn best_items(statements: &[Statement<'_>]) -> Vec<u32> {
    let of_rank = |rank: &'static str| statements.iter().filter(move |statement| statement.rank.as_deref().unwrap_or("normal") == rank);
    let best = if of_rank("preferred").next().is_some() { "preferred" } else { "normal" };
    of_rank(best).filter_map(Statement::item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_rank_counts() {
        let statement = |rank: &str, value: &str| match value {
            "somevalue" | "novalue" => format!(r#"{{"mainsnak": {{"snaktype": "{value}", "property": "P31"}}, "rank": "{rank}"}}"#),
            id => format!(
                r#"{{"mainsnak": {{"snaktype": "value", "datavalue": {{"value": {{"entity-type": "item", {id}}}, "type": "x"}}}},
                "qualifiers": {{"P580": [{{"datavalue": {{"value": "x"}}}}]}}, "rank": "{rank}", "references": [{{"snaks": []}}]}}"#
            ),
        };
        let (five, six) = (r#""id": "Q5""#, r#""numeric-id": 6"#);
        for (statements, expected) in [
            (&[("normal", five), ("normal", six)][..], &[5, 6][..]),
            (&[("normal", five), ("preferred", six)], &[6]),
            (&[("deprecated", five), ("normal", six)], &[6]),
            (&[("deprecated", five)], &[]),
            (&[("preferred", "somevalue"), ("normal", five)], &[]),
            (&[("normal", "novalue"), ("normal", five)], &[5]),
            (&[("normal", r#""id": "P5""#), ("normal", r#""id": "Q99999999999""#)], &[]),
            (&[], &[]),
        ] {
            let json: Vec<String> = statements.iter().map(|(rank, value)| statement(rank, value)).collect();
            let json = format!("[{}]", json.join(","));
            assert_eq!(best_items(&serde_json::from_str::<Vec<Statement<'_>>>(&json).unwrap()), expected, "{json}");
        }
    }
}
