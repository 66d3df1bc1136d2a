//! How the story looks: colours on a terminal, the same words anywhere.

use std::io::IsTerminal as _;

/// Prints the story.
#[derive(Debug, Clone, Copy)]
pub(super) struct Teller {
    has_colour: bool,
}

impl Teller {
    /// Colours where standard output is a terminal and `NO_COLOR` is not set.
    pub(super) fn new() -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_colour: std::io::stdout().is_terminal() && !is_unwanted }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.has_colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What this is.
    pub(super) fn title(self, text: &str) {
        println!("\n{}\n", self.paint("1", text));
    }

    /// Somebody who takes part.
    pub(super) fn part(self, name: &str, text: &str) {
        println!("  {} {text}", self.paint("36", &format!("{name:<8}")));
    }

    /// A chapter begins.
    pub(super) fn chapter(self, text: &str) {
        println!("\n{}", self.paint("1", text));
    }

    /// A command as one would type it.
    pub(super) fn command(self, text: &str) {
        println!("  {}", self.paint("2", &format!("$ {text}")));
    }

    /// Something that happened, and was checked.
    pub(super) fn good(self, text: &str) {
        println!("    {} {text}", self.paint("32", "✓"));
    }

    /// Something that goes wrong, as it should.
    pub(super) fn bad(self, text: &str) {
        println!("    {} {text}", self.paint("31", "✗"));
    }

    /// The end.
    pub(super) fn moral(self, text: &str) {
        println!("\n{}", self.paint("1;32", text));
    }
}
