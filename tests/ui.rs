//! What the macros accept, and what they say about each mistake of a newcomer: a file per mistake, named after it.
//!
//! `TRYBUILD=overwrite cargo test -p sourced-tests --test ui` writes the texts anew; read them before you keep them.

#[test]
fn macros_accept_and_explain() {
    let cases = trybuild::TestCases::new();
    for what in ["actor", "projector", "message"] {
        cases.pass(format!("ui/{what}/pass/*.rs"));
        cases.compile_fail(format!("ui/{what}/fail/*.rs"));
    }
}
