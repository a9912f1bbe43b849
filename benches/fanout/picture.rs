//! The picture: lines delivered per second against the number of clients.

use std::io;

use plotters::prelude::*;

use crate::contender::Contender;
use crate::scenario::Scenario;
use crate::sheet::Sheet;

/// In pixels.
const SIZE: (u32, u32) = (900, 560);

/// The colours of the curves: those of Okabe and Ito, which nearly everybody can tell apart.
const COLOURS: [RGBColor; 6] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(90, 90, 90),
    RGBColor(230, 159, 0),
];

/// Draws it into a file, if anything was measured that it shows.
pub fn draw(sheet: &Sheet, contenders: &[Contender], path: &str) -> io::Result<bool> {
    let curves: Vec<(Contender, Vec<(f64, f64)>)> = contenders
        .iter()
        .map(|&contender| (contender, points(sheet, contender)))
        .collect();
    let all: Vec<(f64, f64)> = curves
        .iter()
        .flat_map(|(_, points)| points.iter().copied())
        .collect();
    if all.is_empty() {
        return Ok(false);
    }
    draw_curves(&curves, &all, path)
        .map_err(|error| io::Error::other(format!("{path} cannot be drawn: {error}")))?;
    Ok(true)
}

/// What was measured of a server: clients, lines per second.
fn points(sheet: &Sheet, contender: Contender) -> Vec<(f64, f64)> {
    let clients = |scenario| match scenario {
        Scenario::Curve { clients } => Some(clients as f64),
        _ => None,
    };
    let rows = sheet
        .rows
        .iter()
        .filter_map(|row| Some((clients(row.scenario)?, row.summary(contender)?.median)));
    rows.collect()
}

type Drawing<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;

fn draw_curves<'a>(
    curves: &[(Contender, Vec<(f64, f64)>)],
    all: &[(f64, f64)],
    path: &'a str,
) -> Result<(), Drawing<'a>> {
    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let least =
        |values: fn(&(f64, f64)) -> f64| all.iter().map(values).fold(f64::INFINITY, f64::min);
    let most = |values: fn(&(f64, f64)) -> f64| all.iter().map(values).fold(0.0, f64::max);
    let mut chart = ChartBuilder::on(&area)
        .caption(
            "Lines delivered per second, one client sending flat out",
            ("sans-serif", 24),
        )
        .margin(16)
        .x_label_area_size(52)
        .y_label_area_size(80)
        .build_cartesian_2d(
            (least(|point| point.0)..most(|point| point.0) * 1.05).log_scale(),
            (least(|point| point.1) / 2.0..most(|point| point.1) * 2.0).log_scale(),
        )?;
    chart
        .configure_mesh()
        .x_desc("clients")
        .y_desc("lines of 64 bytes delivered per second")
        .x_label_formatter(&|clients| format!("{clients:.0}"))
        .y_label_formatter(&|rate| format!("{} M", rate / 1e6))
        .label_style(("sans-serif", 18))
        .light_line_style(BLACK.mix(0.04))
        .draw()?;
    for (index, (contender, points)) in curves
        .iter()
        .enumerate()
        .filter(|(_, (_, points))| !points.is_empty())
    {
        let colour = COLOURS[index % COLOURS.len()];
        let width = if *contender == Contender::Chatd { 3 } else { 2 };
        chart
            .draw_series(
                LineSeries::new(points.iter().copied(), colour.stroke_width(width)).point_size(3),
            )?
            .label(contender.to_string())
            .legend(move |(x, y)| {
                PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(width))
            });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::LowerLeft)
        .label_font(("sans-serif", 18))
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.2))
        .draw()?;
    area.present()
}
