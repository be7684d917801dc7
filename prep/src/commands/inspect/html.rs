//! The report as one page: it needs no other file and no network, and its policy allows none.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Write};
use std::ops::Range;
use std::path::Path;

use anyhow::{Context, ensure};

use super::chart::{plain, quoted};
use super::{Report, Rows, Sample};
use crate::corpora::write::output::Output;

/// What a page of ours begins with; other files are not replaced.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"prep inspect\">";
/// Colours for labels; more labels take them again.
const COLOURS: usize = 8;

/// Writes the page.
///
/// # Errors
/// A file that is there and no such page, or a failed write.
pub(super) fn write(report: &Report, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        let mut start = String::new();
        let read = File::open(path).and_then(|file| file.take(HEAD.len() as u64).read_to_string(&mut start));
        ensure!(read.is_ok() && start == HEAD, "{} exists and is no page of prep inspect; give another file with --html", path.display());
    }
    let mut output = Output::create(path, true)?;
    output.write_all(page(report).as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    output.finish()
}

fn page(report: &Report) -> String {
    let (cards, panels, samples) = match &report.rows {
        Rows::Triples(rows) => (rows.cards(), rows.panels(), &rows.samples),
        Rows::Pages(rows) => (rows.cards(), rows.panels(), &rows.samples),
    };
    let mut html = format!(
        "{HEAD}<meta name=\"viewport\" content=\"width=device-width\"><meta name=\"color-scheme\" content=\"light\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\
         <title>{dir}</title>\n<style>\n{}</style></head>\n<body><header><h1>{dir}</h1><p>{}</p></header>\n<main>\n",
        include_str!("page.css"),
        plain(&report.summary()),
        dir = plain(&report.dir),
    );
    html += "<section class=\"cards\">";
    for (name, value) in cards {
        let _ = write!(html, "<div class=\"card\"><b>{}</b><span>{}</span></div>", plain(&value), plain(name));
    }
    html += "</section>\n<div class=\"panels\">\n";
    panels.iter().filter(|panel| !panel.is_empty()).for_each(|panel| html += &panel.html());
    html += "</div>\n";
    html += &browser(samples);
    let _ = write!(html, "</main>\n<script>\n{}</script></body></html>\n", include_str!("page.js"));
    html
}

/// The samples, with what chooses among them.
fn browser(samples: &[Sample]) -> String {
    if samples.is_empty() {
        return String::new();
    }
    let labels: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.label.as_deref()).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let mut html = String::from("<section class=\"panel samples\"><h2>Samples</h2><form id=\"choose\">");
    if labels.len() > 1 {
        html += "<select id=\"label\" aria-label=\"Label\"><option value=\"\">every label</option>";
        for label in &labels {
            let _ = write!(html, "<option value=\"{}\">{}</option>", quoted(label), plain(label));
        }
        html += "</select>";
    }
    html += "<input id=\"find\" type=\"search\" placeholder=\"find in the samples\" aria-label=\"Find\">\
             <button type=\"button\" id=\"back\">←</button><output id=\"place\"></output><button type=\"button\" id=\"on\">→</button></form>\n";
    for sample in samples {
        html += &article(sample, &labels);
    }
    html + "</section>\n"
}

fn article(sample: &Sample, labels: &[&str]) -> String {
    let label = sample.label.as_deref().unwrap_or_default();
    let colour = labels.iter().position(|other| *other == label).unwrap_or(0) % COLOURS;
    let mut html = format!("<article class=\"c{colour}\" data-label=\"{}\"><p class=\"id\">{}", quoted(label), plain(&sample.id));
    if !label.is_empty() {
        let _ = write!(html, " <mark>{}</mark>", plain(label));
    }
    if let Some(query) = &sample.query {
        let _ = write!(html, " <q dir=\"auto\">{}</q>", plain(query));
    }
    // A triple's spans all have its label; a page's links lead elsewhere each.
    let named = sample.label.is_none();
    html + "</p><p class=\"text\" dir=\"auto\">" + &marked(&sample.text, &sample.spans, named) + "</p></article>\n"
}

/// The text cut wherever a span begins or ends, so that spans may overlap: each piece says how many cover it. Where spans are `named`,
/// pointing at a piece shows theirs.
fn marked(text: &str, spans: &[(Range<u32>, String)], named: bool) -> String {
    let borders: BTreeSet<u32> = spans.iter().flat_map(|(range, _)| [range.start, range.end]).collect();
    let mut html = String::new();
    let mut rest = text.chars();
    let mut start = 0;
    for end in borders.into_iter().chain([u32::MAX]) {
        let piece: String = rest.by_ref().take((end - start) as usize).collect();
        let over: Vec<&str> =
            spans.iter().filter(|(range, _)| range.start <= start && start < range.end).map(|(_, name)| name.as_str()).collect();
        match (over.len(), piece.is_empty()) {
            (_, true) => {}
            (0, _) => html += &plain(&piece),
            (depth, _) => {
                let title = if named { format!(" title=\"{}\"", quoted(&over.join(", "))) } else { String::new() };
                let _ = write!(html, "<mark class=\"d{}\"{title}>{}</mark>", depth.min(3), plain(&piece));
            }
        }
        start = end;
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_marked() {
        for (text, spans, expected) in [
            ("no <span>", vec![], "no &lt;span&gt;"),
            ("a 北京 b", vec![(2..4, "X")], "a <mark class=\"d1\">北京</mark> b"),
            ("北京大学", vec![(0..2, "X"), (0..4, "Y")], "<mark class=\"d2\">北京</mark><mark class=\"d1\">大学</mark>"),
            ("abc", vec![(0..2, "X"), (1..3, "Y")], "<mark class=\"d1\">a</mark><mark class=\"d2\">b</mark><mark class=\"d1\">c</mark>"),
            ("ab", vec![(0..1, "X"), (1..2, "X")], "<mark class=\"d1\">a</mark><mark class=\"d1\">b</mark>"),
        ] {
            let spans: Vec<_> = spans.into_iter().map(|(range, name)| (range, name.to_owned())).collect();
            assert_eq!(marked(text, &spans, false), expected, "{text}");
        }
        assert_eq!(marked("a", &[(0..1, "\"<".to_owned())], true), "<mark class=\"d1\" title=\"&quot;&lt;\">a</mark>");
    }
}
