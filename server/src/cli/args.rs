//! The arguments. Their doc comments are what `--help` prints.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::config::address;
use crate::config::duration;

/// Audit logs for MCP servers: runs the proxy, prints trails, inspects and drains journals
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
    #[command(after_help = EXIT_CODES)]
    Tail(TailArguments),
    #[command(arg_required_else_help = true, after_help = PROXY_EXIT_CODES)]
    Proxy(ProxyArguments),
    #[command(arg_required_else_help = true, after_help = EXPECT_EXIT_CODES)]
    Expect(ExpectArguments),
    /// Checks, explains and tests policies
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true, after_help = POLICY_EXIT_CODES)]
    Policy(PolicyCommand),
}

/// Inspects the journal of a service and ships the records left in it
#[derive(Debug, Args)]
pub(super) struct JournalArguments {
    #[command(flatten)]
    pub(super) which: Which,
    #[command(subcommand)]
    pub(super) command: JournalCommand,
}

#[derive(Debug, Args)]
pub(super) struct Which {
    /// State directory of the service; by default that of --service, or AUDITRAIL_DIR
    #[arg(long, global = true, value_name = "DIR", conflicts_with = "service")]
    pub(super) dir: Option<PathBuf>,
    /// The service, by its service.name, whose default state directory is used
    #[arg(long, global = true, value_name = "NAME")]
    pub(super) service: Option<String>,
    /// Output format
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
    /// Shows what the journal holds; read-only
    #[command(after_help = EXIT_CODES)]
    Stat,
    /// Reads everything and lists what is damaged or missing; read-only
    #[command(after_help = EXIT_CODES)]
    Fsck,
    /// Lists the streams that were shipped and removed, with the number of their last record; read-only
    #[command(after_help = EXIT_CODES)]
    Ledger,
    #[command(after_help = EXIT_CODES)]
    Drain(DrainArguments),
    /// Shows, replays or deletes records that the collector refused or that were damaged on disk
    #[command(subcommand, subcommand_required = true, arg_required_else_help = true, after_help = EXIT_CODES)]
    Quarantine(QuarantineCommand),
}

/// Ships the records that dead processes left behind
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
    /// URL of the collector; without it, and for all other settings, OTEL_EXPORTER_OTLP_* apply as for a service
    #[arg(long, value_name = "URL")]
    pub(super) endpoint: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum QuarantineCommand {
    /// Lists the files in quarantine and why they are there
    #[command(after_help = EXIT_CODES)]
    List,
    /// Decodes and shows the records of a file
    #[command(after_help = EXIT_CODES)]
    Show {
        /// The file, as shown by `list`
        name: String,
    },
    #[command(after_help = EXIT_CODES)]
    Replay(ReplayArguments),
    #[command(after_help = EXIT_CODES)]
    Discard(DiscardArguments),
}

/// Sends records to the collector again; deletes a file once the collector has accepted all of it
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The files, as shown by `list`
    #[arg(value_name = "NAME", required_unless_present = "all")]
    pub(super) names: Vec<String>,
    /// All files
    #[arg(long, conflicts_with = "names")]
    pub(super) all: bool,
    /// How long to wait for the collector's answer per file, such as 500ms, 30s, 5m or 1h
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(super) timeout: Duration,
    #[command(flatten)]
    pub(super) collector: Collector,
}

/// Deletes files permanently
#[derive(Debug, Args)]
pub(super) struct DiscardArguments {
    /// The files, as shown by `list`
    #[arg(value_name = "NAME", required = true)]
    pub(super) names: Vec<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    pub(super) yes: bool,
}

/// Prints the last records of a file or of a journal, and follows it
#[derive(Debug, Args)]
pub(super) struct TailArguments {
    /// A file of OTLP JSON lines, of this program or of the collector's `file` exporter; or the state directory of a service, of
    /// which `trail.jsonl` is read if it is there, and otherwise the journal; by default that of --service, or AUDITRAIL_DIR
    #[arg(value_name = "SOURCE", conflicts_with = "service")]
    pub(super) source: Option<PathBuf>,
    /// The service, by its service.name, whose default state directory is used
    #[arg(long, value_name = "NAME")]
    pub(super) service: Option<String>,
    /// Goes on with what is written from now on, also when the file is rotated
    #[arg(short, long)]
    pub(super) follow: bool,
    /// How many of the last records are printed
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 10)]
    pub(super) lines: usize,
    /// Output format: a table, a JSON object in each line, or OTLP JSON lines
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: TailFormat,
    /// Only calls of this tool
    #[arg(long, value_name = "NAME")]
    pub(super) tool: Option<String>,
    /// Only what this actor did, by its audit.actor.id
    #[arg(long, value_name = "ID")]
    pub(super) actor: Option<String>,
    /// Only records with this audit.outcome: success, failure or unknown
    #[arg(long, value_name = "OUTCOME")]
    pub(super) outcome: Option<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum TailFormat {
    Text,
    Json,
    Otlp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Outcome {
    Success,
    Failure,
    Unknown,
}

/// Runs an audited proxy in front of any MCP server
#[derive(Debug, Args)]
pub(super) struct ProxyArguments {
    /// Configuration file; by default the one that AUDITRAIL_CONFIG names, if it is set
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// service.name of the records; by default the file name of the command
    #[arg(long, value_name = "SERVICE")]
    pub(super) name: Option<String>,
    #[command(flatten)]
    pub(super) http: HttpArguments,
    /// Prints the effective configuration, without secrets, and exits
    #[arg(long)]
    pub(super) print_config: bool,
    /// The stdio server to run, and its arguments
    #[arg(value_name = "COMMAND", last = true)]
    pub(super) command: Vec<OsString>,
}

/// Runs a stdio server behind the proxy, with journal and collector in memory, and checks at its end what was audited
#[derive(Debug, Args)]
pub(super) struct ExpectArguments {
    /// TOML file with a table [[expect]] for each expectation
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Configuration file of the proxy
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// The stdio server to run, and its arguments
    #[arg(value_name = "COMMAND", last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Reads a policy, and says what is wrong with it
    #[command(after_help = POLICY_EXIT_CODES)]
    Check {
        #[command(flatten)]
        policy: PolicyArguments,
        /// Output format
        #[arg(long, value_name = "FORMAT", default_value = "human")]
        format: Format,
    },
    /// Says which rule decides about a call, and why the earlier ones do not
    #[command(after_help = POLICY_EXIT_CODES)]
    Explain {
        #[command(flatten)]
        policy: PolicyArguments,
        #[command(flatten)]
        call: CallArguments,
        /// Output format
        #[arg(long, value_name = "FORMAT", default_value = "human")]
        format: Format,
    },
    /// Compares what a policy decides with what is expected
    #[command(after_help = POLICY_EXIT_CODES)]
    Test {
        #[command(flatten)]
        policy: PolicyArguments,
        /// TOML file with a table [[case]] for each case, or JSON lines (.jsonl)
        #[arg(value_name = "CASES")]
        cases: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(super) struct PolicyArguments {
    /// The policy, as a TOML file
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// FILE is the configuration file of a proxy, which has the policy in it
    #[arg(long)]
    pub(super) proxy: bool,
}

/// What is known of a call: arguments of `policy explain`, and the keys of `call` in cases.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct CallArguments {
    /// The MCP method, such as tools/call; by default that of a tool or prompt
    #[arg(long, value_name = "METHOD")]
    pub(super) method: Option<String>,
    /// The tool
    #[arg(long, value_name = "NAME")]
    pub(super) tool: Option<String>,
    /// readOnlyHint of the tool; --read-only=false says that it is not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) read_only: Option<bool>,
    /// destructiveHint of the tool
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) destructive: Option<bool>,
    /// idempotentHint of the tool
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) idempotent: Option<bool>,
    /// openWorldHint of the tool
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub(super) open_world: Option<bool>,
    /// The prompt
    #[arg(long, value_name = "NAME")]
    pub(super) prompt: Option<String>,
    /// The URI of the resource
    #[arg(long, value_name = "URI")]
    pub(super) resource: Option<String>,
    /// audit.actor.id
    #[arg(long, value_name = "ID")]
    pub(super) actor: Option<String>,
    /// auditrail.tenant.id
    #[arg(long, value_name = "ID")]
    pub(super) tenant: Option<String>,
    /// client_to_server or server_to_client
    #[arg(long, value_name = "DIRECTION")]
    pub(super) direction: Option<String>,
    /// How the call ends: success, failure or unknown, or a detail such as denied; without it, what is decided when it begins
    #[arg(long, value_name = "OUTCOME")]
    pub(super) outcome: Option<String>,
}

impl ExpectArguments {
    /// The arguments of the proxy that is tested.
    pub(super) fn proxy(&self) -> ProxyArguments {
        ProxyArguments {
            config: self.config.clone(),
            name: None,
            http: HttpArguments::default(),
            print_config: false,
            command: self.command.clone(),
        }
    }
}

#[derive(Debug, Default, Args)]
pub(super) struct HttpArguments {
    /// Address to accept HTTP clients on, such as 127.0.0.1:8080, or :8080 for the same; replaces the listeners of the
    /// configuration file
    #[arg(long, value_name = "ADDRESS", value_parser = address, conflicts_with = "command")]
    pub(super) listen: Option<SocketAddr>,
    /// The server behind --listen, as http://HOST:PORT or https://HOST:PORT; its path is put before that of each request
    #[arg(long, value_name = "URL", requires = "listen")]
    pub(super) upstream: Option<String>,
    /// CA certificates (PEM) that the server's certificate must be signed by; by default the system's
    #[arg(long, value_name = "FILE", requires = "upstream")]
    pub(super) upstream_ca: Option<PathBuf>,
    /// Which Host the server gets: the client's or its own; with its own, the proxy checks Host and Origin itself
    #[arg(long, value_name = "WHOSE", requires = "upstream")]
    pub(super) host: Option<Host>,
    /// With --host upstream: another host name that clients may use, besides localhost and the listener's address
    #[arg(long, value_name = "NAME", value_delimiter = ',', requires = "host")]
    pub(super) hosts: Vec<String>,
    /// Tells the server where a request came from, in Forwarded and X-Forwarded-For, -Host and -Proto
    #[arg(long, requires = "upstream")]
    pub(super) forwarded: bool,
    /// Forwards each request to the http:// server that it names
    #[arg(long, requires = "listen", conflicts_with = "upstream")]
    pub(super) forward: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Host {
    Client,
    Upstream,
}

/// How the proxy starts servers; for internal use. It is not a command, because clap would suggest it for mistyped
/// ones.
#[derive(Debug, Parser)]
#[command(name = LAUNCH, no_binary_name = true)]
pub(super) struct LaunchArguments {
    pub(super) parent: u32,
    #[arg(last = true, required = true)]
    pub(super) command: Vec<OsString>,
}

pub(super) const LAUNCH: &str = "proxy-launch";

const EXIT_CODES: &str = "\
Exit codes:
  0  done, no problems
  1  failed
  2  the arguments or the settings are wrong
  3  done, but there are problems, or records that are not delivered";

const EXPECT_EXIT_CODES: &str = "\
Exit codes:
  0    all expectations are met
  1    at least one is not: standard error says which, and what was audited instead
  2    the arguments, the settings or the file of expectations are wrong
  125  the proxy itself failed
  126  the server's command cannot be run
  127  the server's command does not exist";

const POLICY_EXIT_CODES: &str = "\
Exit codes:
  0  the policy can be used; with `test`, it decides all cases as expected
  1  it does not decide all cases as expected: standard error says which, and what it decides
  2  the arguments, the policy or the file of cases are wrong";

const PROXY_EXIT_CODES: &str = "\
Exit codes:
  the server's, or 128 plus the number of the signal that ended it
  2    the arguments or the settings are wrong
  125  the proxy itself failed
  126  the server's command cannot be run
  127  the server's command does not exist";
