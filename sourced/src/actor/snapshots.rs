//! Snapshots of an actor: which fit the code that is running, and when a new one is taken.

use std::sync::OnceLock;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::shape::shape_of;
use crate::message::{Payload, PayloadError};

/// A state that can be stored as a snapshot.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has `snapshot_every`, but cannot be stored",
    label = "neither `serde::Serialize` nor `serde::de::DeserializeOwned`, or only one of them",
    note = "help: add `#[derive(serde::Serialize, serde::Deserialize)]` to `{Self}`, or remove `snapshot_every`"
)]
pub trait SnapshotState: Serialize + DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> SnapshotState for T {}

/// What a snapshot has to bear to be used: it changes with the code that makes the state, the shape of the state, and the
/// version that is written by hand for everything else.
#[derive(Debug)]
pub struct Fingerprint {
    code: u64,
    version: u64,
    whole: OnceLock<u64>,
}

impl Fingerprint {
    /// Of code with this hash. `#[actor]` keeps one in a `static`.
    pub const fn of_code(code: u64, version: u64) -> Self {
        Self {
            code,
            version,
            whole: OnceLock::new(),
        }
    }

    /// The number that is stored. The shape is looked at once, since it never changes while the program runs.
    fn get(&self, shape: fn() -> String) -> u64 {
        *self.whole.get_or_init(|| {
            let parts = [self.code.to_le_bytes(), self.version.to_le_bytes()];
            fnv1a(parts.as_flattened().iter().chain(shape().as_bytes()))
        })
    }
}

/// How an actor takes snapshots.
pub(super) struct SnapshotRule<A> {
    every: usize,
    fingerprint: &'static Fingerprint,
    shape: fn() -> String,
    encode: fn(&A) -> Result<Payload, PayloadError>,
    decode: fn(&Payload) -> Result<A, PayloadError>,
}

impl<A: SnapshotState> SnapshotRule<A> {
    /// One after every so many events.
    pub(super) fn every(every: u32, fingerprint: &'static Fingerprint) -> Self {
        Self {
            every: usize::try_from(every.max(1)).unwrap_or(usize::MAX),
            fingerprint,
            shape: shape_of::<A>,
            encode: Payload::encode::<A>,
            decode: Payload::decode::<A>,
        }
    }
}

impl<A> SnapshotRule<A> {
    pub(super) fn fingerprint(&self) -> u64 {
        self.fingerprint.get(self.shape)
    }

    /// Whether one is due when there are so many events since the last one, and were so many before.
    pub(super) fn is_due(&self, before: usize, now: usize) -> bool {
        before / self.every < now / self.every
    }

    pub(super) fn encode(&self, state: &A) -> Result<Payload, PayloadError> {
        (self.encode)(state)
    }

    pub(super) fn decode(&self, state: &Payload) -> Result<A, PayloadError> {
        (self.decode)(state)
    }
}

/// FNV-1a of 64 bits. What it gives is stored, so it never changes.
fn fnv1a<'b>(bytes: impl IntoIterator<Item = &'b u8>) -> u64 {
    bytes.into_iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::fnv1a;

    #[test]
    fn the_hash_is_that_of_the_books() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
