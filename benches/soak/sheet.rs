//! Figure, bound, and whether it holds.

use std::fmt;

/// What was measured.
#[derive(Default)]
pub struct Sheet {
    rows: Vec<Row>,
}

struct Row {
    figure: String,
    value: String,
    bound: String,
    holds: bool,
}

impl Sheet {
    /// Adds a figure, and says it at once to whoever waits for the table.
    pub fn record(&mut self, figure: &str, value: String, bound: &str, holds: bool) {
        eprintln!("{figure}: {value}");
        self.rows.push(Row {
            figure: figure.to_owned(),
            value,
            bound: bound.to_owned(),
            holds,
        });
    }

    /// Whether every figure is within its bound.
    pub fn all_hold(&self) -> bool {
        self.rows.iter().all(|row| row.holds)
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| figure | measured | bound | holds |\n| --- | --- | --- | --- |"
        )?;
        for Row {
            figure,
            value,
            bound,
            holds,
        } in &self.rows
        {
            let holds = if *holds { "yes" } else { "NO" };
            writeln!(f, "| {figure} | {value} | {bound} | {holds} |")?;
        }
        Ok(())
    }
}
