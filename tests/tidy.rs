//! What no compiler checks: which module may use which, how files begin, how our crates depend on each other.

#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The modules of `sourced` in layers: each may use those of earlier layers, and itself.
const SOURCED: &[&[&str]] = &[
    &["time", "failure"],
    &["stream"],
    &["message"],
    &["env", "recurrence", "registry", "topology"],
    &["backend"],
    &["telemetry", "reader"],
    &["reactor"],
    &["evolve"],
    &["actor"],
    &["projector", "table", "handler"],
    &["edge"],
    &["runtime"],
    &["prelude", "__private", "lib"],
];

/// The modules of `sourced-macros`, likewise.
const MACROS: &[&[&str]] = &[
    &["names", "diagnostics"],
    &["parse"],
    &["model"],
    &["check"],
    &["expand"],
    &["entry"],
    &["lib"],
];

#[test]
fn modules_use_those_below_them_only() {
    let wrong = against(SOURCED, "sourced").into_iter();
    let wrong: Vec<String> = wrong.chain(against(MACROS, "sourced-macros")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    for (layers, name) in [(SOURCED, "sourced"), (MACROS, "sourced-macros")] {
        for file in sources(&root().join(name).join("src")) {
            let module = module_of(&file, name);
            assert!(
                layer_of(layers, &module).is_some(),
                "`{module}` of `{name}` has no layer"
            );
        }
    }
}

/// Every row of `docs/from-ruby.md` names a test that is there, or says that there is nothing to test yet.
#[test]
fn every_form_of_the_original_is_linked_to_a_test() {
    let docs = root().join("docs");
    let table = read(&docs.join("from-ruby.md"));
    let is_head = |row: &&str| row.starts_with("| original ") || row.starts_with("|---");
    let rows = table.lines().filter(|line| line.starts_with('|'));
    let mut n_tests = 0;
    for row in rows.filter(|row| !is_head(row)) {
        // A bar in code is written as `\|`, which ends no cell.
        let shown_by = row
            .trim_end_matches(['|', ' '])
            .rsplit(" | ")
            .next()
            .unwrap();
        let Some((test, file)) = linked_test(shown_by) else {
            let is_open = row.contains("| not yet") || row.contains("| not here");
            assert!(is_open, "neither tested nor open: {row}");
            continue;
        };
        let file = docs.join(file);
        assert!(file.exists(), "no file `{}`: {row}", file.display());
        let source = read(&file);
        assert!(
            ["(", "<"]
                .iter()
                .any(|end| source.contains(&format!("fn {test}{end}"))),
            "no test `{test}` in `{}`",
            file.display()
        );
        n_tests += 1;
    }
    assert!(n_tests > 60, "only {n_tests} rows are linked to tests");
}

/// `docs/operations.md` lists every metric, and every span with its target.
#[test]
fn everything_that_is_told_of_a_running_app_is_documented() {
    let telemetry = root().join("sourced/src/telemetry");
    let docs = read(&root().join("docs/operations.md"));
    let words = |file: &str| {
        let text = read(&telemetry.join(file));
        text.split('"').map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let names = words("metrics.rs").into_iter().chain(words("spans.rs"));
    let names: Vec<String> = names.filter(|word| word.starts_with("sourced")).collect();
    assert!(names.len() > 20, "only {} names", names.len());
    for name in names {
        assert!(
            docs.contains(&format!("| `{name}` |")),
            "`{name}` is not documented"
        );
    }
}

/// *clock-free*: what asks for the time does so by the `Clock` of `sourced::env`, so that a process whose clock is wrong can be
/// thought of, simulated and tried out.
#[test]
fn clock_free_nothing_but_env_reads_a_clock() {
    const CLOCKS: [&str; 5] = [
        "SystemTime::now",
        "Instant::now",
        "Utc::now",
        "Local::now",
        ".elapsed()",
    ];
    let krates = [
        "sourced",
        "sourced-postgres",
        "sourced-sqlite",
        "sourced-testing",
    ];
    let folders = krates.map(|krate| root().join(krate).join("src"));
    let files = folders.iter().flat_map(|folder| sources(folder));
    let others = files.filter(|file| !file.starts_with(root().join("sourced/src/env")));
    let mut n_files = 0;
    for file in others {
        n_files += 1;
        let text = read(&file);
        let code = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        let reads = |line: &&str| CLOCKS.iter().any(|clock| line.contains(clock));
        let found: Vec<&str> = code.filter(reads).collect();
        assert!(found.is_empty(), "{}: {found:?}", file.display());
    }
    assert!(n_files > 200, "only {n_files} files");
}

/// The test and the file of ``[`test`](file)``.
fn linked_test(cell: &str) -> Option<(&str, &str)> {
    let (test, rest) = cell.trim().strip_prefix("[`")?.split_once("`](")?;
    Some((test, rest.strip_suffix(')')?))
}

#[test]
fn every_file_opens_with_a_sentence() {
    let says_something = |text: String| {
        text.starts_with("//") || text.starts_with("#![doc = include_str!(\"../README.md\")]")
    };
    let silent: Vec<PathBuf> = all_sources()
        .filter(|file| !says_something(read(file)))
        .collect();
    assert!(
        silent.is_empty(),
        "these files say nothing at their top: {silent:#?}"
    );
}

#[test]
fn every_example_in_the_docs_is_compiled() {
    let fence = ["```", "ignore"].concat();
    let rust_fence = ["```rust,", "ignore"].concat();
    let ignored: Vec<PathBuf> = all_sources()
        .filter(|file| {
            [&fence, &rust_fence]
                .iter()
                .any(|fence| read(file).contains(*fence))
        })
        .collect();
    assert!(ignored.is_empty(), "examples nobody compiles: {ignored:#?}");
}

/// With a version, `cargo publish` wants the other crate to be published first, and so does the other's. What is never
/// published may write what it likes.
#[test]
fn our_crates_depend_on_each_other_in_tests_by_path_alone() {
    for krate in crates() {
        let manifest = read(&krate.join("Cargo.toml"));
        if manifest.contains("publish = false") {
            continue;
        }
        let mut in_dev = false;
        for line in manifest.lines() {
            if line.starts_with('[') {
                in_dev = line.contains("dev-dependencies");
            }
            let is_ours = in_dev && line.starts_with("sourced");
            let is_by_path = line.contains("path = ") && !line.contains("version");
            assert!(!is_ours || is_by_path, "{}: `{line}`", krate.display());
        }
    }
}

/// The uses of modules that are not below the module that uses them.
fn against(layers: &[&[&str]], name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in sources(&root().join(name).join("src")) {
        let module = module_of(&file, name);
        for used in used_modules(&read(&file)) {
            let is_top = layer_of(layers, &module) == Some(layers.len() - 1);
            let is_below = layer_of(layers, &used).is_some()
                && layer_of(layers, &used) < layer_of(layers, &module);
            // The top re-exports what has no module, such as a `macro_rules` macro; nobody else goes through the root.
            if used != module && !is_below && !is_top {
                wrong.push(format!("{}: `{module}` uses `{used}`", file.display()));
            }
        }
    }
    wrong
}

fn layer_of(layers: &[&[&str]], module: &str) -> Option<usize> {
    layers.iter().position(|layer| layer.contains(&module))
}

/// The top-level module that a file belongs to.
fn module_of(file: &Path, name: &str) -> String {
    let inside = file.strip_prefix(root().join(name).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str();
    Path::new(first)
        .file_stem()
        .unwrap()
        .to_string_lossy()
        .into_owned()
}

/// The first words after `crate::`, in what is neither a comment nor a test nor what a macro writes elsewhere.
fn used_modules(text: &str) -> Vec<String> {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines = code
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let mut used = Vec::new();
    for line in lines {
        for (at, _) in line.match_indices("crate::") {
            let is_of_macro = line[..at].ends_with('$');
            let rest = &line[at + "crate::".len()..];
            let word: String = rest
                .chars()
                .take_while(|char| char.is_alphanumeric() || *char == '_')
                .collect();
            if !is_of_macro {
                used.push(word);
            }
        }
    }
    used
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// The crates of the workspace.
fn crates() -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries.filter(|path| path.join("Cargo.toml").exists())
}

fn all_sources() -> impl Iterator<Item = PathBuf> {
    crates().flat_map(|krate| sources(&krate.join("src")))
}

/// The files under a folder, but for tests and what they compare with.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

#[test]
fn uses_are_found_in_code_only() {
    let text = "use crate::message::Message;\n// crate::runtime\nlet x = crate::stream::Seq;\n$crate::__private\n";
    assert_eq!(used_modules(text), ["message", "stream"]);
}
