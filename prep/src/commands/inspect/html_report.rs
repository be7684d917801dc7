//! The report as one HTML file. It needs no other file and no network, and its content security policy allows none.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use anyhow::ensure;
use maud::{Markup, PreEscaped, html};

use super::printable::Printable;
use super::report::FolderReport;
use super::sample::Sample;

/// The beginning of each report. Files that begin otherwise are not replaced.
const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"generator\" content=\"prep inspect\">";
/// Colours for labels in the style sheet; more labels reuse them.
const LABEL_COLOURS: usize = 8;

/// Writes a report to a file, which may exist if it is such a report.
///
/// # Errors
/// The file exists and is not a report, or cannot be written.
pub fn write_html(report: &FolderReport, path: &Path) -> anyhow::Result<()> {
    if path.exists() {
        let mut start = String::new();
        let read = File::open(path).and_then(|file| file.take(HEAD.len() as u64).read_to_string(&mut start));
        ensure!(
            read.is_ok() && start == HEAD,
            "{} exists and is not a report of prep inspect; give another file with --html",
            path.display()
        );
    }
    Ok(schemas::atomic_file::write(path, render(report).as_bytes())?)
}

fn render(report: &FolderReport) -> String {
    let markup = html! {
        (PreEscaped("<!doctype html>\n"))
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content="prep inspect";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
                title { (Printable(&report.dir)) }
                style { (PreEscaped(include_str!("page.css"))) }
            }
            body {
                header {
                    h1 { (Printable(&report.dir)) }
                    p { (Printable(&report.summary())) }
                }
                main {
                    section.cards {
                        @for (name, value) in report.rows.figures() {
                            div.card { b { (value) } span { (name) } }
                        }
                    }
                    div.panels {
                        @for panel in report.rows.panels().iter().filter(|panel| !panel.is_empty()) {
                            (panel.markup())
                        }
                    }
                    (sample_browser(report.rows.samples()))
                }
                script { (PreEscaped(include_str!("page.js"))) }
            }
        }
    };
    markup.into_string() + "\n"
}

/// The samples, with a choice of label and a search field.
fn sample_browser(samples: &[Sample]) -> Markup {
    let labels: BTreeSet<&str> = samples.iter().filter_map(|sample| sample.label.as_deref()).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    html! {
        @if !samples.is_empty() {
            section.panel.samples {
                h2 { "Samples" }
                form id="choose" {
                    @if labels.len() > 1 {
                        select id="label" aria-label="Label" {
                            option value="" { "every label" }
                            @for label in &labels {
                                option value=(Printable(label)) { (Printable(label)) }
                            }
                        }
                    }
                    input id="find" type="search" placeholder="find in the samples" aria-label="Find";
                    button type="button" id="previous" { "←" }
                    output id="position" {}
                    button type="button" id="next" { "→" }
                }
                @for sample in samples {
                    (sample_article(sample, &labels))
                }
            }
        }
    }
}

fn sample_article(sample: &Sample, labels: &[&str]) -> Markup {
    let label = sample.label.as_deref().unwrap_or_default();
    let colour = labels.iter().position(|other| *other == label).unwrap_or(0) % LABEL_COLOURS;
    // The spans of a triple all have its label; the links of a page have a target each.
    let with_names = sample.label.is_none();
    html! {
        article class={ "c" (colour) } data-label=(Printable(label)) {
            p.id {
                (Printable(&sample.id))
                @if !label.is_empty() {
                    " " mark { (Printable(label)) }
                }
                @if let Some(query) = &sample.query {
                    " " q dir="auto" { (Printable(query)) }
                }
            }
            p.text dir="auto" { (marked_spans(&sample.text, &sample.spans, with_names)) }
        }
    }
}

/// A text with its spans marked. Spans may overlap, so the text is cut wherever one begins or ends, and each piece tells how many spans cover
/// it. `with_names` shows the names of the spans as a tooltip.
fn marked_spans(text: &str, spans: &[(Range<u32>, String)], with_names: bool) -> Markup {
    let bounds: BTreeSet<u32> = spans.iter().flat_map(|(range, _)| [range.start, range.end]).collect();
    let mut pieces = Vec::new();
    let mut chars = text.chars();
    let mut start = 0;
    for end in bounds.into_iter().chain([u32::MAX]) {
        let piece: String = chars.by_ref().take((end - start) as usize).collect();
        let covers = |(range, name): &'_ (Range<u32>, String)| (range.start <= start && start < range.end).then(|| name.clone());
        let names: Vec<String> = spans.iter().filter_map(covers).collect();
        if !piece.is_empty() {
            pieces.push((piece, names));
        }
        start = end;
    }
    html! {
        @for (piece, names) in &pieces {
            @if names.is_empty() {
                (Printable(piece))
            } @else {
                mark class={ "d" (names.len().min(3)) } title=[with_names.then(|| names.join(", ")).as_deref().map(Printable)] { (Printable(piece)) }
            }
        }
    }
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
            assert_eq!(marked_spans(text, &spans, false).into_string(), expected, "{text}");
        }
        let with_name = marked_spans("a", &[(0..1, "\"<".to_owned())], true).into_string();
        assert_eq!(with_name, "<mark class=\"d1\" title=\"&quot;&lt;\">a</mark>");
    }
}
