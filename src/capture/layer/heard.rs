//! Which `tracing` event the layer of a trail is about to record, for a log bridge that emits it through the Logs API, too.

use std::cell::Cell;

use tracing::Metadata;

use crate::trail::Core;

/// The trail, and the name of the call site: its address is that of no other text.
type Heard = (usize, *const u8);

thread_local!(static HEARD: Cell<Heard> = const { Cell::new((0, std::ptr::null())) });

/// The event is about to be recorded. Every layer is asked whether it is enabled before any gets it.
pub(super) fn note(core: &Core, metadata: &'static Metadata<'static>) {
    HEARD.set((address(core), metadata.name().as_ptr()));
}

/// Whether the event of that name is the one that the layer of that trail was told of last.
pub(in crate::capture) fn is_heard(core: &Core, name: &'static str) -> bool {
    HEARD.get() == (address(core), name.as_ptr())
}

fn address(core: &Core) -> usize {
    std::ptr::from_ref(core).addr()
}
