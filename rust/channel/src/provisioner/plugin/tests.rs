//! Tests the plugin provisioner with a shell script in place of Java, which plays the host's part of the protocol.

use std::os::unix::fs::PermissionsExt as _;

use pfscim_core::Outcome;
use pfscim_core::connector::GroupMember;
use tempfile::TempDir;

use super::*;

/// A folder with a deployment and a script in place of Java.
struct TestHost {
    folder: TempDir,
}

impl TestHost {
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

    /// Returns a host that responds to `$call` with the line that the `case` of the script prints; `$seq` is its
    /// number.
    fn responding(cases: &str) -> Self {
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

const LONG_TIMEOUT: Duration = Duration::from_secs(60);
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

fn jane() -> Record {
    let fields =
        [("userName".to_owned(), vec!["jane & joe=ü".to_owned()]), ("roles".to_owned(), vec!["a".into(), "b".into()])];
    Record {
        id: Some("t1".into()),
        enabled: true,
        fields: fields.into(),
        masked: ["roles".to_owned()].into(),
        external_guid: None,
    }
}

#[test]
fn the_host_is_started_with_every_jar_of_the_folder() {
    let host = TestHost::new(r#"printf '%s\n' "$@" > "$0.args"; while read -r seq rest; do echo "$seq ok "; done"#);
    host.start(LONG_TIMEOUT).open(3, []).unwrap();
    let args = std::fs::read_to_string(host.folder.path().join("java.args")).unwrap();
    let args: Vec<_> = args.lines().collect();
    let jars = ["host.jar", "deploy/a.jar", "deploy/b.jar"].map(|f| host.folder.path().join(f).display().to_string());
    assert_eq!(
        args,
        ["-Dorg.pfscim.operation.timeout=55", "-cp", &jars.join(":"), MAIN_CLASS, "--id", "PfScim", "--threads", "2"]
    );
}

#[test]
fn settings_and_records_are_sent_as_form_pairs() {
    let host = TestHost::responding(
        r#"init|updateUser) printf '%s\n' "$args" >> "$0.args"; echo "$seq ok id=t2&outcome=outcome%3Dupdated+id%3Dt1&warning=one%0Aline&warning=two" ;;
        getUser) echo "$seq ok found=true&id=t1&enabled=false&a.userName=j%26j&a.roles=a&a.roles=b" ;;"#,
    );
    let plugin = host.start(LONG_TIMEOUT);
    plugin.open(1, [("SCIM_URL", "http://x/?a=b")]).unwrap();
    let result = plugin.update(&jane()).unwrap();
    assert_eq!((result.report.outcome, result.report.id.as_deref()), (Outcome::Updated, Some("t2")));
    assert_eq!(result.report.warnings, ["one\\u{a}line", "two"]);
    let found = plugin.find(Some("t1"), None).unwrap().unwrap();
    assert_eq!((found.id.as_deref(), found.enabled, found.first("userName")), (Some("t1"), false, Some("j&j")));
    assert_eq!(found.fields["roles"], ["a", "b"]);
    let sent = std::fs::read_to_string(host.folder.path().join("java.args")).unwrap();
    assert_eq!(
        sent,
        "channel=1&p.SCIM_URL=http%3A%2F%2Fx%2F%3Fa%3Db\n\
         id=t1&enabled=true&a.roles=a&a.roles=b&a.userName=jane+%26+joe%3D%C3%BC&m=roles\n"
    );
}

#[test]
fn groups_are_sent_with_the_ids_of_their_members_and_members_without_an_id_are_named() {
    let host = TestHost::responding(
        r#"doesGroupExist) case "$args" in *guid=*) echo "$seq ok exists=true&guid=g1" ;; *name=lost) echo "$seq ok exists=true" ;; *) echo "$seq ok exists=false" ;; esac ;;
        *Group) printf '%s\n' "$call $args" >> "$0.args"; echo "$seq ok id=g1&outcome=outcome%3Dupdated+id%3Dg1" ;;"#,
    );
    let plugin = host.start(LONG_TIMEOUT);
    assert_eq!(plugin.find_group(Some("g1"), "Staff"), Ok(Some("g1".into())));
    assert_eq!(plugin.find_group(None, "Staff"), Ok(None));
    assert_eq!(plugin.find_group(None, "lost").unwrap_err().code(), "protocol");
    let member =
        |id: Option<&str>, name: &str, is_group| GroupMember { id: id.map(str::to_owned), name: name.into(), is_group };
    let members = vec![member(Some("u1"), "ada", false), member(None, "bob", false), member(Some("g2"), "team", true)];
    let staff =
        GroupRecord { id: Some("g1".into()), name: "Staff".into(), members: Some(members), ..GroupRecord::default() };
    let result = plugin.update_group(&staff).unwrap();
    assert_eq!((result.report.outcome, result.report.id.as_deref()), (Outcome::Updated, Some("g1")));
    assert_eq!(result.report.warnings, ["members without a target id were not sent (1): bob"]);
    plugin.create_group(&GroupRecord { id: None, members: Some(Vec::new()), ..staff.clone() }).unwrap();
    plugin.delete_group(&staff).unwrap();
    let sent = std::fs::read_to_string(host.folder.path().join("java.args")).unwrap();
    assert_eq!(
        sent,
        "updateGroup name=Staff&guid=g1&members=list&u=u1&g=g2\n\
         createGroup name=Staff&members=list\n\
         deleteGroup name=Staff&guid=g1&members=null\n"
    );
}

#[test]
fn an_exception_of_the_plugin_becomes_a_failure_of_its_code() {
    let host = TestHost::responding(
        r#"createUser) echo "$seq failed message=conflict%3A+taken&stop=false&class=SaasPluginException" ;;
        updateUser) echo "$seq failed message=auth_failed%3A+no&stop=true" ;;
        deprovisionUser) echo "$seq failed message=boom&stop=false&class=java.lang.IllegalStateException" ;;
        check) echo "$seq failed message=boom&stop=true" ;;
        getUser) echo "$seq ok found=false" ;;"#,
    );
    let plugin = host.start(LONG_TIMEOUT);
    assert_eq!(plugin.create(&jane()), Err(Failure::Conflict("taken".into())));
    assert_eq!(plugin.update(&jane()), Err(Failure::AuthFailed("no".into())));
    assert_eq!(plugin.remove(&jane()), Err(Failure::Protocol("java.lang.IllegalStateException: boom".into())));
    assert!(plugin.check().unwrap_err().stops_session());
    assert_eq!(plugin.find(None, Some("jane")), Ok(None));
}

#[test]
fn an_operation_without_an_outcome_fails() {
    let host = TestHost::responding(r#"createUser) echo "$seq ok id=t1" ;;"#);
    assert_eq!(host.start(LONG_TIMEOUT).create(&jane()).unwrap_err().code(), "protocol");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "two calls wait at the same time")]
fn responses_in_any_order_reach_their_callers() {
    // The script responds to the first getUser after the second.
    let host = TestHost::responding(
        r#"getUser) if [ -z "$first" ]; then first=$seq; else
            echo "- log level=INFO&text=between"; echo "rubbish"; echo "99 ok "
            echo "$seq ok found=true&id=$seq"; echo "$first ok found=true&id=$first"; fi ;;"#,
    );
    let plugin = host.start(LONG_TIMEOUT);
    std::thread::scope(|scope| {
        let both = [scope.spawn(|| plugin.find(None, Some("a"))), scope.spawn(|| plugin.find(None, Some("b")))];
        let mut ids: Vec<_> = both.into_iter().map(|h| h.join().unwrap().unwrap().unwrap().id.unwrap()).collect();
        ids.sort();
        assert_eq!(ids, ["1", "2"]);
    });
}

#[test]
fn a_call_that_takes_too_long_is_abandoned_and_the_fifth_ends_the_cycle() {
    let host = TestHost::responding(r#"abandon) echo "$args" >> "$0.args" ;;"#);
    let plugin = host.start(SHORT_TIMEOUT);
    let failures: Vec<_> = (0..5).map(|_| plugin.find(None, Some("a")).unwrap_err()).collect();
    assert!(failures.iter().all(|f| f.code() == "transport"));
    assert_eq!(failures.iter().map(Failure::stops_session).collect::<Vec<_>>(), [false, false, false, false, true]);
    drop(plugin);
    let abandoned = std::fs::read_to_string(host.folder.path().join("java.args")).unwrap();
    assert_eq!(abandoned, "seq=1\nseq=3\nseq=5\nseq=7\nseq=9\n");
}

#[test]
fn a_host_that_exits_ends_the_cycle_with_its_reason() {
    let host =
        TestHost::new("echo 'Picked up JAVA_TOOL_OPTIONS: -Dx' >&2; echo 'pfscim-host: no descriptor' >&2; exit 2");
    let error = host.start(LONG_TIMEOUT).open(1, []).unwrap_err();
    assert!(
        matches!(&error, Error::Unusable(message) if message.text().contains("ended: pfscim-host: no descriptor")),
        "{error}"
    );

    let host = TestHost::responding("init) echo \"$seq ok \" ;;\ngetUser) exit 1 ;;");
    let plugin = host.start(LONG_TIMEOUT);
    plugin.open(1, []).unwrap();
    for _ in 0..2 {
        let failure = plugin.find(None, Some("a")).unwrap_err();
        let text = failure.to_string();
        assert!(failure.stops_session() && text.contains("ended (exit status: 1) and printed no reason"), "{text}");
    }
}

#[test]
fn a_missing_java_host_jar_or_folder_is_named() {
    let host = TestHost::new("exit 1");
    let error = |deployed: DeployedJar| PluginProvisioner::start(&deployed, 1, LONG_TIMEOUT).unwrap_err().to_string();
    let at = |name: &str| host.folder.path().join(name);
    assert!(error(DeployedJar { java: at("nowhere"), ..host.deployed() }).contains("JAVA_HOME"));
    assert!(error(DeployedJar { host: at("nowhere.jar"), ..host.deployed() }).contains("nowhere.jar"));
    assert!(error(DeployedJar { folder: at("nowhere"), ..host.deployed() }).contains("nowhere"));
    std::fs::create_dir(at("empty")).unwrap();
    assert!(error(DeployedJar { folder: at("empty"), ..host.deployed() }).contains("contains no jar"));
}
