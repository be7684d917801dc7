//! Spans as annotation tools write them: `[start, end, "LABEL"]` or an object.

use serde_json::{Map, Value};

use super::fields::{ElementError, label};
use super::offsets::{RawSpan, parse_offset, parse_span};
use crate::corpora::read::corpus_reader::excerpt;

/// Names of the first offset, of the second one, of the label, and of the text that a span covers; the first that is there is read.
const STARTS: [&str; 5] = ["start_offset", "start", "start_char", "begin", "startOffset"];
const ENDS: [&str; 5] = ["end_offset", "end", "end_char", "stop", "endOffset"];
const LABELS: [&str; 8] = ["label", "labels", "hypertextlabels", "type", "entity_group", "entity_type", "entity", "tag"];
const TEXTS: [&str; 2] = ["text", "word"];

/// The spans of an item, one for each of its labels. `tokens` are the char offsets of the tokens that an item without offsets may count.
pub(super) fn raw_spans(item: &Value, tokens: &[(u64, u64)]) -> Vec<Result<RawSpan, ElementError>> {
    match parse_item(item, tokens) {
        Ok((start, end, labels, text)) => {
            let labels = labels.iter().map(label);
            labels.map(|label| Ok(RawSpan { start, end, label: label?, text: text.map(str::to_owned) })).collect()
        }
        Err(error) => vec![Err(error)],
    }
}

/// Start, end, labels and text of an item.
type Item<'a> = (u64, u64, &'a [Value], Option<&'a str>);

fn parse_item<'a>(item: &'a Value, tokens: &[(u64, u64)]) -> Result<Item<'a>, ElementError> {
    let malformed = |reason, what: &str| {
        let item = excerpt(&item.to_string());
        let detail = format!("span {item} {what}, expected [start, end, \"LABEL\"] or an object with start, end and label");
        ElementError::new(reason, detail)
    };
    let (start, end, labels, text) = match item {
        Value::Array(parts) if parts.len() == 3 => {
            let (start, end) = parse_span(&Value::Array(parts[..2].to_vec()))?;
            (start, end, &parts[2], None)
        }
        Value::Object(span) => {
            let first_of = |names: &[&str]| names.iter().find_map(|name| span.get(*name));
            let (start, end) = offsets_of(span, tokens).unwrap_or_else(|| Err(malformed("bad span", "has no char offsets")))?;
            let labels = first_of(&LABELS).ok_or_else(|| malformed("no label", "has no label"))?;
            (start, end, labels, first_of(&TEXTS).and_then(Value::as_str))
        }
        _ => return Err(malformed("bad span", "has another shape")),
    };
    let labels = labels.as_array().map_or(std::slice::from_ref(labels), Vec::as_slice);
    if labels.is_empty() { Err(malformed("no label", "has no label")) } else { Ok((start, end, labels, text)) }
}

/// Start and end of a span object. `None` where it has none that count chars.
fn offsets_of(span: &Map<String, Value>, tokens: &[(u64, u64)]) -> Option<Result<(u64, u64), ElementError>> {
    let pair = |start: &Value, end: &Value| Ok((parse_offset(start)?, parse_offset(end)?));
    // HyperText of Label Studio: `start` and `end` are XPaths, and these count the chars of the visible text.
    if let Some(global) = span.get("globalOffsets") {
        return Some(pair(global.get("start")?, global.get("end")?));
    }
    // Paragraphs of Label Studio: `start` and `end` are numbers of paragraphs, and the others count the chars of these.
    if span.contains_key("startOffset") && span.contains_key("start") {
        return None;
    }
    let first_of = |names: &[&str]| names.iter().find_map(|name| span.get(*name));
    if let (Some(start), Some(end)) = (first_of(&STARTS), first_of(&ENDS)) {
        return Some(pair(start, end));
    }
    // Prodigy: the last token belongs to the span.
    let token = |name: &str| tokens.get(usize::try_from(span.get(name)?.as_u64()?).ok()?);
    Some(Ok((token("token_start")?.0, token("token_end")?.1)))
}
