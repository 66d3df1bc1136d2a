//! `cargo xtask check-deps`: who may depend on whom.
//!
//! Compares [`table::TABLE`] with `cargo metadata`: normal and build dependencies, optional ones too, whatever their
//! target. Dev-dependencies are free: tests may use what the code may not.

mod metadata;
mod table;

use std::fs;
use std::path::Path;

use metadata::{Dependency, Metadata, Package};
use table::{Row, TABLE};

use crate::project::{self, Outcome};

/// Fails on a dependency between our crates that the architecture's table does not list.
#[derive(Debug, clap::Args)]
pub(crate) struct CheckDeps {}

impl CheckDeps {
    #[allow(clippy::unused_self)] // every command is run the same way
    pub(crate) fn run(self) -> Outcome {
        let json =
            project::output_of(project::cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
        let metadata: Metadata = serde_json::from_slice(&json)?;
        let mut faults = faults(&metadata, TABLE);
        for row in TABLE {
            for (used, module) in row.only_in {
                strays(&project::root().join("rust").join(row.name).join("src"), used, module, &mut faults)?;
            }
        }
        if faults.is_empty() {
            println!("{} crates: every dependency between them is in the table.", metadata.packages.len());
            return Ok(());
        }
        let intro = "dependencies that the architecture does not allow (rust/xtask/src/commands/check_deps/table.rs):";
        Err(format!("{intro}\n  {}", faults.join("\n  ")).into())
    }
}

/// Every edge that the table does not allow, as a line that names it.
fn faults(metadata: &Metadata, table: &[Row]) -> Vec<String> {
    let ours = |name: &str| metadata.packages.iter().any(|package| package.name == name);
    let mut faults = Vec::new();
    for package in &metadata.packages {
        let Some(row) = table.iter().find(|row| row.name == package.name) else {
            faults.push(format!("{} has no row in the table", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.counts()) {
            if ours(&dependency.name) {
                faults.extend(own_edge(package, row, dependency));
            } else if row.never.contains(&dependency.name.as_str()) {
                faults.push(format!("{} -> {}: never", package.name, dependency.name));
            }
        }
    }
    faults
}

fn own_edge(package: &Package, row: &Row, dependency: &Dependency) -> Vec<String> {
    let edge = format!("{} -> {}", package.name, dependency.name);
    let Some((_, features)) = row.may_use.iter().find(|(name, _)| *name == dependency.name) else {
        return vec![edge];
    };
    let mut asked: Vec<_> = dependency.features.iter().map(String::as_str).collect();
    // A feature can also be asked for in [features], as "crate/feature".
    let forwarded = package.features.values().flatten();
    asked.extend(forwarded.filter_map(|feature| {
        let (name, feature) = feature.split_once('/')?;
        (name.trim_end_matches('?') == dependency.name).then_some(feature)
    }));
    asked.retain(|feature| !features.contains(feature));
    asked.iter().map(|feature| format!("{edge}: not with its feature {feature}")).collect()
}

/// Adds a fault for each source file outside `module` that names the crate `used`.
fn strays(dir: &Path, used: &str, module: &str, faults: &mut Vec<String>) -> Outcome {
    let Ok(entries) = fs::read_dir(dir) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let shown = path.to_string_lossy().replace('\\', "/");
        let is_module = shown.ends_with(&format!("/{module}.rs")) || shown.ends_with(&format!("/{module}"));
        if is_module {
            continue;
        }
        if path.is_dir() {
            strays(&path, used, module, faults)?;
        } else if path.extension().is_some_and(|ext| ext == "rs")
            && fs::read_to_string(&path)?.contains(&format!("{}::", used.replace('-', "_")))
        {
            let file = path.strip_prefix(project::root()).unwrap_or(&path).display().to_string();
            faults.push(format!("{file} uses {used}: only {module} may"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
