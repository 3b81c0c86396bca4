package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import com.pingidentity.provisioner.sdk.SaasPluginException;
import java.util.Arrays;
import java.util.Collections;
import org.junit.Test;
import org.pfscim.host.Conversation.Answer;
import org.pfscim.host.fake.FakePlugin;

/** Requests, what they are in calls of the SPI, and their answers. */
public class ProtocolTest extends HostTest {
    @Test
    public void a_session_is_parameters_then_start_then_check_then_stop() throws Exception {
        Conversation host = start();
        Answer init = host.ask("init", new Args().add("channel", "7").add("p.URL", "http://localhost/ü"));
        assertTrue(init.ok);
        assertEquals("userName", init.get("usernameField"));
        assertEquals("true", init.get("groups"));
        assertEquals("false", init.get("dn"));
        assertTrue(host.ask("check", new Args()).ok);
        assertEquals(0, host.end());
        assertEquals(Arrays.asList("init 7 URL=http://localhost/ü", "check", "close"), FakePlugin.JOURNAL);
        assertEquals("", host.errors());
    }

    @Test
    public void a_session_that_cannot_start_fails_and_is_not_stopped() throws Exception {
        Conversation host = start();
        Answer init = host.ask("init", new Args().add("p.URL", "refuse"));
        assertFalse(init.ok);
        assertEquals("config: URL is wrong", init.get("message"));
        assertEquals("true", init.get("stop"));
        host.end();
        assertEquals(Arrays.asList("init 1 URL=refuse"), FakePlugin.JOURNAL);
    }

    @Test
    public void without_init_there_is_nobody_to_ask() throws Exception {
        try (Conversation host = start()) {
            assertFalse(host.ask("getUser", "ann").ok);
            assertFalse(host.ask("check", new Args()).ok);
        }
        assertEquals(Collections.emptyList(), FakePlugin.JOURNAL);
    }

    @Test
    public void a_record_goes_there_and_back_whatever_it_holds() throws Exception {
        try (Conversation host = start()) {
            host.init();
            assertEquals("false", host.ask("getUser", "zoë").get("found"));
            Args record = new Args().add("enabled", false).add("a.userName", "zoë").add("a.note", "two\nlines & 100%")
                .add("a.roles", "a").add("a.roles", "").add("a.roles", "日本語 😀").add("m", "note");
            assertEquals("id-zoë", host.ask("createUser", record).get("id"));
            Args found = host.ask("getUser", "zoë").args;
            assertEquals("true", found.get("found"));
            assertEquals("id-zoë", found.get("id"));
            assertEquals("false", found.get("enabled"));
            assertEquals(record.below("a."), found.below("a."));
            assertEquals(Arrays.asList("note"), found.all("m"));
        }
    }

    @Test
    public void a_created_user_without_id_is_answered_without_id() throws Exception {
        try (Conversation host = start()) {
            host.init();
            Answer created = host.ask("createUser", "skip");
            assertTrue(created.ok);
            assertNull(created.get("id"));
        }
    }

    @Test
    public void an_update_is_told_what_was_read_as_far_as_it_is_mapped() throws Exception {
        try (Conversation host = start()) {
            host.init();
            host.ask("createUser", new Args().add("a.userName", "ann").add("a.title", "Dr").add("a.city", "Bonn"));
            host.ask("getUser", "ann");
            FakePlugin.JOURNAL.clear();
            Args updated = new Args().add("id", "id-ann").add("a.userName", "anna").add("a.title", "Prof");
            assertEquals("id-ann", host.ask("updateUser", updated).get("id"));
            host.ask("deprovisionUser", updated);
            String existing = "id-ann enabled {userName=[ann], title=[Dr]}";
            String asked = "id-ann enabled {userName=[anna], title=[Prof]}";
            assertEquals(Arrays.asList("update " + existing + " -> " + asked, "deprovision " + existing + " -> " + asked),
                FakePlugin.JOURNAL);
        }
    }

    @Test
    public void an_update_of_a_user_never_read_is_told_its_id_only() throws Exception {
        try (Conversation host = start()) {
            host.init();
            host.ask("updateUser", new Args().add("id", "4").add("a.userName", "x"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update 4 enabled {} -> 4 enabled {userName=[x]}"));
    }

    @Test
    public void an_update_without_id_is_refused() throws Exception {
        try (Conversation host = start()) {
            host.init();
            assertFalse(host.ask("updateUser", "ann").ok);
        }
    }

    @Test
    public void members_of_a_group_are_unknown_none_or_listed() throws Exception {
        try (Conversation host = start()) {
            host.init();
            FakePlugin.JOURNAL.clear();
            Args unknown = new Args().add("name", "Staff").add("id", "src").add("members", "null");
            Answer exists = host.ask("doesGroupExist", unknown);
            assertEquals("true", exists.get("exists"));
            assertEquals("g-Staff", exists.get("guid"));
            Args none = new Args().add("name", "Staff").add("guid", "g1").add("members", "list");
            assertEquals("g1", host.ask("updateGroup", none.add("merge", false)).get("id"));
            Args listed = new Args().add("name", "Staff").add("guid", "g1").add("members", "list").add("merge", true)
                .add("u", "1").add("u", "").add("u", "3").add("g", "g2").add("g", "");
            assertTrue(host.ask("updateGroup", listed).ok);
            assertEquals("g-New", host.ask("createGroup", new Args().add("name", "New")).get("id"));
            assertTrue(host.ask("deleteGroup", new Args().add("name", "New").add("guid", "g-New")).ok);
            assertEquals(Arrays.asList("exists Staff null src unknown unknown", "replace Staff g1 null users groups",
                "merge Staff g1 null users 1 null 3 groups g2 null", "create New null null unknown unknown",
                "delete New g-New null unknown unknown"), FakePlugin.JOURNAL);
        }
    }

    @Test
    public void a_failure_is_its_message_and_whether_it_stops_the_session() throws Exception {
        try (Conversation host = start()) {
            host.init();
            assertFailure(host.ask("getUser", "refused"), "rejected: no such department", "false",
                SaasPluginException.class);
            assertFailure(host.ask("getUser", "stop"), "auth_failed: sign in again", "true", SaasPluginException.class);
            assertFailure(host.ask("getUser", "boom"), "java.lang.IllegalStateException: boom\nbang", "false",
                IllegalStateException.class);
            assertTrue(host.ask("getUser", "ann").ok);
        }
    }

    @Test
    public void what_the_server_would_not_put_up_with_is_a_failure() throws Exception {
        try (Conversation host = start()) {
            host.init();
            assertFailure(host.ask("createUser", "long256"),
                "an id of 256 characters cannot be stored: it may have 1 to 255", "false", Violation.class);
            assertTrue(host.ask("createUser", "long255").ok);
            assertFalse(host.ask("createUser", "long0").ok);
            assertFailure(host.ask("getUser", "null-id"), "a user was found, but it has no id", "false",
                Violation.class);
            assertFailure(host.ask("getUser", "two lines"),
                "the message of the exception is not one line: rejected:\\u000ano", "true", Violation.class);
            assertFailure(host.ask("getUser", "no message"), "the message of the exception is not one line: null",
                "false", Violation.class);
            assertFailure(host.ask("getUser", "two outcomes"),
                "one operation logged two outcomes: outcome=created and outcome=updated", "false", Violation.class);
            assertFailure(host.ask("getUser", "forged"),
                "a logged text is not one line: name=x\\u000aoutcome=created", "false", Violation.class);
        }
    }

    @Test
    public void what_is_logged_on_the_thread_of_a_call_belongs_to_it() throws Exception {
        try (Conversation host = start("--threads", "2")) {
            host.init();
            long hanging = host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.hanging.await();
            Answer answer = host.ask("getUser", "outcome");
            assertEquals("outcome=skipped id=7", answer.get("outcome"));
            assertEquals(Arrays.asList("the switch is off", "and another"), answer.args.all("warning"));
            assertEquals(3, host.log().size());
            for (Args line : host.log()) {
                assertEquals("com.pingidentity.provisioner.fake", line.get("logger"));
                assertEquals(Long.toString(hanging + 1), line.get("seq"));
            }
            assertEquals("WARN", host.log().get(0).get("level"));
            assertEquals("INFO", host.log().get(2).get("level"));
            assertEquals("outcome=skipped id=7", host.log().get(2).get("text"));
            FakePlugin.release.countDown();
            assertNull(host.answer(hanging).get("outcome"));
            host.ask("getUser", "error");
            assertEquals("lost: java.lang.IllegalStateException: because", host.log().get(3).get("text"));
        }
    }

    @Test
    public void finer_levels_are_logged_on_request() throws Exception {
        try (Conversation host = start("log=all")) {
            host.init();
            host.ask("getUser", "outcome");
            assertEquals("DEBUG", host.log().get(3).get("level"));
        }
    }

    @Test
    public void a_line_that_is_no_request_ends_the_host() throws Exception {
        for (String line : new String[] {"", "getUser", "x getUser", "0 check", "-1 check", "1 check a", "1 check %zz=",
            "1 fly", "1 abandon", "1 abandon seq=x"}) {
            Conversation host = start();
            host.line(line);
            assertEquals(line, 2, host.end());
            assertEquals(line, 1, host.errors().split("\n").length);
        }
    }

    @Test
    public void a_number_in_use_ends_the_host() throws Exception {
        // Shuffled, requests that come together are held back until all of them were read: none is answered before.
        Conversation host = start("order=shuffled");
        host.init();
        host.line("5 getUser username=eve\n5 getUser username=ann");
        assertEquals(2, host.end());
        assertTrue(host.errors(), host.errors().contains("the request 5 is not answered yet and comes again"));
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
        try (Conversation host = start()) {
            assertEquals(settings, host.ask("settings", new Args()).get("json"));
            assertEquals(fields, host.ask("fields", new Args()).get("json"));
            host.init();
            assertEquals(settings, host.ask("settings", new Args()).get("json"));
            assertEquals(fields, host.ask("fields", new Args()).get("json"));
        }
    }

    private static void assertFailure(Answer answer, String message, String stop, Class<?> type) {
        assertFalse(answer.ok);
        assertEquals(message, answer.get("message"));
        assertEquals(stop, answer.get("stop"));
        assertEquals(type.getName(), answer.get("class"));
    }
}
