package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;
import org.pfscim.host.Conversation.Answer;
import org.pfscim.host.fake.FakePlugin;

/** Calls side by side, alone, and given up. */
public class ThreadsTest extends HostTest {
    @Test
    public void as_many_operations_run_at_once_as_there_are_threads() throws Exception {
        FakePlugin.hanging = new CountDownLatch(4);
        try (Conversation host = start("--threads", "4")) {
            host.init();
            List<Long> calls = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                calls.add(host.send("getUser", new Args().add("username", "hang")));
            }
            FakePlugin.hanging.await();
            assertEquals(4, Collections.frequency(FakePlugin.JOURNAL, "get hang"));
            FakePlugin.release.countDown();
            for (long call : calls) {
                assertTrue(host.answer(call).ok);
            }
        }
    }

    @Test
    public void the_session_is_checked_and_closed_when_earlier_operations_are_done() throws Exception {
        try (Conversation host = start("--threads", "2", "init=per-cycle")) {
            host.init();
            host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.hanging.await();
            long check = host.send("check", new Args());
            long close = host.send("close", new Args());
            FakePlugin.release.countDown();
            assertTrue(host.answer(check).ok);
            assertTrue(host.answer(close).ok);
        }
        assertEquals("[init 1 URL=http://localhost, get hang, released, check, close]", FakePlugin.JOURNAL.toString());
    }

    @Test
    public void a_call_given_up_is_answered_at_once_and_goes_on() throws Exception {
        try (Conversation host = start("init=per-cycle")) {
            host.init();
            long hanging = host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.hanging.await();
            assertTrue(host.ask("abandon", new Args().add("seq", Long.toString(hanging))).ok);
            Answer abandoned = host.answer(hanging);
            assertFalse(abandoned.ok);
            assertEquals("abandoned", abandoned.get("message"));
            assertEquals("false", abandoned.get("stop"));
            // The only thread is still with the plugin; work goes on nevertheless, over the end of the session.
            assertTrue(host.ask("getUser", "ann").ok);
            assertTrue(host.ask("close", new Args()).ok);
            assertTrue(host.init().ok);
            assertTrue(host.ask("getUser", "bob").ok);
            assertFalse(FakePlugin.JOURNAL.contains("released"));
            FakePlugin.release.countDown();
            assertTrue(host.ask("getUser", "cy").ok);
            host.end();
            long answers = host.lines().stream().filter(line -> line.startsWith(hanging + " ")).count();
            assertEquals(1, answers);
        }
    }

    @Test
    public void a_call_given_up_while_it_waits_never_begins() throws Exception {
        try (Conversation host = start()) {
            host.init();
            host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.hanging.await();
            long waiting = host.send("getUser", new Args().add("username", "late"));
            host.ask("abandon", new Args().add("seq", Long.toString(waiting)));
            assertFalse(host.answer(waiting).ok);
            FakePlugin.release.countDown();
            assertTrue(host.ask("getUser", "ann").ok);
            assertFalse(FakePlugin.JOURNAL.contains("get late"));
        }
    }

    @Test
    public void giving_up_what_is_answered_changes_nothing() throws Exception {
        try (Conversation host = start()) {
            host.init();
            host.ask("getUser", "ann");
            assertTrue(host.ask("abandon", new Args().add("seq", "2")).ok);
            assertTrue(host.answer(2).ok);
        }
    }

    @Test
    public void the_host_ends_although_a_call_given_up_still_runs() throws Exception {
        Conversation host = start();
        host.init();
        long hanging = host.send("getUser", new Args().add("username", "hang"));
        FakePlugin.hanging.await();
        host.ask("abandon", new Args().add("seq", Long.toString(hanging)));
        assertEquals(0, host.end());
        assertEquals("[init 1 URL=http://localhost, get hang, close]", FakePlugin.JOURNAL.toString());
    }

    @Test
    public void the_end_of_the_input_waits_for_calls_under_way() throws Exception {
        Conversation host = start();
        host.init();
        long hanging = host.send("getUser", new Args().add("username", "hang"));
        FakePlugin.hanging.await();
        FakePlugin.release.countDown();
        assertEquals(0, host.end());
        assertTrue(host.answer(hanging).ok);
        assertEquals("[init 1 URL=http://localhost, get hang, released, close]", FakePlugin.JOURNAL.toString());
    }
}
