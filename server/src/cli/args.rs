//! The arguments.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, value_parser};

use crate::config::address;
use crate::config::duration;

pub(super) const DIR: &str = "dir";
pub(super) const SERVICE: &str = "service";
pub(super) const FORMAT: &str = "format";
pub(super) const TIMEOUT: &str = "timeout";
pub(super) const ENDPOINT: &str = "endpoint";
pub(super) const NAMES: &str = "name";
pub(super) const ALL: &str = "all";
pub(super) const YES: &str = "yes";
pub(super) const CONFIG: &str = "config";
pub(super) const PRINT_CONFIG: &str = "print-config";
pub(super) const COMMAND: &str = "command";
pub(super) const LISTEN: &str = "listen";
pub(super) const UPSTREAM: &str = "upstream";
pub(super) const FORWARD: &str = "forward";
pub(super) const UPSTREAM_CA: &str = "upstream-ca";
pub(super) const HOST: &str = "host";
pub(super) const HOSTS: &str = "hosts";
pub(super) const FORWARDED: &str = "forwarded";
/// What the proxy starts servers by; nobody else calls it.
pub(super) const LAUNCH: &str = "proxy-launch";
pub(super) const PARENT: &str = "parent";

pub(super) fn command() -> Command {
    Command::new("auditrail")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Audit logs of MCP servers: runs the proxy, inspects and drains journals")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(EXIT_CODES)
        .subcommand(journal())
        .subcommand(proxy())
}

fn proxy() -> Command {
    Command::new("proxy")
        .about("Runs an audited proxy in front of any MCP server")
        .arg_required_else_help(true)
        .after_help(PROXY_EXIT_CODES)
        .args([
            Arg::new(CONFIG)
                .long(CONFIG)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .help("The configuration file; without it, AUDITRAIL_CONFIG says where one is, if there is one"),
            Arg::new(NAMES)
                .long(NAMES)
                .value_name("SERVICE")
                .help("The service.name of the records; by default the file name of the command"),
            Arg::new(LISTEN)
                .long(LISTEN)
                .value_name("ADDRESS")
                .value_parser(address)
                .conflicts_with(COMMAND)
                .help("Where HTTP clients come, such as 127.0.0.1:8080, or :8080 for the same; instead of the listeners of the configuration file"),
            Arg::new(UPSTREAM)
                .long(UPSTREAM)
                .value_name("URL")
                .requires(LISTEN)
                .help("The server behind --listen, as http://HOST:PORT or https://HOST:PORT, and a path that stands before all others"),
            Arg::new(UPSTREAM_CA)
                .long(UPSTREAM_CA)
                .value_name("FILE")
                .value_parser(value_parser!(PathBuf))
                .requires(UPSTREAM)
                .help("The certificates that the server's must be signed by (PEM); without it, the system's"),
            Arg::new(HOST)
                .long(HOST)
                .value_name("WHOSE")
                .value_parser(PossibleValuesParser::new(["client", "upstream"]))
                .requires(UPSTREAM)
                .help("The Host that the server gets: the client's, or its own; then the proxy itself looks who asks"),
            Arg::new(HOSTS)
                .long(HOSTS)
                .value_name("NAME")
                .action(ArgAction::Append)
                .value_delimiter(',')
                .requires(HOST)
                .help("With --host upstream: a name by which clients may come, beside localhost and the listener's address"),
            Arg::new(FORWARDED)
                .long(FORWARDED)
                .action(ArgAction::SetTrue)
                .requires(UPSTREAM)
                .help("Tells the server who has asked and how, by Forwarded and X-Forwarded-For, -Host and -Proto"),
            Arg::new(FORWARD)
                .long(FORWARD)
                .action(ArgAction::SetTrue)
                .requires(LISTEN)
                .conflicts_with(UPSTREAM)
                .help("Each request goes to the http:// server that it names"),
            Arg::new(PRINT_CONFIG)
                .long(PRINT_CONFIG)
                .action(ArgAction::SetTrue)
                .help("Prints the effective configuration, without secrets, and does nothing else"),
            Arg::new(COMMAND)
                .value_name("COMMAND")
                .last(true)
                .action(ArgAction::Append)
                .value_parser(value_parser!(OsString))
                .help("The server over stdio, and its arguments"),
        ])
}

/// Not among the others, where it would be suggested to who mistypes one.
pub(super) fn launch() -> Command {
    Command::new(LAUNCH).args([
        Arg::new(PARENT).required(true).value_parser(value_parser!(u32)),
        Arg::new(COMMAND).last(true).required(true).action(ArgAction::Append).value_parser(value_parser!(OsString)),
    ])
}

fn journal() -> Command {
    Command::new("journal")
        .about("Inspects the journal of a service, and ships the records that are left in it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(EXIT_CODES)
        .args([
            Arg::new(DIR)
                .long(DIR)
                .global(true)
                .value_name("DIR")
                .value_parser(value_parser!(PathBuf))
                .conflicts_with(SERVICE)
                .help("The service's state directory; without it, --service or AUDITRAIL_DIR says where that is"),
            Arg::new(SERVICE)
                .long(SERVICE)
                .global(true)
                .value_name("NAME")
                .help("The service whose default state directory is meant, by its service.name"),
            Arg::new(FORMAT)
                .long(FORMAT)
                .global(true)
                .value_name("FORMAT")
                .value_parser(PossibleValuesParser::new(["human", "json"]))
                .default_value("human")
                .help("How results are printed"),
        ])
        .subcommand(Command::new("stat").about("Shows what the journal holds; changes nothing").after_help(EXIT_CODES))
        .subcommand(
            Command::new("fsck")
                .about("Reads everything and names what is damaged or missing; changes nothing")
                .after_help(EXIT_CODES),
        )
        .subcommand(
            Command::new("ledger")
                .about("Lists the streams that were shipped and removed, with their last numbers; changes nothing")
                .after_help(EXIT_CODES),
        )
        .subcommand(
            Command::new("drain")
                .about("Ships what processes left behind that do not run any more")
                .after_help(EXIT_CODES)
                .args([timeout("5m", "How long to wait for the collector"), endpoint()]),
        )
        .subcommand(quarantine())
}

fn quarantine() -> Command {
    let names = |help: &'static str| Arg::new(NAMES).value_name("NAME").action(ArgAction::Append).help(help);
    Command::new("quarantine")
        .about("Records that the collector refused, or that were damaged on the disk")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help(EXIT_CODES)
        .subcommand(Command::new("list").about("Shows what is in quarantine, and why").after_help(EXIT_CODES))
        .subcommand(
            Command::new("show")
                .about("Shows the records of a file, decoded")
                .after_help(EXIT_CODES)
                .arg(Arg::new(NAMES).value_name("NAME").required(true).help("The file, as `list` names it")),
        )
        .subcommand(
            Command::new("replay")
                .about("Sends records to the collector once more; a file goes when the collector has all of it")
                .after_help(EXIT_CODES)
                .args([
                    names("The files, as `list` names them").required_unless_present(ALL),
                    Arg::new(ALL).long(ALL).action(ArgAction::SetTrue).conflicts_with(NAMES).help("All files"),
                    timeout("10s", "How long to wait for the collector's answer to each file"),
                    endpoint(),
                ]),
        )
        .subcommand(Command::new("discard").about("Removes files for ever").after_help(EXIT_CODES).args([
            names("The files, as `list` names them").required(true),
            Arg::new(YES).long(YES).action(ArgAction::SetTrue).help("Do not ask"),
        ]))
}

fn timeout(default: &'static str, help: &'static str) -> Arg {
    let value = Arg::new(TIMEOUT).long(TIMEOUT).value_name("TIME").default_value(default);
    value.value_parser(duration).help(format!("{help}, such as 500ms, 30s, 5m or 1h"))
}

fn endpoint() -> Arg {
    let value = Arg::new(ENDPOINT).long(ENDPOINT).value_name("URL");
    value.help("The collector; without it, and for everything else, OTEL_EXPORTER_OTLP_* count as for a service")
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and all is well
  1  it could not be done
  2  the arguments or the settings are wrong
  3  done, but there are problems, or records that are not delivered";

const PROXY_EXIT_CODES: &str = "\
Exit codes:
  that of the server; 128 and the number of the signal, if one ended it
  2    the arguments or the settings are wrong
  125  the proxy itself failed
  126  the server's command cannot be run
  127  the server's command is not there";
