//! How the story looks: colours on a terminal, the same words anywhere.

use std::cell::RefCell;
use std::io::IsTerminal as _;

/// A line ends before this column.
const WIDTH: usize = 96;

/// How a piece of text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Name,
    Command,
    Good,
    Bad,
    Moral,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Strong => "1",
            Self::Name => "36",
            Self::Command => "2",
            Self::Good => "32",
            Self::Bad => "31",
            Self::Moral => "1;32",
        }
    }
}

/// A line, in pieces.
pub(super) type Line = Vec<(Tone, String)>;

/// Prints the story, and remembers it.
#[derive(Debug)]
pub(super) struct Teller {
    has_colour: bool,
    told: RefCell<Vec<Line>>,
}

impl Teller {
    /// Colours where standard output is a terminal and `NO_COLOR` is not set.
    pub(super) fn new() -> Self {
        let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_colour: std::io::stdout().is_terminal() && !is_unwanted, told: RefCell::default() }
    }

    fn say(&self, line: &[(Tone, &str)]) {
        let piece = |(tone, text): &(Tone, &str)| {
            if self.has_colour && *tone != Tone::Plain {
                format!("\x1b[{}m{text}\x1b[0m", tone.code())
            } else {
                (*text).to_owned()
            }
        };
        println!("{}", line.iter().map(piece).collect::<String>());
        self.told.borrow_mut().push(line.iter().map(|(tone, text)| (*tone, (*text).to_owned())).collect());
    }

    /// All that was said.
    pub(super) fn told(&self) -> Vec<Line> {
        self.told.borrow().clone()
    }

    /// What this is.
    pub(super) fn title(&self, text: &str) {
        self.say(&[(Tone::Strong, text)]);
        self.say(&[]);
    }

    /// Somebody who takes part.
    pub(super) fn part(&self, name: &str, text: &str) {
        self.say(&[(Tone::Name, &format!("  {name:<8} ")), (Tone::Plain, text)]);
    }

    /// A chapter begins.
    pub(super) fn chapter(&self, text: &str) {
        self.say(&[]);
        self.say(&[(Tone::Strong, text)]);
    }

    /// A command as one would type it.
    pub(super) fn command(&self, text: &str) {
        self.say(&[(Tone::Command, &format!("  $ {text}"))]);
    }

    /// Something that happened, and was checked.
    pub(super) fn good(&self, text: &str) {
        self.say(&[(Tone::Good, "    ✓ "), (Tone::Plain, text)]);
    }

    /// Something that goes wrong, as it should.
    pub(super) fn bad(&self, text: &str) {
        self.say(&[(Tone::Bad, "    ✗ "), (Tone::Plain, text)]);
    }

    /// The end.
    pub(super) fn moral(&self, text: &str) {
        self.say(&[]);
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.chars().count() + word.chars().count() >= WIDTH {
                self.say(&[(Tone::Moral, &line)]);
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.say(&[(Tone::Moral, &line)]);
    }
}
