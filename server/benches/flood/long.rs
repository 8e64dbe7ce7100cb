//! All floods together, for any time, with a collector that accepts the records; checks whether any is missing.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::client::{Client, post};
use crate::collector::{Came, Collector};
use crate::proxy::Proxy;
use crate::{CALLS, ECHO, GARBAGE, echo, floods};

const FLOODER: &str = "192.0.2.1";
const OTHER: &str = "192.0.2.2";

/// What was sent and answered.
#[derive(Debug, Default)]
struct Sent {
    calls: AtomicU64,
    garbage: AtomicU64,
    of_other: AtomicU64,
}

pub(crate) fn run(time: Duration) -> ExitCode {
    let collector = Collector::start(ECHO);
    let proxy = Proxy::shipping_to(collector.address);
    let (stop, sent, begun) = (Arc::<AtomicBool>::default(), Arc::<Sent>::default(), Instant::now());
    let from = |address: &str| format!("X-Forwarded-For: {address}\r\n");
    let [calls, garbage, sessions] = floods(1, &from(FLOODER));
    let other = post(&from(OTHER), &echo());
    let senders = [(calls, CALLS, 0, 0), (garbage, 0, GARBAGE, 0), (sessions, 1, 0, 0), (other, 0, 0, 1)];
    let senders = senders.map(|(request, calls, garbage, of_other)| {
        let (stop, sent, address) = (stop.clone(), sent.clone(), proxy.address);
        thread::spawn(move || {
            let mut client = Client::of(address);
            while !stop.load(Ordering::Relaxed) {
                client.ask(&request);
                sent.calls.fetch_add(calls as u64, Ordering::Relaxed);
                sent.garbage.fetch_add(garbage as u64, Ordering::Relaxed);
                sent.of_other.fetch_add(of_other, Ordering::Relaxed);
            }
        })
    });
    while begun.elapsed() < time {
        let left = time.saturating_sub(begun.elapsed());
        thread::sleep(left.min(Duration::from_secs(60)));
        let (calls, of_other) = (sent.calls.load(Ordering::Relaxed), sent.of_other.load(Ordering::Relaxed));
        let memory = proxy.most_memory() >> 20;
        println!(
            "{:>6} s: {calls} calls of the flooder, {of_other} of the other, {memory} MB",
            begun.elapsed().as_secs()
        );
    }
    stop.store(true, Ordering::Relaxed);
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let memory = proxy.most_memory() >> 20;
    proxy.end();
    report(&sent, &collector.came(), memory)
}

/// Fails where a record is missing that no gap record tells of, or any of the other's.
fn report(sent: &Sent, came: &Came, memory: u64) -> ExitCode {
    let [calls, garbage, of_other] =
        [&sent.calls, &sent.garbage, &sent.of_other].map(|count| count.load(Ordering::Relaxed));
    let Came { of_tool, of_others, left_out, .. } = came;
    println!("calls of the flooder: {calls} sent, {} pairs recorded", of_others.pairs);
    println!("calls of the other:   {of_other} sent, {} pairs recorded", of_tool.pairs);
    println!("garbage:              {garbage} sent, {} told", came.garbage);
    println!("records refused:      {} ({left_out:?})", left_out.values().sum::<i64>());
    println!("memory:               {memory} MB at most");
    let missing = (2 * calls).saturating_sub(2 * of_others.pairs + of_others.single.len() as u64);
    let told = left_out.iter().filter(|(whose, _)| *whose != OTHER).map(|(_, count)| *count as u64).sum::<u64>();
    // Records of garbage that were left out are among those that are told.
    let is_whole = missing <= told && of_tool.pairs == of_other && !left_out.contains_key(OTHER);
    if is_whole {
        println!("no record is missing that is not told");
        return ExitCode::SUCCESS;
    }
    println!(
        "MISSING: {missing} records of the flooder, of which {told} are told, and {} pairs of the other",
        of_other.saturating_sub(of_tool.pairs)
    );
    ExitCode::FAILURE
}
