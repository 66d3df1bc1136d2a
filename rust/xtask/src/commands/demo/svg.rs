//! The story as a picture, for the README: the very lines that were printed, drawn like a terminal.

use std::fmt::Write as _;

use super::teller::{Line, Tone};

const ROW: usize = 19;
const COLUMN: f64 = 7.83;
const MARGIN: usize = 20;
const COLUMNS: usize = 100;

/// Draws lines; the first one is the command that led to them.
pub(super) fn draw(lines: &[Line]) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let width = (COLUMNS as f64 * COLUMN) as usize + 2 * MARGIN;
    let height = (lines.len() + 2) * ROW + 2 * MARGIN;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"cargo xtask demo in a terminal\">\n<style>text{{font:13px ui-monospace,SFMono-Regular,\
         Menlo,Consolas,'Liberation Mono',monospace;white-space:pre;fill:#d5dbe3}}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#14181f\"/>\n"
    );
    let prompt: Line = vec![(Tone::Name, "$ ".to_owned()), (Tone::Strong, "cargo xtask demo".to_owned())];
    for (row, line) in [prompt, Vec::new()].iter().chain(lines).enumerate() {
        if line.is_empty() {
            continue;
        }
        let y = MARGIN + row * ROW + 13;
        let _ = write!(svg, "<text xml:space=\"preserve\" x=\"{MARGIN}\" y=\"{y}\">");
        for (tone, text) in line {
            let _ = write!(svg, "<tspan{}>{}</tspan>", style(*tone), escape(text));
        }
        svg.push_str("</text>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

fn style(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "",
        Tone::Strong => " fill=\"#ffffff\" font-weight=\"bold\"",
        Tone::Name => " fill=\"#6cc6e8\"",
        Tone::Command => " fill=\"#8b95a5\"",
        Tone::Good => " fill=\"#62d196\"",
        Tone::Bad => " fill=\"#f07178\"",
        Tone::Moral => " fill=\"#62d196\" font-weight=\"bold\"",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_every_line_has_its_row() {
        let lines =
            [vec![(Tone::Good, "a < b & c".to_owned())], Vec::new(), vec![(Tone::Bad, "d".to_owned())]];
        let svg = draw(&lines);
        assert!(svg.contains("a &lt; b &amp; c"));
        assert_eq!(svg.matches("<text ").count(), 3);
        assert!(svg.contains(&format!("y=\"{}\"", MARGIN + 4 * ROW + 13)));
    }
}
