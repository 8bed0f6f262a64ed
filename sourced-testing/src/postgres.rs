//! A PostgreSQL server for tests: started in a temporary folder, gone with the process that started it.

use std::fmt;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A server of its own, on a free port of 127.0.0.1, with its data in a temporary folder.
///
/// It needs the programs of PostgreSQL (`initdb`, `pg_ctl`, `postgres`), on the path or where Debian puts them. It is
/// stopped and deleted when this is dropped, and also when the process ends in any other way, even by `kill -9`: a
/// shell waits for the end of its input and then cleans up.
///
/// It does not wait for the disk, so it survives the death of its processes, not that of the machine.
pub struct ThrowawayPostgres {
    guard: Child,
    folder: PathBuf,
    port: u16,
    url: String,
    tools: Tools,
}

/// The URL of the server tests should use: that of the variable `SOURCED_TEST_POSTGRES_URL`, or else of one that is
/// started now and serves all tests of this process.
///
/// # Panics
/// When no server can be started.
pub fn test_url() -> String {
    static SHARED: OnceLock<ThrowawayPostgres> = OnceLock::new();
    match std::env::var("SOURCED_TEST_POSTGRES_URL") {
        Ok(url) if !url.is_empty() => url,
        _ => SHARED
            .get_or_init(ThrowawayPostgres::start)
            .url()
            .to_owned(),
    }
}

impl ThrowawayPostgres {
    /// Starts a server.
    ///
    /// # Panics
    /// When there are no programs of PostgreSQL, or they fail.
    pub fn start() -> Self {
        let tools = Tools::find();
        // Somebody else may take the free port before the server does.
        let mut trouble = String::new();
        for _ in 0..3 {
            match Self::try_start(&tools, &[]) {
                Ok(server) => return server,
                Err(error) => trouble = error,
            }
        }
        panic!("no PostgreSQL server can be started: {trouble}");
    }

    /// Where to connect.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Kills the server with SIGKILL; its connections break.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&self) {
        self.tools.run(KILL, &self.folder);
    }

    /// Starts the server again after [`kill`](Self::kill), with the same data on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&self) {
        self.tools.run(RESTART, &self.folder);
    }

    /// Lets the server stand still, by SIGSTOP: its connections stay, new ones are taken, and nothing answers.
    ///
    /// # Panics
    /// When it does not run.
    pub fn halt(&self) {
        self.tools.run(HALT, &self.folder);
    }

    /// Lets it go on after [`halt`](Self::halt).
    ///
    /// # Panics
    /// When it does not run.
    pub fn go_on(&self) {
        self.tools.run(GO_ON, &self.folder);
    }

    /// Makes a copy of what the server holds, by `pg_basebackup`, while it works. It takes the place of an earlier copy.
    ///
    /// # Panics
    /// When it does not run.
    pub fn copy(&self) {
        self.tools.run(COPY, &self.folder);
    }

    /// Stops the server at once, puts the [copy](Self::copy) in the place of its data, and starts it. The copy is used up.
    ///
    /// # Panics
    /// When there is no copy, or the server does not start.
    pub fn restore(&self) {
        self.tools.run(RESTORE, &self.folder);
    }

    /// Starts a replica of this server, which follows it by streaming replication, with its settings.
    ///
    /// # Panics
    /// When it cannot be started.
    #[must_use = "it is gone when it is dropped"]
    pub fn replica(&self) -> Self {
        let port = self.port().to_string();
        match Self::try_start(&self.tools, &[&port]) {
            Ok(replica) => replica,
            Err(error) => panic!("no replica can be started: {error}"),
        }
    }

    /// Makes a replica a server of its own, which takes writes.
    ///
    /// # Panics
    /// When it is none, or does not run.
    pub fn promote(&self) {
        self.tools.run(PROMOTE, &self.folder);
    }

    /// Where the server listens, on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    fn try_start(tools: &Tools, primary: &[&str]) -> Result<Self, String> {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(|error| error.to_string())?
            .port();
        let mut guard = tools
            .shell(GUARD)
            .arg(port.to_string())
            .args(primary)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            // Ctrl-C ends the tests; the guard has to outlive them.
            .process_group(0)
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut line = String::new();
        if let Some(output) = guard.stdout.take() {
            _ = BufReader::new(output).read_line(&mut line);
        }
        let Some(folder) = line.trim_end().strip_prefix("ready ") else {
            _ = guard.wait();
            return Err(format!("the start failed: {}", line.trim_end()));
        };
        Ok(Self {
            guard,
            folder: folder.into(),
            port,
            url: format!("postgres://sourced@127.0.0.1:{port}/postgres"),
            tools: tools.clone(),
        })
    }
}

impl Drop for ThrowawayPostgres {
    fn drop(&mut self) {
        if let Some(mut input) = self.guard.stdin.take() {
            _ = input.flush();
        }
        _ = self.guard.wait();
    }
}

impl fmt::Debug for ThrowawayPostgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThrowawayPostgres")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Where the programs are, and how to run them as somebody who is not root, which they refuse to be.
#[derive(Clone)]
struct Tools {
    bin: PathBuf,
}

impl Tools {
    fn find() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten()
            .map(|version| version.path().join("bin"))
            .collect();
        debian.sort();
        folders.extend(debian.into_iter().rev());
        if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
            folders.push(String::from_utf8_lossy(&output.stdout).trim().into());
        }
        let has_all = |folder: &PathBuf| {
            ["initdb", "pg_ctl", "postgres"]
                .iter()
                .all(|program| folder.join(program).exists())
        };
        let bin = folders.into_iter().find(has_all);
        let bin =
            bin.expect("PostgreSQL is installed: `initdb`, `pg_ctl` and `postgres` in one folder");
        // On the path there may be links; the programs look for their companions where they really are.
        let bin = bin
            .join("initdb")
            .canonicalize()
            .ok()
            .and_then(|initdb| initdb.parent().map(Path::to_owned))
            .unwrap_or(bin);
        Self { bin }
    }

    /// A shell that runs `script` with the folder of the programs as `$1`.
    fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{AS_USER}{script}"))
            .arg("sh")
            .arg(&self.bin);
        command
    }

    fn run(&self, script: &str, folder: &Path) {
        let status = self.shell(script).arg(folder).stdin(Stdio::null()).status();
        let succeeded = status.is_ok_and(|status| status.success());
        assert!(
            succeeded,
            "the server did not do as told, see {}",
            folder.display()
        );
    }
}

const AS_USER: &str = r#"
set -u
bin=$1
as_user() {
    if [ "$(id -u)" != 0 ]; then "$@"
    elif command -v setpriv >/dev/null; then setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"
    else runuser -u postgres -- "$@"
    fi
}
# All processes of the server in the folder $2 get the signal $1; the first of them alone can make more.
signal() {
    server=$(head -n 1 "$2/data/postmaster.pid") || return 1
    kill "-$1" "$server" || return 1
    # Some may have ended since.
    for process in $(ps -o pid= --ppid "$server"); do kill "-$1" "$process" 2>/dev/null; done
    true
}
"#;

/// `$2` is the port, `$3` that of the server it is a replica of, if it is one. Says `ready` and the folder, waits for the end of its input, and cleans up.
const GUARD: &str = r#"
trap '' INT TERM HUP
folder=$(mktemp -d "${TMPDIR:-/tmp}/sourced-pg-XXXXXX") || exit 1
if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi
cd "$folder" || exit 1
clean_up() {
    signal CONT "$folder" >/dev/null 2>&1
    as_user "$bin/pg_ctl" stop -D "$folder/data" -m immediate >/dev/null 2>&1
    cd / && rm -rf "$folder"
}
fail() { echo "$1: $(tail -n 3 "$folder/log" 2>/dev/null | tr '\n' ' ')"; clean_up; exit 1; }
if [ -n "${3-}" ]; then
    as_user "$bin/pg_basebackup" -D "$folder/data" -h 127.0.0.1 -p "$3" -U sourced -R -c fast --no-sync \
        >"$folder/log" 2>&1 || fail pg_basebackup
else
    as_user "$bin/initdb" -D "$folder/data" -U sourced -A trust -E UTF8 --no-locale --no-sync >"$folder/log" 2>&1 || fail initdb
fi
cat >>"$folder/data/postgresql.conf" <<END
port = $2
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 300
fsync = off
full_page_writes = off
wal_keep_size = 512MB
wal_retrieve_retry_interval = 200ms
END
if [ "$(id -u)" = 0 ]; then chown postgres "$folder/log"; fi
as_user "$bin/pg_ctl" start -D "$folder/data" -l "$folder/log" -w >/dev/null 2>&1 || fail pg_ctl
echo "ready $folder"
cat >/dev/null
clean_up
"#;

/// `$2` is the folder.
const KILL: &str = r#"
kill -9 "$(head -n 1 "$2/data/postmaster.pid")"
"#;

/// `$2` is the folder.
const HALT: &str = r#"
signal STOP "$2"
"#;

/// `$2` is the folder.
const GO_ON: &str = r#"
signal CONT "$2"
"#;

/// `$2` is the folder.
const COPY: &str = r#"
rm -rf "$2/copy"
port=$(sed -n 4p "$2/data/postmaster.pid")
as_user "$bin/pg_basebackup" -D "$2/copy" -h 127.0.0.1 -p "$port" -U sourced -c fast --no-sync >/dev/null 2>&1
"#;

/// `$2` is the folder.
const RESTORE: &str = r#"
cd "$2" || exit 1
[ -d copy ] || exit 1
as_user "$bin/pg_ctl" stop -D "$2/data" -m immediate -w >/dev/null 2>&1 || exit 1
rm -rf data && mv copy data || exit 1
as_user "$bin/pg_ctl" start -D "$2/data" -l "$2/log" -w >/dev/null 2>&1
"#;

/// `$2` is the folder.
const PROMOTE: &str = r#"
cd "$2" || exit 1
as_user "$bin/pg_ctl" promote -D "$2/data" -w >/dev/null 2>&1
"#;

/// `$2` is the folder. The last processes of the killed server may still be on their way out.
const RESTART: &str = r#"
cd "$2" || exit 1
for _ in 1 2 3 4 5 6 7 8 9 10; do
    as_user "$bin/pg_ctl" start -D "$2/data" -l "$2/log" -w >/dev/null 2>&1 && exit 0
    sleep 0.2
done
exit 1
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_takes_the_place_of_what_came_after_it_and_a_replica_that_of_its_server() {
        let server = ThrowawayPostgres::start();
        let copied = |server: &ThrowawayPostgres| server.folder.join("data/copied").exists();
        server.copy();
        std::fs::write(server.folder.join("data/copied"), "").unwrap();
        let replica = server.replica();
        assert!(copied(&server) && copied(&replica));
        server.restore();
        assert!(!copied(&server));
        server.kill();
        replica.promote();
        assert!(!replica.folder.join("data/standby.signal").exists());
    }

    #[test]
    fn a_server_comes_back_after_a_kill_and_is_gone_after_a_drop() {
        let server = ThrowawayPostgres::start();
        let folder = server.folder.clone();
        server.kill();
        server.restart();
        drop(server);
        assert!(!folder.exists());
    }
}
