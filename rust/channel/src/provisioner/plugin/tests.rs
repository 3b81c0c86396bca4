//! The host's side of the protocol, played by a shell script that stands in for Java.

use std::os::unix::fs::PermissionsExt as _;

use pfscim_core::Outcome;
use pfscim_core::connector::GroupMember;
use tempfile::TempDir;

use super::*;

/// A host that answers each line by a `case` of the script.
struct Stage {
    folder: TempDir,
}

impl Stage {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("deploy")).unwrap();
        for file in ["deploy/a.jar", "deploy/b.jar", "deploy/notes.txt", "host.jar"] {
            std::fs::write(folder.path().join(file), "").unwrap();
        }
        let java = folder.path().join("java");
        std::fs::write(&java, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&java, std::fs::Permissions::from_mode(0o700)).unwrap();
        Self { folder }
    }

    /// Answers `$call` with `$seq` by the given cases.
    fn answering(cases: &str) -> Self {
        Self::new(&format!("while read -r seq call args; do case \"$call\" in\n{cases}\nesac; done"))
    }

    fn deployed(&self) -> DeployedJar {
        let at = |name: &str| self.folder.path().join(name);
        DeployedJar { folder: at("deploy"), host: at("host.jar"), java: at("java"), id: "PfScim".into() }
    }

    fn start(&self, timeout: Duration) -> PluginProvisioner {
        PluginProvisioner::start(&self.deployed(), 2, timeout).unwrap()
    }
}

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(200);

fn jane() -> Record {
    let fields =
        [("userName".to_owned(), vec!["jane & joe=ü".to_owned()]), ("roles".to_owned(), vec!["a".into(), "b".into()])];
    Record { id: Some("t1".into()), enabled: true, fields: fields.into(), masked: ["roles".to_owned()].into() }
}

#[test]
fn the_host_is_started_with_every_jar_of_the_folder() {
    let stage = Stage::new(r#"printf '%s\n' "$@" > "$0.args"; while read -r seq rest; do echo "$seq ok "; done"#);
    stage.start(LONG).open(3, []).unwrap();
    let args = std::fs::read_to_string(stage.folder.path().join("java.args")).unwrap();
    let args: Vec<_> = args.lines().collect();
    let jars = ["host.jar", "deploy/a.jar", "deploy/b.jar"].map(|f| stage.folder.path().join(f).display().to_string());
    assert_eq!(
        args,
        ["-Dorg.pfscim.operation.timeout=55", "-cp", &jars.join(":"), MAIN, "--id", "PfScim", "--threads", "2"]
    );
}

#[test]
fn settings_and_records_travel_as_form_pairs() {
    let stage = Stage::answering(
        r#"init|updateUser) printf '%s\n' "$args" >> "$0.args"; echo "$seq ok id=t2&outcome=outcome%3Dupdated+id%3Dt1&warning=one%0Aline&warning=two" ;;
        getUser) echo "$seq ok found=true&id=t1&enabled=false&a.userName=j%26j&a.roles=a&a.roles=b" ;;"#,
    );
    let plugin = stage.start(LONG);
    plugin.open(1, [("SCIM_URL", "http://x/?a=b")]).unwrap();
    let done = plugin.update(&jane()).unwrap();
    assert_eq!((done.report.outcome, done.report.id.as_deref()), (Outcome::Updated, Some("t2")));
    assert_eq!(done.report.warnings, ["one\\u{a}line", "two"]);
    let found = plugin.find(Some("t1"), None).unwrap().unwrap();
    assert_eq!((found.id.as_deref(), found.enabled, found.first("userName")), (Some("t1"), false, Some("j&j")));
    assert_eq!(found.fields["roles"], ["a", "b"]);
    let sent = std::fs::read_to_string(stage.folder.path().join("java.args")).unwrap();
    assert_eq!(
        sent,
        "channel=1&p.SCIM_URL=http%3A%2F%2Fx%2F%3Fa%3Db\n\
         id=t1&enabled=true&a.roles=a&a.roles=b&a.userName=jane+%26+joe%3D%C3%BC&m=roles\n"
    );
}

#[test]
fn groups_travel_with_the_ids_of_their_members_and_those_without_are_named() {
    let stage = Stage::answering(
        r#"doesGroupExist) case "$args" in *guid=*) echo "$seq ok exists=true&guid=g1" ;; *name=lost) echo "$seq ok exists=true" ;; *) echo "$seq ok exists=false" ;; esac ;;
        *Group) printf '%s\n' "$call $args" >> "$0.args"; echo "$seq ok id=g1&outcome=outcome%3Dupdated+id%3Dg1" ;;"#,
    );
    let plugin = stage.start(LONG);
    assert_eq!(plugin.find_group(Some("g1"), "Staff"), Ok(Some("g1".into())));
    assert_eq!(plugin.find_group(None, "Staff"), Ok(None));
    assert_eq!(plugin.find_group(None, "lost").unwrap_err().code(), "protocol");
    let member =
        |id: Option<&str>, name: &str, is_group| GroupMember { id: id.map(str::to_owned), name: name.into(), is_group };
    let members = vec![member(Some("u1"), "ada", false), member(None, "bob", false), member(Some("g2"), "team", true)];
    let staff =
        GroupRecord { id: Some("g1".into()), name: "Staff".into(), members: Some(members), ..GroupRecord::default() };
    let done = plugin.update_group(&staff).unwrap();
    assert_eq!((done.report.outcome, done.report.id.as_deref()), (Outcome::Updated, Some("g1")));
    assert_eq!(done.report.warnings, ["1 members without a target id were not sent: bob"]);
    plugin.create_group(&GroupRecord { id: None, members: Some(Vec::new()), ..staff.clone() }).unwrap();
    plugin.delete_group(&staff).unwrap();
    let sent = std::fs::read_to_string(stage.folder.path().join("java.args")).unwrap();
    assert_eq!(
        sent,
        "updateGroup name=Staff&guid=g1&members=list&u=u1&g=g2\n\
         createGroup name=Staff&members=list\n\
         deleteGroup name=Staff&guid=g1&members=null\n"
    );
}

#[test]
fn an_exception_of_the_plugin_is_the_failure_it_tells() {
    let stage = Stage::answering(
        r#"createUser) echo "$seq failed message=conflict%3A+taken&stop=false&class=SaasPluginException" ;;
        updateUser) echo "$seq failed message=auth_failed%3A+no&stop=true" ;;
        deprovisionUser) echo "$seq failed message=boom&stop=false&class=java.lang.IllegalStateException" ;;
        check) echo "$seq failed message=boom&stop=true" ;;
        getUser) echo "$seq ok found=false" ;;"#,
    );
    let plugin = stage.start(LONG);
    assert_eq!(plugin.create(&jane()), Err(Failure::Conflict("taken".into())));
    assert_eq!(plugin.update(&jane()), Err(Failure::AuthFailed("no".into())));
    assert_eq!(plugin.remove(&jane()), Err(Failure::Protocol("java.lang.IllegalStateException: boom".into())));
    assert!(plugin.check().unwrap_err().stops_session());
    assert_eq!(plugin.find(None, Some("jane")), Ok(None));
}

#[test]
fn an_operation_without_outcome_is_not_taken_for_done() {
    let stage = Stage::answering(r#"createUser) echo "$seq ok id=t1" ;;"#);
    assert_eq!(stage.start(LONG).create(&jane()).unwrap_err().code(), "protocol");
}

#[test]
fn answers_find_their_callers_in_any_order() {
    // The first getUser is answered after the second.
    let stage = Stage::answering(
        r#"getUser) if [ -z "$first" ]; then first=$seq; else
            echo "- log level=INFO&text=between"; echo "rubbish"; echo "99 ok "
            echo "$seq ok found=true&id=$seq"; echo "$first ok found=true&id=$first"; fi ;;"#,
    );
    let plugin = stage.start(LONG);
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| plugin.find(None, Some("a"))), scope.spawn(|| plugin.find(None, Some("b")))];
        let mut ids: Vec<_> = both.into_iter().map(|h| h.join().unwrap().unwrap().unwrap().id.unwrap()).collect();
        ids.sort();
        assert_eq!(ids, ["1", "2"]);
    });
}

#[test]
fn a_call_that_takes_too_long_is_abandoned_and_the_fifth_ends_the_cycle() {
    let stage = Stage::answering(r#"abandon) echo "$args" >> "$0.args" ;;"#);
    let plugin = stage.start(SHORT);
    let failures: Vec<_> = (0..5).map(|_| plugin.find(None, Some("a")).unwrap_err()).collect();
    assert!(failures.iter().all(|f| f.code() == "transport"));
    assert_eq!(failures.iter().map(Failure::stops_session).collect::<Vec<_>>(), [false, false, false, false, true]);
    drop(plugin);
    let abandoned = std::fs::read_to_string(stage.folder.path().join("java.args")).unwrap();
    assert_eq!(abandoned, "seq=1\nseq=3\nseq=5\nseq=7\nseq=9\n");
}

#[test]
fn a_host_that_dies_says_why_and_ends_the_cycle() {
    let stage =
        Stage::new("echo 'Picked up JAVA_TOOL_OPTIONS: -Dx' >&2; echo 'pfscim-host: no descriptor' >&2; exit 2");
    let told = stage.start(LONG).open(1, []).unwrap_err();
    assert!(
        matches!(&told, Error::Unusable(message) if message.text().contains("pfscim-host: no descriptor")),
        "{told}"
    );

    let stage = Stage::answering("init) echo \"$seq ok \" ;;\ngetUser) exit 1 ;;");
    let plugin = stage.start(LONG);
    plugin.open(1, []).unwrap();
    for _ in 0..2 {
        let failure = plugin.find(None, Some("a")).unwrap_err();
        assert!(failure.stops_session() && failure.to_string().contains("ended"), "{failure}");
    }
}

#[test]
fn what_cannot_be_started_is_named() {
    let stage = Stage::new("exit 1");
    let told = |deployed: DeployedJar| PluginProvisioner::start(&deployed, 1, LONG).unwrap_err().to_string();
    let at = |name: &str| stage.folder.path().join(name);
    assert!(told(DeployedJar { java: at("nowhere"), ..stage.deployed() }).contains("JAVA_HOME"));
    assert!(told(DeployedJar { host: at("nowhere.jar"), ..stage.deployed() }).contains("nowhere.jar"));
    assert!(told(DeployedJar { folder: at("nowhere"), ..stage.deployed() }).contains("nowhere"));
    std::fs::create_dir(at("empty")).unwrap();
    assert!(told(DeployedJar { folder: at("empty"), ..stage.deployed() }).contains("holds no jar"));
}
