//! The binary `auditrail`: see `auditrail --help` and `docs/cli.md`.

fn main() -> std::process::ExitCode {
    auditrail_server::cli::main()
}
