//! Panics of the code under test: caught, kept from the output, and told with their place.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs something that may panic; the error is what the panic said, and where.
pub(super) fn caught<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    install();
    let was_quiet = IS_QUIET.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(code));
    IS_QUIET.set(was_quiet);
    result.map_err(|_| {
        let told = LAST.with_borrow_mut(Option::take);
        told.unwrap_or_else(|| "without a text".to_owned())
    })
}

/// Hundreds of panics of shrunk cases would bury the one message that counts. Panics of other threads, and of this one
/// elsewhere, are told as ever.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !IS_QUIET.get() {
                return usual(info);
            }
            let text = info.payload_as_str().unwrap_or("without a text");
            let place = info.location().map_or(String::new(), |place| {
                format!("\n  at {}:{}", place.file(), place.line())
            });
            LAST.set(Some(format!("{text}{place}")));
        }));
    });
}
