//! One message of very many calls, read by a server in the same process.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};

use auditrail::record::names;
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};

use crate::faulty_fs::FaultyFs;
use crate::support::{Bench, ending};

/// Some megabytes of records, and more than are open at once.
const CALLS: usize = 10_000;

fn batch() -> Vec<u8> {
    let call = |id| format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"a"}}}}"#);
    format!("[{}]\n", (0..CALLS).map(call).collect::<Vec<_>>().join(",")).into_bytes()
}

/// All were told, in whatever way they ended.
fn assert_all_recorded(bench: &Bench) {
    let records = bench.records();
    for phase in ["request", "response"] {
        let of_phase = records.iter().filter(|record| ending(record).0 == phase);
        assert_eq!(
            of_phase.filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some("a")).count(),
            CALLS,
            "{phase}"
        );
    }
    assert!(records.iter().all(|record| record.event_name != "auditrail.gap"));
    assert_eq!(bench.trail.counts().refused, 0);
}

#[tokio::test(flavor = "current_thread")]
async fn others_have_their_turn_within_a_batch() {
    let (bench, sent, turns) = (Bench::new(), batch(), Arc::<AtomicUsize>::default());
    let (mut server, _output) = bench.trail.tap(&sent[..], tokio::io::sink()).into_streams();
    let counting = turns.clone();
    let beside = tokio::spawn(async move {
        loop {
            counting.fetch_add(1, SeqCst);
            tokio::task::yield_now().await;
        }
    });
    // As much at once as the server likes.
    let mut heard = vec![0; sent.len()];
    server.read_exact(&mut heard).await.unwrap();
    let turns = turns.load(SeqCst);
    beside.abort();
    assert!(heard == sent, "what passes is what was sent");
    assert!(turns > CALLS / 200, "{turns} turns beside {CALLS} calls");
    drop((server, _output));
    assert_all_recorded(&bench);
}

/// Whether it was woken.
#[derive(Debug, Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, SeqCst);
    }
}

#[test]
fn who_says_more_than_the_disk_takes_waits_for_it() {
    let fs = FaultyFs::default();
    let (bench, sent) = (Bench::with(|builder| builder.fs(fs.clone())), batch());
    let (mut server, output) = bench.trail.tap(&sent[..], tokio::io::sink()).into_streams();
    bench.records();
    fs.hold();
    let woken = Arc::<Woken>::default();
    let (waker, mut heard, mut at) = (Waker::from(woken.clone()), vec![0; sent.len()], 0);
    let mut read = |is_held: bool| {
        while at < heard.len() {
            let mut buffer = ReadBuf::new(&mut heard[at..]);
            woken.0.store(false, SeqCst);
            match Pin::new(&mut server).poll_read(&mut Context::from_waker(&waker), &mut buffer) {
                Poll::Ready(read) => read.unwrap(),
                // Nobody but the disk would wake it.
                Poll::Pending if is_held && !woken.0.load(SeqCst) => break,
                Poll::Pending => std::thread::yield_now(),
            }
            at += buffer.filled().len();
        }
        at
    };
    let before = read(true);
    fs.release();
    assert!(before < sent.len(), "it waited for nothing");
    assert_eq!(read(false), sent.len());
    assert!(heard == sent, "what passes is what was sent");
    drop((server, output));
    assert_all_recorded(&bench);
}
