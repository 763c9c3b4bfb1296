//! What can be typed: the verbs and their flags. Flags are the configuration's settings by hand.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Passive API discovery and anomaly sensor: from a copy of network traffic to a live, honest
/// inventory of every API endpoint. It never sends a packet into the network it watches.
#[derive(Parser)]
#[command(
    name = "tapscope",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// Configuration file (TOML); flags win over it
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// Key under which values become tokens; made on first use
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) key_file: Option<PathBuf>,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How many workers make sense.
fn workers() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(1..=i64::from(crate::config::WORKERS_MAX))
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Watch live interfaces: sensor, analyzer, API and page in one process
    Watch(Watch),
    /// Look whether an interface will do as a sensor's, and what its traffic looks like
    #[cfg(feature = "live")]
    Doctor(Doctor),
    /// Run captures through the same pipeline, on the packets' time
    Replay(Replay),
    /// Take in exchanges without packets (JSON Lines)
    Import(Import),
    /// Print the HTTP exchanges of captures, a JSON line each; nothing is stored or redacted
    Exchanges(Exchanges),
    /// Print the inventory of a store
    Inventory(Listing),
    /// Print the hosts of a store, and which of them share a row
    Hosts(Listing),
    /// Print what was called and is no endpoint yet: why, and what it lacks
    Candidates(Listing),
    /// Print the findings of a store
    Findings(Listing),
    /// Tell whether the feed of a store could be trusted: what is missing, and the remedy
    Health(Listing),
    /// Add, list or compare OpenAPI documents
    #[command(subcommand)]
    Spec(Spec),
    /// Decide on templates for good: pin, split, merge, rename or ignore them
    #[command(subcommand)]
    Templates(Templates),
    /// Write a report of a store: tables, a page, paper, OpenAPI, CycloneDX
    Export(Export),
    /// Serve the API and the page of a store, without taking in traffic
    Serve(Serve),
    /// Show what tapscope does, on the sample capture
    Demo(Demo),
}

#[derive(Args)]
pub(crate) struct Watch {
    /// Interfaces to watch, separated by commas (`any` for all of them)
    #[arg(
        short,
        long,
        value_name = "IFACE",
        value_delimiter = ',',
        required_unless_present_any = ["config", "pcap_over_ip"]
    )]
    pub(crate) interface: Vec<String>,

    /// Take in a capture that a decrypting proxy or another machine offers over TCP; connects again
    /// when it ends, and never sends. May be given several times
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) pcap_over_ip: Vec<String>,

    /// BPF filter (pcap-filter syntax); it cannot see inside tunnels or VLANs
    #[arg(long, value_name = "BPF")]
    pub(crate) filter: Option<String>,

    /// Worker threads; the packets of an interface are dealt out by connection [default: one for
    /// each processor, at most 4]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub(crate) workers: Option<u16>,

    #[command(flatten)]
    pub(crate) analysis: Analysis,

    /// Where the API and the page listen
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

/// What `doctor` looks at.
#[cfg(feature = "live")]
#[derive(Args)]
pub(crate) struct Doctor {
    /// Interfaces to look at, separated by commas (those of the configuration when left out)
    #[arg(short, long, value_name = "IFACE", value_delimiter = ',')]
    pub(crate) interface: Vec<String>,

    /// How long to listen
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub(crate) seconds: u16,

    /// BPF filter that `watch` would be given, to be judged
    #[arg(long, value_name = "BPF")]
    pub(crate) filter: Option<String>,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = DoctorFormat::Table)]
    pub(crate) format: DoctorFormat,
}

#[cfg(feature = "live")]
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum DoctorFormat {
    /// A verdict, a line for each trouble, a table
    Table,
    /// One JSON object
    Json,
}

#[derive(Args)]
pub(crate) struct Replay {
    /// Captures in the order of their time: pcap or pcapng, plain, gzip or zstd; a pipe, - for
    /// standard input, tcp://HOST:PORT for pcap-over-IP
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Worker threads; what comes out is the same for any number [default: 1]
    #[arg(long, value_name = "N", value_parser = workers())]
    pub(crate) workers: Option<u16>,

    #[command(flatten)]
    pub(crate) analysis: Analysis,

    #[command(flatten)]
    pub(crate) serving: Serving,
}

#[derive(Args)]
pub(crate) struct Import {
    /// Form of the lines
    #[arg(long, value_enum)]
    pub(crate) format: ImportFormat,

    /// Files of JSON Lines; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) analysis: Analysis,

    #[command(flatten)]
    pub(crate) serving: Serving,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ImportFormat {
    /// {i, ts, client_ip, client_port, method, host, path, query, req_headers, req_body, status,
    /// resp_headers, resp_body, latency_ms}
    Traffic,
}

/// What analysis takes beside its input.
#[derive(Args, Default)]
pub(crate) struct Analysis {
    /// OpenAPI 3.x or Swagger 2.0 document (YAML or JSON), or a folder of them, which is read again
    /// when it changes; may be given several times
    #[arg(long, value_name = "PATH")]
    pub(crate) spec: Vec<PathBuf>,

    /// Store to go on with, made when there is none; without it nothing is kept
    #[arg(long, value_name = "PATH")]
    pub(crate) store: Option<PathBuf>,

    /// Write a line for each exchange as the analyzer saw it
    #[arg(long, value_name = "FILE")]
    pub(crate) exchange_log: Option<PathBuf>,
}

/// Serving the page after the input is taken in.
#[derive(Args, Default)]
pub(crate) struct Serving {
    /// Serve the API and the page, during the run and after it
    #[arg(long)]
    pub(crate) serve: bool,

    /// Where to listen (with --serve)
    #[arg(long, value_name = "ADDR", requires = "serve")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Exchanges {
    /// Captures: pcap or pcapng, plain, gzip or zstd; - for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Write NAME.jsonl for each capture there, instead of to standard output
    #[arg(long, value_name = "DIR")]
    pub(crate) out_dir: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Listing {
    /// The store to read
    #[arg(long, value_name = "PATH")]
    pub(crate) store: PathBuf,

    /// Form of the output
    #[arg(long, value_enum, default_value_t = OutputFormat::Table)]
    pub(crate) format: OutputFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// Columns for people
    Table,
    /// One JSON array
    Json,
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values
    Csv,
}

#[derive(Subcommand)]
pub(crate) enum Spec {
    /// Add documents to a store; the same name again makes a new revision
    Add {
        /// OpenAPI 3.x or Swagger 2.0 documents
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The store
        #[arg(long, value_name = "PATH")]
        store: PathBuf,
        /// Name to keep it under (the file's name when left out)
        #[arg(long)]
        name: Option<String>,
    },
    /// List the documents of a store
    List(Listing),
    /// Compare a store's documents with what was seen
    Diff {
        /// Only this document
        name: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
}

#[derive(Subcommand)]
pub(crate) enum Templates {
    /// List what was decided
    List(Listing),
    /// Keep a template for every path that fits
    Pin(OneTemplate),
    /// Set values of a parameter apart as literals
    Split {
        #[command(flatten)]
        on: OneTemplate,
        /// The values
        #[arg(long, required = true, value_delimiter = ',')]
        value: Vec<String>,
        /// The parameter to split at [default: the last one]
        #[arg(long)]
        parameter: Option<String>,
    },
    /// Make one template of several
    Merge {
        #[command(flatten)]
        on: OneTemplate,
        /// A template that shall be part of it; may be given several times
        #[arg(long, required = true, value_name = "TEMPLATE")]
        part: Vec<String>,
    },
    /// Call the parameters of a template as they are called here
    Rename(OneTemplate),
    /// Take what has a template for no endpoint
    Ignore {
        #[command(flatten)]
        on: OneTemplate,
        /// Only this method
        #[arg(long)]
        method: Option<String>,
    },
    /// Take back what was decided on a template
    Withdraw(OneTemplate),
}

/// A template and where it is.
#[derive(Args)]
pub(crate) struct OneTemplate {
    /// The template, its parameters in braces: /users/{id}
    #[arg(value_name = "TEMPLATE")]
    pub(crate) template: String,
    /// The host
    #[arg(long)]
    pub(crate) host: String,
    /// The store
    #[arg(long, value_name = "PATH")]
    pub(crate) store: PathBuf,
    /// Why
    #[arg(long, default_value = "")]
    pub(crate) comment: String,
}

#[derive(Args)]
pub(crate) struct Export {
    /// The store to read
    #[arg(long, value_name = "PATH")]
    pub(crate) store: PathBuf,

    /// Form of the report
    #[arg(long, value_enum)]
    pub(crate) format: ExportFormat,

    /// The table of a CSV file: endpoints (when left out), changes, parameters, fields, findings, hosts or candidates
    #[arg(long, value_name = "NAME", value_parser = table)]
    pub(crate) table: Option<tapscope_reports::Part>,

    /// Only this host; needed for OpenAPI when there are several
    #[arg(long)]
    pub(crate) host: Option<String>,

    /// Only what is new since then: 2024-01-31 or 2024-01-31T12:00:00Z (UTC)
    #[arg(long, value_name = "DATE", value_parser = date)]
    pub(crate) since: Option<i64>,

    /// Where to write it; standard output when left out
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A table of a report, by its name.
fn table(text: &str) -> Result<tapscope_reports::Part, String> {
    tapscope_reports::Part::parse(text).ok_or_else(|| {
        let names: Vec<&str> = tapscope_reports::Part::ALL
            .iter()
            .map(|one| one.1)
            .collect();
        format!("no table of a report; there are {}", names.join(", "))
    })
}

/// A date or time as nanoseconds since the Unix epoch.
fn date(text: &str) -> Result<i64, String> {
    tapscope_reports::parse_date(text)
        .ok_or_else(|| "not a date; write 2024-01-31 or 2024-01-31T12:00:00Z".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum ExportFormat {
    /// One table, comma-separated: the inventory, or another one (--table)
    Csv,
    /// Inventory, parameters, bodies and findings as JSON
    Json,
    /// A workbook
    Xlsx,
    /// A page that stands for itself, with charts
    Html,
    /// The same on paper
    Pdf,
    /// OpenAPI 3.1 of one host, learned from traffic
    Openapi,
    /// CycloneDX 1.6 services
    Cyclonedx,
}

#[derive(Args)]
pub(crate) struct Serve {
    /// The store to serve
    #[arg(long, value_name = "PATH")]
    pub(crate) store: PathBuf,

    /// Where to listen
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct Demo {
    /// Where to listen
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}
