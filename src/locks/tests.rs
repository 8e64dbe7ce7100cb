use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use super::{Condvar, Mutex, RwLock};

#[test]
fn a_panic_under_a_lock_takes_it_from_nobody() {
    let (mut mutex, lock, condvar) = (Mutex::new(1), RwLock::default(), Condvar::new());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let (mut number, mut text) = (mutex.lock(), lock.write());
        *number += 1;
        *text = "written";
        panic!("under both locks");
    }));
    assert!(panicked.is_err());
    assert_eq!((*mutex.lock(), *lock.read()), (2, "written"));
    assert_eq!(mutex.try_lock().map(|number| *number), Some(2));
    assert_eq!(*condvar.wait_timeout(mutex.lock(), Duration::ZERO), 2);
    assert_eq!(*condvar.wait_timeout_while(mutex.lock(), Duration::ZERO, |_| true), 2);
    assert_eq!(*mutex.get_mut(), 2);
}

#[test]
fn a_lock_that_is_held_is_not_taken() {
    let mutex = Mutex::new(());
    let held = mutex.lock();
    assert!(mutex.try_lock().is_none());
    drop(held);
    assert!(mutex.try_lock().is_some());
}
