//! The binary `auditrail`: see `auditrail --help` and `docs/cli.md`.

fn main() -> std::process::ExitCode {
    auditrail::cli::main()
}
