//! Many sessions whose clients read slowly.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use auditrail::record::{Record, names};
use auditrail::serve::Receiver;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::processes::{EVENTS, LAST, Process, request};

pub(crate) fn run(sessions: usize) {
    let server = Process::role("streams", "");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let receiver = runtime.block_on(Receiver::builder().start()).unwrap();
    println!("\n{:8} {:>8} {:>8} {:>8} {:>8} {:>8}   memory", "crowd", "complete", "median", "slowest", "ratio", "cpu");
    let relay = Process::role("relay", &server.address.to_string());
    figures("relay", sessions, &relay);
    let proxy = Process::proxy(server.address, receiver.grpc_addr().unwrap(), "");
    figures("proxy", sessions, &proxy);
    proxy.end();
    let mut calls = BTreeMap::<_, BTreeSet<String>>::new();
    for received in receiver.records() {
        let record = Record::from_proto(received.record.clone()).unwrap();
        let text = |name| record.text(name).map(ToOwned::to_owned);
        if let Some((call, phase)) = text(names::AUDITRAIL_CALL_ID).zip(text(names::AUDITRAIL_PHASE)) {
            calls.entry(call).or_default().insert(phase);
        }
    }
    let pairs = calls.values().filter(|phases| phases.len() == 2).count();
    println!("{pairs} calls of {} have their pair of records", calls.len());
    assert_eq!((pairs, calls.len()), (sessions, sessions));
}

fn figures(name: &str, sessions: usize, process: &Process) {
    let (before, cpu, done) = (process.memory(), process.cpu(), AtomicBool::new(false));
    let (mut times, most) = std::thread::scope(|scope| {
        let most = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(process.memory());
                std::thread::sleep(Duration::from_millis(50));
            }
            most
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let times = runtime.block_on(all(sessions, process.address));
        done.store(true, Ordering::Relaxed);
        (times, most.join().unwrap())
    });
    times.sort_unstable();
    let [median, slowest] = [times.len() / 2, times.len() - 1].map(|at| times[at].as_secs_f64());
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    println!(
        "{name:8} {:>8} {median:>6.2} s {slowest:>6.2} s {:>8.2} {:>6.2} s   {:.1} MB idle, {:.1} MB at most, {:.0} kB a session",
        times.len(),
        slowest / median,
        process.cpu() - cpu,
        megabytes(before),
        megabytes(most),
        (most - before) as f64 / 1e3 / sessions as f64,
    );
}

async fn all(sessions: usize, address: SocketAddr) -> Vec<Duration> {
    let running: Vec<_> = (0..sessions).map(|_| tokio::spawn(session(address))).collect();
    let mut times = Vec::new();
    for session in running {
        times.push(session.await.unwrap());
    }
    times
}

/// Reads 64 kB, pauses, and so on, and sees that everything came.
async fn session(address: SocketAddr) -> Duration {
    let begun = Instant::now();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(32 * 1024).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(&request("")).await.unwrap();
    let (mut length, mut tail, mut buffer) = (0, Vec::new(), vec![0; 64 * 1024]);
    let end = format!("{LAST}\r\n0\r\n\r\n");
    while !tail.ends_with(end.as_bytes()) {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "it broke off after {length} bytes");
        length += read;
        tail.extend_from_slice(&buffer[..read]);
        tail.drain(..tail.len().saturating_sub(end.len()));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(length > EVENTS * 1000, "only {length} bytes came");
    begun.elapsed()
}
