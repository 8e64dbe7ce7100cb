//! The policy of the proxy: what it keeps, and that it is read again when its file changes.

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;

use crate::rig::{PATIENCE, Proxy, call, within};

fn rule(tool: &str) -> String {
    format!("[[rule]]\nname = \"quiet\"\nmatch = {{ tool = \"{tool}\" }}\nlevel = \"none\"\n")
}

fn all(receiver: &Receiver) -> Vec<Record> {
    let mut records: Vec<_> =
        receiver.records().iter().map(|received| Record::decode(&received.bytes).unwrap()).collect();
    records.sort_by_key(|record| record.time_unix_nano);
    records
}

/// Waits for a record of that event and that action or error.
fn arrives(receiver: &Receiver, event: &str, name: &str, value: &str) {
    let is_it = |record: &Record| record.event_name == event && record.text(name) == Some(value);
    let there = within(PATIENCE, || all(receiver).iter().any(is_it).then_some(()));
    there.unwrap_or_else(|| panic!("no {event} with {value}: {:#?}", all(receiver)));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_read_again_when_the_file_changes_and_a_mistake_leaves_it_as_it_was() {
    let receiver = Receiver::builder().start().await.unwrap();
    let proxy = Proxy::of(&["cat"]).configured(&rule("one*")).collector(&receiver);
    let path = proxy.file("auditrail.toml");
    let (played, receiver) = tokio::task::spawn_blocking(move || {
        let mut running = proxy.start();
        let mut say = |id, tool: &str| {
            running.send(&call(id, tool));
            running.read_until(&format!("\"id\":{id}"));
        };
        say(1, "one");
        say(2, "two");
        std::fs::write(&path, rule("two*")).unwrap();
        arrives(&receiver, "auditrail.policy", names::AUDIT_ACTION, "UPDATE");
        say(3, "one");
        say(4, "two");
        std::fs::write(&path, rule("one*").replace("level", "levle")).unwrap();
        arrives(&receiver, "auditrail.lifecycle", names::ERROR_TYPE, "policy_unusable");
        say(5, "one");
        say(6, "two");
        (running.end(), receiver)
    })
    .await
    .unwrap();
    assert_eq!(played.code(), 0, "{}", played.said);
    assert!(played.said.contains("auditrail.toml:4:1: "), "{}", played.said);
    assert!(played.said.contains("did you mean `level`?"), "{}", played.said);
    let records = all(&receiver);
    // `cat` asks its client the same.
    let mut kept: Vec<_> = records
        .iter()
        .filter(|record| record.text(names::AUDITRAIL_MCP_DIRECTION) == Some("client_to_server"))
        .filter(|record| record.text(names::AUDITRAIL_PHASE) == Some("request"))
        .map(|record| record.text(names::JSONRPC_REQUEST_ID).unwrap())
        .collect();
    kept.sort_unstable();
    assert_eq!(kept, ["2", "3", "5"]);
    let digests: Vec<_> = records
        .iter()
        .filter(|record| record.event_name == "auditrail.policy")
        .map(|record| {
            [names::AUDITRAIL_POLICY_PREVIOUS_DIGEST, names::AUDITRAIL_POLICY_DIGEST].map(|name| record.text(name))
        })
        .collect();
    assert_eq!(digests.len(), 2, "{digests:?}");
    assert_eq!(digests[1][0], digests[0][1]);
    assert!(digests[0][1] != digests[1][1] && digests[0][0].is_none());
    // Both ways, and both halves, of three calls.
    let gaps = records.iter().filter(|record| record.event_name == "auditrail.gap");
    let told: i64 = gaps
        .map(|gap| match gap.get(names::AUDITRAIL_GAP_COUNT) {
            Some(auditrail::record::Value::Int(count)) => *count,
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(told, 12);
}
