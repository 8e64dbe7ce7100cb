use std::cell::Cell;

use tracing::subscriber::Interest;

use super::*;

struct Site;

impl tracing::Callsite for Site {
    fn set_interest(&self, _: Interest) {}

    fn metadata(&self) -> &tracing::Metadata<'_> {
        unreachable!("nobody asks for it")
    }
}

/// More sites than a table has slots: each keeps its own decision, and is asked once.
#[test]
fn every_site_keeps_what_was_first_decided() {
    let sites = CallSites::<Option<usize>>::default();
    // Sites of no size would share an address.
    let all: &'static [(Site, u8)] = Vec::leak((0..2000).map(|_| (Site, 0)).collect());
    let asked = Cell::new(0);
    for _ in 0..2 {
        for (index, (site, _)) in all.iter().enumerate() {
            let decide = || {
                asked.set(asked.get() + 1);
                Some(index)
            };
            assert_eq!(*sites.get(tracing::callsite::Identifier(site), decide), Some(index));
        }
    }
    assert_eq!(asked.get(), all.len());
}
