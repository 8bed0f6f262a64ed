//! Every law is broken on purpose, found out, and told as a short story; an actor that keeps them passes.

use std::panic::catch_unwind;

/// What a law says of an actor that breaks it.
fn said(law: impl FnOnce() + std::panic::UnwindSafe) -> String {
    let panic = catch_unwind(law).expect_err("nothing was found");
    *panic.downcast::<String>().expect("it says why")
}

macro_rules! says {
    ($said:expr, $($part:expr),+ $(,)?) => {{
        let said = $said;
        $(assert!(said.contains($part), "`{}` is not in:\n{said}", $part);)+
    }};
}

mod a_right_actor;
mod handlers;
mod messages_and_states;
