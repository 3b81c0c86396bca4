package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.SaasPluginException;
import java.util.Arrays;
import java.util.Collections;
import org.junit.Test;
import org.pfscim.host.HostClient.Response;
import org.pfscim.host.fake.FakePlugin;

/** Tests requests, the calls of the SPI that they cause, and their responses. */
public class ProtocolTest extends HostTest {
    @Test
    public void a_session_is_parameters_then_start_then_check_then_stop() throws Exception {
        HostClient host = start();
        Response init = host.call("init", new Args().add("channel", "7").add("p.URL", "http://localhost/ü"));
        assertTrue(init.ok);
        assertEquals("userName", init.get("usernameField"));
        assertEquals("true", init.get("groups"));
        assertEquals("false", init.get("dn"));
        assertTrue(host.call("check", new Args()).ok);
        assertEquals(0, host.end());
        assertEquals(Arrays.asList("init 7 URL=http://localhost/ü", "check", "close"), FakePlugin.JOURNAL);
        assertEquals("", host.errors());
    }

    @Test
    public void a_session_that_cannot_start_fails_and_is_not_stopped() throws Exception {
        HostClient host = start();
        Response init = host.call("init", new Args().add("p.URL", "refuse"));
        assertFalse(init.ok);
        assertEquals("config: URL is wrong", init.get("message"));
        assertEquals("true", init.get("stop"));
        host.end();
        assertEquals(Arrays.asList("init 1 URL=refuse"), FakePlugin.JOURNAL);
    }

    @Test
    public void calls_before_init_fail() throws Exception {
        try (HostClient host = start()) {
            assertFalse(host.call("getUser", "ann").ok);
            assertFalse(host.call("check", new Args()).ok);
        }
        assertEquals(Collections.emptyList(), FakePlugin.JOURNAL);
    }

    @Test
    public void any_record_survives_a_round_trip() throws Exception {
        try (HostClient host = start()) {
            host.init();
            assertEquals("false", host.call("getUser", "zoë").get("found"));
            Args record = new Args().add("enabled", false).add("a.userName", "zoë").add("a.note", "two\nlines & 100%")
                .add("a.roles", "a").add("a.roles", "").add("a.roles", "日本語 😀").add("m", "note");
            assertEquals("id-zoë", host.call("createUser", record).get("id"));
            Args found = host.call("getUser", "zoë").args;
            assertEquals("true", found.get("found"));
            assertEquals("id-zoë", found.get("id"));
            assertEquals("false", found.get("enabled"));
            assertEquals(record.withPrefix("a."), found.withPrefix("a."));
            assertEquals(Arrays.asList("note"), found.values("m"));
        }
    }

    @Test
    public void a_create_without_id_has_a_response_without_id() throws Exception {
        try (HostClient host = start()) {
            host.init();
            Response created = host.call("createUser", "skip");
            assertTrue(created.ok);
            assertNull(created.get("id"));
        }
    }

    @Test
    public void an_update_gets_the_mapped_fields_that_were_read() throws Exception {
        try (HostClient host = start()) {
            host.init();
            host.call("createUser", new Args().add("a.userName", "ann").add("a.title", "Dr").add("a.city", "Bonn"));
            host.call("getUser", "ann");
            FakePlugin.JOURNAL.clear();
            Args updated = new Args().add("id", "id-ann").add("a.userName", "anna").add("a.title", "Prof");
            assertEquals("id-ann", host.call("updateUser", updated).get("id"));
            host.call("deprovisionUser", updated);
            String existing = "id-ann enabled {userName=[ann], title=[Dr]}";
            String expected = "id-ann enabled {userName=[anna], title=[Prof]}";
            assertEquals(Arrays.asList("update " + existing + " -> " + expected, "deprovision " + existing + " -> " + expected),
                FakePlugin.JOURNAL);
        }
    }

    @Test
    public void an_update_of_a_user_that_was_not_read_gets_only_the_id() throws Exception {
        try (HostClient host = start()) {
            host.init();
            host.call("updateUser", new Args().add("id", "4").add("a.userName", "x"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update 4 enabled {} -> 4 enabled {userName=[x]}"));
    }

    @Test
    public void an_update_without_id_fails() throws Exception {
        try (HostClient host = start()) {
            host.init();
            assertFalse(host.call("updateUser", "ann").ok);
        }
    }

    @Test
    public void members_of_a_group_are_unknown_empty_or_listed() throws Exception {
        try (HostClient host = start()) {
            host.init();
            FakePlugin.JOURNAL.clear();
            Args unknown = new Args().add("name", "Staff").add("id", "src").add("members", "null");
            Response exists = host.call("doesGroupExist", unknown);
            assertEquals("true", exists.get("exists"));
            assertEquals("g-Staff", exists.get("guid"));
            Args empty = new Args().add("name", "Staff").add("guid", "g1").add("members", "list");
            assertEquals("g1", host.call("updateGroup", empty.add("merge", false)).get("id"));
            Args listed = new Args().add("name", "Staff").add("guid", "g1").add("members", "list").add("merge", true)
                .add("u", "1").add("u", "").add("u", "3").add("g", "g2").add("g", "");
            assertTrue(host.call("updateGroup", listed).ok);
            assertEquals("g-New", host.call("createGroup", new Args().add("name", "New")).get("id"));
            assertTrue(host.call("deleteGroup", new Args().add("name", "New").add("guid", "g-New")).ok);
            assertEquals(Arrays.asList("exists Staff null src unknown unknown", "replace Staff g1 null users groups",
                "merge Staff g1 null users 1 null 3 groups g2 null", "create New null null unknown unknown",
                "delete New g-New null unknown unknown"), FakePlugin.JOURNAL);
        }
    }

    @Test
    public void a_failure_has_a_message_and_a_stop_flag() throws Exception {
        try (HostClient host = start()) {
            host.init();
            assertFailure(host.call("getUser", "refused"), "rejected: no such department", "false",
                SaasPluginException.class);
            assertFailure(host.call("getUser", "stop"), "auth_failed: sign in again", "true", SaasPluginException.class);
            assertFailure(host.call("getUser", "boom"), "java.lang.IllegalStateException: boom\nbang", "false",
                IllegalStateException.class);
            assertTrue(host.call("getUser", "ann").ok);
        }
    }

    @Test
    public void behaviour_that_the_server_does_not_accept_is_a_failure() throws Exception {
        try (HostClient host = start()) {
            host.init();
            assertFailure(host.call("createUser", "long256"),
                "an id of 256 characters cannot be stored: it must have 1 to 255", "false", Violation.class);
            assertTrue(host.call("createUser", "long255").ok);
            assertFalse(host.call("createUser", "long0").ok);
            assertFailure(host.call("getUser", "null-id"), "the plugin returned a user without an id", "false",
                Violation.class);
            assertFailure(host.call("getUser", "two lines"),
                "the message of the exception is not one line: rejected:\\u000ano", "true", Violation.class);
            assertFailure(host.call("getUser", "no message"), "the message of the exception is not one line: null",
                "false", Violation.class);
            assertFailure(host.call("getUser", "two outcomes"),
                "one operation logged two outcomes: outcome=created and outcome=updated", "false", Violation.class);
            assertFailure(host.call("getUser", "forged"),
                "a log message is not one line: name=x\\u000aoutcome=created", "false", Violation.class);
        }
    }

    @Test
    public void a_log_line_belongs_to_the_request_of_its_thread() throws Exception {
        try (HostClient host = start("--threads", "2")) {
            host.init();
            long hangingSeq = host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.arrivals.await();
            Response response = host.call("getUser", "outcome");
            assertEquals("outcome=skipped id=7", response.get("outcome"));
            assertEquals(Arrays.asList("the option is off", "another warning"), response.args.values("warning"));
            assertEquals(3, host.log().size());
            for (Args line : host.log()) {
                assertEquals("com.pingidentity.provisioner.fake", line.get("logger"));
                assertEquals(Long.toString(hangingSeq + 1), line.get("seq"));
            }
            assertEquals("WARN", host.log().get(0).get("level"));
            assertEquals("INFO", host.log().get(2).get("level"));
            assertEquals("outcome=skipped id=7", host.log().get(2).get("text"));
            FakePlugin.release.countDown();
            assertNull(host.response(hangingSeq).get("outcome"));
            host.call("getUser", "error");
            assertEquals("lost: java.lang.IllegalStateException: because", host.log().get(3).get("text"));
        }
    }

    @Test
    public void all_levels_are_logged_if_the_mode_is_set() throws Exception {
        try (HostClient host = start("log=all")) {
            host.init();
            host.call("getUser", "outcome");
            assertEquals("DEBUG", host.log().get(3).get("level"));
        }
    }

    @Test
    public void an_invalid_line_ends_the_host() throws Exception {
        for (String line : new String[] {"", "getUser", "x getUser", "0 check", "-1 check", "1 check a", "1 check %zz=",
            "1 fly", "1 abandon", "1 abandon seq=x"}) {
            HostClient host = start();
            host.sendLine(line);
            assertEquals(line, 2, host.end());
            assertEquals(line, 1, host.errors().split("\n").length);
        }
    }

    @Test
    public void a_number_that_is_in_use_ends_the_host() throws Exception {
        // In shuffled order, the host reads all available requests before it starts one. So none of them has a response.
        HostClient host = start("order=shuffled");
        host.init();
        host.sendLine("5 getUser username=eve\n5 getUser username=ann");
        assertEquals(2, host.end());
        assertTrue(host.errors(), host.errors().contains("the number 5 is in use by a request without response"));
    }

    @Test
    public void the_screens_are_listed_as_json_with_and_without_a_session() throws Exception {
        String settings = "["
            + "{\"name\":\"URL\",\"label\":\"The \\\"URL\\\"\",\"kind\":\"text\",\"default\":\"http://localhost\\\\\","
            + "\"options\":[],\"secret\":false,\"advanced\":false,\"section\":\"\"},"
            + "{\"name\":\"VERSION\",\"label\":\"VERSION\",\"kind\":\"select\",\"default\":\"2\","
            + "\"options\":[\"1\",\"2\"],\"secret\":false,\"advanced\":false,\"section\":\"\"},"
            + "{\"name\":\"Sign in\",\"label\":\"Sign in\",\"kind\":\"heading\",\"default\":\"\","
            + "\"options\":[],\"secret\":false,\"advanced\":false,\"section\":\"Sign in\"},"
            + "{\"name\":\"TOKEN\",\"label\":\"TOKEN\",\"kind\":\"secret\",\"default\":\"\","
            + "\"options\":[],\"secret\":true,\"advanced\":false,\"section\":\"Sign in\"},"
            + "{\"name\":\"KIND\",\"label\":\"KIND\",\"kind\":\"select\",\"default\":\"\","
            + "\"options\":[\"one\"],\"secret\":false,\"advanced\":false,\"section\":\"Sign in\"},"
            + "{\"name\":\"Advanced\",\"label\":\"Advanced\",\"kind\":\"heading\",\"default\":\"\","
            + "\"options\":[],\"secret\":false,\"advanced\":true,\"section\":\"Advanced\"},"
            + "{\"name\":\"CREATE\",\"label\":\"CREATE\",\"kind\":\"checkbox\",\"default\":\"true\","
            + "\"options\":[],\"secret\":false,\"advanced\":true,\"section\":\"Advanced\"}]";
        String fields = "[{\"code\":\"userName\",\"label\":\"User Name\",\"required\":true,\"multiValued\":false},"
            + "{\"code\":\"roles\",\"label\":\"Roles\",\"required\":false,\"multiValued\":true}]";
        try (HostClient host = start()) {
            assertEquals(settings, host.call("settings", new Args()).get("json"));
            assertEquals(fields, host.call("fields", new Args()).get("json"));
            host.init();
            assertEquals(settings, host.call("settings", new Args()).get("json"));
            assertEquals(fields, host.call("fields", new Args()).get("json"));
        }
    }

    private static void assertFailure(Response response, String message, String stop, Class<?> type) {
        assertFalse(response.ok);
        assertEquals(message, response.get("message"));
        assertEquals(stop, response.get("stop"));
        assertEquals(type.getName(), response.get("class"));
    }
}
