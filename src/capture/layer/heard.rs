//! Which `tracing` event the layer of a trail is about to record, for a log bridge that emits it through the Logs API, too.

use std::cell::Cell;

use tracing::Metadata;

use crate::trail::Core;

/// The trail, and the call site.
type Heard = (usize, &'static Metadata<'static>);

thread_local!(static HEARD: Cell<Option<Heard>> = const { Cell::new(None) });

/// The event is about to be recorded. Every layer is asked whether it is enabled before any gets it.
pub(super) fn note(core: &Core, metadata: &'static Metadata<'static>) {
    HEARD.set(Some((address(core), metadata)));
}

/// Whether a log record of that name and target is that of the event of which the layer of that trail was told last. The name is
/// the one of the call site itself, at its address. A constant may name records that are emitted directly, too: those have no
/// target, which a bridge takes from the call site.
pub(in crate::capture) fn is_heard(core: &Core, name: &'static str, target: Option<&str>) -> bool {
    HEARD.get().is_some_and(|(trail, metadata)| {
        trail == address(core)
            && std::ptr::eq(metadata.name().as_ptr(), name.as_ptr())
            && target == Some(metadata.target())
    })
}

fn address(core: &Core) -> usize {
    std::ptr::from_ref(core).addr()
}
