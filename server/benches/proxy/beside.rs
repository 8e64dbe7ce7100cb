//! What the benches of the proxy share: callers that alternate between proxy and relay, a collector, and a configuration.

use std::time::Duration;

/// The client of a candidate.
pub(crate) trait Caller {
    /// Makes a call, and says how long it took.
    fn call(&mut self) -> Duration;
}

/// Lets them take turns, and prints their times beside those of the second, the relay.
pub(crate) fn run<C: Caller>(title: &str, callers: &mut [(&str, C)], (rounds, burst): (usize, usize)) {
    // The first calls find nothing warm.
    for (_, caller) in callers.iter_mut() {
        (0..burst).for_each(|_| _ = caller.call());
    }
    let mut times = vec![Vec::new(); callers.len()];
    for round in 0..rounds {
        for turn in 0..callers.len() {
            let at = (round + turn) % callers.len();
            times[at].extend((0..burst).map(|_| callers[at].1.call()));
        }
    }
    let quantiles: Vec<_> = times.iter_mut().map(|times| quantiles(times)).collect();
    println!("{title:8} {:>9} {:>9}   {:>9} {:>9}   calls", "p50", "p99", "added p50", "added p99");
    for (at, (name, _)) in callers.iter().enumerate() {
        let ([p50, p99], [relay50, relay99]) = (quantiles[at], quantiles[1]);
        let (more50, more99, count) = (p50 - relay50, p99 - relay99, times[at].len());
        println!("{name:8} {p50:>6.1} µs {p99:>6.1} µs   {more50:>+6.1} µs {more99:>+6.1} µs   {count}");
    }
}

/// The median and the 99th percentile, in µs.
fn quantiles(times: &mut [Duration]) -> [f64; 2] {
    times.sort_unstable();
    [50, 99].map(|percent| times[(times.len() * percent / 100).min(times.len() - 1)].as_secs_f64() * 1e6)
}

/// Takes everything, and prints where it listens.
pub(crate) fn collector() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let receiver = auditrail::serve::Receiver::builder().start().await.unwrap();
        println!("{}", receiver.grpc_endpoint().unwrap());
        std::future::pending::<()>().await;
    });
}

/// Calls have no spans: what the relay has none of, either.
pub(crate) const SPANLESS: &str = "[trace]\nexport = false\n";
/// Every call waits until its record survives a power loss.
pub(crate) const SYNCED: &str = "[class.c]\nacknowledge = \"synced\"\n[[rule]]\nmatch = {}\nclass = \"c\"\n";
/// Who acts is known: over stdio by the environment, over HTTP by a header of a trusted hop.
pub(crate) const KNOWN: &str = "[identity]\nenvironment = { user = \"BENCH_USER\" }\ntrusted = [\"127.0.0.1/32\"]\n\
                                headers = { user = \"x-user\", authenticated = true }\n";
