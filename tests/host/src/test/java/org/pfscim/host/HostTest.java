package org.pfscim.host;

import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;
import org.pfscim.host.fake.FakePlugin;

/** What the tests that hold a conversation share: a deployed plugin without a past. */
public abstract class HostTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Before
    public void forget() {
        FakePlugin.reset();
    }

    @After
    public void letGo() {
        FakePlugin.release.countDown();
    }

    final Conversation start(String... words) throws Exception {
        return startWith(FakePlugin.class, words);
    }

    final Conversation startWith(Class<? extends FakePlugin> plugin, String... words) throws Exception {
        return new Conversation(new Deployment(folder.getRoot().toPath()).plugins(plugin.getName()).loader(), words);
    }
}
