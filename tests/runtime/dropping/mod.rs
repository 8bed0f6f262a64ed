//! What is given up: any public future may be dropped at any await.

mod cut;
mod joined;

pub use joined::*;
