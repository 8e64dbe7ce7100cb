//! The bounds of a configuration file.

use auditrail::policy::Bounds;

use super::shape::BoundsSettings;

impl From<&BoundsSettings> for Bounds {
    fn from(settings: &BoundsSettings) -> Self {
        let mut bounds = Self::default();
        set(&mut bounds.garbage_per_message, settings.garbage_per_message);
        set(&mut bounds.garbage_per_second, settings.garbage_per_second);
        set(&mut bounds.repeated_per_byte, settings.repeated_per_byte);
        set(&mut bounds.held_bytes, settings.held_bytes);
        set(&mut bounds.sessions, settings.sessions);
        set(&mut bounds.open_calls, settings.open_calls);
        bounds
    }
}

fn set<T>(bound: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *bound = said;
    }
}
