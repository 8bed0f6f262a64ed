//! Panics that are answers: they are kept, and not printed.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something on a thread whose panics are not printed meanwhile.
pub(super) fn quietly<T>(run: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                return others(info);
            }
            let place = info
                .location()
                .map_or_else(String::new, |at| format!(" ({at})"));
            let text = text_of(info.payload());
            LAST.with_borrow_mut(|last| *last = Some(format!("{text}{place}")));
        }));
    });
    let before = IS_QUIET.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IS_QUIET.set(before);
    result.unwrap_or_else(|payload| panic::resume_unwind(payload))
}

/// What the last panic of this thread said, and where.
pub(super) fn last() -> String {
    let last = LAST.with_borrow_mut(Option::take);
    last.unwrap_or_else(|| "a panic without a text".to_owned())
}

fn text_of(payload: &dyn Any) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("a panic")
}
