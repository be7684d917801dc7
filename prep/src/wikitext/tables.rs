//! Tables, in wikitext and in HTML.

use super::marks::{CELL, GAP, is_mark};

/// Takes out tables, `{|` to `|}` at the starts of lines and `<table>` to `</table>`, nested ones with them.
///
/// A table that is never closed ends before the next heading or the next paragraph that is none of its rows.
///
/// With `cells`, each cell becomes a line in their place.
pub(super) fn take_out(text: String, cells: bool) -> (String, bool) {
    if !text.contains("{|") && !text.contains("\n|}") && html_table(&text).is_none() {
        return (text, false);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut unclosed = false;
    // Where every table closes, told from the inside out.
    let ends = table_ends(&lines);
    let mut at = 0;
    while at < lines.len() {
        match ends[at] {
            Some(End::Line(end)) => {
                let before = html_table(lines[at]).map_or("", |start| &lines[at][..start]).trim_end();
                if !before.is_empty() && !strip_line(lines[at]).starts_with("{|") {
                    out.push_str(before);
                    out.push('\n');
                }
                if cells {
                    push_cells(&lines[at..=end], &mut out);
                }
                let closing = strip_line(lines[end]);
                let rest = closing.strip_prefix("|}").unwrap_or_else(|| after_html_table(lines[end])).trim_start_matches(' ');
                // A table ends the block before it, and what follows begins one.
                if !rest.trim_end().is_empty() {
                    out.push('\n');
                }
                out.push_str(rest);
                if rest.is_empty() || !rest.ends_with('\n') {
                    out.push('\n');
                }
                at = end + 1;
            }
            Some(End::Never) => {
                unclosed = true;
                out.push('\n');
                let ends = |&next: &usize| {
                    let is_blank = |line: &str| line.chars().all(|c| c.is_whitespace() || is_mark(c));
                    let is_row = strip_line(lines[next]).starts_with(['|', '!', '{']);
                    lines[next].starts_with("==") || (is_blank(lines[next - 1]) && !is_blank(lines[next]) && !is_row)
                };
                at = (at + 1..lines.len()).find(ends).unwrap_or(lines.len());
            }
            None => {
                let line = lines[at];
                match html_table(line) {
                    // All of it on one line.
                    Some(start) if after_html_table(line).len() < line.len() - start => {
                        out.push_str(&line[..start]);
                        out.push_str("\n\n");
                        if cells {
                            push_cells(&[&line[start..line.len() - after_html_table(line).len()]], &mut out);
                            out.push('\n');
                        }
                        out.push_str(after_html_table(line).trim_start_matches(' '));
                    }
                    _ => out.push_str(line),
                }
                at += 1;
            }
        }
    }
    (out, unclosed)
}

/// Where the first `<table` of a line lies.
fn html_table(line: &str) -> Option<usize> {
    memchr::memchr_iter(b'<', line.as_bytes()).find(|&at| line.get(at..at + 6).is_some_and(|tag| tag.eq_ignore_ascii_case("<table")))
}

/// Writes each cell of a table, and of those inside it, as a line.
fn push_cells(lines: &[&str], out: &mut String) {
    let mut push = |cell: &str| {
        let cell = cell.trim();
        if cell.chars().any(|c| !is_mark(c)) {
            out.push(CELL);
            out.push_str(cell);
            out.push('\n');
        }
    };
    for line in lines {
        let start = strip_line(line);
        let attributes = ["{|", "|}", "|-"].iter().any(|mark| start.starts_with(mark));
        match start.as_bytes().first() {
            _ if attributes => {}
            _ if start.starts_with("|+") => push(content(&start[2..])),
            Some(b'|') => start[1..].split("||").for_each(|cell| push(content(cell))),
            Some(b'!') => start[1..].split("!!").flat_map(|cells| cells.split("||")).for_each(|cell| push(content(cell))),
            // The rest of a cell, or HTML.
            _ => push(start.trim_start_matches(['*', '#', ';'])),
        }
    }
}

/// A cell without its attributes: `style=x | text`.
fn content(cell: &str) -> &str {
    match cell.split_once('|') {
        Some((attributes, text)) if !attributes.contains("[[") => text,
        _ => cell,
    }
}

#[derive(Clone, Copy)]
enum End {
    Line(usize),
    Never,
}

fn strip_line(line: &str) -> &str {
    line.trim_start_matches([' ', '\t', ':', GAP])
}

/// What follows the last `</table>` of a line.
fn after_html_table(line: &str) -> &str {
    let at = line.to_ascii_lowercase().rfind("</table>").map_or(line.len(), |at| at + "</table>".len());
    &line[at..]
}

fn table_ends(lines: &[&str]) -> Vec<Option<End>> {
    let mut ends = vec![None; lines.len()];
    let mut open: Vec<(usize, bool)> = Vec::new();
    // Lines before this one belong to tables that are closed.
    let mut settled = 0;
    for (at, line) in lines.iter().enumerate() {
        let start = strip_line(line);
        if start.starts_with("{|") {
            ends[at] = Some(End::Never);
            open.push((at, false));
        } else if start.starts_with("|}") {
            match open.iter().rposition(|&(_, html)| !html) {
                Some(index) => {
                    ends[open[index].0] = Some(End::Line(at));
                    open.truncate(index);
                }
                // Opened by a template: its rows are lines before this one.
                None => {
                    let rows = lines[settled..at].iter().rev().take_while(|line| strip_line(line).starts_with(['|', '!'])).count();
                    ends[at - rows] = Some(End::Line(at));
                }
            }
            settled = at + 1;
        }
        if line.contains('<') {
            let lower = line.to_ascii_lowercase();
            let opened = lower.matches("<table").count();
            let closed = lower.matches("</table").count();
            if opened > closed && ends[at].is_none() {
                ends[at] = Some(End::Never);
                open.push((at, true));
            } else if closed > opened
                && let Some(index) = open.iter().rposition(|&(_, html)| html)
            {
                ends[open[index].0] = Some(End::Line(at));
                open.truncate(index);
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        for (text, expected) in [
            ("a\n{| class=x\n|-\n| b\n|}\nc", "a\n\nc"),
            ("a\n{|\n| b\n{|\n| c\n|}\n| d\n|}\ne", "a\n\ne"),
            (":{|\n| b\n|} tail\ne", "\ntail\ne"),
            ("a\n{|\n| b\n== H ==\ntext", "a\n\n== H ==\ntext"),
            ("a\n<table>\n<tr><td>b</td></tr>\n</table>\nc", "a\n\nc"),
            ("a\n{|\n| b\n\n| c\nd\n\ntext", "a\n\ntext"),
            ("a\n{|\n| b\n\u{FDD0}\ntext", "a\n\ntext"),
            ("a\n{|\n| b", "a\n\n"),
            ("no {| here |} b", "no {| here |} b"),
            ("a\n\u{FDD0}\n|-\n| b\n|}\nc", "a\n\u{FDD0}\n\nc"),
            ("| a\nb\n|}\n|}", "| a\nb\n\n\n"),
            ("a <table><tr><td>b</td></tr></table> c", "a \n\nc"),
            ("a <TABLE>\n<tr><td>b\n</table> c", "a\n\nc\n"),
        ] {
            assert_eq!(take_out(text.to_owned(), false).0, expected, "{text}");
        }
    }

    #[test]
    fn cells() {
        let table = "a\n{| class=x\n|+ title\n! h1 !! scope=row | h2\n|-\n| [[b|c]] || style=y | d\nmore\n{|\n| e\n|}\n|}\nf";
        let lines: Vec<String> = take_out(table.to_owned(), true).0.split('\n').map(|line| line.replace(CELL, "=")).collect();
        assert_eq!(lines, ["a", "=title", "=h1", "=h2", "=[[b|c]]", "=d", "=more", "=e", "", "f"]);
    }
}
