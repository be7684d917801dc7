//! The queries that a run was trained with, from its training set.

use std::path::Path;

use anyhow::{Context, Result};
use schemas::{Query, QuerySet, RowSlice, ShardFolder, Triple, TripleViews};

use crate::data::in_order;
use crate::run_folder::{layout, reader};
use crate::stage::StageSettings;

/// The file in which an export names its labels and queries.
pub const QUERIES_FILE: &str = "queries.toml";

/// Rows that are read at once.
const SLICE: usize = 8192;

/// The labels of a run's training set with the first query of each, in the order of the rows, or those that an export names. `None` if
/// the training set is not there any more.
///
/// # Errors
/// The settings of the run, or the training set, cannot be read.
pub fn training_queries(run: &Path) -> Result<Option<QuerySet>> {
    if !layout::is_run(run) {
        let exported = run.join(QUERIES_FILE);
        let queries = exported.exists().then(|| QuerySet::load(&exported.to_string_lossy())).transpose();
        return queries.with_context(|| format!("cannot use {}", exported.display()));
    }
    let settings: StageSettings = reader::settings(run)?;
    if !settings.data.exists() {
        return Ok(None);
    }
    let data = ShardFolder::open::<Triple>(&settings.data).with_context(|| format!("cannot read {}", settings.data.display()))?;
    let read = |slice: &RowSlice| -> Result<Vec<(String, Query)>> {
        let mut found: Vec<(String, Query)> = Vec::new();
        for batch in data.read_slice(slice, Some(&["lang", "label", "query"]))? {
            for triple in TripleViews::new(&batch, &["lang", "label", "query"])?.iter() {
                if found.iter().all(|(_, query)| query.label != triple.label()) {
                    found.push((triple.lang().to_owned(), Query { label: triple.label().to_owned(), text: triple.query().to_owned() }));
                }
            }
        }
        Ok(found)
    };
    let mut set = QuerySet { name: "training".to_owned(), lang: String::new(), description: String::new(), queries: Vec::new() };
    in_order(&data.slices(SLICE)?, read, |found| {
        for (lang, query) in found {
            if set.lang.is_empty() {
                set.lang = lang;
            }
            if set.queries.iter().all(|other| other.label != query.label) {
                set.queries.push(query);
            }
        }
        Ok(())
    })?;
    Ok((!set.queries.is_empty()).then_some(set))
}
