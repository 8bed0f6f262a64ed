//! What the macros accept, and what they say about each mistake of a newcomer: a file per mistake, named after it.
//!
//! `TRYBUILD=overwrite cargo test -p sourced-tests --test ui` writes the texts anew; read them before you keep them.

#[test]
fn macros_accept_and_explain() {
    let cases = trybuild::TestCases::new();
    for what in ["actor", "projector", "handler", "message"] {
        cases.pass(format!("ui/{what}/pass/*.rs"));
        cases.compile_fail(format!("ui/{what}/fail/*.rs"));
    }
}

#[test]
fn every_error_of_ours_says_what_to_type() {
    let mut n_errors = 0;
    for what in ["actor", "projector", "handler", "message"] {
        let folder = format!("{}/ui/{what}/fail", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_none_or(|extension| extension != "stderr")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            let is_ours = |line: &str| line.starts_with("error: ") && line.contains('`');
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_ours(line)) {
                let help = lines.get(at + 2).copied().unwrap_or_default();
                assert!(help.trim_start().starts_with("help: "), "{path:?}: {line}");
                assert!(!line.ends_with('.'), "{path:?}: {line}");
                n_errors += 1;
            }
        }
    }
    assert!(n_errors > 30, "only {n_errors} errors were found");
}
