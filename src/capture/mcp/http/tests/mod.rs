mod body;
mod rig;
mod service;
mod sessions;
mod stream;
mod unreadable;
