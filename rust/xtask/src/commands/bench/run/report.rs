//! The results: a table as `docs/performance.md` has it, or JSON.

use serde::Serialize;

use super::sample::Spread;
use crate::project::Outcome;

/// One side of a row.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Side {
    /// What one would type.
    pub(super) command: String,
    /// Of the figures.
    pub(super) unit: &'static str,
    #[serde(flatten)]
    pub(super) spread: Spread,
}

/// What was measured, beside what.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Row {
    pub(super) what: String,
    pub(super) ours: Side,
    pub(super) rival: Option<Side>,
    /// The figure that the target is about.
    pub(super) result: String,
    pub(super) target: String,
    pub(super) is_met: bool,
}

/// Everything measured in one run.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    pub(super) rows: Vec<Row>,
}

fn figure(value: f64) -> String {
    match value.abs() {
        big if big >= 1000.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        small if small >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn cell(side: &Side) -> String {
    let Spread { median, min, max, .. } = side.spread;
    format!("{} {} ({} to {})", figure(median), side.unit, figure(min), figure(max))
}

impl Report {
    pub(super) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    pub(super) fn print(&self, json: bool) -> Outcome {
        if json {
            println!("{}", serde_json::to_string_pretty(self)?);
            return Ok(());
        }
        println!("\n| what | ours: median (range) | rival: median (range) | result | target | met |");
        println!("| --- | --- | --- | --- | --- | --- |");
        for Row { what, ours, rival, result, target, is_met } in &self.rows {
            let rival = rival.as_ref().map_or_else(|| "-".to_owned(), cell);
            let met = if *is_met { "yes" } else { "NO" };
            println!("| {what} | {} | {rival} | {result} | {target} | {met} |", cell(ours));
        }
        println!("\nThe commands:");
        for Row { what, ours, rival, .. } in &self.rows {
            println!("- {what}, {} times: `{}`", ours.spread.samples, ours.command);
            if let Some(rival) = rival {
                println!("  against, {} times: `{}`", rival.spread.samples, rival.command);
            }
        }
        Ok(())
    }
}
