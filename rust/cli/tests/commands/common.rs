//! Runs the program in a temporary folder, and starts scripted servers on the loopback interface.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A server waits at most this long for its client.
const SOCKET_TIMEOUT: Duration = Duration::from_secs(20);

/// The entries of `u.ldif`.
pub(crate) const USERS: &str =
    "dn: uid=ada,dc=x\nobjectClass: person\nentryUUID: 1\nuid: ada\nsn: Lovelace\nmail: ada@example.com\n";
/// The secret in the variable TOKEN of every run.
pub(crate) const TOKEN: &str = "hunter2";
/// The arguments that name the source.
pub(crate) const SOURCE: [&str; 2] = ["--source", "ldif:u.ldif"];
/// The arguments that supply the token.
pub(crate) const SECRET: [&str; 2] = ["--secret", "OAUTH_ACCESS_TOKEN=env:TOKEN"];

/// A temporary folder with a connection `c.json` and a source `u.ldif`. The program runs in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// Creates a folder whose connection has this SCIM URL and the token as its secret.
    pub(crate) fn new(url: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        folder.write("c.json", &connection(url, &bearer()).to_string());
        folder.write("u.ldif", USERS);
        folder
    }

    /// Creates a folder whose target is not reachable: port 9 is that of the discard service.
    pub(crate) fn without_target() -> Self {
        Self::new("http://127.0.0.1:9/scim")
    }

    /// Creates a folder with the connection, users and populations of the scenario `pingone`, with this SCIM URL.
    pub(crate) fn with_rule(url: &str) -> Self {
        let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios/pingone");
        let folder = Self(tempfile::tempdir().unwrap());
        for name in ["connection.json", "users.json", "populations.json"] {
            let text = std::fs::read_to_string(scenario.join(name)).unwrap();
            folder.write(name, &text.replace("http://127.0.0.1:8042/v2", url));
        }
        folder
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Changes one value of a JSON file.
    pub(crate) fn set(&self, name: &str, pointer: &str, value: Value) {
        let mut json: Value = serde_json::from_str(&self.read(name)).unwrap();
        *json.pointer_mut(pointer).unwrap() = value;
        self.write(name, &json.to_string());
    }

    /// Returns the names of all files, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut files: Vec<_> = std::fs::read_dir(self.0.path()).unwrap().map(name).collect();
        files.sort();
        files
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        program(self.0.path(), args, &[("TOKEN", TOKEN)])
    }
}

fn bearer() -> [Value; 2] {
    [
        json!({"name": "AUTHENTICATION_METHOD", "value": "OAuth 2 Bearer Token"}),
        json!({"name": "OAUTH_ACCESS_TOKEN", "value": TOKEN}),
    ]
}

/// Returns standard output.
pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Returns standard error.
pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Returns each line of standard output as JSON.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Checks the exit status, and returns the one line on standard error that is for the administrator.
pub(crate) fn error_line(output: &Output, status: i32) -> String {
    let text = stderr(output);
    assert_eq!(output.status.code(), Some(status), "{text}");
    assert!(!text.contains(TOKEN) && !text.contains("panicked"), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("pfscim: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    lines[0].to_owned()
}

/// Checks that each of these argument lists is an error with status 2: one line with these words, and no output.
pub(crate) fn assert_usage_errors(folder: &Folder, cases: &[(&[&str], &str)]) {
    for (args, words) in cases {
        let output = folder.run(args);
        let line = error_line(&output, 2);
        assert!(line.contains(words), "{args:?}: {line}");
        assert_eq!(stdout(&output), "", "{args:?}");
    }
}

/// Returns exit status, standard output and standard error of a run, as a snapshot shows them. `replacements` are
/// values that differ from run to run, such as a port, each with its name in the snapshot.
pub(crate) fn transcript(output: &Output, replacements: &[(&str, &str)]) -> String {
    let text = format!(
        "exit status: {}\n----- stdout -----\n{}----- stderr -----\n{}",
        output.status.code().unwrap(),
        stdout(output),
        stderr(output)
    );
    replacements.iter().fold(text, |text, (value, name)| text.replace(value, name))
}

/// Returns the help of a command.
pub(crate) fn help(command: &[&str]) -> String {
    let output = Folder::without_target().run(&[command, &["--help"]].concat());
    assert_eq!(output.status.code(), Some(0));
    stdout(&output)
}

/// Runs the program in a folder. The proxies of the environment are removed, because they would receive the requests.
pub(crate) fn program(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pfscim"));
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.args(args).current_dir(folder).envs(variables.iter().copied()).output().unwrap()
}

/// Returns a connection without errors for this SCIM URL. `settings` follow the URL.
pub(crate) fn connection(url: &str, settings: &[Value]) -> Value {
    let mapped =
        |field: &str, attribute: &str| json!({"fieldName": field, "saasFieldInfo": {"attributeNames": [attribute]}});
    let mut all = vec![json!({"name": "SCIM_URL", "value": url})];
    all.extend_from_slice(settings);
    json!({
        "id": "c", "entityId": "c", "name": "C",
        "outboundProvision": {
            "type": "PfScim",
            "targetSettings": all,
            "channels": [{
                "name": "corp", "active": true,
                "channelSource": {
                    "guidAttributeName": "entryUUID", "guidBinary": false,
                    "changeDetectionSettings": {"userObjectClass": "person", "groupObjectClass": "group"},
                    "accountManagementSettings": {
                        "accountStatusAttributeName": "x", "accountStatusAlgorithm": "ACCOUNT_STATUS_ALGORITHM_AD"
                    },
                    "baseDn": "dc=x", "userSourceLocation": {"filter": "(uid=*)"}
                },
                "attributeMapping": [
                    mapped("userName", "uid"),
                    mapped("familyName", "sn"),
                    {
                        "fieldName": "password",
                        "saasFieldInfo": {"attributeNames": ["pwd"], "createOnly": true, "masked": true}
                    }
                ]
            }]
        }
    })
}

/// Returns a complete HTTP response.
pub(crate) fn response(status: u16, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Returns the response of a search without matches.
pub(crate) fn empty_list() -> String {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "Resources": []
    });
    response(200, "application/scim+json", &body.to_string())
}

/// Responds to each request on a connection and thread of its own, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(respond: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let socket = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = socket.local_addr().unwrap();
        let (stop, requests) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, received, respond) = (Arc::clone(&stop), Arc::clone(&requests), Arc::new(respond));
        let listener = thread::spawn(move || {
            for stream in socket.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let (received, respond, stream) = (Arc::clone(&received), Arc::clone(&respond), stream.unwrap());
                thread::spawn(move || serve(stream, &received, respond.as_ref()));
            }
        });
        Self { address, requests, stop, listener: Some(listener) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/scim", self.address)
    }

    /// Returns address and port, as messages show them.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns every request so far, as received.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // A connection ends the wait of the listener.
        let _ = TcpStream::connect(self.address);
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<String>>, respond: &(impl Fn(&str) -> String + ?Sized)) {
    stream.set_read_timeout(Some(SOCKET_TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(SOCKET_TIMEOUT)).unwrap();
    // A client may close without a request, or before it reads the response.
    if let Some(request) = request(&mut stream) {
        requests.lock().unwrap().push(request.clone());
        let _ = stream.write_all(respond(&request).as_bytes());
    }
}

/// Reads one request with its body. Returns `None` if the client closed the connection.
fn request(stream: &mut impl Read) -> Option<String> {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while !bytes.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        bytes.push(byte[0]);
    }
    let head = String::from_utf8(bytes).unwrap();
    let lower = head.to_ascii_lowercase();
    let length = lower.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    Some(head + &String::from_utf8(body).unwrap())
}

/// Returns a SCIM URL on the loopback interface that refuses connections.
pub(crate) fn unreachable_url() -> String {
    let address = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    format!("http://{address}/scim")
}

/// Starts a target without users that accepts every create. The id of a new account is `account-` and its `userName`.
pub(crate) fn empty_target() -> Server {
    Server::start(|request| match request.split_once("\r\n\r\n") {
        Some((head, body)) if head.starts_with("POST ") => {
            let mut user: Value = serde_json::from_str(body).unwrap();
            user["id"] = format!("account-{}", user["userName"].as_str().unwrap()).into();
            response(201, "application/scim+json", &user.to_string())
        }
        _ if request.contains("/ServiceProviderConfig") => response(404, "text/plain", ""),
        _ => empty_list(),
    })
}

/// Starts a target that responds to each request with a status and a reason.
pub(crate) fn rejecting_target(status: u16, reason: &'static str) -> Server {
    Server::start(move |_| response(status, "application/scim+json", &json!({"detail": reason}).to_string()))
}
