//! The figures: what was measured in every run, and what is made of it.

use crate::contender::Contender;
use crate::scenario::Scenario;

/// In what a figure is measured, and so how it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    PerSecond,
    BytesPerSecond,
    Seconds,
    Bytes,
    Count,
    /// From 0 to 1.
    Share,
    /// The number of a cipher suite of TLS 1.3 (RFC 8446, section B.4).
    Cipher,
}

/// One figure of one run.
pub struct Measure {
    figure: &'static str,
    unit: Unit,
    value: f64,
}

/// One figure of a scenario, of all servers and runs.
pub struct Row {
    pub scenario: Scenario,
    pub figure: &'static str,
    pub unit: Unit,
    values: Vec<(Contender, Vec<f64>)>,
}

/// The median of the runs, and how far they lie apart.
#[derive(Clone, Copy)]
pub struct Summary {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

/// All figures, in the order in which they were first measured, and what else is to be said.
#[derive(Default)]
pub struct Sheet {
    pub rows: Vec<Row>,
    pub notes: Vec<String>,
}

impl Measure {
    pub fn new(figure: &'static str, unit: Unit, value: f64) -> Self {
        Self {
            figure,
            unit,
            value,
        }
    }

    /// The same under another name.
    pub fn called(self, figure: &'static str) -> Self {
        Self { figure, ..self }
    }
}

impl Row {
    /// What came out for a server, if it was measured.
    pub fn summary(&self, contender: Contender) -> Option<Summary> {
        let (_, values) = self
            .values
            .iter()
            .find(|(measured, _)| *measured == contender)?;
        let mut values = values.clone();
        values.sort_unstable_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = if values.len().is_multiple_of(2) {
            f64::midpoint(values[middle - 1], values[middle])
        } else {
            values[middle]
        };
        Some(Summary {
            median,
            least: *values.first()?,
            most: *values.last()?,
        })
    }
}

impl Summary {
    /// Half of what lies between the least and the most, as a share of the median.
    pub fn spread(self) -> f64 {
        if self.median == 0.0 {
            0.0
        } else {
            (self.most - self.least) / 2.0 / self.median
        }
    }
}

impl Sheet {
    /// Adds what one run has measured.
    pub fn record(&mut self, scenario: &Scenario, contender: Contender, measures: &[Measure]) {
        for measure in measures {
            let place = self
                .rows
                .iter()
                .position(|row| row.scenario == *scenario && row.figure == measure.figure)
                .unwrap_or_else(|| {
                    self.rows.push(Row {
                        scenario: *scenario,
                        figure: measure.figure,
                        unit: measure.unit,
                        values: Vec::new(),
                    });
                    self.rows.len() - 1
                });
            let values = &mut self.rows[place].values;
            match values
                .iter_mut()
                .find(|(measured, _)| *measured == contender)
            {
                Some((_, values)) => values.push(measure.value),
                None => values.push((contender, vec![measure.value])),
            }
        }
    }

    /// Adds a remark, to be printed under the table.
    pub fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// The median of a figure, if it was measured.
    pub fn median(&self, scenario: Scenario, figure: &str, contender: Contender) -> Option<f64> {
        let row = self
            .rows
            .iter()
            .find(|row| row.scenario == scenario && row.figure == figure)?;
        Some(row.summary(contender)?.median)
    }
}
