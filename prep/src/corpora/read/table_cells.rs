//! The cells of a row of CSV or TSV, and lists within a cell.

/// Splits a row into its cells.
///
/// A cell between quotes may hold the delimiter, ends of lines, and quotes, which are doubled (RFC 4180). Quotes that do not go around
/// a whole cell are text, for a token may be a quote.
pub(super) fn split_cells(row: &str, delimiter: char) -> Vec<String> {
    let mut cells = Vec::new();
    let mut rest = Some(row);
    while let Some(text) = rest {
        let (cell, others) = match quoted_cell(text, delimiter) {
            Some(quoted) => quoted,
            None => match text.split_once(delimiter) {
                Some((cell, others)) => (cell.to_owned(), Some(others)),
                None => (text.to_owned(), None),
            },
        };
        cells.push(cell);
        rest = others;
    }
    cells
}

/// A cell between quotes at the start of a text, and what follows behind its delimiter. `None` where it has no quotes around it.
fn quoted_cell(text: &str, delimiter: char) -> Option<(String, Option<&str>)> {
    let mut rest = text.strip_prefix('"')?;
    let mut cell = String::new();
    loop {
        let (part, others) = rest.split_once('"')?;
        cell.push_str(part);
        match others.strip_prefix('"') {
            Some(others) => {
                cell.push('"');
                rest = others;
            }
            None if others.is_empty() => return Some((cell, None)),
            None => return others.strip_prefix(delimiter).map(|others| (cell, Some(others))),
        }
    }
}

/// Whether a row ends within quotes, so that it goes on in the next line.
pub(super) fn ends_within_quotes(row: &str) -> bool {
    row.matches('"').count() % 2 == 1
}

/// The strings of a list as Python or JSON writes it, as in `['O', "B-geo"]`. `None` for another text.
pub(super) fn list_items(cell: &str) -> Option<Vec<String>> {
    let mut rest = cell.trim().strip_prefix('[')?.strip_suffix(']')?.trim_start();
    let mut items = Vec::new();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|char| matches!(char, '\'' | '"'))?;
        let mut item = String::new();
        let mut chars = rest[1..].char_indices();
        let end = loop {
            match chars.next()? {
                (_, '\\') => item.push(chars.next()?.1),
                (at, char) if char == quote => break at + 2,
                (_, char) => item.push(char),
            }
        };
        items.push(item);
        // numpy writes no commas.
        rest = rest[end..].trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_split() {
        for (row, delimiter, expected) in [
            ("a,b,", ',', &["a", "b", ""][..]),
            ("\"a, b\",\"\"\"\",c", ',', &["a, b", "\"", "c"]),
            ("\"a\nb\",c", ',', &["a\nb", "c"]),
            ("\"\tO", '\t', &["\"", "O"]),
            ("\"a\"b\tO", '\t', &["\"a\"b", "O"]),
            ("\"\"\"\"\tO", '\t', &["\"", "O"]),
            ("a;,;b", ';', &["a", ",", "b"]),
            ("", ',', &[""]),
        ] {
            assert_eq!(split_cells(row, delimiter), expected, "{row}");
        }
        assert_eq!([ends_within_quotes("\"a"), ends_within_quotes("\"a\",\"\"\"\"")], [true, false]);
    }

    #[test]
    fn lists_are_read() {
        for (cell, expected) in [
            ("['O', 'B-geo']", Some(&["O", "B-geo"][..])),
            ("[\"it's\",'\\'', 'ö']", Some(&["it's", "'", "ö"])),
            ("['O' 'O'\n 'B-x']", Some(&["O", "O", "B-x"])),
            ("[]", Some(&[])),
            ("[O, O]", None),
            ("['O", None),
            ("O", None),
        ] {
            let expected = expected.map(|items| items.iter().map(|item| (*item).to_owned()).collect());
            assert_eq!(list_items(cell), expected, "{cell}");
        }
    }
}
