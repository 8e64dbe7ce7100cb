use std::future::{pending, poll_fn, ready};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Wake;

use super::*;

/// An executor that is no more than a thread which sleeps until it is woken.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut work = std::pin::pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        thread::park();
    }
}

#[test]
fn what_is_ready_is_never_late_and_what_never_comes_is() {
    assert_eq!(block_on(within(Duration::ZERO, ready(7))), Ok(7));
    assert_eq!(block_on(within(Duration::ZERO, pending::<()>())), Err(Late));
    assert_eq!(block_on(within(Duration::from_millis(1), pending::<()>())), Err(Late));
}

/// A later one that waits already does not hold up an earlier one, nor an earlier one that is forgotten the later.
#[test]
fn deadlines_do_not_hold_up_each_other() {
    let (begun, begins) = channel();
    let far = thread::spawn(move || {
        let mut asked = false;
        let work = poll_fn(|_| {
            if std::mem::replace(&mut asked, true) {
                return Poll::Ready(());
            }
            begun.send(()).unwrap();
            Poll::Pending
        });
        // It ends only by being woken for its own time.
        block_on(within(Duration::from_millis(300), work))
    });
    begins.recv().unwrap();
    assert_eq!(block_on(within(Duration::from_millis(1), pending::<()>())), Err(Late));
    let mut forgotten = Box::pin(within(Duration::from_millis(20), pending::<()>()));
    assert!(forgotten.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(forgotten);
    assert_eq!(far.join().unwrap(), Ok(()));
}

/// A time that no clock can say is no time that is over.
#[test]
fn a_deadline_without_end_never_comes() {
    let (send, receive): (Sender<()>, Receiver<()>) = channel();
    let waits = thread::spawn(move || {
        block_on(within(
            Duration::MAX,
            poll_fn(move |context| match receive.try_recv() {
                Ok(()) => Poll::Ready(()),
                Err(_) => {
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
            }),
        ))
    });
    send.send(()).unwrap();
    assert_eq!(waits.join().unwrap(), Ok(()));
}
