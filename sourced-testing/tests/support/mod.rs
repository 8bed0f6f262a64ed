//! Assertions that fail, and where.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

/// A file and a line.
pub(crate) type Place = (String, u32);

thread_local! {
    /// Where the failure is that the test asks for; `None` while it asks for none.
    static ASKED_FOR: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// The text with which this test fails, and where.
pub(crate) fn failure_at(asserted: impl FnOnce()) -> (String, Place) {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let others = take_hook();
        set_hook(Box::new(move |panic| {
            let is_asked_for = ASKED_FOR.with_borrow_mut(|asked_for| {
                let (Some(asked_for), Some(place)) = (asked_for, panic.location()) else {
                    return false;
                };
                *asked_for = (place.file().to_owned(), place.line());
                true
            });
            if !is_asked_for {
                others(panic);
            }
        }));
    });
    ASKED_FOR.set(Some(Place::default()));
    let panic = catch_unwind(AssertUnwindSafe(asserted));
    let place = ASKED_FOR.take().unwrap_or_default();
    let panic = panic.expect_err("the assertion should fail");
    let text = match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("a text")).to_owned(),
    };
    (text, place)
}

/// The text with which this test fails.
#[allow(dead_code, reason = "not every test of the kit is of these")]
pub(crate) fn failure(asserted: impl FnOnce()) -> String {
    failure_at(asserted).0
}
