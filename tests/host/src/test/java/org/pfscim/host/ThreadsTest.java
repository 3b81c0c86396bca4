package org.pfscim.host;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.junit.Test;
import org.pfscim.host.HostClient.Response;
import org.pfscim.host.fake.FakePlugin;

/** Tests parallel, exclusive and abandoned calls. */
public class ThreadsTest extends HostTest {
    @Test
    public void operations_run_in_parallel_up_to_the_number_of_threads() throws Exception {
        FakePlugin.arrivals = new CountDownLatch(4);
        try (HostClient host = start("--threads", "4")) {
            host.init();
            List<Long> calls = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                calls.add(host.send("getUser", new Args().add("username", "hang")));
            }
            FakePlugin.arrivals.await();
            assertEquals(4, Collections.frequency(FakePlugin.JOURNAL, "get hang"));
            FakePlugin.release.countDown();
            for (long call : calls) {
                assertTrue(host.response(call).ok);
            }
        }
    }

    @Test
    public void check_and_close_wait_for_earlier_operations() throws Exception {
        try (HostClient host = start("--threads", "2", "init=per-cycle")) {
            host.init();
            host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.arrivals.await();
            long check = host.send("check", new Args());
            long close = host.send("close", new Args());
            FakePlugin.release.countDown();
            assertTrue(host.response(check).ok);
            assertTrue(host.response(close).ok);
        }
        assertEquals("[init 1 URL=http://localhost, get hang, released, check, close]", FakePlugin.JOURNAL.toString());
    }

    @Test
    public void an_abandoned_call_gets_a_response_at_once_and_continues() throws Exception {
        try (HostClient host = start("init=per-cycle")) {
            host.init();
            long hangingSeq = host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.arrivals.await();
            assertTrue(host.call("abandon", new Args().add("seq", Long.toString(hangingSeq))).ok);
            Response abandoned = host.response(hangingSeq);
            assertFalse(abandoned.ok);
            assertEquals("abandoned", abandoned.get("message"));
            assertEquals("false", abandoned.get("stop"));
            // The plugin still uses the only thread. Other calls run nevertheless, also after the end of the session.
            assertTrue(host.call("getUser", "ann").ok);
            assertTrue(host.call("close", new Args()).ok);
            assertTrue(host.init().ok);
            assertTrue(host.call("getUser", "bob").ok);
            assertFalse(FakePlugin.JOURNAL.contains("released"));
            FakePlugin.release.countDown();
            assertTrue(host.call("getUser", "cy").ok);
            host.end();
            long responses = host.lines().stream().filter(line -> line.startsWith(hangingSeq + " ")).count();
            assertEquals(1, responses);
        }
    }

    @Test
    public void a_waiting_call_that_is_abandoned_never_starts() throws Exception {
        try (HostClient host = start()) {
            host.init();
            host.send("getUser", new Args().add("username", "hang"));
            FakePlugin.arrivals.await();
            long waitingSeq = host.send("getUser", new Args().add("username", "late"));
            host.call("abandon", new Args().add("seq", Long.toString(waitingSeq)));
            assertFalse(host.response(waitingSeq).ok);
            FakePlugin.release.countDown();
            assertTrue(host.call("getUser", "ann").ok);
            assertFalse(FakePlugin.JOURNAL.contains("get late"));
        }
    }

    @Test
    public void abandoning_a_completed_call_changes_nothing() throws Exception {
        try (HostClient host = start()) {
            host.init();
            host.call("getUser", "ann");
            assertTrue(host.call("abandon", new Args().add("seq", "2")).ok);
            assertTrue(host.response(2).ok);
        }
    }

    @Test
    public void the_host_ends_while_an_abandoned_call_still_runs() throws Exception {
        HostClient host = start();
        host.init();
        long hangingSeq = host.send("getUser", new Args().add("username", "hang"));
        FakePlugin.arrivals.await();
        host.call("abandon", new Args().add("seq", Long.toString(hangingSeq)));
        assertEquals(0, host.end());
        assertEquals("[init 1 URL=http://localhost, get hang, close]", FakePlugin.JOURNAL.toString());
    }

    @Test
    public void the_end_of_the_input_waits_for_running_calls() throws Exception {
        HostClient host = start();
        host.init();
        long hangingSeq = host.send("getUser", new Args().add("username", "hang"));
        FakePlugin.arrivals.await();
        FakePlugin.release.countDown();
        assertEquals(0, host.end());
        assertTrue(host.response(hangingSeq).ok);
        assertEquals("[init 1 URL=http://localhost, get hang, released, close]", FakePlugin.JOURNAL.toString());
    }
}
