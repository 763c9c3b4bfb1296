//! Tapscope: passive API discovery and anomaly sensor.
//!
//! The composition root, and nothing else: reads what was typed and configured, puts sensor,
//! analyzer, store and API together, and tells errors in one line.

/// Where memory comes from.
mod allocator;

/// What can be typed.
mod cli;

/// What is configured.
mod config;

/// The installation's key.
mod key;

/// What the process takes.
mod memory;

/// The thread that owns analyzer and store.
mod engine;

/// Records on their way back to where they were made.
mod spent;

/// The filter of segments while a run goes on.
mod filter;

/// The policy and the specifications while a run goes on.
mod reload;

/// The threads of the sensor.
mod feed;

/// The threads of a run: input, engine, API.
mod product;

/// The verbs.
mod commands;

/// The lines the command line writes.
mod view;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, Command, Spec};
use crate::config::Settings;

fn main() -> ExitCode {
    allocator::prepare();
    let cli = Cli::parse();
    start_log();
    match execute(cli) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn execute(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut settings = Settings::read(cli.config.as_deref())?;
    settings.key_file = cli.key_file.or(settings.key_file);
    match &cli.command {
        #[cfg(feature = "live")]
        Command::Doctor(arguments) => return commands::doctor::execute(arguments, &settings),
        Command::Watch(arguments) => commands::watch::execute(arguments, &settings),
        Command::Replay(arguments) => commands::replay::execute(arguments, &settings),
        Command::Import(arguments) => commands::import::execute(arguments, &settings),
        Command::Exchanges(arguments) => commands::exchanges::execute(arguments, &settings),
        Command::Inventory(listing) => commands::listing::inventory(listing),
        Command::Hosts(listing) => commands::listing::hosts(listing),
        Command::Candidates(listing) => commands::listing::candidates(listing),
        Command::Findings(listing) => commands::listing::findings(listing),
        Command::Health(listing) => commands::health::execute(listing),
        Command::Spec(Spec::Add { files, store, name }) => {
            commands::spec::add(files, store, name.as_deref())
        }
        Command::Spec(Spec::List(listing)) => commands::spec::list(listing),
        Command::Spec(Spec::Diff { name, listing }) => {
            commands::spec::diff(name.as_deref(), listing, &settings.analyzer.drift)
        }
        Command::Templates(arguments) => commands::templates::execute(arguments, &settings),
        Command::Export(arguments) => commands::export::execute(arguments, &settings),
        Command::Serve(arguments) => commands::serve::execute(arguments, &settings),
        Command::Demo(arguments) => commands::demo::execute(arguments, &settings),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Tells an error in one line on standard error: what is wrong, and what to do.
pub(crate) fn complain(error: &anyhow::Error) {
    let line: String = format!("{error:#}")
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(std::io::stderr(), "tapscope: {line}");
}

/// Logs go to standard error; `TAPSCOPE_LOG` chooses the level. Nothing is logged per packet.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("TAPSCOPE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
}
