//! The proof by enumeration, the rules broken on purpose, and the stories. `docs/lifecycle.md` tells what is proved.

mod broken;
mod checks;
mod documented;
mod ledger;
mod model;
mod progress;
mod stories;
mod walk;
mod wander;
