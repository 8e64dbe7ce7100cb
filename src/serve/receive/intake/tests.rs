use std::future::pending;

use super::*;
use crate::serve::received::RingLimits;

/// Time is the runtime's, which goes on by itself when nothing else is to be done.
#[tokio::test(start_paused = true)]
async fn who_does_not_send_what_was_announced_gives_the_turn_back() {
    let limits = RingLimits { items: 1, bytes: 1 };
    let intake = Intake::new(Received::new(limits, limits, 0), 1);
    let mut hanging = tokio::task::JoinSet::new();
    for _turn in 0..MAX_UNDER_WAY {
        let intake = intake.clone();
        hanging.spawn(async move { intake.in_turn(pending::<()>()).await });
    }
    tokio::task::yield_now().await;
    assert_eq!(intake.turns.available_permits(), 0);
    while let Some(ended) = hanging.join_next().await {
        assert!(matches!(ended.unwrap(), Err(ReceiveError::Slow { within: MAX_TIME })));
    }
    assert!(intake.in_turn(std::future::ready(())).await.is_ok());
}
