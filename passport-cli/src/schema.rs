//! `passport schema`.

mod answers;
mod campus;
mod shape;

use clap::Args;
use serde_json::Value;

use crate::app::App;
use crate::error::CliError;

/// Explains the JSON that a command prints with `--json`
///
/// Prints a JSON Schema (draft 2020-12). Without a command, lists the commands there are.
/// `passport schema error` explains what goes to standard error instead.
#[derive(Args)]
#[command(after_help = "Examples:\n  passport schema show\n  passport schema org discharges")]
pub(crate) struct Schema {
    /// The command, without options
    #[arg(value_name = "COMMAND")]
    command: Vec<String>,
}

impl Schema {
    /// Carries it out.
    pub(crate) fn run(self, app: &App) -> Result<(), CliError> {
        let Self { command } = self;
        if command.is_empty() {
            let names: Vec<&str> = answers::all().iter().map(|(name, _)| *name).collect();
            return app.output().answer(&names, |names| names.join("\n"));
        }
        let document = document(&command.join(" "))?;
        // A schema is JSON either way; people get it with line breaks.
        app.output().answer(&document, |d| format!("{d:#}"))
    }
}

fn document(name: &str) -> Result<Value, CliError> {
    let found = answers::all().into_iter().find(|(n, _)| *n == name);
    let (_, mut schema) = found.ok_or_else(|| {
        CliError::usage("this command has no JSON answer, or is no command")
            .hint("`passport schema` lists those that have one")
    })?;
    if let Some(members) = schema.as_object_mut() {
        members.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
        members.insert("title".into(), format!("passport {name}").into());
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_belongs_to_a_command() {
        let mut tree = crate::app::command();
        tree.build();
        for (name, _) in answers::all().iter().filter(|(n, _)| *n != "error") {
            let found = name.split(' ').try_fold(&tree, |c, word| c.find_subcommand(word));
            assert!(found.is_some(), "{name}");
        }
    }

    #[test]
    fn every_command_of_holder_and_organisation_has_a_schema() {
        fn walk(command: &clap::Command, path: &str, missing: &mut Vec<String>) {
            for child in command.get_subcommands().filter(|c| c.get_name() != "help") {
                let path = format!("{path}{}", child.get_name());
                if child.has_subcommands() {
                    walk(child, &format!("{path} "), missing);
                } else if document(&path).is_err() {
                    missing.push(path);
                }
            }
        }
        let mut missing = Vec::new();
        walk(&crate::app::command(), "", &mut missing);
        assert_eq!(missing, ["schema", "completions", "man"]);
    }

    #[test]
    fn a_schema_names_the_members_of_the_contract() {
        let show = document("show").unwrap();
        assert_eq!(show["required"], serde_json::json!(["passport", "holder", "sections"]));
        assert!(document("fly").is_err());
    }
}
