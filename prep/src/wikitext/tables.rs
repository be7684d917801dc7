//! Tables in wikitext and in HTML.

use super::markers::{GAP, TABLE_CELL, hole_number, is_marker};

/// Removes tables with the tables nested in them: `{|` to `|}` at the start of lines, and `<table>` to `</table>`. With `keep_cells`, each
/// cell becomes a line in their place.
///
/// A table that is not closed ends before the next heading, or before the next paragraph that is not one of its rows. Also returns whether
/// there is such a table.
pub(super) fn remove_tables(text: String, keep_cells: bool) -> (String, bool) {
    if !text.contains("{|") && !text.contains("\n|}") && find_html_table(&text).is_none() {
        return (text, false);
    }
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let mut out = String::with_capacity(text.len());
    let mut unclosed = false;
    let ends = find_table_ends(&lines);
    let mut at = 0;
    while at < lines.len() {
        match ends[at] {
            Some(TableEnd::Line(end)) => {
                let before = find_html_table(lines[at]).map_or("", |start| &lines[at][..start]).trim_end();
                if !before.is_empty() && !trim_indentation(lines[at]).starts_with("{|") {
                    out.push_str(before);
                    out.push('\n');
                }
                if keep_cells {
                    push_cells(&lines[at..=end], &mut out);
                }
                let closing = trim_indentation(lines[end]);
                let rest = closing.strip_prefix("|}").unwrap_or_else(|| after_html_table(lines[end])).trim_start_matches(' ');
                // A table ends the block before it, and the text after it begins a block.
                if !rest.trim_end().is_empty() {
                    out.push('\n');
                }
                out.push_str(rest);
                if rest.is_empty() || !rest.ends_with('\n') {
                    out.push('\n');
                }
                at = end + 1;
            }
            Some(TableEnd::Never) => {
                unclosed = true;
                out.push('\n');
                let ends_table = |&next: &usize| {
                    let is_blank = |line: &str| line.chars().all(|c| c.is_whitespace() || is_marker(c));
                    let is_row = trim_indentation(lines[next]).starts_with(['|', '!', '{']);
                    lines[next].starts_with("==") || (is_blank(lines[next - 1]) && !is_blank(lines[next]) && !is_row)
                };
                at = (at + 1..lines.len()).find(ends_table).unwrap_or(lines.len());
            }
            None => {
                let line = lines[at];
                match find_html_table(line) {
                    // The whole table is in one line.
                    Some(start) if after_html_table(line).len() < line.len() - start => {
                        out.push_str(&line[..start]);
                        out.push_str("\n\n");
                        if keep_cells {
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

/// Index of the first `<table` in a line.
fn find_html_table(line: &str) -> Option<usize> {
    memchr::memchr_iter(b'<', line.as_bytes()).find(|&at| line.get(at..at + 6).is_some_and(|tag| tag.eq_ignore_ascii_case("<table")))
}

/// Writes each cell of a table, and of the tables nested in it, as a line.
fn push_cells(lines: &[&str], out: &mut String) {
    let mut push = |cell: &str| {
        let cell = cell.trim();
        if cell.chars().any(|c| !is_marker(c)) {
            out.push(TABLE_CELL);
            out.push_str(cell);
            out.push('\n');
        }
    };
    for line in lines {
        let start = trim_indentation(line);
        let has_only_attributes = ["{|", "|}", "|-"].iter().any(|mark| start.starts_with(mark));
        match start.as_bytes().first() {
            _ if has_only_attributes => {}
            _ if start.starts_with("|+") => push(cell_text(&start[2..])),
            Some(b'|') => start[1..].split("||").for_each(|cell| push(cell_text(cell))),
            Some(b'!') => start[1..].split("!!").flat_map(|cells| cells.split("||")).for_each(|cell| push(cell_text(cell))),
            // A further line of a cell, or HTML.
            _ => push(start.trim_start_matches(['*', '#', ';'])),
        }
    }
}

/// The text of a cell without its attributes: `style=x | text`.
fn cell_text(cell: &str) -> &str {
    match cell.split_once('|') {
        Some((attributes, text)) if !attributes.contains("[[") => text,
        _ => cell,
    }
}

/// Where a table ends.
#[derive(Clone, Copy)]
enum TableEnd {
    /// In the line with this index.
    Line(usize),
    /// The table is not closed.
    Never,
}

/// A line without indentation and gaps before it.
fn trim_indentation(line: &str) -> &str {
    line.trim_start_matches(|c| matches!(c, ' ' | '\t' | ':' | GAP) || hole_number(c).is_some())
}

/// The text after the last `</table>` of a line.
fn after_html_table(line: &str) -> &str {
    let at = line.to_ascii_lowercase().rfind("</table>").map_or(line.len(), |at| at + "</table>".len());
    &line[at..]
}

/// The tables that are open.
#[derive(Default)]
struct OpenTables {
    /// The lines that opened them, and whether in HTML.
    tables: Vec<(usize, bool)>,
    /// Number of those in wikitext and in HTML.
    count: [usize; 2],
}

impl OpenTables {
    fn open(&mut self, line: usize, html: bool) {
        self.tables.push((line, html));
        self.count[usize::from(html)] += 1;
    }

    /// Closes the last table of a kind, with those that were opened after it. Returns the line that opened it.
    fn close(&mut self, html: bool) -> Option<usize> {
        if self.count[usize::from(html)] == 0 {
            return None;
        }
        while let Some((line, is_html)) = self.tables.pop() {
            self.count[usize::from(is_html)] -= 1;
            if is_html == html {
                return Some(line);
            }
        }
        None
    }
}

/// For each line that begins a table outside of other tables, where the table ends.
fn find_table_ends(lines: &[&str]) -> Vec<Option<TableEnd>> {
    let mut ends = vec![None; lines.len()];
    let mut open = OpenTables::default();
    // Lines before this one belong to closed tables.
    let mut closed_until = 0;
    for (at, line) in lines.iter().enumerate() {
        let start = trim_indentation(line);
        if start.starts_with("{|") {
            ends[at] = Some(TableEnd::Never);
            open.open(at, false);
        } else if start.starts_with("|}") {
            match open.close(false) {
                Some(opening) => ends[opening] = Some(TableEnd::Line(at)),
                // A template opened the table, and its rows are the lines before this one.
                None => {
                    let rows =
                        lines[closed_until..at].iter().rev().take_while(|line| trim_indentation(line).starts_with(['|', '!'])).count();
                    ends[at - rows] = Some(TableEnd::Line(at));
                }
            }
            closed_until = at + 1;
        }
        if line.contains('<') {
            let lower = line.to_ascii_lowercase();
            let opened = lower.matches("<table").count();
            let closed = lower.matches("</table").count();
            if opened > closed && ends[at].is_none() {
                ends[at] = Some(TableEnd::Never);
                open.open(at, true);
            } else if closed > opened
                && let Some(opening) = open.close(true)
            {
                ends[opening] = Some(TableEnd::Line(at));
            }
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_removed() {
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
            ("<table>\n{|\n|b\n|}\n</table>\nc", "\nc"),
            ("{|\n<table>\n|b\n|}\nc", "\nc"),
            ("<table>\n{|\n</table>\n|}\nc", "\n\nc"),
        ] {
            assert_eq!(remove_tables(text.to_owned(), false).0, expected, "{text}");
        }
    }

    #[test]
    fn cells_become_lines() {
        let table = "a\n{| class=x\n|+ title\n! h1 !! scope=row | h2\n|-\n| [[b|c]] || style=y | d\nmore\n{|\n| e\n|}\n|}\nf";
        let lines: Vec<String> = remove_tables(table.to_owned(), true).0.split('\n').map(|line| line.replace(TABLE_CELL, "=")).collect();
        assert_eq!(lines, ["a", "=title", "=h1", "=h2", "=[[b|c]]", "=d", "=more", "=e", "", "f"]);
    }
}
