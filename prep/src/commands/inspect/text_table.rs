//! Tables of text.

/// Aligns columns: the first to the left, the others to the right.
pub fn align_columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().enumerate().map(|(column, cell)| match column {
                0 => format!("{cell:<0$}", width(0)),
                _ => format!("{cell:>0$}", width(column)),
            });
            cells.collect::<Vec<_>>().join("  ")
        })
        .collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [["label", "rows"], ["人名", "12"]].map(|row| row.map(str::to_owned));
        assert_eq!(align_columns(&rows), "label  rows\n人名       12");
    }
}
