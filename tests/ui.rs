//! What the macros accept, and what they say about each mistake of a newcomer: a file per mistake, named after it.
//!
//! `TRYBUILD=overwrite cargo test -p sourced-tests --test ui` writes the texts anew; read them before you keep them.

const FOLDERS: [&str; 5] = ["actor", "projector", "projection", "handler", "message"];

#[test]
fn macros_accept() {
    let cases = trybuild::TestCases::new();
    for what in FOLDERS {
        cases.pass(format!("ui/{what}/pass/*.rs"));
    }
}

/// Apart from what is accepted: cases that all fail are handed to one `cargo check`, and not to one each.
#[test]
fn macros_explain() {
    let cases = trybuild::TestCases::new();
    for what in FOLDERS {
        cases.compile_fail(format!("ui/{what}/fail/*.rs"));
    }
}

#[test]
fn every_error_of_ours_says_what_to_type() {
    let (mut n_cases, mut n_errors) = (0, 0);
    for what in FOLDERS {
        let folder = format!("{}/ui/{what}/fail", env!("CARGO_MANIFEST_DIR"));
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_none_or(|extension| extension != "stderr")
            {
                continue;
            }
            n_cases += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let lines: Vec<&str> = text.lines().collect();
            // A misspelt attribute is the compiler's to explain, and it does.
            let is_ours = |line: &str| {
                line.starts_with("error: ")
                    && line.contains('`')
                    && !line.starts_with("error: cannot find")
            };
            for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_ours(line)) {
                let help = lines.get(at + 2).copied().unwrap_or_default();
                assert!(help.trim_start().starts_with("help: "), "{path:?}: {line}");
                assert!(!line.ends_with('.'), "{path:?}: {line}");
                n_errors += 1;
            }
        }
    }
    assert!(n_cases >= 80, "only {n_cases} cases were found");
    assert!(n_errors > 60, "only {n_errors} errors were found");
}
