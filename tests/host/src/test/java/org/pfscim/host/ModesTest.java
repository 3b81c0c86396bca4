package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.Test;
import org.pfscim.host.HostClient.Response;
import org.pfscim.host.fake.UnserializablePlugin;
import org.pfscim.host.fake.LateFieldsPlugin;
import org.pfscim.host.fake.FakePlugin;

/** Tests the choices of each mode. */
public class ModesTest extends HostTest {
    private static final String INIT = "init 1 URL=http://localhost";
    private static final Args OTHER_URL = new Args().add("p.URL", "http://other");

    @Test
    public void by_default_one_session_serves_all_cycles() throws Exception {
        runTwoCycles(start());
        assertEquals(Arrays.asList(INIT, "check", "check", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void by_default_changed_parameters_start_a_new_session() throws Exception {
        try (HostClient host = start()) {
            host.init();
            host.call("init", OTHER_URL);
        }
        assertEquals(Arrays.asList(INIT, "close", "init 1 URL=http://other", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_session_per_cycle_starts_and_stops_with_the_cycle() throws Exception {
        runTwoCycles(start("init=per-cycle"));
        assertEquals(Arrays.asList(INIT, "check", "close", INIT, "check", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_session_per_cycle_is_stopped_at_the_end_of_the_input() throws Exception {
        try (HostClient host = start("init=per-cycle")) {
            host.init();
        }
        assertEquals(Arrays.asList(INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_skipped_check_succeeds_without_the_plugin() throws Exception {
        try (HostClient host = start("check=skip")) {
            host.init();
            assertTrue(host.call("check", new Args()).ok);
        }
        assertEquals(Arrays.asList(INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void an_existing_user_may_have_only_an_id() throws Exception {
        try (HostClient host = start("existing=id")) {
            host.init();
            host.call("createUser", "ann");
            host.call("getUser", "ann");
            host.call("updateUser", new Args().add("id", "id-ann").add("a.userName", "anna"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update id-ann enabled {} -> id-ann enabled {userName=[anna]}"));
    }

    @Test
    public void a_removal_may_be_an_update_of_a_disabled_user() throws Exception {
        try (HostClient host = start("removal=update")) {
            host.init();
            Args removed = new Args().add("id", "4").add("enabled", true).add("a.userName", "x");
            assertEquals("4", host.call("deprovisionUser", removed).get("id"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update 4 enabled {} -> 4 disabled {userName=[x]}"));
    }

    @Test
    public void operations_may_be_shuffled_within_their_session() throws Exception {
        List<String> inputOrder = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            inputOrder.add("get user" + i);
        }
        assertEquals(inputOrder, operations(start(), inputOrder));
        List<String> shuffled = operations(start("order=shuffled"), inputOrder);
        assertNotEquals(inputOrder, shuffled);
        Collections.sort(shuffled);
        Collections.sort(inputOrder);
        assertEquals(inputOrder, shuffled);
    }

    @Test
    public void the_field_list_may_be_read_before_parameters_are_set() throws Exception {
        try (HostClient host = start("fields=early")) {
            assertTrue(host.init().ok);
        }
        assertEquals(Arrays.asList("fields without parameters", INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_plugin_that_lists_no_fields_without_parameters_fails_if_they_are_read_early() throws Exception {
        try (HostClient host = startWith(LateFieldsPlugin.class, "fields=early")) {
            Response init = host.init();
            assertFalse(init.ok);
            assertEquals("without parameters the plugin lists no fields", init.get("message"));
        }
        FakePlugin.reset();
        try (HostClient host = startWith(LateFieldsPlugin.class)) {
            assertTrue(host.init().ok);
        }
    }

    @Test
    public void a_deserialized_plugin_has_its_parameters_and_no_session() throws Exception {
        try (HostClient host = start("serialize=true")) {
            assertTrue(host.init().ok);
            assertTrue(host.call("getUser", "ann").ok);
            assertTrue(host.call("getUser", "bob").ok);
            assertTrue(host.call("settings", new Args()).ok);
        }
        assertEquals(Arrays.asList(INIT, "close", "session opened by get, parameters [URL]", "get ann", "get bob", "close"),
            FakePlugin.JOURNAL);
    }

    @Test
    public void a_plugin_that_cannot_be_serialized_fails() throws Exception {
        try (HostClient host = startWith(UnserializablePlugin.class, "serialize=true")) {
            Response init = host.init();
            assertFalse(init.ok);
            assertTrue(init.get("message"), init.get("message").contains("NotSerializableException"));
        }
        FakePlugin.reset();
        try (HostClient host = startWith(UnserializablePlugin.class)) {
            assertTrue(host.init().ok);
        }
    }

    @Test
    public void two_plugins_share_the_calls_of_one_target() throws Exception {
        try (HostClient host = start("instances=2")) {
            assertTrue(host.init().ok);
            for (String user : new String[] {"ann", "bob", "cy"}) {
                assertTrue(host.call("getUser", user).ok);
            }
        }
        assertEquals(Arrays.asList(INIT, INIT, "get ann", "get bob", "get cy", "close", "close"), FakePlugin.JOURNAL);
    }

    private static void runTwoCycles(HostClient host) throws Exception {
        for (int cycle = 0; cycle < 2; cycle++) {
            assertTrue(host.init().ok);
            assertTrue(host.call("check", new Args()).ok);
            assertTrue(host.call("close", new Args()).ok);
        }
        assertEquals(0, host.end());
    }

    /** Sends all calls at once, between two checks of the session. Returns the order in which the plugin got them. */
    private static List<String> operations(HostClient host, List<String> calls) throws Exception {
        host.init();
        FakePlugin.JOURNAL.clear();
        StringBuilder lines = new StringBuilder("100 check\n");
        for (int i = 0; i < calls.size(); i++) {
            lines.append(101 + i).append(" getUser username=").append(calls.get(i).substring(4)).append('\n');
        }
        host.sendLine(lines + "200 check");
        assertTrue(host.response(200).ok);
        List<String> journal = new ArrayList<>(FakePlugin.JOURNAL);
        host.end();
        assertEquals("check", journal.get(0));
        assertEquals("check", journal.get(journal.size() - 1));
        return new ArrayList<>(journal.subList(1, journal.size() - 1));
    }
}
