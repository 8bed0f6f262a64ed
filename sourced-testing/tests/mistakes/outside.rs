//! What lies outside of the shop: a bank and a mail server, which do what they are told, and once for each key.

use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Bank(Mutex<Vec<Done>>);

#[derive(Debug, Default)]
pub(crate) struct Post(Mutex<Vec<Done>>);

/// What was done, and under which key.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) what: String,
    pub(crate) key: Option<String>,
}

impl Bank {
    /// Moves money, unless it has done so before under this key.
    pub(crate) fn pay(&self, what: &str, key: Option<String>) {
        once(&self.0, what, key);
    }

    /// All payments, in order.
    pub(crate) fn paid(&self) -> Vec<Done> {
        lock(&self.0).clone()
    }
}

impl Post {
    /// Sends a mail, unless it has done so before under this key.
    pub(crate) fn send(&self, what: &str, key: String) {
        once(&self.0, what, Some(key));
    }

    /// All mails that were sent, in order.
    pub(crate) fn sent(&self) -> Vec<Done> {
        lock(&self.0).clone()
    }
}

fn once(all: &Mutex<Vec<Done>>, what: &str, key: Option<String>) {
    let mut all = lock(all);
    let is_known = key.is_some() && all.iter().any(|done| done.key == key);
    if !is_known {
        let what = what.to_owned();
        all.push(Done { what, key });
    }
}

fn lock(all: &Mutex<Vec<Done>>) -> MutexGuard<'_, Vec<Done>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}
