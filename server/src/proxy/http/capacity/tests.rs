use super::client::{ExchangeGuard, ExchangeStart};
use super::connections::{ClientSlot, Connections};
use super::descriptors::ConnectionLimits;

fn room(most: usize, margin: usize) -> Connections {
    Connections::sharing(ConnectionLimits { most, margin })
}

fn occupy(slot: &ClientSlot) -> ExchangeGuard {
    match slot.client().begin() {
        ExchangeStart::Open(guard) => guard,
        other => panic!("{other:?}"),
    }
}

fn is_closing(slot: &ClientSlot) -> bool {
    matches!(slot.client().begin(), ExchangeStart::Closing)
}

#[test]
fn half_of_what_the_limit_leaves_is_for_clients() {
    // The limit, and the process's own share of it at least.
    for (limit, own) in [(64, 30), (128, 60), (256, 64), (1024, 128), (20_000, 1024), (1 << 20, 1024)] {
        let ConnectionLimits { most, margin } = ConnectionLimits::of(limit);
        assert!(2 * most + margin + own <= usize::try_from(limit).unwrap(), "{limit}: {most}, {margin}");
        assert!(most >= usize::try_from(limit).unwrap().min(20_000) / 5, "{limit}: {most} are few");
    }
    assert_eq!(ConnectionLimits::of(u64::MAX).most, 10_000);
    assert!(ConnectionLimits::of(0).most == 1 && ConnectionLimits::of(8).most >= 1);
}

#[test]
fn invariant_2_the_oldest_that_never_asked_goes_first_and_then_the_longest_idle() {
    let room = room(4, 4);
    let asked = room.try_acquire().unwrap();
    drop(occupy(&asked));
    let busy = room.try_acquire().unwrap();
    let _exchange = occupy(&busy);
    let (silent, later) = (room.try_acquire().unwrap(), room.try_acquire().unwrap());
    let first = room.try_acquire().unwrap();
    assert!(first.has_evicted && is_closing(&silent) && !busy.has_evicted);
    let _going = occupy(&first);
    let second = room.try_acquire().unwrap();
    assert!(second.has_evicted && is_closing(&later));
    let _going = occupy(&second);
    assert!(room.try_acquire().unwrap().has_evicted && is_closing(&asked), "it asked before, and goes last");
    assert!(matches!(busy.client().begin(), ExchangeStart::Open(_)), "it is never closed");
}

#[test]
fn invariant_1_beyond_the_bound_there_are_no_more_than_the_margin() {
    let room = room(2, 1);
    let (a, b) = (room.try_acquire().unwrap(), room.try_acquire().unwrap());
    let (going, _other) = (occupy(&a), occupy(&b));
    let beyond = room.try_acquire().unwrap();
    assert!(!beyond.has_evicted);
    let ExchangeStart::Full(told) = beyond.client().begin() else { panic!("there is no room") };
    assert!(room.try_acquire().is_none(), "all are occupied, and the margin is, too");
    drop(told);
    drop(going);
    let ExchangeStart::Open(_) = beyond.client().begin() else { panic!("one has become idle, and is closed for it") };
    assert!(is_closing(&a));
    assert!(room.try_acquire().is_none(), "not before it is gone");
    drop(a);
    assert!(room.try_acquire().is_some());
}

#[test]
fn what_has_left_leaves_nothing_behind() {
    let room = room(3, 1);
    for _ in 0..10 {
        let places: Vec<_> = (0..4).filter_map(|_| room.try_acquire()).collect();
        let exchanges: Vec<_> = places.iter().map(|slot| slot.client().begin()).collect();
        drop(places);
        drop(exchanges);
    }
    let servers: Vec<_> = (0..5).filter_map(|_| room.try_acquire_server()).collect();
    assert_eq!(servers.len(), 3);
    drop(servers);
    assert!(room.try_acquire_server().is_some());
    let table = room.0.table();
    assert_eq!(format!("{table:?}").matches("ClientEntry {").count(), 0);
    assert!(format!("{table:?}").contains("idle: {}, closing: 0, servers: 0"), "{table:?}");
}

#[tokio::test]
async fn who_waits_enters_when_somebody_leaves() {
    let room = room(1, 0);
    let slot = room.try_acquire().unwrap();
    let exchange = occupy(&slot);
    let mut waiting = std::pin::pin!(room.acquire());
    assert!(futures_poll(waiting.as_mut()).is_none());
    drop(exchange);
    assert!(futures_poll(waiting.as_mut()).is_none(), "it is told to go, and has not gone");
    assert!(is_closing(&slot));
    drop(slot);
    assert!(futures_poll(waiting.as_mut()).is_some());
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    match future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}
