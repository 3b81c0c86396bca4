package org.pfscim.host;

import org.junit.After;
import org.junit.Before;
import org.junit.Rule;
import org.junit.rules.TemporaryFolder;
import org.pfscim.host.fake.FakePlugin;

/** Base class of tests that send requests to a host. Each test starts with a new plugin. */
public abstract class HostTest {
    @Rule
    public final TemporaryFolder folder = new TemporaryFolder();

    @Before
    public void reset() {
        FakePlugin.reset();
    }

    @After
    public void releaseCalls() {
        FakePlugin.release.countDown();
    }

    final HostClient start(String... options) throws Exception {
        return startWith(FakePlugin.class, options);
    }

    final HostClient startWith(Class<? extends FakePlugin> plugin, String... options) throws Exception {
        return new HostClient(new Deployment(folder.getRoot().toPath()).plugins(plugin.getName()).loader(), options);
    }
}
