//! Invariant 6, by the table of processes: nothing of the server outlives the proxy.

#![cfg(target_os = "linux")]

use crate::rig::{PATIENCE, Proxy, within};

/// The processes with that argument that are not dead.
fn processes(marker: &str) -> Vec<String> {
    let commands = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let command = std::fs::read(entry.ok()?.path().join("cmdline")).ok()?;
        Some(String::from_utf8_lossy(&command).replace('\0', " "))
    });
    // The test's own shell is not meant, nor the proxy, which has the whole script as an argument.
    commands.filter(|command| command.starts_with("sleep ") && command.contains(marker)).collect()
}

/// An argument of `sleep` that no other test has, nor another run of this one.
fn marker(number: u32) -> String {
    format!("{number}.{}", std::process::id())
}

fn all_gone(marker: &str) {
    let gone = within(PATIENCE, || processes(marker).is_empty().then_some(()));
    assert!(gone.is_some(), "{:?}", processes(marker));
}

#[test]
fn what_the_server_leaves_behind_ends_with_it() {
    let mark = marker(7001);
    let played = Proxy::of_script(&format!("sleep {mark} & sleep {mark} >/dev/null 2>&1 & exit 4")).send("");
    assert_eq!(played.code(), 4, "{}", played.said);
    assert_eq!(processes(&mark), [""; 0]);
}

#[test]
fn what_does_not_listen_is_killed() {
    let mark = marker(7002);
    let script = format!("(trap '' TERM; sleep {mark}) & (trap '' TERM HUP; exec sleep {mark}) & exit 4");
    let played = Proxy::of_script(&script).send("");
    assert_eq!(played.code(), 4, "{}", played.said);
    assert_eq!(processes(&mark), [""; 0]);
}

#[test]
fn a_signal_reaches_all_of_the_group() {
    let mark = marker(7003);
    let mut running = Proxy::of_script(&format!("sleep {mark} & echo ready; wait")).start();
    running.read_until("ready");
    running.signal("TERM");
    assert_eq!(running.ended().code(), 143);
    assert_eq!(processes(&mark), [""; 0]);
}

/// It has left the group, and is left alone; but nobody waits for it.
#[test]
fn who_leaves_the_group_is_not_waited_for() {
    let script =
        "setsid sh -c 'echo $$ >\"$DIR/pid\"; echo ready; exec sleep 7004' 2>/dev/null & cat >/dev/null; exit 4";
    let mut running = Proxy::of_script(script).start();
    running.read_until("ready");
    let played = running.end();
    let pid = String::from_utf8(played.file("pid")).unwrap();
    let alive = std::process::Command::new("sh")
        .args(["-c", "kill \"$@\"", "kill", "-s", "KILL", pid.trim()])
        .status()
        .unwrap();
    assert_eq!((played.code(), alive.success()), (4, true), "{}", played.said);
}

/// Even a server that ignores the end of its input, and all signals that can be ignored.
#[test]
fn a_proxy_that_is_killed_takes_the_server_with_it() {
    let mark = marker(7005);
    let mut running = Proxy::of_script(&format!("trap '' TERM HUP INT; echo ready; exec sleep {mark}")).start();
    running.read_until("ready");
    assert!(within(PATIENCE, || (processes(&mark).len() == 1).then_some(())).is_some());
    running.signal("KILL");
    all_gone(&mark);
}

/// The parent's death is told to the server's process alone. Those behind it see the end of their input.
#[test]
fn processes_behind_the_server_see_the_end_of_their_input() {
    let script = "exec 3<&0; { echo ready; cat <&3; echo >\"$DIR/end\"; } & exec 3<&- <&-; wait";
    let mut running = Proxy::of_script(script).start();
    running.read_until("ready");
    running.send("ping\n");
    running.read_until("ping");
    let end = running.directory.path().join("end");
    assert!(!end.exists());
    running.signal("KILL");
    assert!(within(PATIENCE, || end.exists().then_some(())).is_some(), "it does not see the end");
}
