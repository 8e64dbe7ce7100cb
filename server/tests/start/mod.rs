//! Processes that start a trail in an environment that a test makes, and nothing of its own.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The real binary, which audits a server that says something and ends.
pub(crate) fn proxy(variables: &[(&str, &str)]) -> Command {
    let binary = env!("CARGO_BIN_EXE_auditrail");
    let mut command = Command::new(binary);
    command.args(["proxy", "--name", "weather-mcp", "--", binary, "--help"]);
    alone(command, variables)
}

/// `main` of a program that uses the library: this test binary, with that test alone.
pub(crate) fn program(test: &str, variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env_clear().env(PROGRAM, test);
    let mut command = with(command, variables);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Whether this process is that program, and not a run of all tests.
pub(crate) fn is_program(test: &str) -> bool {
    std::env::vars().any(|(name, value)| name == PROGRAM && value == test)
}

fn alone(mut command: Command, variables: &[(&str, &str)]) -> Command {
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    with(command, variables)
}

fn with(mut command: Command, variables: &[(&str, &str)]) -> Command {
    // Nobody is there, and nobody waits for that.
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1").env("AUDITRAIL_FLUSH_TIMEOUT", "1");
    command.envs(variables.iter().copied());
    command
}

/// The exit code and what was said on standard error.
pub(crate) fn run(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.spawn().unwrap().wait_with_output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

/// Streams in the journal of a state directory.
pub(crate) fn streams(state: &Path) -> usize {
    std::fs::read_dir(state.join("journal/streams")).map_or(0, Iterator::count)
}

/// The system answers each of these calls of the process with that error, and does nothing.
pub(crate) fn without(command: &mut Command, answers: &[(libc::c_long, i32)]) {
    let filter = filter(answers);
    // SAFETY: the closure makes two system calls, and reads what was made before the fork.
    unsafe { command.pre_exec(move || install(&filter)) };
}

/// Files may be no longer.
pub(crate) fn limited(command: &mut Command, bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the closure makes one system call.
    unsafe {
        command.pre_exec(move || match libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit) {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        })
    };
}

/// seccomp(2): a program that looks at the number of the call.
fn filter(answers: &[(libc::c_long, i32)]) -> Vec<libc::sock_filter> {
    let statement = |code: u32, k: u32| libc::sock_filter { code: u16::try_from(code).unwrap(), jt: 0, jf: 0, k };
    // The number is the first word of what it is given.
    let mut filter = vec![statement(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0)];
    for (call, error) in answers {
        let number = u32::try_from(*call).unwrap();
        filter.push(libc::sock_filter { jf: 1, ..statement(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, number) });
        let answer = libc::SECCOMP_RET_ERRNO | u32::try_from(*error).unwrap();
        filter.push(statement(libc::BPF_RET | libc::BPF_K, answer));
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, libc::SECCOMP_RET_ALLOW));
    filter
}

fn install(filter: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the program lives longer than the call, which copies it.
    let done = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if done { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const PROGRAM: &str = "WHICH_PROGRAM";
