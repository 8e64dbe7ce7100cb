//! A trail whose records a real receiver gets, and what it got of decisions.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use auditrail::Trail;
use auditrail::config::{Environment, Notice};
use auditrail::record::{Record, Value, names};
use auditrail::serve::Receiver;
use auditrail::trail::{Actor, TrailBuilder};

/// A trail of which alice is the actor.
pub(crate) struct Decided {
    pub(crate) trail: Trail,
    receiver: Receiver,
    directory: tempfile::TempDir,
    notices: Arc<Mutex<Vec<Notice>>>,
}

impl Decided {
    pub(crate) async fn with(build: impl FnOnce(TrailBuilder) -> TrailBuilder) -> Self {
        let receiver = Receiver::builder().start().await.unwrap();
        let (directory, notices) = (tempfile::tempdir().unwrap(), Arc::<Mutex<Vec<Notice>>>::default());
        let said = notices.clone();
        let builder = Trail::builder("decided")
            .environment(Environment::default())
            .directory(directory.path())
            .endpoint(receiver.grpc_endpoint().unwrap())
            .actor(|_| Some(Actor::verified("alice")))
            .on_notice(move |notice| said.lock().unwrap().push(notice.clone()));
        Self { trail: build(builder).start().unwrap(), receiver, directory, notices }
    }

    /// Everything that arrived, but for what the trail tells of itself. No canary is in it, nor in the journal, nor in a
    /// notice.
    pub(crate) async fn records(&self) -> Vec<Record> {
        let journal = bytes_below(self.directory.path());
        assert!(journal.windows(5).any(|bytes| bytes == b"alice"), "the journal is looked into");
        self.trail.flush(Duration::from_secs(120)).await.unwrap();
        let received = self.receiver.records();
        let wire: Vec<u8> = received.iter().flat_map(|record| record.bytes.to_vec()).collect();
        let said = format!("{:?}", self.notices.lock().unwrap());
        for (place, bytes) in [("journal", &journal[..]), ("receiver", &wire), ("notices", said.as_bytes())] {
            assert!(!bytes.windows(6).any(|bytes| bytes.eq_ignore_ascii_case(b"canary")), "in the {place}");
        }
        let records = received.iter().map(|received| Record::decode(&received.bytes).unwrap());
        records.filter(|record| record.event_name != "auditrail.lifecycle").collect()
    }
}

fn bytes_below(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        bytes.extend(if path.is_dir() { bytes_below(&path) } else { std::fs::read(&path).unwrap() });
    }
    bytes
}

/// The one decision among them.
pub(crate) fn only_decision(records: &[Record]) -> &Record {
    match &decisions(records)[..] {
        [decision] => decision,
        other => panic!("{other:#?}"),
    }
}

pub(crate) fn decisions(records: &[Record]) -> Vec<&Record> {
    records
        .iter()
        .filter(|record| ["auditrail.authn", "auditrail.authz"].contains(&record.event_name.as_ref()))
        .collect()
}

/// Checks who decided what, why and by which rule about which tool of whom, and that nothing more is said of the decision.
pub(crate) fn says(record: &Record, expected: &[(&str, &str)]) {
    for (name, value) in expected {
        let said = match record.get(name) {
            Some(Value::Int(number)) => Some(number.to_string()),
            Some(Value::Bool(is_so)) => Some(is_so.to_string()),
            Some(Value::Array(values)) => Some(values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
            _ => record.text(name).map(str::to_owned),
        };
        assert_eq!(said.as_deref().unwrap_or("-"), *value, "{name} of {record:#?}");
    }
    assert_eq!(record.text(names::AUDITRAIL_PHASE), None, "a decision is a moment");
    assert_eq!(record.text(names::AUDIT_ACTOR_ID), Some("alice"), "{record:#?}");
}

/// The response half of the only call of that event.
pub(crate) fn response<'a>(records: &'a [Record], event: &str) -> &'a Record {
    let is_response = |record: &&Record| record.text(names::AUDITRAIL_PHASE) == Some("response");
    let mut halves = records.iter().filter(|record| record.event_name == event).filter(is_response);
    let response = halves.next().unwrap_or_else(|| panic!("no {event}: {records:#?}"));
    assert!(halves.next().is_none(), "{records:#?}");
    response
}
