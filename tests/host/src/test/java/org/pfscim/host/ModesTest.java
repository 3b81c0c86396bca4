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
import org.pfscim.host.Conversation.Answer;
import org.pfscim.host.fake.ClingingPlugin;
import org.pfscim.host.fake.EagerPlugin;
import org.pfscim.host.fake.FakePlugin;

/** What the documentation of the SPI leaves open, played both ways. */
public class ModesTest extends HostTest {
    private static final String INIT = "init 1 URL=http://localhost";
    private static final Args OTHER_URL = new Args().add("p.URL", "http://other");

    @Test
    public void by_default_one_session_lasts_over_all_cycles() throws Exception {
        twoCycles(start());
        assertEquals(Arrays.asList(INIT, "check", "check", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void by_default_other_parameters_start_another_session() throws Exception {
        try (Conversation host = start()) {
            host.init();
            host.ask("init", OTHER_URL);
        }
        assertEquals(Arrays.asList(INIT, "close", "init 1 URL=http://other", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_session_per_cycle_starts_and_stops_with_each() throws Exception {
        twoCycles(start("init=per-cycle"));
        assertEquals(Arrays.asList(INIT, "check", "close", INIT, "check", "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_session_per_cycle_is_stopped_when_the_input_ends_within_it() throws Exception {
        try (Conversation host = start("init=per-cycle")) {
            host.init();
        }
        assertEquals(Arrays.asList(INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_skipped_check_succeeds_without_the_plugin() throws Exception {
        try (Conversation host = start("check=skip")) {
            host.init();
            assertTrue(host.ask("check", new Args()).ok);
        }
        assertEquals(Arrays.asList(INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void an_existing_user_may_be_its_id_and_nothing_else() throws Exception {
        try (Conversation host = start("existing=id")) {
            host.init();
            host.ask("createUser", "ann");
            host.ask("getUser", "ann");
            host.ask("updateUser", new Args().add("id", "id-ann").add("a.userName", "anna"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update id-ann enabled {} -> id-ann enabled {userName=[anna]}"));
    }

    @Test
    public void a_removal_may_be_an_update_of_a_disabled_user() throws Exception {
        try (Conversation host = start("removal=update")) {
            host.init();
            Args removed = new Args().add("id", "4").add("enabled", true).add("a.userName", "x");
            assertEquals("4", host.ask("deprovisionUser", removed).get("id"));
        }
        assertTrue(FakePlugin.JOURNAL.contains("update 4 enabled {} -> 4 disabled {userName=[x]}"));
    }

    @Test
    public void operations_may_come_in_no_order_but_within_their_session() throws Exception {
        List<String> given = new ArrayList<>();
        for (int i = 0; i < 40; i++) {
            given.add("get user" + i);
        }
        assertEquals(given, operations(start(), given));
        List<String> shuffled = operations(start("order=shuffled"), given);
        assertNotEquals(given, shuffled);
        Collections.sort(shuffled);
        Collections.sort(given);
        assertEquals(given, shuffled);
    }

    @Test
    public void the_field_list_may_be_asked_before_there_are_parameters() throws Exception {
        try (Conversation host = start("fields=early")) {
            assertTrue(host.init().ok);
        }
        assertEquals(Arrays.asList("fields without parameters", INIT, "close"), FakePlugin.JOURNAL);
    }

    @Test
    public void a_plugin_without_fields_before_its_parameters_fails_when_asked_early() throws Exception {
        try (Conversation host = startWith(EagerPlugin.class, "fields=early")) {
            Answer init = host.init();
            assertFalse(init.ok);
            assertEquals("without parameters the plugin lists no fields", init.get("message"));
        }
        FakePlugin.reset();
        try (Conversation host = startWith(EagerPlugin.class)) {
            assertTrue(host.init().ok);
        }
    }

    @Test
    public void a_plugin_read_back_works_on_with_its_parameters_and_no_session() throws Exception {
        try (Conversation host = start("serialize=true")) {
            assertTrue(host.init().ok);
            assertTrue(host.ask("getUser", "ann").ok);
            assertTrue(host.ask("getUser", "bob").ok);
            assertTrue(host.ask("settings", new Args()).ok);
        }
        assertEquals(Arrays.asList(INIT, "close", "session opened by get, parameters [URL]", "get ann", "get bob", "close"),
            FakePlugin.JOURNAL);
    }

    @Test
    public void a_plugin_that_cannot_be_written_out_fails() throws Exception {
        try (Conversation host = startWith(ClingingPlugin.class, "serialize=true")) {
            Answer init = host.init();
            assertFalse(init.ok);
            assertTrue(init.get("message"), init.get("message").contains("NotSerializableException"));
        }
        FakePlugin.reset();
        try (Conversation host = startWith(ClingingPlugin.class)) {
            assertTrue(host.init().ok);
        }
    }

    @Test
    public void two_plugins_share_the_work_of_one_target() throws Exception {
        try (Conversation host = start("instances=2")) {
            assertTrue(host.init().ok);
            for (String user : new String[] {"ann", "bob", "cy"}) {
                assertTrue(host.ask("getUser", user).ok);
            }
        }
        assertEquals(Arrays.asList(INIT, INIT, "get ann", "get bob", "get cy", "close", "close"), FakePlugin.JOURNAL);
    }

    private static void twoCycles(Conversation host) throws Exception {
        for (int cycle = 0; cycle < 2; cycle++) {
            assertTrue(host.init().ok);
            assertTrue(host.ask("check", new Args()).ok);
            assertTrue(host.ask("close", new Args()).ok);
        }
        assertEquals(0, host.end());
    }

    /** Sends all calls at once, between two calls about the session, and tells in which order they came. */
    private static List<String> operations(Conversation host, List<String> calls) throws Exception {
        host.init();
        FakePlugin.JOURNAL.clear();
        StringBuilder lines = new StringBuilder("100 check\n");
        for (int i = 0; i < calls.size(); i++) {
            lines.append(101 + i).append(" getUser username=").append(calls.get(i).substring(4)).append('\n');
        }
        host.line(lines + "200 check");
        assertTrue(host.answer(200).ok);
        List<String> journal = new ArrayList<>(FakePlugin.JOURNAL);
        host.end();
        assertEquals("check", journal.get(0));
        assertEquals("check", journal.get(journal.size() - 1));
        return new ArrayList<>(journal.subList(1, journal.size() - 1));
    }
}
