//! The arguments. Their doc comments are what `--help` prints.

#[cfg(feature = "proxy")]
use std::ffi::OsString;
#[cfg(feature = "proxy")]
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

#[cfg(feature = "proxy")]
use crate::config::address;
use crate::config::duration;

/// Audit logs of MCP servers: runs the proxy, inspects and drains journals
#[derive(Debug, Parser)]
#[command(name = "auditrail", version, after_help = EXIT_CODES)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    #[command(subcommand_required = true, arg_required_else_help = true, after_help = EXIT_CODES)]
    Journal(JournalArguments),
    #[cfg(feature = "proxy")]
    #[command(arg_required_else_help = true, after_help = PROXY_EXIT_CODES)]
    Proxy(ProxyArguments),
}

/// Inspects the journal of a service, and ships the records that are left in it
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(subcommand)]
    pub(super) command: JournalCommand,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// The service's state directory; without it, --service or AUDITRAIL_DIR says where that is
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "service")]
    pub(super) dir: Option<PathBuf>,
    /// The service whose default state directory is meant, by its service.name
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) service: Option<String>,
    /// How results are printed
    #[arg(long, global = true, value_name = "FORMAT", default_value = "human")]
    pub(super) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Shows what the journal holds; changes nothing
    #[command(after_help = EXIT_CODES)]
    Stat,
    /// Reads everything and names what is damaged or missing; changes nothing
    #[command(after_help = EXIT_CODES)]
    Fsck,
    /// Lists the streams that were shipped and removed, with their last numbers; changes nothing
    #[command(after_help = EXIT_CODES)]
    Ledger,
    #[command(after_help = EXIT_CODES)]
    Drain(DrainArguments),
    /// Records that the collector refused, or that were damaged on the disk
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true, after_help = EXIT_CODES)]
    Quarantine(QuarantineCommand),
}

/// Ships what processes left behind that do not run any more
#[derive(Debug, Args)]
pub(super) struct DrainArguments {
    /// How long to wait for the collector, such as 500ms, 30s, 5m or 1h
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = duration)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) collector: Collector,
}

#[derive(Debug, Args)]
pub(super) struct Collector {
    /// The collector; without it, and for everything else, OTEL_EXPORTER_OTLP_* count as for a service
    #[arg(long, value_name = "URL")]
    pub(super) endpoint: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// Shows what is in quarantine, and why
    #[command(after_help = EXIT_CODES)]
    List,
    /// Shows the records of a file, decoded
    #[command(after_help = EXIT_CODES)]
    Show {
        /// The file, as `list` names it
        name: String,
    },
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArguments),
    #[command(after_help = EXIT_CODES)]
    Discard(DiscardArguments),
}

/// Sends records to the collector once more; a file goes when the collector has all of it
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The files, as `list` names them
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(super) names: Vec<String>,
    /// All files
    #[arg(long, conflicts_with = "names")]
    pub(super) all: bool,
    /// How long to wait for the collector's answer to each file, such as 500ms, 30s, 5m or 1h
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) collector: Collector,
}

/// Removes files for ever
#[derive(Debug, Args)]
pub(super) struct DiscardArguments {
    /// The files, as `list` names them
    #[arg(value_name = "NAME", required = true)]
    pub(super) names: Vec<String>,
    /// Do not ask
    #[arg(long)]
    pub(super) yes: bool,
}

/// Runs an audited proxy in front of any MCP server
#[cfg(feature = "proxy")]
#[derive(Debug, Args)]
pub(super) struct ProxyArguments {
    /// The configuration file; without it, AUDITRAIL_CONFIG says where one is, if there is one
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The service.name of the records; by default the file name of the command
    #[arg(long, value_name = "SERVICE")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) http: HttpArguments,
    /// Prints the effective configuration, without secrets, and does nothing else
    #[arg(long)]
    pub(super) print_config: bool,
    /// The server over stdio, and its arguments
    #[arg(value_name = "COMMAND", last = true)]
    pub(super) command: Vec<OsString>,
}

#[cfg(feature = "proxy")]
#[derive(Debug, Args)]
pub(super) struct HttpArguments {
    /// Where HTTP clients come, such as 127.0.0.1:8080, or :8080 for the same; instead of the listeners of the configuration
    /// file
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "command")]
    pub(super) listen: Option<SocketAddr>,
    /// The server behind --listen, as http://HOST:PORT or https://HOST:PORT, and a path that stands before all others
    #[arg(long, value_name = "URL", requires = "listen")]
    pub(super) upstream: Option<String>,
    /// The certificates that the server's must be signed by (PEM); without it, the system's
    #[arg(long, value_name = "FILE", requires = "upstream")]
    pub(super) upstream_ca: Option<PathBuf>,
    /// The Host that the server gets: the client's, or its own; then the proxy itself looks who asks
    #[arg(long, value_name = "WHOSE", requires = "upstream")]
    pub(super) host: Option<Host>,
    /// With --host upstream: a name by which clients may come, beside localhost and the listener's address
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "host")]
    pub(super) hosts: Vec<String>,
    /// Tells the server who has asked and how, by Forwarded and X-Forwarded-For, -Host and -Proto
    #[arg(long, requires = "upstream")]
    pub(super) forwarded: bool,
    /// Each request goes to the http:// server that it names
    #[arg(long, requires = "listen", conflicts_with = "upstream")]
    pub(super) forward: bool,
}

#[cfg(feature = "proxy")]
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Host {
    Client,
    Upstream,
}

/// What the proxy starts servers by; nobody else calls it. Not a command, which would be suggested to people who mistype one.
#[cfg(feature = "proxy")]
#[derive(Debug, Parser)]
#[command(name = LAUNCH, no_binary_name = true)]
pub(super) struct LaunchArguments {
    pub(super) parent: u32,
    #[arg(last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

#[cfg(feature = "proxy")]
pub(super) const LAUNCH: &str = "proxy-launch";

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and all is well
  1  it could not be done
  2  the arguments or the settings are wrong
  3  done, but there are problems, or records that are not delivered";

#[cfg(feature = "proxy")]
const PROXY_EXIT_CODES: &str = "\
Exit codes:
  that of the server; 128 and the number of the signal, if one ended it
  2    the arguments or the settings are wrong
  125  the proxy itself failed
  126  the server's command cannot be run
  127  the server's command is not there";
