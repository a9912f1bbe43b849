//! The table: a row for each figure, a column for each server, in Markdown.

use std::fmt::Write as _;

use crate::contender::Contender;
use crate::sheet::{Row, Sheet, Unit};

/// The table of all figures, and what is to be known about it.
pub fn render(sheet: &Sheet, contenders: &[Contender]) -> String {
    let measured = |contender: &Contender| {
        let mut rows = sheet.rows.iter();
        rows.any(|row| row.summary(*contender).is_some())
    };
    let contenders: Vec<Contender> = contenders.iter().copied().filter(measured).collect();
    let mut cells = vec![head(&contenders)];
    cells.extend(sheet.rows.iter().map(|row| line(row, &contenders)));
    let widths: Vec<usize> = (0..cells[0].len())
        .map(|column| {
            cells
                .iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        })
        .collect();

    let mut table = String::from("\n");
    for (number, row) in cells.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(table, "| {cell:width$} ");
        }
        table.push_str("|\n");
        if number == 0 {
            table.push_str(&"| --- ".repeat(widths.len()));
            table.push_str("|\n");
        }
    }
    table.push_str(EXPLANATION);
    for note in &sheet.notes {
        let _ = writeln!(table, "- {note}");
    }
    table
}

const EXPLANATION: &str = "
Each figure is the median of the runs, ± half of what lies between the least and the most of them; behind it stands its
ratio to chatd's. Lines have 64 bytes as they are sent. chatd runs with `--history 0 --rate 0` in fan-out, all talk, stalled,
curve and flat out, and with its defaults in all else. Redis has no limit on what waits for a subscriber in fan-out, all talk and
curve. In latency the server is kept on one core and the load on another. The floor sends prebuilt bytes round and does
nothing else; the baseline calls `write_all` message by message. `ncat --broker` relays bytes as they come and waits with
select(2), which has room for 1,000 clients. Kernel socket memory is that of the whole machine, on both sides of the
connections; the clients who stop reading have receive buffers of 16 KiB, so that it is the server's side that shows.
Over TLS the column of openssl is what one core encrypts with AES-256-GCM in pieces of 16 KiB, the most that a record holds.
";

fn head(contenders: &[Contender]) -> Vec<String> {
    let columns = ["scenario", "figure"].map(String::from).into_iter();
    columns
        .chain(contenders.iter().map(ToString::to_string))
        .collect()
}

fn line(row: &Row, contenders: &[Contender]) -> Vec<String> {
    let mut cells = vec![row.scenario.to_string(), row.figure.to_owned()];
    let own = row.summary(Contender::Chatd).map(|summary| summary.median);
    for &contender in contenders {
        let Some(summary) = row.summary(contender) else {
            cells.push("–".into());
            continue;
        };
        let mut cell = written(summary.median, row.unit);
        if summary.least < summary.most {
            let _ = write!(cell, " ±{:.0} %", summary.spread() * 100.0);
        }
        if let Some(own) = own.filter(|&own| own != 0.0 && contender != Contender::Chatd)
            && row.unit != Unit::Cipher
        {
            let _ = write!(cell, " · {}×", ratio(summary.median / own));
        }
        cells.push(cell);
    }
    cells
}

/// A ratio with as many digits as tell something.
fn ratio(ratio: f64) -> String {
    match ratio {
        0.995.. => format!("{ratio:.1}"),
        0.0995.. => format!("{ratio:.2}"),
        _ => format!("{ratio:.4}"),
    }
}

/// A value in a unit of a size that fits it.
pub fn written(value: f64, unit: Unit) -> String {
    match unit {
        Unit::PerSecond => scaled(value, &[(1e6, " M/s"), (1e3, " k/s"), (1.0, " /s")]),
        Unit::BytesPerSecond => scaled(value, &[(1e9, " GB/s"), (1e6, " MB/s"), (1.0, " B/s")]),
        Unit::Seconds => scaled(
            value,
            &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
        ),
        Unit::Bytes => scaled(
            value,
            &[(1e9, " GB"), (1e6, " MB"), (1e3, " KB"), (1.0, " B")],
        ),
        Unit::Count => format!("{value:.0}"),
        Unit::Cipher => match value as i64 {
            0x1301 => "AES-128-GCM".into(),
            0x1302 => "AES-256-GCM".into(),
            0x1303 => "ChaCha20-Poly1305".into(),
            other => format!("{other:#06x}"),
        },
        Unit::Share => format!("{:.4} %", value * 100.0).replace(".0000", ""),
    }
}

fn scaled(value: f64, scales: &[(f64, &str)]) -> String {
    let last = scales.len() - 1;
    let &(size, name) = scales
        .iter()
        .find(|(size, _)| value >= *size)
        .unwrap_or(&scales[last]);
    let value = value / size;
    let digits = if value < 10.0 {
        2
    } else {
        usize::from(value < 100.0)
    };
    format!("{value:.digits$}{name}")
}
