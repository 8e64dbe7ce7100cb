//! A real file system (ext4 on a loop device, in a mount namespace of its own) that is frozen.
//!
//! Whatever becomes of the test, it is thawed: by a guard, by the shell that has started the test, and by a watchdog of that shell
//! which outlives both. Until then a thread that waits for it can be killed by nobody.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::{Outcome, names};
use auditrail::trail::{Acknowledge, Call, Class, RefusalKind, WhenFull};

use crate::support::Sunk;

pub const NAME: &str = "a_frozen_file_system_holds_up_nobody";
const MOUNTED: &str = "AUDITRAIL_TEST_FREEZES";
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(100);
const NEEDS: &str =
    "needs: mkfs.ext4, a loop device and fsfreeze, as root has them: sudo -E cargo test --test promise_frozen";

pub fn can_freeze() -> Result<(), String> {
    if std::env::var_os(MOUNTED).is_some() {
        return Ok(());
    }
    let directory = tempfile::tempdir().unwrap();
    match mounted(directory.path(), "fsfreeze -f \"$1\" && fsfreeze -u \"$1\"").output() {
        Ok(run) if run.status.success() => Ok(()),
        _ => Err(NEEDS.into()),
    }
}

/// Runs the test in a process of its own, on that file system.
pub async fn a_frozen_file_system_holds_up_nobody() {
    if let Some(mounted) = std::env::var_os(MOUNTED) {
        return calls_return_while_it_is_frozen(Path::new(&mounted)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let test = std::env::current_exe().unwrap();
    // The watchdog has no part in the output, which would not end before it does.
    let script = format!(
        "(sleep 120; fsfreeze -u \"$1\") >/dev/null 2>&1 & watchdog=$!; \
         {MOUNTED}=\"$1\" \"$2\" --exact --nocapture \"$3\"; code=$?; \
         fsfreeze -u \"$1\" 2>/dev/null; kill $watchdog; exit $code"
    );
    let Output { status, stdout, stderr } =
        mounted(directory.path(), &script).args([test.as_os_str(), NAME.as_ref()]).output().unwrap();
    let said = String::from_utf8_lossy(&stdout);
    assert!(status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&stderr));
}

/// What goes on once it is there. The mount, and with it the loop device, ends with the namespace.
fn mounted(directory: &Path, then: &str) -> Command {
    let script = format!(
        "cd \"$0\" && truncate -s 64M image && mkfs.ext4 -q image && mkdir mounted && mount -o loop image mounted || exit 1; {then}"
    );
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", &script]).arg(directory).arg(directory.join("mounted"));
    command
}

/// Thaws it.
struct Frozen(PathBuf);

impl Frozen {
    fn new(mounted: &Path) -> Self {
        assert!(Command::new("fsfreeze").arg("-f").arg(mounted).status().unwrap().success());
        Self(mounted.to_owned())
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        Command::new("fsfreeze").arg("-u").arg(&self.0).status().ok();
    }
}

const CLASSES: [Class; 5] = [
    Class { acknowledge: Acknowledge::Synced, when_full: WhenFull::Refuse, deadline: SHORT, ..Class::CRITICAL },
    Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Refuse, deadline: SHORT, ..Class::CRITICAL },
    Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Wait, deadline: SHORT, ..Class::CRITICAL },
    Class { acknowledge: Acknowledge::Synced, when_full: WhenFull::Shed, deadline: SHORT, ..Class::CRITICAL },
    Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Shed, deadline: SHORT, ..Class::CRITICAL },
];

async fn calls_return_while_it_is_frozen(mounted: &Path) {
    let sunk = Sunk::default();
    let trail = Trail::builder("frozen")
        .environment(Environment::default())
        .directory(mounted.join("state"))
        .connector(sunk.clone())
        .flush_timeout(SHORT)
        .classify(|call| CLASSES[call.name().unwrap().parse::<usize>().unwrap()])
        .class(CLASSES[4])
        .on_notice(|_| ())
        .start()
        .unwrap();
    let call = |number: usize| Call::mcp("tools/call").tool(number.to_string());
    trail.begin(call(0)).await.unwrap().finish(Outcome::ok()).await;
    trail.flush(LONG).await.unwrap();

    let frozen = Frozen::new(mounted);
    for (number, class) in CLASSES.iter().enumerate() {
        match trail.begin(call(number)).await {
            Ok(open) => {
                assert_eq!(class.when_full, WhenFull::Shed, "{class:?}");
                open.finish(Outcome::ok()).await;
            }
            Err(refused) => {
                assert_ne!(class.when_full, WhenFull::Shed, "{class:?}");
                assert_eq!(refused.kind, RefusalKind::Unrecorded);
            }
        }
    }
    // Whatever it says: it returns.
    let _flushed = trail.flush(SHORT).await;
    let counts = trail.counts();
    assert_eq!(counts.emitted, counts.acknowledged + counts.refused, "{counts:?}");
    drop(frozen);

    trail.begin(call(0)).await.unwrap().finish(Outcome::ok()).await;
    trail.flush(LONG).await.unwrap();
    let counts = trail.counts();
    assert_eq!((counts.pending, counts.lost, counts.quarantined), (0, 0, 0), "{counts:?}");
    assert!(counts.refused >= 5, "{counts:?}");
    let records = sunk.records();
    let of = |tool: &str| records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool)).count();
    assert_eq!([of("0"), of("1"), of("2"), of("3"), of("4")], [4, 0, 0, 0, 0]);
}
